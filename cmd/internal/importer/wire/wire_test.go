package wire

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

const operation = `"key":"k-1","actor":"employee:e-17","at":"2026-01-02T03:04:05+02:00","purpose":"service","grounds":"ua.11.1.3","service":"account"`

// lines holds one example of every command.
func lines(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "every-command.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func TestDecodeTransfer(t *testing.T) {
	t.Parallel()
	line := `{"command":"transfer",` + operation + `,"subject":"0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c01",` +
		`"recipient":"0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c02","fields":["name"],"basis":{"defence":{"evidence":"f-1","approver":"e-2","statement":"why"}}}`
	got, err := Decode([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	op, err := domain.NewOperation(domain.OperationSpec{Key: "k-1", Actor: domain.Actor{Kind: domain.ActorEmployee, ID: "e-17"},
		At: time.Date(2026, 1, 2, 1, 4, 5, 0, time.UTC), Purpose: "service", Grounds: "ua.11.1.3", Service: "account"})
	if err != nil {
		t.Fatal(err)
	}
	want := subject.Transfer{
		About:     subject.About{Subject: domain.SubjectID{UUID: uuid.MustParse("0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c01")}, Operation: op},
		Recipient: domain.RecipientID{UUID: uuid.MustParse("0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c02")},
		Fields:    []domain.Field{"name"},
		Basis:     subject.ByDefence{Evidence: "f-1", Approver: "e-2", Statement: domain.Item{Value: domain.ClearValue("why")}},
	}
	if d := cmp.Diff(Command(want), got, cmp.AllowUnexported(domain.Operation{})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const subj = `"subject":"0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c01"`
	for line, want := range map[string]string{
		``:                                      `the line: malformed`,
		`{`:                                     `JSON`,
		`null`:                                  `command: missing or unknown`,
		`[]`:                                    `wrong type`,
		`{"command":"fly"}`:                     `command: missing or unknown; known are close, collect`,
		`{"command":"close"}`:                   `subject: missing`,
		`{"command":"close",` + operation + `}`: `subject: missing`,
		`{"command":"close",` + operation + `,` + subj + `} {}`:                                         `malformed`,
		`{"command":"close",` + operation + `,` + subj + `,"hush":"secret"}`:                            `the command does not know`,
		`{"command":"close",` + operation + `,` + subj + `,"fields":["a"]}`:                             `fields: a member that the command does not know`,
		`{"command":"close",` + operation + `,` + subj + `,"key":"other"}`:                              `given twice`,
		`{"command":"close",` + operation + `,"subject":"secret"}`:                                      `subject: a value of the wrong type`,
		`{"Command":"close",` + operation + `,` + subj + `}`:                                            `command: missing or unknown`,
		`{"command":"use",` + operation + `,` + subj + `,"fields":"secret"}`:                            `fields: a value of the wrong type`,
		`{"command":"collect",` + operation + `,` + subj + `,"source":"subject","values":{"secret":5}}`: `values.?: a value of the wrong type`,
		`{"command":"transfer",` + operation + `,` + subj + `,"fields":["name"],"basis":{}}`:            `basis: want exactly one`,
		`{"command":"consent.withdraw",` + operation + `,` + subj + `}`:                                 `consent: missing`,
		"{\"command\":\"close\",\"key\":\"\xff\"}":                                                      `the line is not valid UTF-8`,
		`{"command":"request.approve",` + operation + `}`:                                               `request: missing`,
		`{"command":"hold.release",` + operation + `,` + subj + `,"document":"d-1"}`:                    `hold: missing`,
		`{"command":"disclose",` + operation + `,` + subj + `,"values":[{"field":"name"}]}`:             `recipient: missing`,
		`{"command":"retention.end",` + operation + `,` + subj + `,"values":[{"secret":"name"}]}`:       `values.?.?: a member`,
		`{"command":"request.answer",` + operation + `,"warrant":{"dated":"secret"}}`:                   `warrant: a member`,
		`{"command":"policy.publish",` + operation + `,"source":{"secret":1}}`:                          `source: a value of the wrong type`,
		`{"command":"policy.publish",` + operation + `,` + subj + `}`:                                   `subject: a member`,
		`{"command":"close","key":"k","actor":"robot:x","at":"2026-01-02T03:04:05Z",` + subj + `}`:      `actor: want kind:code`,
		`{"command":"close","key":"k","actor":"system:x","at":"yesterday-secret",` + subj + `}`:         `at: a value of the wrong type`,
		`{"command":"close","key":"k","actor":"system:x","at":"2026-01-02T03:04:05Z",` + subj + `}`:     `grounds: missing`,
	} {
		c, err := Decode([]byte(line))
		if err == nil {
			t.Errorf("%s is taken as %v", line, c)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %q, want %q", line, err, want)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error %q repeats text of the line", err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, line := range lines(f) {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := Decode(line)
		if err != nil {
			return
		}
		if c.By().IsZero() || !slices.Contains(Names(), c.Name()) {
			t.Errorf("%q gives a %q without an operation", line, c.Name())
		}
	})
}
