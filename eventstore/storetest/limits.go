package storetest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

func testLimits(t *testing.T, b Backend) {
	rules{
		{"EmptyBatchIsInvalid", limitEmptyBatch},
		{"NilIdIsInvalid", limitNilID},
		{"EmptyTypeIsInvalid", limitEmptyType},
		{"LongTypeIsInvalid", limitLongType},
		{"EmptyStreamNameIsInvalid", limitEmptyStream},
		{"LongStreamNameIsInvalid", limitLongStream},
		{"BrokenUTF8InNamesIsInvalid", limitUTF8},
		{"NULInNamesIsInvalid", limitNUL},
		{"RevisionBelowNoStreamIsInvalid", limitRevision},
		{"BatchOverTheLimitIsTooLarge", limitBatch},
		{"EventOverTheLimitIsTooLarge", limitEvent},
		{"TypeNameCountsTwice", limitTypeCounts},
		{"LargestAppendIsAccepted", limitLargest},
		{"InvalidInputBeatsAConflict", limitBeforeConflict},
	}.run(t, b)
}

// spoiled is a batch of three whose last event was changed.
func (e *env) spoiled(spoil func(*eventstore.Event)) []eventstore.Event {
	batch := e.Batch(3)
	spoil(&batch[2])
	return batch
}

func limitEmptyBatch(t *testing.T, e *env) {
	s := e.Stream()
	e.refused(t, eventstore.ErrInvalid, s, eventstore.NoStream)
	e.append(t, s, eventstore.NoStream, e.Event())
	e.refused(t, eventstore.ErrInvalid, s, 0)
}

func limitNilID(t *testing.T, e *env) {
	e.refused(t, eventstore.ErrInvalid, e.Stream(), eventstore.NoStream,
		e.spoiled(func(ev *eventstore.Event) { ev.ID = uuid.Nil })...)
}

func limitEmptyType(t *testing.T, e *env) {
	e.refused(t, eventstore.ErrInvalid, e.Stream(), eventstore.NoStream,
		e.spoiled(func(ev *eventstore.Event) { ev.Type = "" })...)
}

func limitLongType(t *testing.T, e *env) {
	s, ev := e.Stream(), e.Event()
	ev.Type = strings.Repeat("T", eventstore.MaxTypeName)
	e.append(t, s, eventstore.NoStream, ev)
	holds(t, e.stream(t, s), s, 0, []eventstore.Event{ev})
	long := e.Event()
	long.Type = ev.Type + "T"
	e.refused(t, eventstore.ErrInvalid, s, 0, long)
}

func limitEmptyStream(t *testing.T, e *env) {
	e.refused(t, eventstore.ErrInvalid, "", eventstore.NoStream, e.Event())
}

func limitLongStream(t *testing.T, e *env) {
	ev := e.Event()
	// Bytes count, not letters: each of these takes two.
	s := strings.Repeat("\u0457", eventstore.MaxStreamName/2)
	e.append(t, s, eventstore.NoStream, ev)
	holds(t, e.stream(t, s), s, 0, []eventstore.Event{ev})
	e.refused(t, eventstore.ErrInvalid, s+"x", eventstore.NoStream, e.Event())
}

func limitUTF8(t *testing.T, e *env) {
	e.refused(t, eventstore.ErrInvalid, "thing-\xff", eventstore.NoStream, e.Event())
	e.refused(t, eventstore.ErrInvalid, e.Stream(), eventstore.NoStream,
		e.spoiled(func(ev *eventstore.Event) { ev.Type = "Cut\xd0" })...)
}

func limitNUL(t *testing.T, e *env) {
	e.refused(t, eventstore.ErrInvalid, "thing\x00-1", eventstore.NoStream, e.Event())
	e.refused(t, eventstore.ErrInvalid, e.Stream(), eventstore.NoStream,
		e.spoiled(func(ev *eventstore.Event) { ev.Type = "Cut\x00" })...)
}

func limitRevision(t *testing.T, e *env) {
	e.refused(t, eventstore.ErrInvalid, e.Stream(), -2, e.Event())
}

func limitBatch(t *testing.T, e *env) {
	batch := e.Batch(16)
	for i := range batch {
		batch[i].Data = bytes.Repeat([]byte("7"), eventstore.MaxAppendBytes/15)
	}
	e.refused(t, eventstore.ErrTooLarge, e.Stream(), eventstore.NoStream, batch...)
}

func limitEvent(t *testing.T, e *env) {
	for _, n := range []int{eventstore.MaxAppendBytes + 1, 10 << 20} {
		e.refused(t, eventstore.ErrTooLarge, e.Stream(), eventstore.NoStream,
			e.spoiled(func(ev *eventstore.Event) { ev.Data = bytes.Repeat([]byte("7"), n) })...)
		e.refused(t, eventstore.ErrTooLarge, e.Stream(), eventstore.NoStream,
			e.spoiled(func(ev *eventstore.Event) { ev.Meta = bytes.Repeat([]byte("7"), n) })...)
	}
}

// filled is one event of exactly this size.
func (e *env) filled(size int) eventstore.Event {
	ev := e.Event()
	ev.Data = nil
	ev.Data = bytes.Repeat([]byte("7"), size-ev.Size())
	return ev
}

func limitTypeCounts(t *testing.T, e *env) {
	ev := e.filled(eventstore.MaxAppendBytes)
	ev.Type += "x"
	e.refused(t, eventstore.ErrTooLarge, e.Stream(), eventstore.NoStream, ev)
}

func limitLargest(t *testing.T, e *env) {
	s := e.Stream()
	one := e.filled(eventstore.MaxAppendBytes)
	two := []eventstore.Event{e.filled(eventstore.MaxAppendBytes / 2), e.filled(eventstore.MaxAppendBytes / 2)}
	e.append(t, s, eventstore.NoStream, one)
	e.append(t, s, 0, two...)
	holds(t, e.stream(t, s), s, 0, append([]eventstore.Event{one}, two...))
}

// What is wrong with the batch itself is told before what the stream holds: the answer does not change
// with the log.
func limitBeforeConflict(t *testing.T, e *env) {
	s := e.Stream()
	e.append(t, s, eventstore.NoStream, e.Batch(2)...)
	e.refused(t, eventstore.ErrInvalid, s, 9, e.spoiled(func(ev *eventstore.Event) { ev.ID = uuid.Nil })...)
	e.refused(t, eventstore.ErrTooLarge, s, 9, e.filled(eventstore.MaxAppendBytes+1))
}
