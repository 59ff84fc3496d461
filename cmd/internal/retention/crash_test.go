package retention_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/cmd/internal/retention"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/profile"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/retained"
	"imagine.ua/litopys/projections/sqlite"
)

// The environment of a child process: at which step it kills itself, whose story it tells, and where the ledger
// is.
const (
	childStep  = "LITOPYS_RETENTION_CHILD_STEP"
	childWho   = "LITOPYS_RETENTION_CHILD_WHO"
	childDir   = "LITOPYS_RETENTION_CHILD_DIR"
	childKeys  = "LITOPYS_RETENTION_CHILD_KEYS"
	childFacts = "LITOPYS_RETENTION_CHILD_FACTS"
)

// Two people, for whom a test needs no others.
var (
	anna  = domain.SubjectID{UUID: uuid.MustParse("0b6f1a52-3c1d-4f7e-9a70-5f1d2c3b4a59")}
	boris = domain.SubjectID{UUID: uuid.MustParse("0b6f1a52-3c1d-4f7e-9a70-5f1d2c3b4a60")}
)

func storySet() []*projections.Projection {
	return []*projections.Projection{profile.New(), retained.New()}
}

// begin records what the story of somebody begins with.
func (h *house) begin(t *testing.T) (who domain.SubjectID) {
	t.Helper()
	h.set(noon)
	who = ledger.NewSubjectID()
	h.do(t, subject.Register{About: h.about(t, who)}, subject.Collect{About: h.about(t, who), Source: subject.BySubject,
		Values: []subject.Given{given("name", "n"), given("email", "e@example.com"), given("tax_number", "1")}},
		subject.Collect{About: h.about(t, who), Source: subject.Automatic, Values: []subject.Given{given("page", "/")}})
	return who
}

// tell goes through the story, from a fact to its keys, their certificates and the answers, twice: a deletion
// that destroys two values and keeps one, and the end of its term. What was done before is not done again.
func (h *house) tell(ctx context.Context, who domain.SubjectID) error {
	if err := h.tellDeletion(ctx, who); err != nil {
		return err
	}
	h.set(noon.AddDate(4, 0, 0))
	if _, err := retention.Run(ctx, h.config()); err != nil {
		return err
	}
	return h.level(ctx)
}

func (h *house) tellDeletion(ctx context.Context, who domain.SubjectID) error {
	h.set(noon.AddDate(0, 0, 1))
	op, err := domain.NewOperation(h.spec("delete " + who.String()))
	if err == nil {
		_, err = h.ledger.Handle(ctx, subject.Delete{About: subject.About{Subject: who, Operation: op}, Fields: []domain.Field{"email", "tax_number", "page"}})
	}
	if err == nil {
		err = h.level(ctx)
	}
	return err
}

// level brings certificates and answers to where the facts are.
func (h *house) level(ctx context.Context) error {
	return errors.Join(h.journal.Certified(ctx), h.engine.CatchUp(ctx))
}

// child is the process that is killed.
func child(t *testing.T) {
	t.Helper()
	step, err := strconv.Atoi(os.Getenv(childStep))
	if err != nil {
		t.Fatal(err)
	}
	who, err := uuid.Parse(os.Getenv(childWho))
	if err != nil {
		t.Fatal(err)
	}
	f := &fuse{at: step}
	h := f.on(t, place{dir: os.Getenv(childDir), keys: os.Getenv(childKeys), facts: os.Getenv(childFacts)})
	f.light()
	tell := h.tell
	if h.keys != "" { // the second half has the same calls, each of which is a transaction
		tell = h.tellDeletion
	}
	if err := tell(t.Context(), domain.SubjectID{UUID: who}); err != nil {
		t.Fatal(err)
	}
	h.close(t)
}

// runChild tells whether the child came to its end; else it killed itself.
func runChild(t *testing.T, p place, who domain.SubjectID, step int) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEndStateWhereverItIsKilled$") //nolint:gosec // this test's own binary
	cmd.Env = append(os.Environ(), fmt.Sprint(childStep, "=", step), childWho+"="+who.String(), childDir+"="+p.dir, childKeys+"="+p.keys, childFacts+"="+p.facts)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
			return false
		}
	}
	if err != nil {
		t.Fatalf("step %d: %v\n%s", step, err, said.String())
	}
	return true
}

// end is what is compared of a person when the story is over.
type end struct {
	Facts        []string
	Keys         map[domain.FieldEpoch]string
	Certificates map[domain.FieldEpoch]int
	Profile      []string
	Retained     []string
}

func (h *house) end(t testing.TB, who domain.SubjectID) end {
	t.Helper()
	e := end{Keys: map[domain.FieldEpoch]string{}, Certificates: map[domain.FieldEpoch]int{}}
	for r, err := range h.journal.Events(t.Context(), domain.SubjectStream(who), domain.NoStream) {
		if err != nil {
			t.Fatal(err)
		}
		fact := fmt.Sprintf("%d %T at %s:", r.Revision, r.Event, r.Meta.OccurredAt)
		for _, f := range r.Event.Fates() {
			fact += fmt.Sprintf(" %s %s %s by %q until %s;", f.Action, f.Field, f.Epoch, f.Rule, f.Until)
		}
		e.Facts = append(e.Facts, fact)
	}
	list, err := h.journal.Keys().Of(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range list {
		e.Keys[domain.FieldEpoch{Field: k.Ref.Field, Epoch: k.Ref.Epoch}] = fmt.Sprintf("%v until %s by %q", k.State, k.Until, k.Rule)
	}
	for r, err := range h.journal.Events(t.Context(), domain.CertificateStream(who), domain.NoStream) {
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range r.Event.(subject.KeysDestroyed).Keys {
			e.Certificates[domain.FieldEpoch{Field: k.Field, Epoch: k.Epoch}]++
		}
	}
	e.rows(t, h, who)
	return e
}

// rows reads what the answers say of a person, without the bytes of sealed values.
func (e *end) rows(t testing.TB, h *house, who domain.SubjectID) {
	t.Helper()
	err := h.answers.View(t.Context(), func(s projections.Snapshot) error {
		p, _, err := profile.Get(t.Context(), s, who)
		if err != nil {
			return err
		}
		for _, f := range p.Fields {
			e.Profile = append(e.Profile, fmt.Sprintf("%s %s %s: until %s by %q", f.Field, f.Epoch, f.Condition, f.Until, f.Rule))
		}
		list, _, err := retained.Reader{Policy: h.policy, Role: "officer"}.Of(t.Context(), s, who)
		for _, r := range list {
			e.Retained = append(e.Retained, fmt.Sprintf("%s %s: until %s by %q", r.Field, r.Epoch, r.Until, r.Rule))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// requireSettled checks a ledger that was opened again, before anybody goes on: no key is destroyed without
// its fact, no fact is left without its keys' fate, each destroyed key has one certificate, and the answers are
// those of a fold from the beginning.
func (h *house) requireSettled(t *testing.T, people []domain.SubjectID) {
	t.Helper()
	var m model
	m.learn(t, h.journal)
	if diff := cmp.Diff(m.states(), states(t, h.journal.Keys(), people)); diff != "" {
		t.Errorf("keys (-facts +store): %s", diff)
	}
	if err := h.level(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[keys.Ref]int{}
	for ref, state := range m.states() {
		if state == keys.Destroyed {
			want[ref] = 1
		}
	}
	if diff := cmp.Diff(want, certificates(t, h.journal, people)); diff != "" {
		t.Errorf("certificates (-destroyed +certified): %s", diff)
	}
	afresh, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "afresh.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = afresh.Close() }()
	projtest.Filled(t, afresh, h.journal, storySet()...)
	if diff := cmp.Diff(projtest.Read(t, afresh, storySet()), projtest.Read(t, h.answers, storySet())); diff != "" {
		t.Errorf("answers (-from the beginning +followed): %.2000s", diff)
	}
}

// A real process is killed at each step of the way from a fact to the keys, their certificates and the answers,
// each time with the story of another person of one ledger. Opened again the ledger is settled; and whoever then
// repeats what he had asked for comes to the same end as if nobody had been killed.
func TestEndStateWhereverItIsKilled(t *testing.T) {
	if os.Getenv(childStep) != "" {
		child(t)
		return
	}
	t.Parallel()
	everywhere(t, func(t *testing.T, at func(testing.TB) place) {
		h := newHouseAt(t, at(t), policy.Imagine())
		h.answer(t, storySet())
		people := []domain.SubjectID{h.begin(t), h.begin(t)} // the second one is the neighbour
		if err := h.tell(t.Context(), people[0]); err != nil {
			t.Fatal(err)
		}
		h.requireSettled(t, people)
		want := h.end(t, people[0])
		if len(want.Certificates) != 3 || len(want.Retained) != 0 || len(h.end(t, people[1]).Certificates) != 0 {
			t.Fatalf("the story is another one: %+v", want)
		}
		step := 1
		for ; !h.killedAt(t, step, &people, want); step++ {
		}
		if step < 7 { // fact, keys, after them, certificate, its note, two projections
			t.Errorf("only %d steps were cut", step-1)
		}
	})
}

// killedAt tells the story of one more person, through a kill at the step, and reports whether it came to its
// end before, or in vain.
func (h *house) killedAt(t *testing.T, step int, people *[]domain.SubjectID, want end) (ended bool) {
	t.Helper()
	who := h.begin(t)
	*people = append(*people, who)
	h.close(t)
	ended = runChild(t, h.place, who, step)
	h.open(t)
	h.answer(t, storySet())
	h.requireSettled(t, *people)
	if err := h.tell(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, h.end(t, who)); diff != "" {
		t.Errorf("the end (-undisturbed +killed): %s", diff)
	}
	if t.Failed() {
		t.Fatalf("killed at step %d", step)
	}
	return ended
}
