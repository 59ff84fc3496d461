package retained_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/memory"
	"imagine.ua/litopys/eventstore/pgtest"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/postgres"
	"imagine.ua/litopys/projections/profile"
	"imagine.ua/litopys/projections/retained"
	"imagine.ua/litopys/projections/sqlite"
)

// house is a whole ledger whose years pass as the test likes.
type house struct {
	t       testing.TB
	dice    *rand.Rand
	now     time.Time                 // the test's own; move sets it
	clock   atomic.Pointer[time.Time] // what others read meanwhile: certificates are written in the background
	journal *journal.Journal
	ledger  *ledger.Ledger
	backend projections.Backend
	engine  *projections.Engine
	files   map[domain.SubjectID]subject.State
	step    int
}

func newHouse(t testing.TB, open func(*house, string) error) *house {
	t.Helper()
	h := &house{t: t, dice: rand.New(rand.NewPCG(3, 3)), files: map[domain.SubjectID]subject.State{}}
	h.move(noon)
	err := open(h, t.TempDir())
	if err == nil {
		h.ledger = ledger.New(h.journal, ledger.Config{Clock: h.time})
		h.engine, err = projections.New(projections.Config{Source: h.journal, Backend: h.backend,
			Projections: []*projections.Projection{profile.New(), retained.New()}})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(h.backend.Close(), h.journal.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// time is what others read meanwhile.
func (h *house) time() time.Time { return *h.clock.Load() }

// inFiles has everything in one folder.
func inFiles(h *house, dir string) (err error) {
	h.journal, err = journal.Open(h.t.Context(), journal.Config{Dir: dir, Clock: h.time, Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		h.backend, err = sqlite.Open(h.t.Context(), sqlite.Config{Path: filepath.Join(dir, "read.db")})
	}
	return err
}

// onServer has keys and answers in two databases; the log is in memory.
func onServer(h *house, dir string) error {
	ctx, server := h.t.Context(), pgtest.Shared(h.t)
	parts := journal.Parts{Store: memory.New(memory.Config{}), Clock: h.time, Logger: slog.New(slog.DiscardHandler)}
	id, err := parts.Store.Identity(ctx)
	if err != nil {
		return err
	}
	kms, err := keys.CreateLocal(filepath.Join(dir, "local.key"))
	if err != nil {
		return err
	}
	h.t.Cleanup(func() { _ = kms.Close() })
	if parts.Keys, err = keypg.Open(ctx, keypg.Config{URL: server.Database(h.t), Ledger: id, KMS: kms, Now: h.time}); err != nil {
		return err
	}
	if h.journal, err = journal.New(ctx, parts); err != nil {
		return err
	}
	h.backend, err = postgres.Open(ctx, postgres.Config{URL: server.Database(h.t), SpoolDir: filepath.Join(dir, "spool")})
	return err
}

// move lets the time come.
func (h *house) move(now time.Time) {
	h.now = now
	h.clock.Store(&now)
}

// do hands a command to the ledger; a refusal is an answer.
func (h *house) do(c subject.Command) {
	h.t.Helper()
	_, err := h.ledger.Handle(h.t.Context(), c)
	var refusal *domain.Refusal
	if err != nil && !errors.As(err, &refusal) {
		h.t.Fatal(err)
	}
}

func (h *house) about(id domain.SubjectID) subject.About {
	h.step++
	op, err := domain.NewOperation(domain.OperationSpec{Key: fmt.Sprint(h.step), Actor: domain.Actor{Kind: domain.ActorEmployee, ID: "e-17"},
		At: h.now, Purpose: "service", Grounds: "ua.11.1.3", Service: "account"})
	if err != nil {
		h.t.Fatal(err)
	}
	return subject.About{Subject: id, Operation: op}
}

func (h *house) random(id domain.SubjectID) subject.Command {
	a := h.about(id)
	f := []domain.Field{"name", "email", "tax_number", "agreement"}[h.dice.IntN(4)]
	one := []subject.Given{subject.Give(f, fmt.Sprintf("%s of step %d", f, h.step))}
	hold := domain.HoldID{UUID: uuid.UUID{15: byte(1 + h.dice.IntN(3))}}
	paper := subject.Warrant{Authority: "court-7", Act: "CPC", Article: "170", Document: "d-1", Dated: noon}
	switch h.dice.IntN(14) {
	case 0, 1, 2:
		return subject.Collect{About: a, Source: subject.BySubject, Values: one}
	case 3, 4:
		a.Operation = h.about(id).Operation
		return subject.Collect{About: a, Source: subject.Automatic, Values: []subject.Given{subject.Give("page", fmt.Sprintf("/step/%d", h.step))}}
	case 5, 6:
		return subject.Edit{About: a, Values: one}
	case 7:
		return subject.Delete{About: a, Fields: []domain.Field{f}}
	case 8:
		return subject.Delete{About: a, Fields: []domain.Field{"page"}}
	case 9:
		return subject.Delete{About: a, All: true}
	case 10:
		return subject.PlaceHold{About: a, Hold: hold, All: true, Warrant: paper}
	case 11:
		return subject.PlaceHold{About: a, Hold: hold, Fields: []domain.Field{f, "page"}, Warrant: paper}
	case 12:
		return subject.ReleaseHold{About: a, Hold: hold}
	}
	return subject.EndRetention{About: a}
}

// read folds the files and learns what came in, from the log alone.
func (h *house) read(id domain.SubjectID) {
	h.t.Helper()
	h.files[id] = subject.State{}
	for r, err := range h.journal.Events(h.t.Context(), domain.SubjectStream(id), domain.NoStream) {
		if err != nil {
			h.t.Fatal(err)
		}
		h.files[id] = subject.Evolve(h.files[id], subject.Fact{Event: r.Event.(subject.Event), At: r.Meta.OccurredAt})
	}
}

// should is what the file says of a key.
func (h *house) should(id domain.SubjectID, v domain.FieldEpoch) keys.State {
	state := h.files[id]
	if held, ok := state.Held(v.Field); ok && held.At() == v {
		return keys.Live
	}
	if v.Field == "page" {
		if epoch, live := state.TraceEpoch(v.Field, domain.Month(v.Epoch[:7])); live && epoch == v.Epoch {
			return keys.Live
		}
	}
	if _, ok := state.RetainedAt(v); ok {
		return keys.Retained
	}
	return keys.Destroyed
}

type keptOpener struct{ *journal.Journal }

func (o keptOpener) Open(ctx context.Context, values []projections.Sealed) ([]domain.Value, error) {
	opened, err := o.OpenAs(ctx, journal.WithRetained, values)
	out := make([]domain.Value, len(opened))
	for i := range opened {
		out[i] = opened[i].Value
	}
	return out, err
}

// agree compares the keys, the profile and the retained records of one person with his file.
func (h *house) agree(id domain.SubjectID) map[keys.State]int {
	h.t.Helper()
	h.read(id)
	all, err := h.journal.Keys().Of(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	states, seen := map[domain.FieldEpoch]keys.State{}, map[keys.State]int{}
	for _, k := range all {
		v := domain.FieldEpoch{Field: k.Ref.Field, Epoch: k.Ref.Epoch}
		if k.State != h.should(id, v) {
			h.t.Fatalf("step %d: the key of %v is %d by %q, the file says %d", h.step, v, k.State, k.Rule, h.should(id, v))
		}
		states[v] = k.State
		seen[k.State]++
	}
	if err := h.backend.View(h.t.Context(), func(s projections.Snapshot) error {
		h.profile(s, id, states)
		h.records(s, id, states)
		return nil
	}); err != nil {
		h.t.Fatal(err)
	}
	return seen
}

func (h *house) profile(s projections.Snapshot, id domain.SubjectID, states map[domain.FieldEpoch]keys.State) {
	h.t.Helper()
	p, _, err := profile.Get(h.t.Context(), s, id)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := p.Open(h.t.Context(), h.journal); err != nil {
		h.t.Fatal(err)
	}
	names := map[keys.State]profile.Condition{keys.Live: profile.Held, keys.Retained: profile.Retained, keys.Destroyed: profile.Erased}
	for _, f := range p.Fields {
		v := domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}
		_, clear := f.Value.Reveal()
		if f.Condition != names[states[v]] || clear != (states[v] == keys.Live) {
			h.t.Fatalf("step %d: the profile says %v is %s (open: %v), its key is %d", h.step, v, f.Condition, clear, states[v])
		}
	}
}

// records checks that exactly the retained values are listed, and open unless their terms are over.
func (h *house) records(s projections.Snapshot, id domain.SubjectID, states map[domain.FieldEpoch]keys.State) {
	h.t.Helper()
	list, leftOut, err := retained.Reader{Policy: policy.Imagine(), Role: "officer"}.Of(h.t.Context(), s, id)
	if err != nil || leftOut != 0 {
		h.t.Fatalf("%d left out, %v", leftOut, err)
	}
	opened, err := retained.Open(h.t.Context(), s, h.journal, keptOpener{h.journal}, list)
	if err != nil {
		h.t.Fatal(err)
	}
	named, err := retained.Epochs(h.t.Context(), s, list)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, v := range named {
		if _, kept := h.files[id].RetainedAt(v); !kept {
			h.t.Fatalf("step %d: %v is named as kept, and the file does not keep it", h.step, v)
		}
	}
	found := map[domain.FieldEpoch]bool{}
	for _, v := range opened {
		_, clear := v.Item.Value.Reveal()
		over := list[v.Record].Over(h.now)
		if kept := states[v.At()] == keys.Retained; clear != (kept && !over) && !(kept && list[v.Record].Held) {
			h.t.Fatalf("step %d: %v is open: %v, kept: %v, over: %v", h.step, v.At(), clear, kept, over)
		}
		found[v.At()] = true
	}
	for v, state := range states {
		if state == keys.Retained && !found[v] || state == keys.Live && found[v] {
			h.t.Fatalf("step %d: %v, whose key is %d, is listed: %v", h.step, v, state, found[v])
		}
	}
}

// TestKeysProfileAndRecordsAgree: after every step of random lives of three people, each value is live, kept or
// destroyed alike in his file, in the key store, in the profile and in the retained records; what is done to one
// person leaves the others as they were. On a server each step takes ten times as long, so there are fewer.
func TestKeysProfileAndRecordsAgree(t *testing.T) {
	t.Parallel()
	t.Run("files", func(t *testing.T) {
		t.Parallel()
		newHouse(t, inFiles).live(t, 250)
	})
	t.Run("servers", func(t *testing.T) {
		t.Parallel()
		newHouse(t, onServer).live(t, 40)
	})
}

func (h *house) live(t *testing.T, steps int) {
	t.Helper()
	people := []domain.SubjectID{anna, boris, {UUID: uuid.MustParse("0b6f1a52-3c1d-4f7e-9a70-5f1d2c3b4a61")}}
	for _, id := range people {
		h.do(subject.Register{About: h.about(id)})
	}
	seen := map[keys.State]int{}
	for range steps {
		h.move(h.now.AddDate(0, h.dice.IntN(3), h.dice.IntN(20)))
		h.do(h.random(people[h.dice.IntN(len(people))]))
		if err := h.engine.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, id := range people {
			for state, n := range h.agree(id) {
				seen[state] += n
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("not every state came up: %v", seen)
	}
	if err := h.engine.Rebuild(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, id := range people {
		h.agree(id) // rows that were computed anew say the same
		h.end(id)
	}
}

// end closes the account, releases every hold and lets all terms pass: then nothing is left.
func (h *house) end(id domain.SubjectID) {
	h.t.Helper()
	level := func() map[keys.State]int {
		h.t.Helper()
		if err := h.engine.CatchUp(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
		return h.agree(id)
	}
	h.do(subject.Close{About: h.about(id)})
	level()
	for _, hold := range h.files[id].Holds() {
		h.do(subject.ReleaseHold{About: h.about(id), Hold: hold.ID})
		level()
	}
	h.move(h.now.AddDate(4, 0, 0))
	h.do(subject.EndRetention{About: h.about(id)})
	if left := level(); left[keys.Live]+left[keys.Retained] > 0 {
		h.t.Errorf("after all terms %v keys are left of %s", left, id)
	}
}
