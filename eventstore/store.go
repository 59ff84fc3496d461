package eventstore

import (
	"context"
	"iter"

	"github.com/google/uuid"
)

// Appender adds events to the end of one stream.
//
// Ordering: events of one stream have contiguous revisions from 0 and stand in the log in that order. The
// log has one total order, the same for every reader, and a reader who has seen position p never later
// finds a record before p that he was not shown: there are no gaps that fill up.
//
// Durability: when Append returns nil the batch is on stable storage (fsynced, or acknowledged by the
// server). A batch is stored whole or not at all.
//
// Concurrency: an explicit expected revision is always given: the revision of the stream's last event, or
// NoStream. Any number of goroutines may append; appends to one stream are linearizable.
//
// Idempotency: when expected lies behind the head, and the events after expected carry exactly the ids of
// the batch, in order, Append writes nothing and answers as it did the first time. So a batch whose
// outcome is unknown (ErrUnknownOutcome, an expired context) may be repeated, identical, for ever.
//
// Ids that were written already are not looked for elsewhere: sent again at the current head they are
// written again. Whoever re-bases a batch looks at the tail first, as domain/ledger does.
//
// Input: Check says what is refused as ErrInvalid or ErrTooLarge, and is asked before the stream is looked
// at. Data and Meta are bytes to a store, which leans on nothing inside them; nil and empty are the same.
//
// Errors: ErrWrongRevision (with *WrongRevisionError), ErrTooLarge, ErrInvalid, ErrUnknownOutcome,
// ErrFull, ErrClosed, ErrCorrupt; and the context's error when nothing was handed over.
type Appender interface {
	Append(ctx context.Context, stream string, expected int64, events []Event) (Appended, error)
}

// StreamReader reads one stream. Here and in the other readers a record's slices never change and may be
// appended to by the reader; a read that its context cuts off ends with the context's error or whole,
// never short without an error; and the loop's body may append without a deadlock.
type StreamReader interface {
	// ReadStream yields the records of the stream after the given revision (NoStream: from the first), in
	// order, as they stood when the call began. A stream that does not exist yields nothing. An error is
	// yielded once and ends the sequence.
	ReadStream(ctx context.Context, stream string, after int64) iter.Seq2[Record, error]
	// StreamHead gives the revision of the stream's last event, or NoStream.
	StreamHead(ctx context.Context, stream string) (int64, error)
}

// LogReader reads the whole log.
type LogReader interface {
	// ReadAll yields every record after the position, in order, up to the end of the log as it stood when
	// the call began or later. An error is yielded once and ends the sequence.
	ReadAll(ctx context.Context, after Position) iter.Seq2[Record, error]
	// Head gives the position of the last record, or Start.
	Head(ctx context.Context) (Position, error)
}

// Subscriber follows the log.
type Subscriber interface {
	// Subscribe yields every record after the position, then each new one as it comes, until the context
	// ends. Whenever the subscriber has been shown all there is, it is told so by a Delivery with
	// CaughtUp, again after every run of live records. A slow subscriber slows nobody and loses nothing.
	// When the context or the store ends, the sequence ends: silently, or with the context's error or
	// ErrClosed.
	Subscribe(ctx context.Context, after Position) iter.Seq2[Delivery, error]
}

// Store is a whole log.
type Store interface {
	Appender
	StreamReader
	LogReader
	Subscriber
	// Identity is the random id of this ledger, given once when it was created. It stands in every file
	// and database that belongs to the ledger, so that pieces of two ledgers are never mixed.
	Identity(ctx context.Context) (uuid.UUID, error)
	// Close waits for what was accepted, flushes it and releases everything. Later calls give ErrClosed.
	// Closing twice is a no-op.
	Close() error
}
