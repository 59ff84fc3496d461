package subject

import (
	"slices"

	"imagine.ua/litopys/domain"
)

// Evolve folds one event into a state and gives the new state; the given one stays as it was. It is total.
// For a long stream use Fold, which copies once.
func Evolve(s State, e Event) State {
	s = s.cloneFor(e)
	s.apply(e)
	return s
}

// Fold folds events into a state, in order. It copies the state once, not once an event.
func Fold(s State, events ...Event) State {
	switch len(events) {
	case 0:
		return s
	case 1:
		return Evolve(s, events[0]) // copies what the event touches
	}
	s = s.clone()
	for _, e := range events {
		s.apply(e)
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
func (s *State) apply(e Event) {
	switch e := e.(type) {
	case Registered:
		s.registered = true
		s.opened(e.Personal())
	case Collected:
		if e.Request.IsZero() {
			s.opened(e.Items)
		} else {
			s.written(e.Items)
		}
	case Disputed:
		s.with(e.Value.Field, func(h *Held) { h.Disputed = true })
	case Rectified:
		s.with(e.Value.Field, func(h *Held) { h.Disputed = false })
		s.meet(e.Superseded)
		s.opened(e.Items)
	case Identified:
		s.each(e.Values, func(h *Held) { h.Status = Verified })
	case Edited:
		s.meet(e.Superseded)
		s.opened(e.Items)
	case Deleted:
		s.meet(e.Deleted)
		s.forgetAll(e.Deleted)
	case Closed:
		s.meet(e.Deleted)
		s.forgetAll(e.Deleted)
		s.close()
	case Published:
		s.each(e.Values, func(h *Held) { h.Public = true })
	case PublicationWithdrawn:
		s.each(e.Values, func(h *Held) { h.Public = false })
	case Transferred:
		s.written(e.Personal())
		s.pass(e)
	case ConsentGranted, ConsentWithdrawn, OrderPlaced, OrderExecuted, OrderCancelled:
		s.agree(e)
	case HoldPlaced, HoldReleased, RetentionEnded, Restricted, RestrictionLifted, Objected, ObjectionWithdrawn:
		s.keep(e)
	case Used, Viewed, NoticeGiven, KeysDestroyed: // no decision depends on them
	}
}

// agree folds what the subject agreed to and ordered.
func (s *State) agree(e Event) {
	switch e := e.(type) {
	case ConsentGranted:
		s.consents = append(s.consents, Consent{ID: e.Consent, Scope: e.Scope, Until: e.Until})
	case ConsentWithdrawn:
		if i := s.consentAt(e.Consent.UUID); i >= 0 {
			s.consents[i] = Consent{ID: e.Consent, Withdrawn: true}
		}
	case OrderPlaced:
		s.orders = append(s.orders, Order{ID: e.Order, Scope: e.Scope})
	case OrderExecuted:
		s.endOrder(e.Order)
	case OrderCancelled:
		s.endOrder(e.Order)
	default: // apply folds the others
	}
}

func (s *State) endOrder(id domain.OrderID) {
	if i := s.orderAt(id.UUID); i >= 0 {
		s.orders[i] = Order{ID: id, Ended: true}
	}
}

// close ends what could still be a basis for processing.
func (s *State) close() {
	s.closed = true
	for i := range s.consents {
		s.consents[i] = Consent{ID: s.consents[i].ID, Withdrawn: true}
	}
	for i := range s.orders {
		s.orders[i] = Order{ID: s.orders[i].ID, Ended: true}
	}
}

// opened begins a new life of each attribute among the items: declared, undisputed and confidential.
// Traces leave no mark here; they stand in streams of their own.
func (s *State) opened(items []domain.Item) {
	for _, it := range items {
		if n := attributeNumber(it.Epoch); n > 0 {
			*s.slot(it.Field) = Held{Field: it.Field, Current: n, Since: n, Live: true, Status: Declared}
		}
	}
}

// written adds a value that stands beside the earlier ones of its field instead of replacing them.
func (s *State) written(items []domain.Item) {
	for _, it := range items {
		n := attributeNumber(it.Epoch)
		if n == 0 {
			continue
		}
		h := s.slot(it.Field)
		if !h.Live {
			h.Since = n
		}
		h.Current, h.Live, h.Status = n, true, Declared
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
