package faulty

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// Store fails the calls of another store, for tests of its callers. Before means not written, After means
// written; both report eventstore.ErrUnknownOutcome, or the plan's Err. Reads fail at their beginning
// (Before), at their end (After) or behind their first record (Short). Full reports eventstore.ErrFull,
// from Append alone.
type Store struct {
	inner eventstore.Store
	in    *Injector
}

var _ eventstore.Store = (*Store)(nil)

// NewStore wraps a store. Closing it closes the inner one.
func NewStore(inner eventstore.Store, in *Injector) *Store { return &Store{inner: inner, in: in} }

func (v verdict) callError(unknown error) func(Flavour) error {
	return func(f Flavour) error {
		switch {
		case f == Full:
			return fmt.Errorf("%w: %w", eventstore.ErrFull, ErrInjected)
		case v.err != nil:
			return v.err
		}
		return errors.Join(unknown, ErrInjected)
	}
}

func (s *Store) call(op Op, space bool, unknown error, do func() error) error {
	v := s.in.next(op, space)
	return v.around(do, v.callError(unknown))
}

// Append implements eventstore.Appender.
func (s *Store) Append(ctx context.Context, stream string, expected int64, events []eventstore.Event) (out eventstore.Appended, err error) {
	err = s.call(Op{"Append", stream}, true, eventstore.ErrUnknownOutcome, func() (err error) {
		out, err = s.inner.Append(ctx, stream, expected, events)
		return err
	})
	if err != nil {
		out = eventstore.Appended{}
	}
	return out, err
}

// StreamHead implements eventstore.StreamReader.
func (s *Store) StreamHead(ctx context.Context, stream string) (head int64, err error) {
	err = s.call(Op{"StreamHead", stream}, false, nil, func() (err error) { head, err = s.inner.StreamHead(ctx, stream); return err })
	return head, err
}

// Head implements eventstore.LogReader.
func (s *Store) Head(ctx context.Context) (head eventstore.Position, err error) {
	err = s.call(Op{Kind: "Head"}, false, nil, func() (err error) { head, err = s.inner.Head(ctx); return err })
	return head, err
}

// Identity implements eventstore.Store.
func (s *Store) Identity(ctx context.Context) (id uuid.UUID, err error) {
	err = s.call(Op{Kind: "Identity"}, false, nil, func() (err error) { id, err = s.inner.Identity(ctx); return err })
	return id, err
}

// ReadStream implements eventstore.StreamReader.
func (s *Store) ReadStream(ctx context.Context, stream string, after int64) iter.Seq2[eventstore.Record, error] {
	return cut(s.in, Op{"ReadStream", stream}, s.inner.ReadStream(ctx, stream, after))
}

// ReadAll implements eventstore.LogReader.
func (s *Store) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return cut(s.in, Op{Kind: "ReadAll"}, s.inner.ReadAll(ctx, after))
}

// Subscribe implements eventstore.Subscriber.
func (s *Store) Subscribe(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Delivery, error] {
	return cut(s.in, Op{Kind: "Subscribe"}, s.inner.Subscribe(ctx, after))
}

// cut fails a sequence at its beginning, its first element or its end. Each loop over it is one operation.
func cut[T any](in *Injector, op Op, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		v := in.next(op, false)
		if !v.fail {
			seq(yield)
			return
		}
		if v.flavour != Before {
			for x, err := range seq {
				if !yield(x, err) || err != nil {
					return
				}
				if v.flavour == Short {
					break
				}
			}
		}
		var none T
		yield(none, v.callError(nil)(v.flavour))
	}
}

// Close implements eventstore.Store. It is never failed.
func (s *Store) Close() error { return s.inner.Close() }
