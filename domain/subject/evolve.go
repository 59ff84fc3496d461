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
	if len(events) == 0 {
		return s
	}
	s.fields = slices.Clone(s.fields)
	s.traces = slices.Clone(s.traces)
	s.consents = slices.Clone(s.consents)
	s.orders = slices.Clone(s.orders)
	for _, e := range events {
		s.apply(e)
	}
	return s
}

// cloneFor copies the parts that the event touches, so that nobody who holds the old state sees it change.
func (s State) cloneFor(e Event) State {
	switch e.(type) {
	case ConsentGranted, ConsentWithdrawn:
		s.consents = slices.Clone(s.consents)
	case OrderPlaced, OrderExecuted, OrderCancelled:
		s.orders = slices.Clone(s.orders)
	case Used, Viewed:
	case Closed:
		s.consents, s.orders = slices.Clone(s.consents), slices.Clone(s.orders)
		s.fields, s.traces = slices.Clone(s.fields), slices.Clone(s.traces)
	case Registered, Collected, Disputed, Rectified, Identified, Edited, Deleted, Published,
		PublicationWithdrawn, Transferred:
		s.fields, s.traces = slices.Clone(s.fields), slices.Clone(s.traces)
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
		s.opened(e.Items)
	case Disputed:
		s.with(e.Value.Field, func(h *Held) { h.Disputed = true })
	case Rectified:
		s.with(e.Value.Field, func(h *Held) { h.Disputed = false })
		s.opened(e.Items)
	case Identified:
		s.each(e.Values, func(h *Held) { h.Status = Verified })
	case Edited:
		s.opened(e.Items)
	case Deleted:
		s.ended(e.Deleted)
	case Closed:
		s.ended(e.Deleted)
		s.close()
	case Published:
		s.each(e.Values, func(h *Held) { h.Public = true })
	case PublicationWithdrawn:
		s.each(e.Values, func(h *Held) { h.Public = false })
	case Transferred:
		s.written(e.Personal())
	case ConsentGranted, ConsentWithdrawn, OrderPlaced, OrderExecuted, OrderCancelled:
		s.agree(e)
	case Used, Viewed: // no decision depends on them
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

// ended ends the lives that the fates name.
func (s *State) ended(fates []domain.Fate) {
	for _, f := range fates {
		if month, generation, ok := traceParts(f.Epoch); ok {
			s.clear(f.Field, month, generation+1)
			continue
		}
		if i := s.fieldAt(f.Field); i >= 0 && s.fields[i].Current == attributeNumber(f.Epoch) {
			s.fields[i] = Held{Field: f.Field, Current: s.fields[i].Current}
		}
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
