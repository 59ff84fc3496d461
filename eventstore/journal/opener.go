package journal

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/seal"
)

// openChunk is how many values are opened with one call to the key store. It bounds for how long a key
// that is destroyed meanwhile is still in use.
const openChunk = 512

// inParts has openers work on n things in parts, several parts at once. It returns when nobody works any more.
// Of several errors it gives that of the first part.
func (j *Journal) inParts(reach Reach, n, part int, work func(o *opener, from, to int) error) error {
	errs := make([]error, (n+part-1)/part)
	var next atomic.Int64
	run := func() {
		o := openers.Get().(*opener)
		defer o.release()
		o.reach, o.store = reach, j.keys
		for at := int(next.Add(1)) - 1; at < len(errs); at = int(next.Add(1)) - 1 {
			o.now = j.clock()
			if errs[at] = work(o, at*part, min((at+1)*part, n)); errs[at] != nil {
				next.Store(int64(len(errs))) // the parts before this one are under way
			}
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), maxDecoders, len(errs)) - 1 {
		others.Go(run)
	}
	run()
	others.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// opener opens chunks of values, one after the other.
type opener struct {
	reach Reach
	store keys.Store
	now   time.Time

	ids    []uuid.UUID         // of the chunk's keys, each once
	places map[uuid.UUID]int32 // in ids
	keyOf  []int32             // place of each value's key
	keys   []keys.Key          // by ids
	sealed []byte
	clear  []byte

	values []Sealed // of unseal
	opened []domain.Value
}

// openers are used again, since what one lays out weighs as much as what it opens.
var openers = sync.Pool{New: func() any { return &opener{places: make(map[uuid.UUID]int32, openChunk)} }}

// release gives the opener back, without secrets and values.
func (o *opener) release() {
	o.store, o.keys = nil, nil
	if cap(o.values) > 4*openChunk {
		o.values, o.opened = nil, nil
	}
	clear(o.values[:cap(o.values)])
	clear(o.opened[:cap(o.opened)])
	openers.Put(o)
}

// unseal replaces the values of the events.
func (o *opener) unseal(ctx context.Context, events []domain.Recorded) error {
	o.values, o.opened = appendSealed(o.values[:0], events), o.opened[:0]
	for part := range slices.Chunk(o.values, openChunk) {
		if err := o.chunk(ctx, part, func(_ int, opened Opened) { o.opened = append(o.opened, opened.Value) }); err != nil {
			return err
		}
	}
	left := o.opened
	for i := range events {
		items := slices.Clone(events[i].Event.Personal())
		if len(items) == 0 {
			continue
		}
		for n := range items {
			items[n].Value = left[n]
		}
		left = left[len(items):]
		events[i].Event = domain.WithPersonal(events[i].Event, items)
	}
	return nil
}

// chunk opens values and tells of them by their numbers.
func (o *opener) chunk(ctx context.Context, values []Sealed, tell func(int, Opened)) error {
	if err := o.fetch(ctx, values); err != nil {
		return err
	}
	for i := range values {
		opened, err := o.open(&values[i], o.keyOf[i])
		if err != nil {
			return named(values[i], err)
		}
		tell(i, opened)
	}
	return nil
}

// noKey is the place of the key of a value that is not sealed.
const noKey = -1

// fetch gets every key of the chunk once.
func (o *opener) fetch(ctx context.Context, values []Sealed) error {
	clear(o.places)
	o.ids, o.keyOf = o.ids[:0], o.keyOf[:0]
	for i := range values {
		place, err := o.placeOf(values[i].Item.Value)
		if err != nil {
			return named(values[i], err)
		}
		o.keyOf = append(o.keyOf, place)
	}
	if len(o.ids) == 0 {
		return nil
	}
	found, err := o.store.Open(ctx, o.ids)
	if errors.Is(err, keys.ErrUnknownKey) {
		return fmt.Errorf("open values: %w", o.missing(ctx, values))
	}
	if err != nil {
		return fmt.Errorf("open values: %w", err)
	}
	o.keys = found
	return nil
}

// placeOf gives the place of a value's key, making it.
func (o *opener) placeOf(v domain.Value) (int32, error) {
	if v.Condition() != domain.Sealed {
		return noKey, nil
	}
	sealed, _ := v.SealedBytes()
	id, err := seal.KeyID(sealed)
	if err != nil {
		return 0, err
	}
	place, known := o.places[id]
	if !known {
		place = int32(len(o.ids)) //nolint:gosec // at most openChunk
		o.places[id] = place
		o.ids = append(o.ids, id)
	}
	return place, nil
}

// named says which value it was.
func named(v Sealed, err error) error {
	return fmt.Errorf("value of %s in event %s: %w", v.Item.Field, v.Event, err)
}

// open decides by the state of the key alone. The address is compared even when nothing can be opened any
// more, so that a tombstone does not hide a value that was moved.
func (o *opener) open(v *Sealed, place int32) (Opened, error) {
	if place == noKey {
		return Opened{Value: v.Item.Value}, nil
	}
	key := &o.keys[place]
	if key.Ref != refOf(v.Item) {
		return Opened{}, seal.ErrVerify
	}
	opened := Opened{Value: domain.ErasedValue(), State: key.State, Until: key.Until, Rule: key.Rule}
	if !o.may(key) {
		return opened, nil
	}
	sealed, _ := v.Item.Value.SealedBytes()
	o.sealed = append(o.sealed[:0], sealed...)
	var err error
	o.clear, err = key.Cipher().Open(o.clear[:0], addressOf(v.Stream, v.Event, v.Item), o.sealed)
	if err != nil {
		return Opened{}, err
	}
	opened.Value = domain.ClearValue(string(o.clear))
	clear(o.clear)
	return opened, nil
}

func (o *opener) may(key *keys.Key) bool {
	switch key.State {
	case keys.Live:
		return true
	case keys.Retained:
		return o.reach == WithRetained && (key.Until.IsZero() || o.now.Before(key.Until)) // zero: nobody knows its end yet
	}
	return false
}
