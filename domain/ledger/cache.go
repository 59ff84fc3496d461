package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
)

// entry is what the ledger knows of a stream. Its states and its revision are never changed: who got an
// entry may read them for as long as he likes. Only seen belongs to the holder of the stream's lock.
type entry struct {
	revision domain.Revision
	file     subject.State
	card     recipient.State
	asked    *request.State // nil: none
	editions *policy.State  // nil: none
	month    statistics.State
	seen     *seen
	weight   uint32 // bytes, by estimate
}

// fresh is the entry of a stream without events.
func fresh() *entry { return &entry{revision: domain.NoStream, seen: new(seen)} }

// after gives the entry that follows when these events have been appended.
func (e *entry) after(stream domain.Stream, events []domain.Recorded) (*entry, error) {
	next := *e
	next.revision += domain.Revision(len(events))
	var err error
	switch stream.Kind() {
	case domain.KindSubject:
		next.file, err = afterFile(e.file, events)
	case domain.KindRecipient:
		next.card, err = afterEach(e.card, events, func(s recipient.State, e recipient.Event, _ domain.Meta) recipient.State {
			return recipient.Evolve(s, e)
		})
	case domain.KindRequest:
		next.asked, err = afterRare(e.asked, events, func(s request.State, e request.Event, m domain.Meta) request.State {
			return request.Evolve(s, request.Fact{Event: e, By: m.Actor, At: m.OccurredAt})
		})
	case domain.KindPolicy:
		next.editions, err = afterRare(e.editions, events, func(s policy.State, e policy.Event, _ domain.Meta) policy.State {
			return policy.Evolve(s, e)
		})
	case domain.KindStatistics:
		next.month, err = afterEach(e.month, events, func(s statistics.State, e statistics.Event, _ domain.Meta) statistics.State {
			return statistics.Evolve(s, e)
		})
	case domain.KindTrace, domain.KindCertificate: // no decision depends on what stands there
	}
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", stream, err)
	}
	for i := range events {
		e.seen.add(events[i].ID)
	}
	next.weight = next.weigh(stream)
	return &next, nil
}

// afterFile folds a subject's file, whose state is copied once for many events.
func afterFile(s subject.State, events []domain.Recorded) (subject.State, error) {
	list := make([]subject.Fact, len(events))
	for i := range events {
		e, ok := events[i].Event.(subject.Event)
		if !ok {
			return s, stray(events[i].Event)
		}
		list[i] = subject.Fact{Event: e, At: events[i].Meta.OccurredAt}
	}
	return subject.Fold(s, list...), nil
}

// afterEach folds the events of an aggregate one by one.
func afterEach[S any, E domain.Event](s S, events []domain.Recorded, evolve func(S, E, domain.Meta) S) (S, error) {
	for i := range events {
		e, ok := events[i].Event.(E)
		if !ok {
			return s, stray(events[i].Event)
		}
		s = evolve(s, e, events[i].Meta)
	}
	return s, nil
}

// afterRare is afterEach for a state that few entries have.
func afterRare[S any, E domain.Event](was *S, events []domain.Recorded, evolve func(S, E, domain.Meta) S) (*S, error) {
	next, err := afterEach(or(was), events, evolve)
	return &next, err
}

// or gives the state, or the one of an empty stream.
func or[S any](s *S) S {
	if s == nil {
		var none S
		return none
	}
	return *s
}

func stray(e domain.Event) error { return fmt.Errorf("%T does not belong there", e) }

func (e *entry) weigh(stream domain.Stream) uint32 {
	n := 256 + len(stream) + e.file.Weight() + len(e.card.Card.Name) + e.seen.weight()
	if e.asked != nil {
		n += 128 + e.asked.Weight()
	}
	if e.editions != nil {
		n += e.editions.Weight()
	}
	return uint32(min(n, math.MaxInt32/2))
}

// seen remembers the ids of a stream's events, for idempotency, by their first eight bytes. A hit is
// confirmed by reading the event, so a chance likeness costs a read and nothing else.
type seen struct {
	marks []uint64         // by revision
	index map[uint64]int32 // mark to revision, once a walk over marks would be slow
}

// fewMarks is up to where a walk is as fast as a map and far smaller.
const fewMarks = 64

func mark(id uuid.UUID) uint64 { return binary.BigEndian.Uint64(id[:8]) }

func (s *seen) add(id uuid.UUID) {
	m := mark(id)
	s.marks = append(s.marks, m)
	switch {
	case s.index != nil:
		s.insert(m, len(s.marks)-1)
	case len(s.marks) > fewMarks:
		s.index = make(map[uint64]int32, 2*fewMarks)
		for revision, m := range s.marks {
			s.insert(m, revision)
		}
	}
}

func (s *seen) insert(m uint64, revision int) {
	if _, taken := s.index[m]; !taken {
		s.index[m] = int32(revision) //nolint:gosec // a stream of 2^31 events does not fit this map either
	}
}

// find gives the revision at which an event with this id may stand.
func (s *seen) find(id uuid.UUID) (domain.Revision, bool) {
	m := mark(id)
	if s.index != nil {
		revision, ok := s.index[m]
		return domain.Revision(revision), ok
	}
	for revision, have := range s.marks {
		if have == m {
			return domain.Revision(revision), true
		}
	}
	return 0, false
}

func (s *seen) weight() int { return 8*cap(s.marks) + 32*len(s.index) }

// cache holds entries of streams within a bound of memory.
type cache struct {
	c *otter.Cache[domain.Stream, *slot]
}

// slot is where the newest entry of a stream lies. Putting an entry into its slot is cheaper than telling
// the cache, which is told only when the stream has grown by a quarter since.
type slot struct {
	newest atomic.Pointer[entry]
	weight uint32 // as told to the cache
}

func newCache(bytes uint64) *cache {
	return &cache{otter.Must(&otter.Options[domain.Stream, *slot]{
		MaximumWeight: bytes,
		Weigher:       func(_ domain.Stream, s *slot) uint32 { return s.weight },
	})}
}

func (c *cache) get(stream domain.Stream) (*entry, bool) {
	s, ok := c.c.GetIfPresent(stream)
	if !ok {
		return nil, false
	}
	return s.newest.Load(), true
}

// put makes the entry the stream's newest. The caller holds the stream's lock.
func (c *cache) put(stream domain.Stream, e *entry) {
	if s, ok := c.c.GetIfPresent(stream); ok && e.weight <= s.weight {
		s.newest.Store(e)
		return
	}
	s := &slot{weight: e.weight + e.weight/4}
	s.newest.Store(e)
	c.c.Set(stream, s)
}

func (c *cache) drop(stream domain.Stream) { c.c.Invalidate(stream) }

// load gives the entry of a stream, from the cache or the log. The caller holds the stream's lock.
func (l *Ledger) load(ctx context.Context, stream domain.Stream) (*entry, error) {
	if e, ok := l.cache.get(stream); ok {
		return e, nil
	}
	return l.catchUp(ctx, stream, fresh())
}

// catchUp reads what was appended after the entry and caches the result. The caller holds the stream's lock.
func (l *Ledger) catchUp(ctx context.Context, stream domain.Stream, e *entry) (*entry, error) {
	e, err := l.read(ctx, stream, e)
	if err != nil {
		l.cache.drop(stream)
		return nil, err
	}
	l.cache.put(stream, e)
	return e, nil
}

// readAtOnce is how many events are folded in one step: a step copies the state once.
const readAtOnce = 512

func (l *Ledger) read(ctx context.Context, stream domain.Stream, e *entry) (*entry, error) {
	var events []domain.Recorded
	fold := func() (err error) {
		if len(events) > 0 {
			e, err = e.after(stream, events)
		}
		events = events[:0]
		return err
	}
	expected := e.revision
	for rec, err := range l.journal.Events(ctx, stream, e.revision) {
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", stream, err)
		}
		if expected++; rec.Revision != expected {
			return nil, fmt.Errorf("read %s: revision %d where %d should be", stream, rec.Revision, expected)
		}
		if events = append(events, rec); len(events) == readAtOnce {
			if err := fold(); err != nil {
				return nil, err
			}
		}
	}
	if err := fold(); err != nil {
		return nil, err
	}
	if e.weight == 0 {
		e.weight = e.weigh(stream)
	}
	return e, nil
}

// locked gives the entry of a stream whose lock the caller does not hold. From the cache it comes without
// waiting; it may then be a moment old.
func (l *Ledger) locked(ctx context.Context, stream domain.Stream) (*entry, error) {
	if e, ok := l.cache.get(stream); ok {
		return e, nil
	}
	if err := l.streams.acquire(ctx, string(stream)); err != nil {
		return nil, err
	}
	defer l.streams.release(string(stream))
	return l.load(ctx, stream)
}

// peek gives the entry of a stream without its lock and without keeping it.
func (l *Ledger) peek(ctx context.Context, stream domain.Stream) (*entry, error) {
	if e, ok := l.cache.get(stream); ok {
		return e, nil
	}
	return l.read(ctx, stream, fresh())
}
