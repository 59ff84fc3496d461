package retention_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/cmd/internal/retention"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/projections"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// house is a ledger whose clock is the test's.
type house struct {
	place
	calendar
	policy  *policy.Policy
	journal *journal.Journal
	ledger  *ledger.Ledger
	answers projections.Backend // nil unless they were asked for
	engine  *projections.Engine
	release []func() error // what close closes after the journal
}

// calendar is a clock that a test sets. It is safe for concurrent use: certificates are dated in the
// background.
type calendar struct {
	mu sync.Mutex
	at time.Time // guarded by mu
}

func (c *calendar) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *calendar) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

func newHouse(t testing.TB, pol *policy.Policy) *house {
	t.Helper()
	return newHouseAt(t, inFiles(t), pol)
}

func newHouseAt(t testing.TB, p place, pol *policy.Policy) *house {
	t.Helper()
	h := &house{place: p, calendar: calendar{at: noon}, policy: pol}
	h.open(t)
	t.Cleanup(func() { _ = h.shut() })
	return h
}

func (h *house) open(t testing.TB) {
	t.Helper()
	var err error
	if h.keys == "" {
		h.journal, err = journal.Open(t.Context(), journal.Config{Dir: h.dir, Policy: h.policy, Clock: h.now, Logger: slog.New(slog.DiscardHandler)})
	} else {
		err = h.openOnServer(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	h.ledger = ledger.New(h.journal, ledger.Config{Policy: h.policy, Clock: h.now, Parallel: retention.Parallel})
}

func (h *house) openOnServer(ctx context.Context) error {
	parts, kms, err := h.parts(ctx, &h.calendar)
	if err != nil {
		return err
	}
	parts.Policy = h.policy
	h.release = append(h.release, kms.Close)
	h.journal, err = journal.New(ctx, parts)
	return err
}

// answer opens the answers, and lets them follow the log to its end.
func (h *house) answer(t testing.TB, set []*projections.Projection) {
	t.Helper()
	var err error
	if h.answers, err = h.backend(t.Context()); err == nil {
		h.engine, err = projections.New(projections.Config{Source: h.journal, Backend: h.answers, Projections: set, Now: h.now})
	}
	if err == nil {
		err = h.engine.CatchUp(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// shut closes everything, as far as it is open.
func (h *house) shut() error {
	var errs []error
	if h.answers != nil {
		errs = append(errs, h.answers.Close())
	}
	errs = append(errs, h.journal.Close())
	for _, release := range h.release {
		errs = append(errs, release())
	}
	h.answers, h.release = nil, nil
	return errors.Join(errs...)
}

func (h *house) close(t testing.TB) {
	t.Helper()
	if err := h.shut(); err != nil {
		t.Fatal(err)
	}
}

func (h *house) spec(key string) domain.OperationSpec {
	return domain.OperationSpec{Key: key, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "retention"}, At: h.now(),
		Purpose: "service", Grounds: "ua.11.1.5", Service: "account"}
}

func (h *house) about(t testing.TB, who domain.SubjectID) subject.About {
	t.Helper()
	op, err := domain.NewOperation(h.spec(uuid.NewString()))
	if err != nil {
		t.Fatal(err)
	}
	return subject.About{Subject: who, Operation: op}
}

func (h *house) do(t testing.TB, cmds ...ledger.Command) {
	t.Helper()
	if err := ledger.Errors(h.ledger.HandleAll(t.Context(), cmds)); err != nil {
		t.Fatal(err)
	}
}

func given(field domain.Field, value string) subject.Given {
	return subject.Given{Field: field, Value: domain.ClearValue(value)}
}

// person registers somebody and gives him a taxpayer's number, edited so many times, and an e-mail address.
func (h *house) person(t testing.TB, edits int) (who domain.SubjectID, cmds []ledger.Command) {
	t.Helper()
	who = domain.SubjectID{UUID: uuid.New()}
	cmds = append(cmds, subject.Register{About: h.about(t, who)},
		subject.Collect{About: h.about(t, who), Source: subject.BySubject, Values: []subject.Given{given("tax_number", "1"), given("email", who.String()+"@example.com")}})
	for n := range edits {
		cmds = append(cmds, subject.Edit{About: h.about(t, who), Values: []subject.Given{given("tax_number", fmt.Sprint(n+2))}})
	}
	return who, cmds
}

func (h *house) config() retention.Config {
	return retention.Config{Journal: h.journal, Ledger: h.ledger, Policy: h.policy, Operation: h.spec("run")}
}

func (h *house) states(t testing.TB, who domain.SubjectID) (live, retained, destroyed int) {
	t.Helper()
	list, err := h.journal.Keys().Of(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range list {
		switch k.State {
		case keys.Live:
			live++
		case keys.Retained:
			retained++
		case keys.Destroyed:
			destroyed++
		}
	}
	return live, retained, destroyed
}

func (h *house) requireStates(t testing.TB, who domain.SubjectID, live, retained, destroyed int) {
	t.Helper()
	l, r, d := h.states(t, who)
	if l != live || r != retained || d != destroyed {
		t.Errorf("%d keys live, %d retained, %d destroyed; want %d, %d, %d", l, r, d, live, retained, destroyed)
	}
}

func requireResult(t testing.TB, want, got retention.Result, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*retention.Result{&want, &got} {
		if len(m.Destroyed) == 0 {
			m.Destroyed = nil
		}
		if len(m.Held) == 0 {
			m.Held = nil
		}
		if len(m.Left) == 0 {
			m.Left = nil
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Terms end one by one over the years; what is not due stays, and what a hold keeps is told with the hold.
func TestTermsEndOverTheYears(t *testing.T) {
	t.Parallel()
	h := newHouse(t, policy.Imagine())
	anna, first := h.person(t, 2)
	boris, second := h.person(t, 1)
	h.do(t, append(first, second...)...)
	h.requireStates(t, anna, 2, 2, 0)
	h.set(noon.AddDate(1, 0, 0))
	h.do(t, subject.Delete{About: h.about(t, anna), All: true})
	h.requireStates(t, anna, 0, 3, 1)
	hold := domain.HoldID{UUID: uuid.New()}
	h.do(t, subject.PlaceHold{About: h.about(t, boris), Hold: hold, All: true, Warrant: subject.Warrant{
		Authority: "court-1", Act: "civil-code", Article: "257", Document: "17/26", Dated: noon}})
	run := func() retention.Result {
		t.Helper()
		plan, err := retention.Plan(t.Context(), h.config())
		if err != nil {
			t.Fatal(err)
		}
		done, err := retention.Run(t.Context(), h.config())
		plan.Certified = true
		requireResult(t, plan, done, err)
		return done
	}
	requireResult(t, retention.Result{Certified: true}, run(), nil)
	h.set(noon.AddDate(3, 1, 0))
	requireResult(t, retention.Result{Subjects: 1, Destroyed: map[string]int{"tax-documents": 2}, Held: map[domain.HoldID]int{hold: 1}, Certified: true}, run(), nil)
	h.requireStates(t, anna, 0, 1, 3)
	h.requireStates(t, boris, 2, 1, 0)
	h.do(t, subject.ReleaseHold{About: h.about(t, boris), Hold: hold, Document: "18/29"})
	h.requireStates(t, boris, 2, 0, 1) // its term was over: the release destroys it
	h.set(noon.AddDate(10, 0, 0))
	requireResult(t, retention.Result{Subjects: 1, Destroyed: map[string]int{"tax-documents": 1}, Certified: true}, run(), nil)
	requireResult(t, retention.Result{Certified: true}, run(), nil)
	for who, want := range map[domain.SubjectID]int{anna: 4, boris: 1} {
		if got := certified(t, h.journal, who); got != want {
			t.Errorf("%d keys are certified, want %d", got, want)
		}
	}
}

// certified counts the keys that certificates name; none may be named twice.
func certified(t testing.TB, j *journal.Journal, who domain.SubjectID) int {
	t.Helper()
	named := map[uuid.UUID]bool{}
	for r, err := range j.Events(t.Context(), domain.CertificateStream(who), domain.NoStream) {
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range r.Event.(subject.KeysDestroyed).Keys {
			if named[k.Key] {
				t.Errorf("%s has two certificates", k.Key)
			}
			named[k.Key] = true
		}
	}
	return len(named)
}

// A run that is cut short at any page is finished by the next one, under the same key.
func TestARunThatWasCutGoesOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, policy.Imagine())
	var all []domain.SubjectID
	for range 20 {
		who, cmds := h.person(t, 3)
		h.do(t, cmds...)
		all = append(all, who)
	}
	h.set(noon.AddDate(4, 0, 0))
	cfg := h.config()
	cfg.Page = 7 // cuts subjects in two
	for cut := 1; ; cut++ {
		ctx, cancel := context.WithCancel(t.Context())
		pages := 0
		cfg.Report = func(retention.Result) {
			if pages++; pages == 2 {
				cancel()
			}
		}
		_, err := retention.Run(ctx, cfg)
		cancel()
		if err := h.journal.Close(); err != nil {
			t.Fatal(err)
		}
		h.open(t)
		cfg.Journal, cfg.Ledger = h.journal, h.ledger
		if err == nil {
			if cut < 3 {
				t.Errorf("finished in %d rounds", cut)
			}
			break
		}
	}
	for _, who := range all {
		h.requireStates(t, who, 2, 0, 3)
		if n := certified(t, h.journal, who); n != 3 {
			t.Errorf("%d keys are certified", n)
		}
	}
}
