// Package projtest is the contract of projections as tests: every backend passes Run. It brings a log in
// memory, people with plausible histories, and a backend that fails where it is told to.
package projtest

import (
	"context"
	"iter"
	"sync"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
)

// Log is a projections.Source in memory. Positions rise by seven, so that nothing can count on a step of one.
type Log struct {
	mu       sync.Mutex
	identity uuid.UUID
	events   []domain.Recorded
	streams  map[domain.Stream]domain.Revision
	more     chan struct{} // closed and renewed at every append
	broken   map[uint64]error
}

// NewLog is an empty log with this identity.
func NewLog(identity uuid.UUID) *Log {
	return &Log{identity: identity, streams: map[domain.Stream]domain.Revision{}, more: make(chan struct{}), broken: map[uint64]error{}}
}

const stride = 7

// Append gives events their places and adds them.
func (l *Log) Append(events ...domain.Recorded) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		e.Revision = l.streams[e.Stream]
		l.streams[e.Stream]++
		e.Position = uint64(len(l.events)+1) * stride
		if e.ID == uuid.Nil {
			e.ID = domain.EventID(e.Stream, l.identity.String(), int(e.Revision))
		}
		l.events = append(l.events, e)
	}
	close(l.more)
	l.more = make(chan struct{})
}

// Events gives what the log holds.
func (l *Log) Events() []domain.Recorded {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events[:len(l.events):len(l.events)]
}

// Break makes reading give the error where the event at the position should come; nil mends it.
func (l *Log) Break(position uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken[position] = err
}

// Cut is a copy of the log with its first n events: what a restore from an older backup gives.
func (l *Log) Cut(n int) *Log {
	c := NewLog(l.identity)
	c.events = append(c.events, l.Events()[:n]...)
	for _, e := range c.events {
		c.streams[e.Stream] = e.Revision + 1
	}
	return c
}

// next gives the events after a position, an error that stands before any of them, and what to wait on.
func (l *Log) next(after uint64) (rest []domain.Recorded, more <-chan struct{}, bad error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := min(int(after/stride), len(l.events))
	rest = l.events[from:]
	for i, e := range rest {
		if err := l.broken[e.Position]; err != nil {
			if i == 0 {
				return nil, l.more, err
			}
			return rest[:i:i], l.more, nil
		}
	}
	return rest[:len(rest):len(rest)], l.more, nil
}

// ReadAll yields what there is.
func (l *Log) ReadAll(ctx context.Context, after uint64) iter.Seq2[domain.Recorded, error] {
	return func(yield func(domain.Recorded, error) bool) {
		for {
			rest, _, err := l.next(after)
			if err != nil || len(rest) == 0 {
				if err != nil {
					yield(domain.Recorded{}, err)
				}
				return
			}
			for _, e := range rest {
				if ctx.Err() != nil {
					yield(domain.Recorded{}, ctx.Err())
					return
				}
				if !yield(e, nil) {
					return
				}
				after = e.Position
			}
		}
	}
}

// Subscribe yields what there is and what comes.
func (l *Log) Subscribe(ctx context.Context, after uint64) iter.Seq2[projections.Delivery, error] {
	return func(yield func(projections.Delivery, error) bool) {
		for {
			rest, more, err := l.next(after)
			if err != nil {
				yield(projections.Delivery{}, err)
				return
			}
			for _, e := range rest {
				if !yield(projections.Delivery{Recorded: e}, nil) {
					return
				}
				after = e.Position
			}
			if len(rest) > 0 {
				continue
			}
			if !yield(projections.Delivery{CaughtUp: true}, nil) {
				return
			}
			select {
			case <-more:
			case <-ctx.Done():
				yield(projections.Delivery{}, ctx.Err())
				return
			}
		}
	}
}

// Head gives the last position.
func (l *Log) Head(context.Context) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.events)) * stride, nil
}

// Identity is the ledger's.
func (l *Log) Identity(context.Context) (uuid.UUID, error) { return l.identity, nil }
