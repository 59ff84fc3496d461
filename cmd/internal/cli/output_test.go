package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/eventstore"
)

// failing takes so many bytes and then gives an error for ever, as a full disk or a closed pipe does.
type failing struct {
	room int
	err  error
}

func (f *failing) Write(b []byte) (int, error) {
	n := min(f.room, len(b))
	f.room -= n
	if n < len(b) {
		return n, f.err
	}
	return n, nil
}

// answered runs one command line whose answer goes to out.
func answered(t testing.TB, out io.Writer, line string) (int, string) {
	t.Helper()
	var talk bytes.Buffer
	code := Run(t.Context(), strings.Fields(line), Streams{In: strings.NewReader(""), Out: out, Err: &talk})
	return code, talk.String()
}

// wantUnwritten runs a command whose answer finds no room, and one whose reader has gone.
func wantUnwritten(t testing.TB, line string) {
	t.Helper()
	for _, room := range []int{0, 7} {
		code, said := answered(t, &failing{room, syscall.ENOSPC}, line)
		if code != exitFailed || strings.Count(said, "the answer is not whole") != 1 || !strings.Contains(said, syscall.ENOSPC.Error()) {
			t.Errorf("%s, with room for %d bytes, ends with %d and says:\n%s", line, room, code, said)
		}
	}
	code, said := answered(t, &failing{7, syscall.EPIPE}, line+" --quiet")
	if code != exitPipe || said != "" {
		t.Errorf("%s, with a closed pipe, ends with %d and says:\n%s", line, code, said)
	}
}

// TestAnswersThatCannotBeWrittenFail: a script that keeps an answer in a file must learn that the disk was full.
func TestAnswersThatCannotBeWrittenFail(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"version", "config show", "config check", "policy show", "policy check", "policy clauses"} {
		wantUnwritten(t, line)
		wantUnwritten(t, line+" --json")
	}
	wantUnwritten(t, "policy show --yaml")
	wantUnwritten(t, "completion bash")
	walk(testProgram().root(), func(cmd *cobra.Command) {
		wantUnwritten(t, strings.TrimPrefix(cmd.CommandPath()+" --help", "litopys "))
	})
}

// TestAnswersOfALedgerThatCannotBeWrittenFail is the same for commands that open a ledger.
func TestAnswersOfALedgerThatCannotBeWrittenFail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	on := func(line string) string { return line + " --dir " + dir }
	who := " --actor subject:web --purpose service --grounds ua.11.1.3 --service account"
	for _, line := range []string{"init", "subject register --subject " + subjectExample + who,
		"subject collect " + subjectExample + " --set name=Olena" + who,
		"recipient add --name Post --kind delivery --country UA" + who} {
		if code, said := answered(t, io.Discard, on(line)); code != exitDone {
			t.Fatalf("%s ends with %d:\n%s", line, code, said)
		}
	}
	for _, line := range []string{"init", "log verify", "key status", "projection status", "subject show " + subjectExample,
		"subject history " + subjectExample, "subject plan " + subjectExample + " --all", "consent list " + subjectExample, "transfer list", "recipient list",
		"request list", "obligation list", "register show", "transfer export --format csv", "log replay",
		"subject use " + subjectExample + " --field name --key again" + who} {
		if code, said := answered(t, &failing{7, syscall.ENOSPC}, on(line)); code != exitFailed || strings.Count(said, "the answer is not whole") != 1 {
			t.Errorf("%s ends with %d and says:\n%s", line, code, said)
		}
	}
	for _, line := range []string{"log verify", "subject show " + subjectExample} { // opening a ledger takes its time
		wantUnwritten(t, on(line)+" --json")
	}
	if code, said := answered(t, io.Discard, on("log verify")); code != exitDone {
		t.Errorf("the ledger is damaged: %d\n%s", code, said)
	}
}

// TestTheCommandsOwnErrorComesFirst: the code of damage or of a refusal must not hide behind a full disk.
func TestTheCommandsOwnErrorComesFirst(t *testing.T) {
	t.Parallel()
	full := func() *output {
		o := &output{w: &failing{0, syscall.ENOSPC}}
		_, _ = fmt.Fprint(o, "x")
		return o
	}
	for name, test := range map[string]struct {
		of   func(*output) error
		want int
	}{
		"nothing":  {func(*output) error { return nil }, exitFailed},
		"answer":   {func(o *output) error { return fmt.Errorf("answer: %w", o.err) }, exitFailed},
		"damage":   {func(o *output) error { return errors.Join(o.err, eventstore.ErrCorrupt) }, exitCorrupt},
		"conflict": {func(*output) error { return eventstore.ErrWrongRevision }, exitConflict},
	} {
		o := full()
		if got := exitCode(o.ended(test.of(o))); got != test.want {
			t.Errorf("%s: exit code %d, want %d", name, got, test.want)
		}
	}
	o := &output{w: io.Discard}
	if err := o.ended(nil); err != nil {
		t.Errorf("a whole answer ends with %v", err)
	}
}

// TestNothingIsWrittenAfterAnError: the rest of an answer after a gap would be read as if nothing were missing.
func TestNothingIsWrittenAfterAnError(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	fails := []error{nil, syscall.ENOSPC, nil}
	o := &output{w: writerFunc(func(b []byte) (int, error) {
		err := fails[0]
		fails = fails[1:]
		if err != nil {
			return 0, err
		}
		return got.Write(b)
	})}
	var all []error
	for _, word := range []string{"a", "b", "c"} {
		_, err := io.WriteString(o, word)
		all = append(all, err)
	}
	if got.String() != "a" || all[0] != nil || !errors.Is(all[1], syscall.ENOSPC) || !slices.Equal(all[1:2], all[2:]) {
		t.Errorf("%q is written, with %v", got.String(), all)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
