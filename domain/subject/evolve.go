package subject

import (
	"slices"
	"time"

	"imagine.ua/litopys/domain"
)

// Evolve folds one fact into a state and gives the new state; the given one stays as it was. It is total.
// For a long stream use Fold, which copies once.
func Evolve(s State, f Fact) State {
	s = s.cloneFor(f.Event)
	s.apply(f.Event, f.At.UTC())
	return s
}

// Fold folds facts into a state, in order. It copies the state once, not once a fact.
func Fold(s State, facts ...Fact) State {
	switch len(facts) {
	case 0:
		return s
	case 1:
		return Evolve(s, facts[0]) // copies what the event touches
	}
	s = s.clone()
	for _, f := range facts {
		s.apply(f.Event, f.At.UTC())
	}
	return s
}

// clone copies every part.
func (s State) clone() State {
	s.fields, s.traces, s.retained = slices.Clone(s.fields), slices.Clone(s.traces), slices.Clone(s.retained)
	s.consents, s.orders, s.holds = slices.Clone(s.consents), slices.Clone(s.orders), slices.Clone(s.holds)
	s.passed, s.restricted, s.objected = slices.Clone(s.passed), slices.Clone(s.restricted), slices.Clone(s.objected)
	return s
}

// cloneFor copies the parts that the event touches, so that nobody who holds the old state sees it change.
func (s State) cloneFor(e Event) State {
	switch e.(type) {
	case ConsentGranted, ConsentWithdrawn:
		s.consents = slices.Clone(s.consents)
	case OrderPlaced, OrderExecuted, OrderCancelled:
		s.orders = slices.Clone(s.orders)
	case Used, Viewed, NoticeGiven, KeysDestroyed:
	case Closed:
		return s.clone()
	case Registered, Collected, Disputed, Identified, Published, PublicationWithdrawn:
		s.fields = slices.Clone(s.fields)
	case Transferred:
		s.fields, s.passed = slices.Clone(s.fields), slices.Clone(s.passed)
	case Edited, Rectified, Deleted, RetentionEnded, HoldReleased, HoldPlaced:
		s.fields, s.traces, s.retained = slices.Clone(s.fields), slices.Clone(s.traces), slices.Clone(s.retained)
		s.holds, s.passed = slices.Clone(s.holds), slices.Clone(s.passed)
	case Restricted, RestrictionLifted:
		s.restricted = slices.Clone(s.restricted)
	case Objected, ObjectionWithdrawn:
		s.objected = slices.Clone(s.objected)
	}
	return s
}

// apply changes the state in place; only Evolve and Fold call it, on their own copy.
func (s *State) apply(e Event, t time.Time) {
	at := instantOf(t)
	switch e := e.(type) {
	case Registered:
		s.registered, s.began = true, at
		s.opened(e.Personal(), at)
	case Collected:
		if e.Request.IsZero() {
			s.opened(e.Items, at)
		} else {
			s.written(e.Items, at)
		}
	case Disputed:
		s.with(e.Value.Field, func(h *Held) { h.Disputed, h.disputed = true, at })
	case Rectified:
		s.with(e.Value.Field, func(h *Held) { h.Disputed = false })
		s.replaced(e.Items, e.Superseded, t)
	case Identified:
		s.each(e.Values, func(h *Held) { h.Status = Verified })
	case Edited:
		s.replaced(e.Items, e.Superseded, t)
	case Deleted:
		s.meet(e.Deleted, t)
		s.forgetAll(e.Deleted)
	case Closed:
		s.meet(e.Deleted, t)
		s.forgetAll(e.Deleted)
		s.close()
	case Published:
		s.each(e.Values, func(h *Held) { h.Public, h.public = true, at })
	case PublicationWithdrawn:
		s.each(e.Values, func(h *Held) { h.Public = false })
	case Transferred:
		s.written(e.Personal(), at)
		s.pass(e)
	case ConsentGranted, ConsentWithdrawn, OrderPlaced, OrderExecuted, OrderCancelled:
		s.agree(e, t)
	case HoldPlaced, HoldReleased, RetentionEnded, Restricted, RestrictionLifted, Objected, ObjectionWithdrawn:
		s.keep(e, t)
	case Used, Viewed, NoticeGiven, KeysDestroyed: // no decision depends on them
	}
}

// agree folds what the subject agreed to and ordered.
func (s *State) agree(e Event, at time.Time) {
	switch e := e.(type) {
	case ConsentGranted:
		s.consents = append(s.consents, Consent{ID: e.Consent, Scope: e.Scope, From: at, Until: e.Until})
	case ConsentWithdrawn:
		if i := s.consentAt(e.Consent.UUID); i >= 0 {
			s.consents[i] = s.consents[i].withdrawn()
		}
	case OrderPlaced:
		s.orders = append(s.orders, Order{ID: e.Order, Scope: e.Scope, From: at})
	case OrderExecuted:
		s.endOrder(e.Order, false)
	case OrderCancelled:
		s.endOrder(e.Order, true)
	default: // apply folds the others
	}
}

func (c Consent) withdrawn() Consent { return Consent{ID: c.ID, From: c.From, Withdrawn: true} }

func (o Order) ended(cancelled bool) Order {
	return Order{ID: o.ID, From: o.From, Ended: true, Cancelled: cancelled}
}

func (s *State) endOrder(id domain.OrderID, cancelled bool) {
	if i := s.orderAt(id.UUID); i >= 0 {
		s.orders[i] = s.orders[i].ended(cancelled)
	}
}

// close ends what could still be a basis for processing.
func (s *State) close() {
	s.closed = true
	for i := range s.consents {
		s.consents[i] = s.consents[i].withdrawn()
	}
	for i := range s.orders {
		s.orders[i] = s.orders[i].ended(s.orders[i].Cancelled)
	}
}

// opened begins a new life of each attribute among the items: declared, undisputed and confidential.
// Traces leave no mark here; they stand in streams of their own.
func (s *State) opened(items []domain.Item, at instant) {
	for _, it := range items {
		if n := attributeNumber(it.Epoch); n > 0 {
			*s.slot(it.Field) = Held{Field: it.Field, Current: n, Since: n, Live: true, Status: Declared, since: at, from: at}
		}
	}
}

// replaced ends the old values and goes on with the new ones: the fields are held without a break.
func (s *State) replaced(items []domain.Item, old []domain.Fate, at time.Time) {
	var few [4]Held
	was := few[:0]
	for _, it := range items {
		was = append(was, *s.slot(it.Field))
	}
	s.meet(old, at)
	for i, it := range items {
		if n := attributeNumber(it.Epoch); n > 0 {
			*s.slot(it.Field) = was[i].next(n, instantOf(at))
		}
	}
}

// written adds a value that stands beside the earlier ones of its field instead of replacing them.
func (s *State) written(items []domain.Item, at instant) {
	for _, it := range items {
		n := attributeNumber(it.Epoch)
		if n == 0 {
			continue
		}
		h := s.slot(it.Field)
		next := h.next(n, at)
		if h.Live {
			next.Since, next.Disputed, next.Public, next.disputed, next.public = h.Since, h.Disputed, h.Public, h.disputed, h.public
		}
		*h = next
	}
}

func (s *State) clear(f domain.Field, m domain.Month, generation int) {
	i := s.traceAt(f)
	if i < 0 {
		s.traces = append(s.traces, Cleared{f, m, generation})
		return
	}
	if c := s.traces[i]; m > c.Month || m == c.Month && generation > c.Generation {
		s.traces[i] = Cleared{f, m, generation}
	}
}

func (s *State) slot(f domain.Field) *Held {
	if i := s.fieldAt(f); i >= 0 {
		return &s.fields[i]
	}
	s.fields = append(s.fields, Held{Field: f})
	return &s.fields[len(s.fields)-1]
}

func (s *State) with(f domain.Field, change func(*Held)) {
	if i := s.fieldAt(f); i >= 0 {
		change(&s.fields[i])
	}
}

func (s *State) each(values []domain.FieldEpoch, change func(*Held)) {
	for _, v := range values {
		if i := s.fieldAt(v.Field); i >= 0 && s.fields[i].Current == attributeNumber(v.Epoch) {
			change(&s.fields[i])
		}
	}
}
