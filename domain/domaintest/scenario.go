// Package domaintest tells decisions as stories: given what has happened, when this is asked, then that is
// recorded, or it is refused with this code. It works for every domain.Decider.
package domaintest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"imagine.ua/litopys/domain"
)

// Scenario is a decider with a past.
type Scenario[C, S, E any] struct {
	t       testing.TB
	decider domain.Decider[C, S, E]
	past    []E
}

// Given begins a scenario with the events that have happened.
func Given[C, S, E any](t testing.TB, d domain.Decider[C, S, E], past ...E) *Scenario[C, S, E] {
	t.Helper()
	return &Scenario[C, S, E]{t: t, decider: d, past: past}
}

// Answer is what a decider made of a command.
type Answer[E any] struct {
	t      testing.TB
	events []E
	err    error
}

// When asks the decider. It checks what every answer must keep: never events and a refusal together, no
// error but a *domain.Refusal with code, message and remedy, and the same answer when asked again.
func (s *Scenario[C, S, E]) When(c C) *Answer[E] {
	s.t.Helper()
	state := s.decider.Fold(s.decider.Initial(), s.past...)
	events, err := s.decider.Decide(c, state)
	again, errAgain := s.decider.Decide(c, state)
	if diff := cmp.Diff(events, again, cmpopts.EquateEmpty()); diff != "" {
		s.t.Errorf("asked twice, the decision differs:\n%s", diff)
	}
	if !errors.Is(errAgain, err) && !errors.Is(err, errAgain) {
		s.t.Errorf("asked twice, the refusal differs: %v, %v", err, errAgain)
	}
	if err != nil {
		checkRefusal(s.t, err)
		if len(events) > 0 {
			s.t.Errorf("the decision gives events and a refusal: %v", err)
		}
	}
	return &Answer[E]{t: s.t, events: events, err: err}
}

func checkRefusal(t testing.TB, err error) {
	t.Helper()
	var r *domain.Refusal
	if !errors.As(err, &r) {
		t.Errorf("the decision fails with %T, not with a refusal: %v", err, err)
		return
	}
	if r.Code == "" || r.Message == "" || r.Remedy == "" || r.Kind.String() == "refusal" {
		t.Errorf("the refusal is incomplete: %+v", *r)
	}
}

// Then checks that exactly these events are decided.
func (a *Answer[E]) Then(want ...E) {
	a.t.Helper()
	if a.err != nil {
		a.t.Fatalf("refused: %v", a.err)
	}
	if diff := cmp.Diff(want, a.events, cmpopts.EquateEmpty()); diff != "" {
		a.t.Errorf("decided otherwise (-want +got):\n%s", diff)
	}
}

// ThenNothing checks that the command changes nothing and is not refused.
func (a *Answer[E]) ThenNothing() {
	a.t.Helper()
	a.Then()
}

// Refused checks that the command is refused with this code, and that the refusal names this clause.
func (a *Answer[E]) Refused(code, clause string) {
	a.t.Helper()
	var r *domain.Refusal
	if !errors.As(a.err, &r) {
		a.t.Fatalf("want refusal %s, got %d event(s) and error %v", code, len(a.events), a.err)
	}
	if r.Code != code || r.Clause != clause {
		a.t.Errorf("want refusal %s (clause %s), got %v", code, clause, r)
	}
}

// Events gives what was decided, for checks that Then can't express.
func (a *Answer[E]) Events() []E {
	a.t.Helper()
	if a.err != nil {
		a.t.Fatalf("refused: %v", a.err)
	}
	return a.events
}
