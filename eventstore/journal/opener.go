package journal

import (
	"context"
	"errors"
	"fmt"
	"runtime"
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

// openEach opens values in chunks, several at once, and tells of each value, from any goroutine. It returns
// when nobody works any more. Of several errors it gives that of the first value.
func (j *Journal) openEach(ctx context.Context, reach Reach, values []Sealed, tell func(int, Opened)) error {
	chunks := (len(values) + openChunk - 1) / openChunk
	errs := make([]error, chunks)
	var next atomic.Int64
	work := func() {
		o := opener{reach: reach, store: j.keys, tell: tell}
		for n := int(next.Add(1)) - 1; n < chunks; n = int(next.Add(1)) - 1 {
			o.now = j.clock()
			first := n * openChunk
			if errs[n] = o.chunk(ctx, first, values[first:min(first+openChunk, len(values))]); errs[n] != nil {
				next.Store(int64(chunks)) // the chunks before this one are under way
			}
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), maxDecoders, chunks) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// opener opens one chunk of values after the other.
type opener struct {
	reach Reach
	store keys.Store
	tell  func(int, Opened)
	now   time.Time // of the chunk

	ids    []uuid.UUID         // of the chunk's keys, each once
	places map[uuid.UUID]int32 // in ids
	keyOf  []int32             // place of each value's key
	keys   []keys.Key          // by ids
	sealed []byte
	clear  []byte
}

// chunk opens values and tells of them by their numbers, from first.
func (o *opener) chunk(ctx context.Context, first int, values []Sealed) error {
	if err := o.fetch(ctx, values); err != nil {
		return err
	}
	for i := range values {
		opened, err := o.open(&values[i], o.keyOf[i])
		if err != nil {
			return named(values[i], err)
		}
		o.tell(first+i, opened)
	}
	return nil
}

// noKey is the place of the key of a value that is not sealed.
const noKey = -1

// fetch gets every key of the chunk once.
func (o *opener) fetch(ctx context.Context, values []Sealed) error {
	if o.places == nil {
		o.places = make(map[uuid.UUID]int32, len(values))
	}
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
		return fmt.Errorf("open values: %w", seal.ErrVerify) // a changed key id looks like any other tampering
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
