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
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/profile"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/retained"
	"imagine.ua/litopys/projections/sqlite"
)

// The environment of a child process: at which step it kills itself, and where the ledger is.
const (
	childStep  = "LITOPYS_RETENTION_CHILD_STEP"
	childDir   = "LITOPYS_RETENTION_CHILD_DIR"
	childKeys  = "LITOPYS_RETENTION_CHILD_KEYS"
	childFacts = "LITOPYS_RETENTION_CHILD_FACTS"
)

// Two people. The story is about the first; the second is the neighbour whom nothing may happen to.
var (
	anna  = domain.SubjectID{UUID: uuid.MustParse("0b6f1a52-3c1d-4f7e-9a70-5f1d2c3b4a59")}
	boris = domain.SubjectID{UUID: uuid.MustParse("0b6f1a52-3c1d-4f7e-9a70-5f1d2c3b4a60")}
)

func storySet() []*projections.Projection {
	return []*projections.Projection{profile.New(), retained.New(), history.New()}
}

// prepare records what the story begins with, and closes the house.
func prepare(t *testing.T, p place) place {
	t.Helper()
	h := newHouseAt(t, p, policy.Imagine())
	for _, who := range []domain.SubjectID{anna, boris} {
		h.do(t, subject.Register{About: h.about(t, who)}, subject.Collect{About: h.about(t, who), Source: subject.BySubject,
			Values: []subject.Given{given("name", "n"), given("email", "e@example.com"), given("tax_number", "1")}},
			subject.Collect{About: h.about(t, who), Source: subject.Automatic, Values: []subject.Given{given("page", "/")}})
	}
	h.answer(t, storySet())
	h.close(t)
	return h.place
}

// tell goes through the story, from a fact to its keys, their certificates and the answers, twice: a deletion
// that destroys two values and keeps one, and the end of its term. What was done before is not done again.
func (h *house) tell(ctx context.Context) error {
	h.set(noon.AddDate(0, 0, 1))
	op, err := domain.NewOperation(h.spec("delete"))
	if err == nil {
		_, err = h.ledger.Handle(ctx, subject.Delete{About: subject.About{Subject: anna, Operation: op}, Fields: []domain.Field{"email", "tax_number", "page"}})
	}
	if err == nil {
		err = h.level(ctx)
	}
	h.set(noon.AddDate(4, 0, 0))
	if err == nil {
		_, err = retention.Run(ctx, h.config())
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
	f := &fuse{at: step}
	h := f.on(t, place{dir: os.Getenv(childDir), keys: os.Getenv(childKeys), facts: os.Getenv(childFacts)})
	f.light()
	if err := h.tell(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.close(t)
}

// runChild tells whether the child came to its end; else it killed itself.
func runChild(t *testing.T, p place, step int) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEndStateWhereverItIsKilled$") //nolint:gosec // this test's own binary
	cmd.Env = append(os.Environ(), fmt.Sprint(childStep, "=", step), childDir+"="+p.dir, childKeys+"="+p.keys, childFacts+"="+p.facts)
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

// end is what is compared when the story is over.
type end struct {
	Facts        []string
	Keys         map[keys.Ref]string
	Certificates map[keys.Ref]int
	Profile      []string
	Retained     []string
}

func (h *house) end(t testing.TB) end {
	t.Helper()
	e := end{Keys: map[keys.Ref]string{}, Certificates: map[keys.Ref]int{}}
	for r, err := range h.journal.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := r.Event.(subject.KeysDestroyed); ok {
			for _, k := range c.Keys {
				e.Certificates[keys.Ref{Subject: c.Subject, Field: k.Field, Epoch: k.Epoch}]++
			}
			continue
		}
		e.Facts = append(e.Facts, fmt.Sprintf("%s %d %s %T %v at %s", r.Stream, r.Revision, r.ID, r.Event, r.Event.Fates(), r.Meta.OccurredAt))
	}
	for _, who := range []domain.SubjectID{anna, boris} {
		list, err := h.journal.Keys().Of(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range list {
			e.Keys[k.Ref] = fmt.Sprintf("%v until %s by %q", k.State, k.Until, k.Rule)
		}
		e.rows(t, h, who)
	}
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
			e.Profile = append(e.Profile, fmt.Sprintf("%s %s %s %s: until %s by %q", who, f.Field, f.Epoch, f.Condition, f.Until, f.Rule))
		}
		list, _, err := retained.Reader{Policy: h.policy, Role: "officer"}.Of(t.Context(), s, who)
		for _, r := range list {
			e.Retained = append(e.Retained, fmt.Sprintf("%s %s %s: until %s by %q", who, r.Field, r.Epoch, r.Until, r.Rule))
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
func (h *house) requireSettled(t *testing.T) {
	t.Helper()
	var m model
	m.learn(t, h.journal)
	people := []domain.SubjectID{anna, boris}
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
	if diff := cmp.Diff(want, h.end(t).Certificates); diff != "" {
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

// enter opens the house as it is found.
func enterHouse(t *testing.T, p place) *house {
	t.Helper()
	h := newHouseAt(t, p, policy.Imagine())
	h.answer(t, storySet())
	return h
}

// A real process is killed at each step of the way from a fact to the keys, their certificates and the answers.
// Opened again the ledger is settled; and whoever then repeats what he had asked for comes to the same end as
// if nobody had been killed.
func TestEndStateWhereverItIsKilled(t *testing.T) {
	if os.Getenv(childStep) != "" {
		child(t)
		return
	}
	t.Parallel()
	everywhere(t, func(t *testing.T, at func(testing.TB) place) {
		base := prepare(t, at(t))
		undisturbed := enterHouse(t, base.copy(t))
		if err := undisturbed.tell(t.Context()); err != nil {
			t.Fatal(err)
		}
		undisturbed.requireSettled(t)
		want := undisturbed.end(t)
		if len(want.Certificates) != 3 || len(want.Retained) != 0 {
			t.Fatalf("the story is another one: %+v", want)
		}
		undisturbed.close(t)
		for step, ended := 1, false; !ended; step++ {
			ended = !t.Run(fmt.Sprint(step), func(t *testing.T) {
				p := base.copy(t)
				ended = runChild(t, p, step)
				h := enterHouse(t, p)
				h.requireSettled(t)
				if err := h.tell(t.Context()); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, h.end(t)); diff != "" {
					t.Errorf("the end (-undisturbed +killed at step %d): %s", step, diff)
				}
				h.close(t)
			}) || ended
			if ended && step < 15 {
				t.Errorf("only %d steps were cut", step)
			}
		}
	})
}
