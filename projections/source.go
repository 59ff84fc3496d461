package projections

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/journal"
)

// A journal is what an engine reads and what readers open values with.
var (
	_ Source  = (*journal.Journal)(nil)
	_ Opener  = (*journal.Journal)(nil)
	_ Streams = (*journal.Journal)(nil)
)

// Source is the log as projections read it: decoded events with sealed values, in one total order without
// gaps that fill up later. It is safe for concurrent use.
type Source interface {
	// ReadAll yields every event after the position up to the end of the log as it stood when the call
	// began, or later. An error is yielded once and last; an event that cannot be decoded is an error.
	ReadAll(ctx context.Context, after uint64) iter.Seq2[domain.Recorded, error]
	// Subscribe yields every event after the position, then each new one as it comes, until the context
	// ends. Whenever all is delivered, a Delivery with CaughtUp says so.
	Subscribe(ctx context.Context, after uint64) iter.Seq2[Delivery, error]
	// Head gives the position of the last event, or 0.
	Head(ctx context.Context) (uint64, error)
	// Identity is the random id of the ledger.
	Identity(ctx context.Context) (uuid.UUID, error)
}

// Delivery is what a subscription hands over: an event, or the news that all is delivered.
type Delivery = journal.Delivery

// Sealed is a sealed value with the address that it was sealed for. A read model copies both; nobody can
// open the one without the other.
type Sealed = journal.Sealed

// Opener opens sealed values at the last moment before a person sees them. It gives one value for each, in
// order: clear, or erased when the key is destroyed, which is an answer and no error. It is safe for
// concurrent use.
type Opener interface {
	Open(ctx context.Context, values []Sealed) ([]domain.Value, error)
}

// Streams reads single streams; a history uses it to find the values that it only points at.
type Streams interface {
	// Events yields the events of a stream after a revision, in order. An error comes once and last.
	Events(ctx context.Context, stream domain.Stream, after domain.Revision) iter.Seq2[domain.Recorded, error]
}
