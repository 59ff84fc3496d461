package domain

import "github.com/google/uuid"

// Event is a fact, named in the past tense. Each aggregate has its own closed sum of events
// (subject.Event, recipient.Event); this is their common part.
type Event interface {
	// Personal lists the personal values that this event brings into the ledger, in a fixed order.
	// An event that only refers to values recorded earlier gives none.
	Personal() []Item
	// Fates lists the values whose keys change state by this event. The key store follows them.
	Fates() []Fate
}

// Bearer is an event that can bring personal values.
type Bearer interface {
	Event
	// WithPersonal gives a copy with the values replaced, one for one, in the order of Personal. It panics
	// when the number differs.
	WithPersonal([]Item) Event
}

// WithPersonal gives a copy of the event with its values replaced, one for one, in the order of Personal.
// Sealing and unsealing go through it. It panics when the number differs, and for an event that brings
// values but is no Bearer: a value that cannot be replaced could not be sealed.
func WithPersonal(e Event, items []Item) Event {
	if b, ok := e.(Bearer); ok {
		return b.WithPersonal(items)
	}
	if len(items)+len(e.Personal()) > 0 {
		panic("domain: the event brings no personal values, or cannot replace them")
	}
	return e
}

// NoPersonal is embedded by events that bring no personal value.
type NoPersonal struct{}

// Personal gives none.
func (NoPersonal) Personal() []Item { return nil }

// NoFates is embedded by events that change the state of no key.
type NoFates struct{}

// Fates gives none.
func (NoFates) Fates() []Fate { return nil }

// Revision is the place of an event in its stream, from 0.
type Revision = int64

// NoStream is the expected revision of a stream that must not exist yet, and the revision of an empty state.
const NoStream Revision = -1

// Recorded is an event with its place in the log. Its values are sealed until a reader opens them.
type Recorded struct {
	ID       uuid.UUID
	Stream   Stream
	Revision Revision
	Position uint64 // place in the whole log; rises, with gaps; only a store gives one
	Meta     Meta
	Event    Event
}
