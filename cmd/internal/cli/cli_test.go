package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/seal"
	"imagine.ua/litopys/projections"
)

func testProgram() *program {
	return &program{Streams: Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}, now: time.Now, newID: uuid.NewRandom}
}

// walk visits every command of the program.
func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		walk(sub, visit)
	}
}

func TestEveryCommandIsExplained(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	walk(testProgram().root(), func(cmd *cobra.Command) {
		seen[cmd.CommandPath()] = true
		if cmd.Short == "" || cmd.Example == "" || cmd.Args == nil && cmd.Name() != "rebuild" {
			t.Errorf("%s lacks a sentence, an example or a rule for its arguments", cmd.CommandPath())
		}
		for _, line := range strings.Split(cmd.Long, "\n") {
			if len(line) > 125 {
				t.Errorf("%s: a line of its help has %d bytes", cmd.CommandPath(), len(line))
			}
		}
	})
	for _, want := range []string{"demo", "init", "config show", "config check", "import access-log", "import events",
		"subject register", "subject collect", "subject edit", "subject delete", "subject close", "subject dispute",
		"subject rectify", "subject identify", "subject publish", "subject use", "subject view", "subject find",
		"subject show", "subject history", "subject plan", "consent grant", "consent withdraw", "consent list",
		"order place", "order execute", "order cancel", "recipient add", "recipient list", "transfer record",
		"transfer list", "transfer export", "policy show", "policy check", "policy clauses", "projection status",
		"projection rebuild", "log verify", "policy publish", "policy notice", "request open", "request approve", "request extend",
		"request answer", "request list", "request show", "obligation list", "obligation close", "export subject", "log copy", "projection run", "bench", "version"} {
		if !seen["litopys "+want] {
			t.Errorf("there is no command %q", want)
		}
	}
}

// TestExamplesParse runs every example's flags through its command, so that no help shows a flag that is gone.
func TestExamplesParse(t *testing.T) {
	t.Parallel()
	walk(testProgram().root(), func(cmd *cobra.Command) {
		for _, line := range strings.Split(cmd.Example, "\n") {
			_, after, ok := strings.Cut(line, "litopys ")
			if !ok {
				continue
			}
			words := strings.Fields(strings.NewReplacer("'", "", ">", " ").Replace(after))
			found, rest, err := testProgram().root().Find(words)
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	})
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	wrap := func(err error) error { return fmt.Errorf("somewhere: %w", err) }
	for _, test := range []struct {
		err  error
		code int
		kind string
	}{
		{nil, 0, ""},
		{errors.New("disk on fire"), 1, "failed"},
		{wrap(eventstore.ErrLocked), 1, "busy"},
		{wrap(eventstore.ErrFull), 1, "full"},
		{wrap(context.Canceled), 1, "interrupted"},
		{errRejected, 1, "failed"},
		{usage("do", "wrong"), 2, "usage"},
		{wrap(config.ErrInvalid), 2, "usage"},
		{wrap(domain.Refuse("a.b", "2.1", "do", "no").WithKind(domain.Input)), 2, "refused"},
		{wrap(domain.Refuse("a.b", "2.1", "do", "no")), 3, "refused"},
		{wrap(domain.Refuse("a.b", "", "do", "no").WithKind(domain.Unknown)), 3, "refused"},
		{wrap(domain.Refuse("a.b", "", "do", "no").WithKind(domain.Conflict)), 4, "refused"},
		{wrap(ledger.ErrConflict), 4, "conflict"},
		{&eventstore.WrongRevisionError{Stream: "s"}, 4, "conflict"},
		{wrap(&eventstore.CorruptError{File: "f", Place: "p", Detail: "d"}), 5, "corrupt"},
		{wrap(eventstore.ErrForeign), 5, "corrupt"},
		{wrap(&projections.ForeignError{Projections: []string{"profile"}}), 5, "corrupt"},
		{wrap(&answerError{syscall.ENOSPC}), 1, "failed"},
		{wrap(seal.ErrVerify), 5, "corrupt"},
		{viewing(true).failed(wrap(seal.ErrVerify)), 5, "corrupt"},
		{errors.Join(errRejected, eventstore.ErrCorrupt), 5, "corrupt"},
	} {
		if got := exitCode(test.err); got != test.code {
			t.Errorf("%v: exit code %d, want %d", test.err, got, test.code)
		}
		if test.err == nil {
			continue
		}
		if got := troubleOf(test.err); got.Kind != test.kind || got.Exit != test.code || got.Message == "" {
			t.Errorf("%v is told as %+v, want kind %q", test.err, got, test.kind)
		}
	}
}

// TestUnseenViewing: whoever has a viewing on record and saw nothing is told both, and what helps against each.
func TestUnseenViewing(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk on fire")
	if err := viewing(false).failed(cause); !errors.Is(err, cause) || troubleOf(err).Message != "disk on fire" {
		t.Errorf("without a viewing: %v", err)
	}
	if err := viewing(true).failed(nil); err != nil {
		t.Errorf("without a failure: %v", err)
	}
	const again = "give the command again without --key, or with a new one: it records a viewing of its own"
	refused := troubleOf(viewing(true).failed(domain.Refuse("view.category", "5.1", "ask an officer", "not for this role")))
	if refused.Exit != exitRefused || refused.Code != "view.category" || refused.Remedy != "ask an officer; then "+again ||
		refused.Message != "nothing is shown, though the viewing is on record: not for this role" {
		t.Errorf("a refusal is told as %+v", refused)
	}
	for err, want := range map[error]string{
		cause:              again,
		eventstore.ErrFull: "free some space; what was recorded is safe and readable; then " + again,
	} {
		got := troubleOf(viewing(true).failed(err))
		if got.Message != "nothing is shown, though the viewing is on record: "+err.Error() || got.Remedy != want {
			t.Errorf("told as %+v", got)
		}
	}
}

func TestEveryRefusalKindHasAnExitCode(t *testing.T) {
	t.Parallel()
	for kind := domain.Rule; kind.String() != "refusal"; kind++ {
		if _, ok := refusals[kind]; !ok {
			t.Errorf("%s has no exit code", kind)
		}
	}
}

func TestRefusalShowsCodeClauseSentenceRemedy(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tell(&out, domain.Refuse("transfer.no-consent", "3.3.1", "record a consent", "no consent covers it"), "litopys transfer record --help", false)
	if got, want := out.String(), "refused [transfer.no-consent, clause 3.3.1]: no consent covers it\n  remedy: record a consent\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestVisibleDisarmsTerminals(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain, Юлія":    "plain, Юлія",
		"\x1b[2Jgone":    `\u001b[2Jgone`,
		"a\nb":           "a | b",
		"\u202edrow":     `\u202edrow`,
		"zero\u200bjoin": `zero\u200bjoin`,
		"\x7f\x00":       `\u007f\u0000`,
	} {
		if got := visible(in); got != want {
			t.Errorf("%q shows as %q, want %q", in, got, want)
		}
	}
}

func TestShowNeverOpens(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value domain.Value
		want  string
	}{
		{domain.Value{}, ""}, {domain.SealedValue([]byte("x")), "[sealed]"}, {domain.ErasedValue(), "[erased]"}, {domain.ClearValue("x"), "x"},
	} {
		if got := show(test.value); got != test.want {
			t.Errorf("%s shows as %q, want %q", test.value.Condition(), got, test.want)
		}
	}
}

func TestTablesFit(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	g := grid{head: []string{"a", "b"}, wide: []int{20, 30}}
	g.add(strings.Repeat("x", 95), strings.Repeat("word ", 40))
	g.print(&out, "")
	for line := range strings.Lines(out.String()) {
		if len(strings.TrimRight(line, "\n")) > width {
			t.Errorf("a line has %d columns: %q", len(line), line)
		}
	}
}

func TestParseValues(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"name=Olena\n\nemail=a=b\n":       "name=Olena;email=a=b;",
		` {"name": "O\nQ", "email": "x"}`: "email=x;name=O\nQ;",
		"":                                "",
	} {
		got := ""
		err := parseValues([]byte(text), func(f, v string) error { got += f + "=" + v + ";"; return nil })
		if err != nil || got != want {
			t.Errorf("%q gives %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"secret", "=secret", `{"secret": 5}`, `{"a": "secret", "a": "b"}`, `{"a": "secret"`} {
		err := parseValues([]byte(text), func(string, string) error { return nil })
		if !errors.Is(err, errUsage) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q gives %v", text, err)
		}
	}
}

func TestPlanOperationIsPermitted(t *testing.T) {
	t.Parallel()
	pol := policy.Imagine()
	op, err := planOperation(pol, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := pol.Permit(op); err != nil {
		t.Error(err)
	}
}

func TestWriteWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	broken := errors.New("broken")
	if _, err := writeWhole(path, func(w io.Writer) (int64, error) {
		_, _ = w.Write([]byte("half"))
		return 1, broken
	}); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	whole := func(w io.Writer) (int64, error) { _, err := w.Write([]byte("whole")); return 1, err }
	if _, err := writeWhole(path, whole); err != nil {
		t.Fatal(err)
	}
	if _, err := writeWhole(path, whole); !errors.Is(err, errUsage) {
		t.Errorf("an existing file is replaced: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v; want the one file", entries, err)
	}
	if text, _ := os.ReadFile(path); string(text) != "whole" {
		t.Errorf("the file holds %q", text)
	}
}
