package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/seal"
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
// where they stand, whatever the reason.
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
	out := make([]Opened, 0, len(values))
	for part := range slices.Chunk(values, openChunk) {
		o := opener{reach: reach, now: j.clock(), keys: make(map[uuid.UUID]keys.Key, len(part))}
		if err := o.fetch(ctx, j.keys, part); err != nil {
			return nil, err
		}
		for _, v := range part {
			opened, err := o.open(v)
			if err != nil {
				return nil, fmt.Errorf("value of %s in event %s: %w", v.Item.Field, v.Event, err)
			}
			out = append(out, opened)
		}
	}
	return out, nil
}

// openChunk is how many values are opened with one call to the key store. It bounds for how long a key
// that is destroyed meanwhile is still in use.
const openChunk = 512

// opener opens one chunk of values.
type opener struct {
	reach Reach
	now   time.Time
	keys  map[uuid.UUID]keys.Key
	buf   []byte
}

// fetch gets every key of the chunk once.
func (o *opener) fetch(ctx context.Context, store keys.Store, values []Sealed) error {
	ids := make([]uuid.UUID, 0, len(values))
	for _, v := range values {
		if v.Item.Value.Condition() != domain.Sealed {
			continue
		}
		id, err := keyOf(v.Item.Value)
		if err != nil {
			return fmt.Errorf("value of %s in event %s: %w", v.Item.Field, v.Event, err)
		}
		if _, ok := o.keys[id]; !ok {
			o.keys[id] = keys.Key{}
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := store.Open(ctx, ids)
	if errors.Is(err, keys.ErrUnknownKey) {
		return fmt.Errorf("open values: %w", seal.ErrVerify) // a changed key id looks like any other tampering
	}
	if err != nil {
		return fmt.Errorf("open values: %w", err)
	}
	for i, id := range ids {
		o.keys[id] = found[i]
	}
	return nil
}

func keyOf(v domain.Value) (uuid.UUID, error) {
	sealed, _ := v.SealedBytes()
	return seal.KeyID(sealed)
}

// open decides by the state of the key alone. The address is compared even when nothing can be opened any
// more, so that a tombstone does not hide a value that was moved.
func (o *opener) open(v Sealed) (Opened, error) {
	if v.Item.Value.Condition() != domain.Sealed {
		return Opened{Value: v.Item.Value}, nil
	}
	sealed, _ := v.Item.Value.SealedBytes()
	id, err := seal.KeyID(sealed)
	if err != nil {
		return Opened{}, err
	}
	key := o.keys[id]
	if key.Ref != refOf(v.Item) {
		return Opened{}, seal.ErrVerify
	}
	opened := Opened{Value: domain.ErasedValue(), State: key.State, Until: key.Until, Rule: key.Rule}
	if !o.may(key) {
		return opened, nil
	}
	o.buf, err = key.Cipher().Open(o.buf[:0], addressOf(v.Stream, v.Event, v.Item), sealed)
	if err != nil {
		return Opened{}, err
	}
	opened.Value = domain.ClearValue(string(o.buf))
	clear(o.buf)
	return opened, nil
}

func (o *opener) may(key keys.Key) bool {
	switch key.State {
	case keys.Live:
		return true
	case keys.Retained:
		return o.reach == WithRetained && (key.Until.IsZero() || o.now.Before(key.Until)) // zero: nobody knows its end yet
	}
	return false
}

// Unseal gives the events with the values that the reach allows opened, and the others erased. See Open.
func (j *Journal) Unseal(ctx context.Context, reach Reach, recorded ...domain.Recorded) ([]domain.Recorded, error) {
	opened, err := j.OpenAs(ctx, reach, SealedOf(recorded...))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(recorded)
	for i := range out {
		items := slices.Clone(out[i].Event.Personal())
		if len(items) == 0 {
			continue
		}
		for n := range items {
			items[n].Value = opened[n].Value
		}
		opened = opened[len(items):]
		out[i].Event = domain.WithPersonal(out[i].Event, items)
	}
	return out, nil
}

// SealedOf lists the personal values of the events, in order, with their places.
func SealedOf(recorded ...domain.Recorded) []Sealed {
	out := make([]Sealed, 0, len(recorded))
	for _, r := range recorded {
		for _, item := range r.Event.Personal() {
			out = append(out, Sealed{Stream: r.Stream, Event: r.ID, Item: item})
		}
	}
	return out
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
