package memory

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

var _ eventstore.Store = (*Store)(nil)

// Store is an open handle on a ledger in memory. It is safe for concurrent use.
type Store struct {
	ledger *ledger
	done   chan struct{} // closed by Close, under ledger.mu
}

// New makes an empty ledger and opens it. A wrong Config panics: it is a bug of the test.
func New(cfg Config) *Store {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		panic(err)
	}
	return newLedger(cfg).openStore()
}

// Reopen opens the ledger of a closed store again, as after a restart. It panics while that ledger is open.
func Reopen(closed *Store) *Store { return closed.ledger.openStore() }

func (l *ledger) openStore() *Store {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open {
		panic("memory: the ledger is still open")
	}
	l.open = true
	return &Store{ledger: l, done: make(chan struct{})}
}

// lock takes the ledger for one step of a call that must find the store open and the context alive.
func (s *Store) lock(ctx context.Context) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.ledger.mu.Lock()
	select {
	case <-s.done:
		s.ledger.mu.Unlock()
		return eventstore.ErrClosed
	default:
		return nil
	}
}

// Append implements eventstore.Appender.
func (s *Store) Append(ctx context.Context, stream string, expected int64, events []eventstore.Event) (eventstore.Appended, error) {
	if err := eventstore.Check(stream, expected, events); err != nil {
		return eventstore.Appended{}, err
	}
	if err := s.lock(ctx); err != nil {
		return eventstore.Appended{}, err
	}
	l := s.ledger
	defer l.mu.Unlock()
	abort := l.rng.Float64() < l.cfg.AbortRate
	if abort && l.rng.IntN(2) == 0 {
		return eventstore.Appended{}, eventstore.ErrUnknownOutcome
	}
	done, err := l.append(stream, expected, events)
	if abort && err == nil {
		return eventstore.Appended{}, eventstore.ErrUnknownOutcome
	}
	return done, err
}

// append decides between writing, an earlier answer and a conflict. The caller holds mu.
func (l *ledger) append(stream string, expected int64, events []eventstore.Event) (eventstore.Appended, error) {
	head := l.head(stream)
	if expected == head {
		l.write(stream, events)
		return eventstore.Appended{Revision: l.head(stream), Position: l.end()}, nil
	}
	if expected < head {
		if first, ok := l.repeated(stream, expected, events); ok {
			return first, nil
		}
	}
	return eventstore.Appended{}, &eventstore.WrongRevisionError{Stream: stream, Expected: expected, Actual: head}
}

// StreamHead implements eventstore.StreamReader.
func (s *Store) StreamHead(ctx context.Context, stream string) (int64, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.ledger.mu.Unlock()
	return s.ledger.head(stream), nil
}

// Head implements eventstore.LogReader.
func (s *Store) Head(ctx context.Context) (eventstore.Position, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.ledger.mu.Unlock()
	return s.ledger.end(), nil
}

// ReadStream implements eventstore.StreamReader. The snapshot is taken when the loop begins.
func (s *Store) ReadStream(ctx context.Context, stream string, after int64) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		if err := s.lock(ctx); err != nil {
			yield(eventstore.Record{}, err)
			return
		}
		entries, indexes := s.ledger.entries, s.ledger.streams[stream]
		s.ledger.mu.Unlock()
		first := min(max(after, eventstore.NoStream), int64(len(indexes))-1) + 1
		for _, i := range indexes[first:] {
			if !s.hand(ctx, entries[i], yield) {
				return
			}
		}
	}
}

// ReadAll implements eventstore.LogReader. The snapshot is taken when the loop begins.
func (s *Store) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		if err := s.lock(ctx); err != nil {
			yield(eventstore.Record{}, err)
			return
		}
		entries := s.entriesAfter(after)
		s.ledger.mu.Unlock()
		for _, e := range entries {
			if !s.hand(ctx, e, yield) {
				return
			}
		}
	}
}

// entriesAfter unlocks before it lets a panic through, so that one misused call does not block the others.
func (s *Store) entriesAfter(after eventstore.Position) []entry {
	defer func() {
		if r := recover(); r != nil {
			s.ledger.mu.Unlock()
			panic(r)
		}
	}()
	return s.ledger.entries[s.ledger.after(after):]
}

// hand yields a copy of one entry, or the reason why it can't, and tells whether to go on.
func (s *Store) hand(ctx context.Context, e entry, yield func(eventstore.Record, error) bool) bool {
	err := s.lock(ctx)
	if err == nil {
		s.ledger.mu.Unlock()
		var r eventstore.Record
		if r, err = e.copyOut(); err == nil {
			return yield(r, nil)
		}
	}
	yield(eventstore.Record{}, err)
	return false
}

// Subscribe implements eventstore.Subscriber. It says that it has caught up each time that it has. When
// the context ends or the store closes it yields that error and ends.
func (s *Store) Subscribe(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Delivery, error] {
	return func(yield func(eventstore.Delivery, error) bool) {
		at := after
		for {
			if err := s.lock(ctx); err != nil {
				yield(eventstore.Delivery{}, err)
				return
			}
			entries, grown := s.entriesAfter(at), s.ledger.grown
			s.ledger.mu.Unlock()
			for _, e := range entries {
				if !s.hand(ctx, e, delivering(yield)) {
					return
				}
				at = e.Position
			}
			if len(entries) > 0 {
				continue // more may have come while these were handed over
			}
			if !yield(eventstore.Delivery{Position: at, CaughtUp: true}, nil) {
				return
			}
			s.wait(ctx, grown)
		}
	}
}

// delivering turns records into deliveries.
func delivering(yield func(eventstore.Delivery, error) bool) func(eventstore.Record, error) bool {
	return func(r eventstore.Record, err error) bool {
		if err != nil {
			return yield(eventstore.Delivery{}, err)
		}
		return yield(eventstore.Delivery{Record: r, Position: r.Position}, nil)
	}
}

// wait returns when the log has grown, the store is closed or the context has ended.
func (s *Store) wait(ctx context.Context, grown <-chan struct{}) {
	select {
	case <-grown:
	case <-s.done:
	case <-ctx.Done():
	}
}

// Identity implements eventstore.Store.
func (s *Store) Identity(ctx context.Context) (uuid.UUID, error) {
	if err := s.lock(ctx); err != nil {
		return uuid.Nil, err
	}
	defer s.ledger.mu.Unlock()
	return s.ledger.identity, nil
}

// Close implements eventstore.Store. Reads and subscriptions under way end with eventstore.ErrClosed.
func (s *Store) Close() error {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	select {
	case <-s.done:
	default:
		close(s.done)
		s.ledger.open = false
	}
	return nil
}
