package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	json "github.com/go-json-experiment/json"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/logcopy"
	"imagine.ua/litopys/eventstore/seal"
	"imagine.ua/litopys/projections"
)

// The exit codes, as documented in the README and in "litopys --help".
const (
	exitDone     = 0 // done
	exitFailed   = 1 // failed: the machine, the folder, rejected lines of "import events"
	exitUsage    = 2 // wrong usage: flags, arguments, configuration, a malformed command
	exitRefused  = 3 // refused by a rule of policy or law, or it names what does not exist
	exitConflict = 4 // contradicts what was recorded before
	exitCorrupt  = 5 // damaged or foreign files
	// exitPipe: the reader of the answer closed it. It is what shells show of cat or grep behind head.
	exitPipe = 141
)

// exits is the one table from errors to exit codes. The first match counts. Refusals go by their kind.
var exits = []struct {
	target error
	code   int
}{
	{errUsage, exitUsage},
	{config.ErrInvalid, exitUsage},
	{eventstore.ErrCorrupt, exitCorrupt},
	{eventstore.ErrForeign, exitCorrupt},
	{ledger.ErrConflict, exitConflict},
	{eventstore.ErrWrongRevision, exitConflict},
	{logcopy.ErrDifferent, exitConflict},
	{keys.ErrElsewhere, exitConflict},
	{keys.ErrDifferent, exitConflict},
	{keys.ErrMoved, exitConflict},
	{projections.ErrMismatch, exitCorrupt},
	{seal.ErrVerify, exitCorrupt},
	{projections.ErrNoOld, exitRefused},
}

var refusals = map[domain.RefusalKind]int{
	domain.Rule:     exitRefused,
	domain.Unknown:  exitRefused,
	domain.Input:    exitUsage,
	domain.Conflict: exitConflict,
}

// errUsage marks a mistake in how the program was called.
var errUsage = errors.New("usage")

// usageError is a mistake in how the program was called, with what to do instead.
type usageError struct {
	message  string
	problems []string // each mistake, when there are several
	remedy   string
}

func (e *usageError) Error() string        { return e.message }
func (e *usageError) Is(target error) bool { return target == errUsage }

func usage(remedy, format string, args ...any) error {
	return &usageError{message: fmt.Sprintf(format, args...), remedy: remedy}
}

// usageAll is usage with several mistakes, or one.
func usageAll(remedy string, problems []string) error {
	e := &usageError{remedy: remedy}
	e.message, e.problems = counted(problems)
	return e
}

// exitCode maps an error to the exit code.
func exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	var refusal *domain.Refusal
	if errors.As(err, &refusal) {
		if code, ok := refusals[refusal.Kind]; ok {
			return code
		}
	}
	if unheard(err) {
		return exitPipe
	}
	for _, e := range exits {
		if errors.Is(err, e.target) {
			return e.code
		}
	}
	return exitFailed
}

// trouble is an error as it is told, in text or JSON: always kind, code, clause, sentence, remedy.
type trouble struct {
	Exit    int    `json:"exit"`
	Kind    string `json:"kind"`
	Code    string `json:"code,omitempty"`
	Clause  string `json:"clause,omitempty"`
	Message string `json:"message"`
	// Problems are all that is wrong with a configuration or a file, when it is more than one thing.
	Problems []string `json:"problems,omitempty"`
	Remedy   string   `json:"remedy,omitempty"`
	Help     string   `json:"help,omitempty"` // after wrong usage: the command line that explains the command
}

func troubleOf(err error) trouble {
	var unseen *unseenError
	if errors.As(err, &unseen) {
		t := troubleOf(unseen.cause)
		t.Exit, t.Message, t.Remedy = exitCode(err), unseen.told(t.Message), unseen.remedy(t.Remedy)
		return t
	}
	t := trouble{Exit: exitCode(err), Kind: "failed", Message: err.Error()}
	var refusal *domain.Refusal
	var wrong *usageError
	var cut *answerError
	switch {
	case errors.As(err, &refusal):
		t.Kind, t.Code, t.Clause = "refused", refusal.Code, refusal.Clause
		t.Message, t.Remedy = refusal.Message, refusal.Remedy
	case errors.As(err, &wrong):
		t.Kind, t.Remedy, t.Problems = "usage", wrong.remedy, wrong.problems
	case t.Exit == exitUsage:
		t.Kind, t.Remedy = "usage", invalidRemedy(err)
		t.Message, t.Problems = counted(problemsOf(err))
	case errors.Is(err, logcopy.ErrDifferent):
		t.Kind, t.Remedy = "conflict", "nothing of the target was overwritten; copy into an empty place, or into an earlier copy of this log"
	case errors.Is(err, keys.ErrElsewhere):
		t.Kind, t.Remedy = "conflict", "the log was moved: set store.url (or dir) to its new place; or finish the move with litopys log copy --switch"
	case errors.Is(err, keys.ErrMoved):
		t.Kind, t.Remedy = "conflict", "name the store that holds them now: keys.url, or --dir when it is in a folder"
	case errors.Is(err, keys.ErrDifferent):
		t.Kind, t.Remedy = "conflict", "nothing of the target was changed; copy into an empty place"
	case t.Exit == exitConflict:
		t.Kind, t.Remedy = "conflict", "read the present state and try again"
	case errors.Is(err, projections.ErrForeign):
		t.Kind, t.Remedy = "corrupt", "name this ledger's own database in answers.url; or, if these answers may go, litopys projection rebuild"
	case errors.Is(err, eventstore.ErrForeign):
		t.Kind, t.Remedy = "corrupt", "nothing was changed; put back the file that belongs to this ledger"
	case errors.Is(err, projections.ErrNoOld):
		t.Kind, t.Remedy = "refused", "litopys projection rebuild computes the answers anew and keeps the present ones for a rollback"
	case errors.Is(err, projections.ErrMismatch):
		t.Kind, t.Remedy = "corrupt", "the log is the truth: litopys projection rebuild computes the rows anew"
	case errors.Is(err, seal.ErrVerify) && !errors.Is(err, eventstore.ErrCorrupt):
		t.Kind, t.Remedy = "corrupt", "litopys projection rebuild computes the answers anew; where that does not help, the log or the keys are damaged: litopys log verify"
	case t.Exit == exitCorrupt:
		t.Kind, t.Remedy = "corrupt", "nothing was overwritten; keep the folder and restore it from a backup"
	case errors.Is(err, app.ErrNoLedger):
		t.Remedy = "make one with litopys init, or name its folder with --dir"
	case errors.Is(err, app.ErrNoServerLedger):
		t.Remedy = "make one with litopys init, or copy one there with litopys log copy"
	case errors.Is(err, eventstore.ErrLocked):
		t.Kind, t.Remedy = "busy", "wait until the other process ends, or name another folder with --dir"
	case errors.Is(err, eventstore.ErrFull):
		t.Kind, t.Remedy = "full", "free some space; what was recorded is safe and readable"
	case errors.As(err, &cut):
		t.Remedy = "write the answer elsewhere; what the command recorded stays recorded"
	case errors.Is(err, context.Canceled):
		t.Kind, t.Message, t.Remedy = "interrupted", "stopped before the end", "what was acknowledged is recorded; the same command may be run again"
	}
	return t
}

// counted is the one thing that is wrong, or how many there are and each.
func counted(problems []string) (string, []string) {
	if len(problems) == 1 {
		return problems[0], nil
	}
	return fmt.Sprintf("%d problems", len(problems)), problems
}

// problemsOf takes apart what was joined.
func problemsOf(err error) []string {
	joined, ok := any(err).(interface{ Unwrap() []error }) // what a single problem wraps is part of its sentence
	if !ok {
		return []string{err.Error()}
	}
	var out []string
	for _, e := range joined.Unwrap() {
		out = append(out, problemsOf(e)...)
	}
	return out
}

func invalidRemedy(err error) string {
	var settings *config.InvalidError
	var policy *app.PolicyError
	if errors.As(err, &policy) && !errors.As(err, &settings) {
		return "mend the file and ask again: litopys policy check " + policy.File + "; a sound one: litopys policy show --yaml"
	}
	return "mend what is named and ask again: litopys config check"
}

// tell writes the error to standard error; help explains the command at hand.
func tell(w io.Writer, err error, help string, asJSON bool) {
	t := troubleOf(err)
	if errors.Is(err, errUsage) {
		t.Help = help
	}
	if asJSON {
		_ = json.MarshalWrite(w, t)
		fmt.Fprintln(w)
		return
	}
	head := t.Kind
	if t.Code != "" {
		head += " [" + t.Code
		if t.Clause != "" {
			head += ", clause " + t.Clause
		}
		head += "]"
	}
	fmt.Fprintf(w, "%s: %s\n", head, visible(t.Message))
	for _, problem := range t.Problems {
		fmt.Fprintf(w, "  %s\n", visible(problem))
	}
	if t.Remedy != "" {
		fmt.Fprintf(w, "  remedy: %s\n", visible(t.Remedy))
	}
	if t.Help != "" && !strings.Contains(t.Remedy, t.Help) {
		fmt.Fprintf(w, "  help: %s\n", t.Help)
	}
}
