package importer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	json "github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/keys"
)

var errDisk = errors.New("disk on fire")

// fakeLedger takes every command once for its subject and key. It refuses commands of a far future and those whose
// value holds "refuse" or is too long, and fails for good once it has taken as many commands as it may.
type fakeLedger struct {
	t     testing.TB
	taken map[string]bool
	found map[string][]domain.SubjectID
	gone  bool // visitors' keys are destroyed
	limit int  // 0: none
}

func newFake(t testing.TB) *fakeLedger {
	return &fakeLedger{t: t, taken: map[string]bool{}, found: map[string][]domain.SubjectID{}}
}

func (f *fakeLedger) HandleAll(_ context.Context, cmds []ledger.Command) []ledger.Outcome {
	outs := make([]ledger.Outcome, len(cmds))
	for i, c := range cmds {
		outs[i] = f.handle(c)
	}
	return outs
}

func (f *fakeLedger) handle(c ledger.Command) ledger.Outcome {
	cmd, ok := c.(subject.Command)
	if !ok {
		return ledger.Outcome{Receipt: ledger.Receipt{Events: []uuid.UUID{{1}}}}
	}
	key := cmd.Target().String() + cmd.By().Spec().Key
	if f.taken[key] {
		return ledger.Outcome{Receipt: ledger.Receipt{Repeated: true}}
	}
	if cmd.By().Spec().At.Year() > 2100 {
		return ledger.Outcome{Err: domain.Refuse("operation.future", "3.4", "wait", "too early")}
	}
	if f.limit > 0 && len(f.taken) >= f.limit {
		return ledger.Outcome{Err: errDisk}
	}
	switch cmd := cmd.(type) {
	case subject.Register:
		mark, _ := cmd.Reference.Value.Reveal()
		f.found[mark] = append(f.found[mark], cmd.Subject)
	case subject.Collect:
		for _, v := range cmd.Values {
			text, _ := v.Value.Reveal()
			if len(text) > 4096 {
				return ledger.Outcome{Err: domain.Refuse("value.too-long", "2.1", "shorten it", "the value is too long")}
			}
			if strings.Contains(text, "refuse") {
				return ledger.Outcome{Err: domain.Refuse("value.bad", "2.1", "mend it", "the value is bad")}
			}
		}
	}
	f.taken[key] = true
	return ledger.Outcome{Receipt: ledger.Receipt{Events: []uuid.UUID{{1}}}}
}

func (f *fakeLedger) Policies(context.Context) (*policy.Set, error) {
	return policy.NewSet(policy.Imagine())
}

func (f *fakeLedger) Find(_ context.Context, field domain.Field, value domain.Value) ([]domain.SubjectID, error) {
	text, ok := value.Reveal()
	if field != fieldVisitor || !ok {
		f.t.Errorf("asked for %s %s", field, value)
	}
	return f.found[text], nil
}

func (f *fakeLedger) Token(_ context.Context, ref keys.Ref, content []byte) (uuid.UUID, error) {
	if f.gone {
		return uuid.Nil, ledger.ErrErased
	}
	sum := sha256.Sum256(append(ref.Subject.UUID[:], content...))
	return uuid.UUID(sum[:16]), nil
}

// someAct is one that the policy permits.
func someAct() Act {
	return Act{Actor: domain.Actor{Kind: domain.ActorSystem, ID: "x"}, Purpose: "improvement", Grounds: "ua.11.1.6", Service: "site"}
}

func rejectsIn(t testing.TB) *Rejects {
	t.Helper()
	r, err := NewRejects(filepath.Join(t.TempDir(), "rejects.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run imports a text with the fake and gives the report, the rejects and the error.
func run(t testing.TB, f *fakeLedger, text string, batch int) (Report, []Reject, error) {
	t.Helper()
	in, err := Open("-", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	rejects := rejectsIn(t)
	a := AccessLog{Ledger: f, Visitors: f, Batch: batch, Rejects: rejects, NewID: uuid.NewRandom, Act: someAct()}
	report, runErr := a.Run(t.Context(), in, 8192)
	if err := rejects.Close(); err != nil {
		t.Fatal(err)
	}
	return report, readRejects(t, rejects.Path()), runErr
}

func readRejects(t testing.TB, path string) []Reject {
	t.Helper()
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []Reject
	for line := range bytes.Lines(text) {
		var r Reject
		if err := json.Unmarshal(line, &r, json.RejectUnknownMembers(true)); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func logLine(address, page string) string {
	return fmt.Sprintf("%s - - [17/May/2015:10:05:03 +0000] \"GET %s HTTP/1.1\" 200 1 \"-\" \"A\"\n", address, page)
}

func TestAccountsForEveryLine(t *testing.T) {
	t.Parallel()
	text := logLine("192.0.2.1", "/a") + logLine("192.0.2.1", "/a") + "odd\n" + logLine("192.0.2.2", "/refuse") +
		logLine("192.0.2.2", "/"+strings.Repeat("x", 9000)) + "\n" + logLine("192.0.2.2", "/b")
	for _, batch := range []int{1, 2, 100} {
		f := newFake(t)
		got, rejects, err := run(t, f, text, batch)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(Report{Lines: 7, Imported: 3, Rejected: 4}, got); d != "" {
			t.Errorf("batches of %d (-want +got):\n%s", batch, d)
		}
		var numbers []int64
		for _, r := range rejects {
			numbers = append(numbers, r.Line)
			if r.Reason == "" || strings.Contains(r.Reason, "192.0.2") {
				t.Errorf("line %d is rejected with the reason %q", r.Line, r.Reason)
			}
		}
		if d := cmp.Diff([]int64{3, 4, 5, 6}, numbers); d != "" {
			t.Errorf("rejects of batches of %d (-want +got):\n%s", batch, d)
		}
		again, _, err := run(t, f, text, 3)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(Report{Lines: 7, Already: 3, Rejected: 4}, again); d != "" {
			t.Errorf("second run (-want +got):\n%s", d)
		}
	}
}

func TestAnyTextIsAccountedFor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		lines := rapid.SliceOfN(rapid.OneOf(
			rapid.Just(logLine("192.0.2.1", "/a")), rapid.Just(logLine("192.0.2.2", "/refuse")), rapid.Just("\r\n"),
			rapid.Map(rapid.StringN(0, 20, 40), func(s string) string { return s + "\n" }),
		), 0, 30).Draw(rt, "lines")
		batch := rapid.IntRange(1, 7).Draw(rt, "batch")
		f := newFake(t)
		text := strings.Join(lines, "")
		first, rejects, err := run(t, f, text, batch)
		if err != nil || first.Imported+first.Already+first.Rejected != first.Lines || int64(len(rejects)) != first.Rejected {
			rt.Fatalf("%+v with %d rejects, %v", first, len(rejects), err)
		}
		if first.Lines != int64(strings.Count(text, "\n")) {
			rt.Fatalf("%d lines of %d", first.Lines, strings.Count(text, "\n"))
		}
		second, _, err := run(t, f, text, batch+1)
		if err != nil || second.Imported != 0 || second.Already != first.Imported || second.Rejected != first.Rejected {
			rt.Fatalf("first %+v, second %+v, %v", first, second, err)
		}
	})
}

// TestFailureIsFinishedByAnotherRun stops the ledger after every possible number of commands.
func TestFailureIsFinishedByAnotherRun(t *testing.T) {
	t.Parallel()
	text := logLine("192.0.2.1", "/a") + logLine("192.0.2.1", "/a") + logLine("192.0.2.2", "/b") + logLine("192.0.2.3", "/c")
	for limit := 1; ; limit++ {
		f := newFake(t)
		f.limit = limit
		broken, _, err := run(t, f, text, 2)
		if err == nil {
			if limit < 7 {
				t.Errorf("the run went through with %d commands", limit)
			}
			return
		}
		if !errors.Is(err, errDisk) {
			t.Fatalf("got %v, want %v", err, errDisk)
		}
		f.limit = 0
		whole, _, err := run(t, f, text, 3)
		if err != nil || whole.Already < broken.Imported || whole.Imported+whole.Already != 4 {
			t.Errorf("stopped after %d commands: %+v, then %+v, %v", limit, broken, whole, err)
		}
		if len(f.taken) != 7 {
			t.Errorf("stopped after %d commands: the ledger took %d commands, want 3 visitors and 4 visits", limit, len(f.taken))
		}
	}
}

func TestErasedVisitorIsRejected(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.gone = true
	got, rejects, err := run(t, f, logLine("192.0.2.1", "/a"), 10)
	if err != nil || got.Rejected != 1 || rejects[0].Code != "value.deleted" {
		t.Errorf("got %+v, %v, %v", got, rejects, err)
	}
}

func TestCancelledRunStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := newFake(t)
	in, err := Open("-", strings.NewReader(logLine("192.0.2.1", "/a")))
	if err != nil {
		t.Fatal(err)
	}
	a := AccessLog{Ledger: f, Visitors: f, Batch: 1, Rejects: rejectsIn(t), NewID: uuid.NewRandom}
	if _, err := a.Run(ctx, in, 512); !errors.Is(err, context.Canceled) || len(f.taken) > 0 {
		t.Errorf("got %v after %d commands", err, len(f.taken))
	}
}

func TestEventsAccountForEveryLine(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("wire", "testdata", "every-command.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	good := int64(bytes.Count(text, []byte("\n")))
	all := string(text) + "\n{\n" + strings.Repeat("x", 1<<17) + "\n"
	for _, batch := range []int{1, 3, 1000} {
		in, err := Open("-", strings.NewReader(all))
		if err != nil {
			t.Fatal(err)
		}
		rejects := rejectsIn(t)
		got, err := (&Events{Ledger: newFake(t), Batch: batch, Rejects: rejects}).Run(t.Context(), in, 1<<16)
		if err := errors.Join(err, rejects.Close()); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(Report{Lines: good + 3, Imported: good, Rejected: 3}, got); d != "" {
			t.Errorf("batches of %d (-want +got):\n%s", batch, d)
		}
		if list := readRejects(t, rejects.Path()); len(list) != 3 || list[2].Line != good+3 {
			t.Errorf("rejects: %+v", list)
		}
	}
}
