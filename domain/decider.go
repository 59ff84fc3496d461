package domain

// Decider is the shape of every aggregate's decision: two pure functions over an initial state.
// C is its command, S its state, E its event.
type Decider[C, S, E any] struct {
	// Initial is the state of a stream without events.
	Initial func() S
	// Decide gives the events that record the command (none is a legal answer: nothing changes), or a
	// *Refusal. It never gives both.
	Decide func(C, S) ([]E, error)
	// Evolve folds one event into the state. It is total: it never fails and never validates, because
	// what it is given has happened.
	Evolve func(S, E) S
}

// Fold evolves the state over the events, in order.
func (d Decider[C, S, E]) Fold(s S, events ...E) S {
	for _, e := range events {
		s = d.Evolve(s, e)
	}
	return s
}
