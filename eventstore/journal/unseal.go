package journal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// Sealed is a sealed value with the place that it was sealed for. A read model copies both; nobody can open
// the one without the other.
type Sealed struct {
	Stream domain.Stream
	Event  uuid.UUID
	Item   domain.Item
}

// Reach says which values a reader may open. The zero Reach is the narrow one.
type Reach uint8

// The reaches.
const (
	// LiveOnly opens live values; a retained one is shown as erased.
	LiveOnly Reach = iota
	// WithRetained opens retained values too, until their term ends. It is for the reader of retained
	// records alone, who answers to a rule of law.
	WithRetained
)

// Opened is a value as a reader may see it.
type Opened struct {
	// Value is clear, or erased when the reader may not see it or nobody can.
	Value domain.Value
	// State is the state of the value's key: it tells a value that is erased for this reader (Retained)
	// from one that is erased for everybody (Destroyed). Zero for a value that was not sealed.
	State keys.State
	// Until and Rule say how long and why a retained value is kept.
	Until time.Time
	Rule  string
}

// Open opens live values, one for each, in order: clear, or erased, which is an answer and no error. A
// value that was not sealed comes back as it is. Errors: seal.ErrVerify when sealed bytes do not belong
// where they stand, whatever the reason; when their key is missing, it is a *eventstore.CorruptError too.
func (j *Journal) Open(ctx context.Context, values []Sealed) ([]domain.Value, error) {
	opened, err := j.OpenAs(ctx, LiveOnly, values)
	if err != nil {
		return nil, err
	}
	out := make([]domain.Value, len(opened))
	for i := range opened {
		out[i] = opened[i].Value
	}
	return out, nil
}

// OpenAs opens what the reach allows and tells the state of each value. See Open.
func (j *Journal) OpenAs(ctx context.Context, reach Reach, values []Sealed) ([]Opened, error) {
	if err := j.enter(); err != nil {
		return nil, err
	}
	defer j.leave()
	return j.openAs(ctx, reach, values)
}

// openAs is OpenAs for callers inside enter and leave.
func (j *Journal) openAs(ctx context.Context, reach Reach, values []Sealed) ([]Opened, error) {
	out := make([]Opened, len(values))
	err := j.inParts(reach, len(values), openChunk, func(o *opener, from, to int) error {
		return o.chunk(ctx, values[from:to], func(i int, opened Opened) { out[from+i] = opened })
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Unseal gives the events with the values that the reach allows opened, and the others erased. See Open.
func (j *Journal) Unseal(ctx context.Context, reach Reach, recorded ...domain.Recorded) ([]domain.Recorded, error) {
	if err := j.enter(); err != nil {
		return nil, err
	}
	defer j.leave()
	out := slices.Clone(recorded)
	err := j.inParts(reach, len(out), chunkEvents, func(o *opener, from, to int) error { return o.unseal(ctx, out[from:to]) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SealedOf lists the personal values of the events, in order, with their places.
func SealedOf(recorded ...domain.Recorded) []Sealed {
	return appendSealed(make([]Sealed, 0, len(recorded)), recorded)
}

func appendSealed(list []Sealed, recorded []domain.Recorded) []Sealed {
	for _, r := range recorded {
		for _, item := range r.Event.Personal() {
			list = append(list, Sealed{Stream: r.Stream, Event: r.ID, Item: item})
		}
	}
	return list
}

// Same tells whether the personal values recorded with these events equal the given ones, in order. A value
// that is erased, or whose term has ended, equals everything: nobody can tell any more. A retained value is
// compared; nobody gets to see it.
func (j *Journal) Same(ctx context.Context, recorded []domain.Recorded, given []domain.Value) (bool, error) {
	stored, err := j.OpenAs(ctx, WithRetained, SealedOf(recorded...))
	if err != nil {
		return false, fmt.Errorf("compare values: %w", err)
	}
	if len(stored) != len(given) {
		return false, nil
	}
	for i, s := range stored {
		if s.Value.Condition() == domain.Clear && !s.Value.Equal(given[i]) {
			return false, nil
		}
	}
	return true, nil
}
