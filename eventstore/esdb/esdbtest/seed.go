package esdbtest

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Seed is a record to put into the log as it is, for a database that "was always there".
type Seed struct {
	ID       uuid.UUID // nil: a random one
	Stream   string
	Type     string
	JSON     bool
	Data     []byte
	Meta     []byte
	Position *uint64   // nil: at the tail; otherwise not before it
	Created  time.Time // zero: now
}

// ErrSeed is given for a seed whose position lies before the end of the log.
var ErrSeed = errors.New("seed stands before the end of the log")

// Seed writes records without any check of revisions, in order.
func (l *Log) Seed(seeds ...Seed) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range seeds {
		if s.ID == uuid.Nil {
			s.ID = uuid.New()
		}
		if s.Position != nil {
			if *s.Position < l.tail {
				return fmt.Errorf("%s at %d: %w", s.Stream, *s.Position, ErrSeed)
			}
			l.tail = *s.Position
		}
		l.write(s.Stream, proposed{id: s.ID, typ: s.Type, json: s.JSON, data: s.Data, meta: s.Meta, created: s.Created})
	}
	return nil
}

// Stored is a record of the log, for tests that look behind the protocol.
type Stored struct {
	ID         uuid.UUID
	Stream     string
	Revision   int64
	Type       string
	JSON       bool
	Data, Meta []byte
	Position   uint64
	Created    time.Time
}

// Records gives every record of a stream, truncated ones included, or of the whole log for AllStream.
func (l *Log) Records(stream string) []Stored {
	l.mu.RLock()
	entries := l.history(stream)
	if stream == AllStream {
		entries = l.entries
	}
	l.mu.RUnlock()
	out := make([]Stored, len(entries))
	for i, e := range entries {
		out[i] = Stored{ID: e.id, Stream: e.stream, Revision: e.revision, Type: e.typ, JSON: e.json,
			Data: e.data, Meta: e.meta, Position: e.pos, Created: e.created}
	}
	return out
}
