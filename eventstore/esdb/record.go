package esdb

import (
	"fmt"
	"math"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"imagine.ua/litopys/eventstore"
)

// original gives the record that stands in the log, which for a link is the link.
func (s *Store) original(e *esdb.ResolvedEvent) (*esdb.RecordedEvent, error) {
	r := e.OriginalEvent()
	if r == nil {
		return nil, s.damage("of an unknown name", "the server sent a record without its content")
	}
	return r, nil
}

// record gives a record as the contract knows it; bytes go out as they came in.
func (s *Store) record(e *esdb.RecordedEvent) (eventstore.Record, error) {
	position, err := s.position(e.StreamID, e.Position)
	if err != nil {
		return eventstore.Record{}, err
	}
	if e.EventNumber >= math.MaxInt64 {
		return eventstore.Record{}, s.damage(e.StreamID, fmt.Sprintf("the server sent a record of revision %d", e.EventNumber))
	}
	return eventstore.Record{
		Event:    eventstore.Event{ID: e.EventID, Type: e.EventType, Data: e.Data, Meta: e.UserMetadata},
		Stream:   strings.TrimPrefix(e.StreamID, s.cfg.Namespace),
		Revision: int64(e.EventNumber),
		Position: position,
	}, nil
}

// position gives the contract's position of a record: commit position plus one.
func (s *Store) position(stream string, p esdb.Position) (eventstore.Position, error) {
	if p.Commit != p.Prepare || p.Commit >= math.MaxInt64 {
		return 0, s.damage(stream, fmt.Sprintf("record at %d/%d was not written by a plain append", p.Commit, p.Prepare))
	}
	return eventstore.Position(p.Commit + 1), nil
}

// wire gives the server's position of a record.
func wire(p eventstore.Position) esdb.Position {
	return esdb.Position{Commit: uint64(p) - 1, Prepare: uint64(p) - 1}
}
