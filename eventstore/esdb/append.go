package esdb

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"imagine.ua/litopys/eventstore"
)

// Append writes the events after the expected revision; see eventstore.Appender. An error that is
// ErrUnknownOutcome also carries the last cause.
func (s *Store) Append(ctx context.Context, stream string, expected int64, events []eventstore.Event) (eventstore.Appended, error) {
	if err := s.check(stream, expected, events); err != nil {
		return eventstore.Appended{}, fmt.Errorf("append: %w", err)
	}
	if err := s.beginAppend(ctx); err != nil {
		return eventstore.Appended{}, fmt.Errorf("append: %w", err)
	}
	defer s.busy.Done()
	return s.insist(ctx, stream, expected, proposals(events))
}

// check refuses, before anything is sent, what the server would refuse: its refusal of a large batch is
// usually lost in the client, and the client would make up an id for an event without one at each attempt.
func (s *Store) check(stream string, expected int64, events []eventstore.Event) error {
	if err := eventstore.Check(stream, expected, events); err != nil {
		return err
	}
	if !s.ours(stream) {
		return fmt.Errorf("stream %q is not one of the ledger's: %w", stream, eventstore.ErrInvalid)
	}
	return nil
}

func proposals(events []eventstore.Event) []esdb.EventData {
	out := make([]esdb.EventData, len(events))
	for i := range events {
		e := &events[i]
		out[i] = esdb.EventData{EventID: e.ID, EventType: e.Type, ContentType: esdb.ContentTypeJson, Data: e.Data, Metadata: e.Meta}
	}
	return out
}

// insist sends the identical batch until its outcome is known. A conflict after an unknown attempt is a
// true one: had that attempt been written, the server would know the ids.
func (s *Store) insist(ctx context.Context, stream string, expected int64, events []esdb.EventData) (eventstore.Appended, error) {
	var last error
	sent := false // an attempt may have been written
	for n := range s.cfg.Attempts {
		if n > 0 {
			if err := s.pause(ctx, n); err != nil {
				last = errors.Join(err, last)
				break
			}
		}
		result, err := s.send(ctx, stream, expected, events)
		if err == nil {
			return s.answer(ctx, stream, expected+int64(len(events)), result)
		}
		last = err
		fate := judge(err)
		switch {
		case fate == fateConflict:
			return eventstore.Appended{}, s.conflict(ctx, stream, expected, err)
		case fate.final() && !sent, fate == fateDeleted:
			return eventstore.Appended{}, s.explain("append to", stream, err)
		case fate == fateLost:
			s.askWhy(ctx, stream)
		}
		sent = sent || fate.written()
		if err := over(ctx); err != nil {
			last = errors.Join(err, last)
			break
		}
	}
	if !sent {
		return eventstore.Appended{}, fmt.Errorf("append to %s: %w", stream, last)
	}
	return eventstore.Appended{}, fmt.Errorf("append to %s: %w: %w", stream, eventstore.ErrUnknownOutcome, last)
}

func (s *Store) send(ctx context.Context, stream string, expected int64, events []esdb.EventData) (*esdb.WriteResult, error) {
	if s.link.guarded.Load() { // otherwise the deadline below does the same, for less
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.cfg.AttemptTimeout)
		defer cancel()
	}
	opts := esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}, Deadline: &s.cfg.AttemptTimeout}
	if expected >= 0 {
		opts.ExpectedRevision = esdb.Revision(uint64(expected))
	}
	result, gen, err := do(ctx, s.link, func(ctx context.Context, c *esdb.Client) (*esdb.WriteResult, error) {
		return c.AppendToStream(ctx, s.cfg.Namespace+stream, opts, events...)
	})
	if err != nil {
		return nil, err
	}
	gen.release()
	return result, nil
}

// askWhy makes a small call after an answer was lost: what the server said about leadership or its state
// then reaches the client, which acts on it. Its own outcome does not matter.
func (s *Store) askWhy(ctx context.Context, stream string) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.AttemptTimeout)
	defer cancel()
	_, _ = s.tail(ctx, stream)
}

// answer checks that the events stand where they were meant to stand.
func (s *Store) answer(ctx context.Context, stream string, last int64, r *esdb.WriteResult) (eventstore.Appended, error) {
	if r.NextExpectedVersion != uint64(last) {
		return eventstore.Appended{}, s.damage(stream, fmt.Sprintf(
			"events appended up to revision %d, expected %d: the stream was deleted or truncated", r.NextExpectedVersion, last))
	}
	if r.CommitPosition == 0 && r.PreparePosition == 0 {
		// Either the very first record or "no position given"; only the record can tell.
		return s.lookUp(ctx, stream, last)
	}
	position, err := s.position(stream, esdb.Position{Commit: r.CommitPosition, Prepare: r.PreparePosition})
	return eventstore.Appended{Revision: last, Position: position}, err
}

func (s *Store) lookUp(ctx context.Context, stream string, revision int64) (eventstore.Appended, error) {
	records, err := s.page(ctx, stream, revision-1, 1)
	if err != nil || len(records) == 0 {
		return eventstore.Appended{}, fmt.Errorf("append to %s: %w: %w", stream, eventstore.ErrUnknownOutcome, err)
	}
	return eventstore.Appended{Revision: revision, Position: records[0].Position}, nil
}

// found is where the client hides the revision that the server found.
var found = regexp.MustCompile(`but got '(no_stream|\d+)'$`)

// foundIn gives that revision, if the words are as they were.
func foundIn(text string) (revision int64, ok bool) {
	m := found.FindStringSubmatch(text)
	switch {
	case m == nil:
		return 0, false
	case m[1] == "no_stream":
		return eventstore.NoStream, true
	}
	revision, err := strconv.ParseInt(m[1], 10, 64)
	return revision, err == nil
}

// conflict tells what was expected and found. The client gives the revision in words only; when they
// change, the stream itself is asked.
func (s *Store) conflict(ctx context.Context, stream string, expected int64, err error) error {
	actual, ok := foundIn(err.Error())
	if !ok {
		if actual, err = s.streamHead(ctx, stream); err != nil {
			return fmt.Errorf("append to %s: %w, and the head is unknown: %w", stream, eventstore.ErrWrongRevision, err)
		}
	}
	return fmt.Errorf("append: %w", &eventstore.WrongRevisionError{Stream: stream, Expected: expected, Actual: actual})
}
