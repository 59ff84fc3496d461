package subject

import (
	"time"

	"imagine.ua/litopys/domain"
)

// Fact is an event with when it happened. Decisions need both: a transfer that happened before the consent it
// names rests on nothing. In the log the time stands beside the event, as the operation's.
type Fact struct {
	Event Event
	At    time.Time // OccurredAt of the event's metadata, which may be long before it was recorded
}

// Dated gives facts that happened at one time.
func Dated(at time.Time, events ...Event) []Fact {
	facts := make([]Fact, len(events))
	for i, e := range events {
		facts[i] = Fact{Event: e, At: at}
	}
	return facts
}

// instant is a time in microseconds since 1970, as exactly as operations have it. States keep many.
type instant int64

func instantOf(t time.Time) instant { return instant(t.UnixMicro()) }

// on writes the time for a message.
func (i instant) on() string { return on(time.UnixMicro(int64(i))) }

func on(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// before reports whether the operation happened before a time. What begins in the same instant is there.
func (d *decision) before(began time.Time) bool { return d.op.At.Before(began) }

// precedes is before for an instant.
func (d *decision) precedes(began instant) bool { return instantOf(d.op.At) < began }

// tooEarly refuses an operation that ends, or carries out, what was not there yet. The word opens the code.
func tooEarly(word, clause, began, on string) error {
	return domain.Refuse(word+".too-early", clause, "give a time that is not before that", "%s later: on %s", began, on)
}
