package keys

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
)

// Backend is where a Base keeps its keys: a file, a database.
type Backend interface {
	// Fresh returns when the cache holds no key whose state was changed before the call began.
	Fresh(ctx context.Context) error
	// Load reads the keys with these ids, in order, at once, and gives entries that nobody else knows. An id
	// may come twice; one without a key gives ErrUnknownKey.
	Load(ctx context.Context, ids []uuid.UUID) ([]*Entry, error)
	// Make answers the calls with one commit, by their Got or Err, and gives the keys that the cache may
	// know from then on. A call that is refused makes nothing and does not harm the others; an error is
	// that of all calls. Only one goroutine calls Make and CarryOut, and what Alone is given.
	Make(calls []*Call) ([]*Entry, error)
	// CarryOut is Store.Follow, of fates that were checked.
	CarryOut(position uint64, fates []domain.Fate) error
}

// Base is what every store of keys has in common: the cache, the index, and the one goroutine that takes all
// calls that wait and has the backend commit them together, so that a hundred callers share one fsync. It is
// safe for concurrent use.
type Base struct {
	ledger  uuid.UUID
	index   *Index
	cache   *Cache
	backend Backend
	calls   chan *Call

	mu     sync.RWMutex  // held for reading by While, for writing by Shut
	closed atomic.Bool   // set under mu
	ended  chan struct{} // closed when the goroutine has ended
}

// Call is one call on its way to the backend: an Ensure, or what is done alone.
type Call struct {
	Wants []Want
	Got   []Key // the answer to Wants, in their order
	Err   error // why the call is refused

	alone func() error // instead of Wants
	done  chan error
}

// maxGroup bounds the wants that one commit carries, and so how long the first caller waits for those who
// came after him, and the ids of one Load.
const maxGroup = 4096

// NewBase makes the base of a store and starts its goroutine, which Shut ends.
func NewBase(ledger uuid.UUID, index *Index, cache *Cache, backend Backend) *Base {
	b := &Base{ledger: ledger, index: index, cache: cache, backend: backend, calls: make(chan *Call, 1024), ended: make(chan struct{})}
	go func() {
		defer close(b.ended)
		b.run()
	}()
	return b
}

// Ensure gives the live key of each ref, making the missing ones. Warm keys come out of memory; the rest go
// to the backend.
func (b *Base) Ensure(ctx context.Context, wants []Want) ([]Key, error) {
	if err := b.fresh(ctx); err != nil {
		return nil, err
	}
	out := make([]Key, len(wants))
	var cold []Want
	var places []int
	for i, w := range wants {
		entry, ok := b.cache.ByRef(w.Ref)
		if !ok || !entry.Has(w.Tag) {
			if err := w.Ref.Check(); err != nil {
				return nil, err
			}
			cold, places = append(cold, w), append(places, i)
			continue
		}
		if entry.Key.State != Live {
			return nil, NotLive(w.Ref)
		}
		out[i] = entry.Key
	}
	if len(cold) == 0 {
		return out, nil
	}
	call := &Call{Wants: cold}
	if err := b.do(ctx, call); err != nil {
		return nil, err
	}
	for i, place := range places {
		out[place] = call.Got[i]
	}
	return out, nil
}

// Open gives the keys with these ids, from memory where they are warm. The others are read in parts of
// maxGroup.
func (b *Base) Open(ctx context.Context, ids []uuid.UUID) ([]Key, error) {
	if err := b.fresh(ctx); err != nil {
		return nil, err
	}
	out := make([]Key, len(ids))
	var cold []uuid.UUID
	var places []int
	for i, id := range ids {
		if entry, ok := b.cache.ByID(id); ok {
			out[i] = entry.Key
		} else {
			cold, places = append(cold, id), append(places, i)
		}
	}
	for len(cold) > 0 {
		n := min(len(cold), maxGroup)
		loaded, err := b.load(ctx, cold[:n])
		if err != nil {
			return nil, err
		}
		for i, place := range places[:n] {
			out[place] = loaded[i].Key
		}
		cold, places = cold[n:], places[n:]
	}
	return out, nil
}

// load reads keys, and remembers those that nobody changes meanwhile: a destruction that is durable before
// they are remembered ends the generation that was taken before they were read.
func (b *Base) load(ctx context.Context, ids []uuid.UUID) (entries []*Entry, err error) {
	generation := b.cache.Generation()
	err = b.While(func() (err error) {
		entries, err = b.backend.Load(ctx, ids)
		return err
	})
	if err == nil {
		b.cache.PutOpened(generation, entries)
	}
	return entries, err
}

// Follow carries out the fates that stand in the log up to the position.
func (b *Base) Follow(ctx context.Context, position uint64, fates []domain.Fate) error {
	for _, f := range fates {
		if err := RefOf(f).Check(); err != nil {
			return err
		}
		if f.Action != domain.Destroy && f.Action != domain.Retain {
			return fmt.Errorf("fate of %s has the unknown action %q", RefOf(f), f.Action)
		}
	}
	if position == 0 && len(fates) > 0 {
		return errors.New("fates have no position in the log")
	}
	return b.do(ctx, &Call{alone: func() error { return b.backend.CarryOut(position, fates) }})
}

// Alone runs do while no other call makes, destroys or rewraps a key, and returns when it is done: once
// begun, the context does not cut it short.
func (b *Base) Alone(ctx context.Context, do func() error) error {
	call := &Call{alone: do, done: make(chan error, 1)}
	if err := b.hand(ctx, call); err != nil {
		return err
	}
	return <-call.done
}

// Tag computes the blind-index tag of a normalised value.
func (b *Base) Tag(field domain.Field, normalised string) Tag { return b.index.Tag(field, normalised) }

// Token derives an id from personal content under the live key of the ref.
func (b *Base) Token(ctx context.Context, ref Ref, content []byte) (uuid.UUID, error) {
	got, err := b.Ensure(ctx, []Want{{Ref: ref}})
	if err != nil {
		return uuid.Nil, err
	}
	return got[0].Token(content), nil
}

// Identity is the id of the ledger that these keys belong to.
func (b *Base) Identity(context.Context) (uuid.UUID, error) {
	if b.closed.Load() {
		return uuid.Nil, eventstore.ErrClosed
	}
	return b.ledger, nil
}

// While runs do unless the store is closed; Shut waits for it.
func (b *Base) While(do func() error) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed.Load() {
		return eventstore.ErrClosed
	}
	return do()
}

// Shut lets no call in any more, carries out what was accepted, forgets the keys, and reports whether the
// store was open until now.
func (b *Base) Shut() (first bool) {
	b.mu.Lock()
	first = !b.closed.Swap(true)
	if first {
		close(b.calls)
	}
	b.mu.Unlock()
	<-b.ended
	b.cache.Clear()
	return first
}

func (b *Base) fresh(ctx context.Context) error {
	if b.closed.Load() {
		return eventstore.ErrClosed
	}
	return b.backend.Fresh(ctx)
}

// do hands the call to the goroutine and waits. When the context ends first it may still be carried out.
func (b *Base) do(ctx context.Context, call *Call) error {
	call.done = make(chan error, 1)
	if err := b.hand(ctx, call); err != nil {
		return err
	}
	select {
	case err := <-call.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *Base) hand(ctx context.Context, call *Call) error {
	return b.While(func() error {
		select {
		case b.calls <- call:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// run carries out calls until there will be none.
func (b *Base) run() {
	for first := range b.calls {
		group, last := gather(first, b.calls)
		if len(group) > 0 {
			b.make(group)
		}
		if last != nil {
			last.done <- last.alone()
		}
	}
}

func (b *Base) make(group []*Call) {
	generation := b.cache.Generation()
	made, err := b.backend.Make(group)
	if err == nil {
		for _, entry := range made {
			b.cache.Put(generation, entry)
		}
	}
	for _, call := range group {
		if err != nil {
			call.Err = err
		}
		call.done <- call.Err
	}
}

// gather takes the Ensure calls that wait already; a call that is done alone ends the group and comes after it.
func gather(first *Call, calls <-chan *Call) (group []*Call, last *Call) {
	total := 0
	for next := first; next != nil; {
		if next.alone != nil {
			return group, next
		}
		group = append(group, next)
		if total += len(next.Wants); total >= maxGroup {
			return group, nil
		}
		select {
		case next = <-calls: // nil when the channel is closed
		default:
			return group, nil
		}
	}
	return group, nil
}

// Problems gives one error that names all that is wrong with the configuration of a store, in order of the
// alphabet; nil when nothing is.
func Problems(wrong map[string]bool) error {
	var errs []error
	for _, message := range slices.Sorted(maps.Keys(wrong)) {
		if wrong[message] {
			errs = append(errs, errors.New("key store: "+message))
		}
	}
	return errors.Join(errs...)
}
