package ledger

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
)

// Journal is where the ledger reads and appends facts. eventstore/journal is the implementation.
//
// It is safe for concurrent use. Values in what it yields are sealed; the ledger never opens them.
type Journal interface {
	// Events yields the events of a stream after a revision, in order. An error comes once and last.
	Events(ctx context.Context, stream domain.Stream, after domain.Revision) iter.Seq2[domain.Recorded, error]

	// Append seals and appends the events to one stream, whole or not at all, and returns when they are
	// durable. When the stream's head is not the expected revision it gives ErrConflict. When a value
	// belongs to a key that is destroyed or closed it gives ErrErased and appends nothing.
	Append(ctx context.Context, stream domain.Stream, expected domain.Revision, events []Fact) (Appended, error)

	// Same tells whether the personal values recorded with these events equal the given ones, in order.
	// A recorded value that is erased equals everything: nobody can tell any more.
	Same(ctx context.Context, recorded []domain.Recorded, given []domain.Value) (bool, error)

	// Find gives the subjects under whom a findable value is recorded, through the keyed blind index.
	Find(ctx context.Context, field domain.Field, value domain.Value) ([]domain.SubjectID, error)
}

// Fact is an event on its way into the log.
type Fact struct {
	ID    uuid.UUID
	Meta  domain.Meta
	Event domain.Event
}

// Appended says where the last event of an append stands.
type Appended struct {
	Revision domain.Revision
	Position uint64
}

// Errors that a Journal gives and the ledger branches on.
var (
	ErrConflict = errors.New("the stream changed meanwhile")
	ErrErased   = errors.New("the key of this value is destroyed or closed")
)

// Clock tells the time. The ledger uses it for RecordedAt and to refuse what has not happened yet.
type Clock func() time.Time
