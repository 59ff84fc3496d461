package embedded

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gofrs/flock"
	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
)

var _ eventstore.Store = (*Store)(nil)

// Store is an open data folder. It is safe for concurrent use. It must be closed; a program that ends
// without closing it loses nothing that was acknowledged, but the next open has more to read.
type Store struct {
	identity uuid.UUID
	log      *log
	index    *index
	heads    *heads
	queue    *queue
	requests requests
	writer   *writer
	lock     *flock.Flock
	conn     *sqlite.Conn // the writer's until its goroutine ends, then Close's

	committed atomic.Uint64 // the last record that readers may see
	grown     broadcast     // after committed has risen

	closing chan struct{} // closed when Close begins
	writing sync.WaitGroup
	once    sync.Once
	closed  error // what Close gives, set in once
}

// alive gives the reason why a call can't go on.
func (s *Store) alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-s.closing:
		return eventstore.ErrClosed
	default:
		return nil
	}
}

// Append implements eventstore.Appender. The context counts until the writer takes the batch into a commit;
// from then on Append waits for the outcome, so that it never has to say that it does not know.
func (s *Store) Append(ctx context.Context, stream string, expected int64, events []eventstore.Event) (eventstore.Appended, error) {
	if err := eventstore.Check(stream, expected, events); err != nil {
		return eventstore.Appended{}, err
	}
	if err := s.alive(ctx); err != nil {
		return eventstore.Appended{}, err
	}
	known, err := s.lookAhead(ctx, stream)
	if err != nil {
		return eventstore.Appended{}, err
	}
	r := s.requests.get(stream, expected, events)
	r.known = known
	if err := s.queue.put(r); err != nil {
		return eventstore.Appended{}, err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if r.taken.CompareAndSwap(false, true) {
			return eventstore.Appended{}, ctx.Err() // the writer still has to drop it
		}
		<-r.done
	}
	defer s.requests.put(r)
	if r.outcome.behind {
		return s.repeated(ctx, r)
	}
	if r.outcome.err != nil {
		return eventstore.Appended{}, r.outcome.err
	}
	return r.outcome.appended, nil
}

// lookAhead finds the stream's head before the request goes to the writer, when it is not in memory: many
// callers can wait for the disk at the same time, the one writer should not.
func (s *Store) lookAhead(ctx context.Context, stream string) (headHint, error) {
	if _, ok := s.heads.get(stream); ok {
		return headHint{}, nil
	}
	asOf := s.committed.Load()
	rev, err := s.index.head(ctx, stream)
	if err != nil {
		return headHint{}, err
	}
	return headHint{rev: rev, asOf: asOf, given: true}, nil
}

// repeated answers a batch whose expected revision lies behind the head: as the first time when exactly its
// events stand there, else with a conflict.
func (s *Store) repeated(ctx context.Context, r *request) (eventstore.Appended, error) {
	conflict := &eventstore.WrongRevisionError{Stream: r.stream, Expected: r.expected, Actual: r.outcome.head}
	if r.outcome.head-r.expected < int64(len(r.events)) {
		return eventstore.Appended{}, conflict
	}
	var last eventstore.Appended
	n := 0
	for record, err := range s.readStream(ctx, r.stream, r.expected, len(r.events)) {
		if err != nil {
			return eventstore.Appended{}, err
		}
		if record.ID != r.events[n].ID {
			return eventstore.Appended{}, conflict
		}
		last = eventstore.Appended{Revision: record.Revision, Position: record.Position}
		if n++; n == len(r.events) {
			return last, nil
		}
	}
	return eventstore.Appended{}, s.shortStream(r.stream, r.expected+int64(n)+1)
}

// shortStream reports a stream whose head is known but whose events are not all found.
func (s *Store) shortStream(stream string, rev int64) error {
	return &eventstore.CorruptError{
		File:   s.index.dir,
		Place:  fmt.Sprintf("stream %s", stream),
		Detail: fmt.Sprintf("revision %d is not found", rev),
	}
}

// StreamHead implements eventstore.StreamReader.
func (s *Store) StreamHead(ctx context.Context, stream string) (int64, error) {
	if err := s.alive(ctx); err != nil {
		return 0, err
	}
	if rev, ok := s.heads.get(stream); ok {
		return rev, nil
	}
	return s.index.head(ctx, stream)
}

// Head implements eventstore.LogReader.
func (s *Store) Head(ctx context.Context) (eventstore.Position, error) {
	if err := s.alive(ctx); err != nil {
		return 0, err
	}
	return eventstore.Position(s.committed.Load()), nil
}

// Identity implements eventstore.Store.
func (s *Store) Identity(ctx context.Context) (uuid.UUID, error) {
	if err := s.alive(ctx); err != nil {
		return uuid.Nil, err
	}
	return s.identity, nil
}
