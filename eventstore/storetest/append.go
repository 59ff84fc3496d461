package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/eventstore"
)

func testAppend(t *testing.T, b Backend) {
	rules{
		{"FirstEventMakesTheStream", appendFirst},
		{"RevisionsAreContiguousFromZero", appendContiguous},
		{"BatchStandsTogetherInItsOrder", appendBatch},
		{"PositionsRiseOverAllStreams", appendPositions},
		{"AnswerIsThePlaceOfTheLastEvent", appendAnswer},
		{"StreamsDoNotMeet", appendApart},
		{"WrongRevisionTellsWhatWasFound", appendWrongRevision},
		{"RefusedBatchLeavesNothing", appendWhole},
		{"EndedContextWritesNothing", appendEndedContext},
		{"GivenSlicesStayTheCallers", appendGivenSlices},
	}.run(t, b)
}

func appendFirst(t *testing.T, e *env) {
	s, ev := e.Stream(), e.Event()
	if head := e.streamHead(t, s); head != eventstore.NoStream {
		t.Fatalf("a missing stream has head %d", head)
	}
	e.append(t, s, eventstore.NoStream, ev)
	if head := e.streamHead(t, s); head != 0 {
		t.Fatalf("head after the first event: %d, want 0", head)
	}
	holds(t, e.stream(t, s), s, 0, []eventstore.Event{ev})
}

func appendContiguous(t *testing.T, e *env) {
	s := e.Stream()
	var all []eventstore.Event
	for _, n := range []int{1, 3, 1, 7, 2} {
		batch := e.Batch(n)
		e.append(t, s, int64(len(all))-1, batch...)
		all = append(all, batch...)
	}
	holds(t, e.stream(t, s), s, 0, all)
}

func appendBatch(t *testing.T, e *env) {
	s, batch := e.Stream(), e.Batch(1000)
	e.fill(t, 3)
	e.append(t, s, eventstore.NoStream, batch...)
	e.fill(t, 3)
	holds(t, e.log(t)[3:1003], s, 0, batch)
}

func appendPositions(t *testing.T, e *env) {
	last := eventstore.Start
	for range 30 {
		at := e.append(t, e.Stream(), eventstore.NoStream, e.Batch(1+e.Intn(3))...).Position
		if at <= last {
			t.Fatalf("position %d after %d", at, last)
		}
		last = at
	}
	ordered(t, e.log(t))
}

func appendAnswer(t *testing.T, e *env) {
	s := e.Stream()
	for _, n := range []int{1, 5} {
		got := e.append(t, s, e.streamHead(t, s), e.Batch(n)...)
		rs := e.stream(t, s)
		last := rs[len(rs)-1]
		if want := (eventstore.Appended{Revision: last.Revision, Position: last.Position}); got != want {
			t.Fatalf("answer %+v, the record stands at %+v", got, want)
		}
		if head := e.head(t); head != got.Position {
			t.Fatalf("head of the log is %d, the last append answered %d", head, got.Position)
		}
	}
}

func appendApart(t *testing.T, e *env) {
	// Names that a careless comparison, prefix scan or pattern would take for one another.
	names := []string{"a", "A", "a ", " a", "a-1", "a-10", "a%", "a_", "\u00e1", "a\u0301", "a/b", "'; --", "\u0430"}
	want := map[string][]eventstore.Event{}
	for range 2 {
		for _, s := range names {
			ev := e.Event()
			e.append(t, s, int64(len(want[s]))-1, ev)
			want[s] = append(want[s], ev)
		}
	}
	for _, s := range names {
		holds(t, e.stream(t, s), s, 0, want[s])
	}
}

func appendWrongRevision(t *testing.T, e *env) {
	s, missing := e.Stream(), e.Stream()
	e.append(t, s, eventstore.NoStream, e.Batch(3)...)
	for _, c := range []eventstore.WrongRevisionError{
		{Stream: s, Expected: eventstore.NoStream, Actual: 2},
		{Stream: s, Expected: 0, Actual: 2},
		{Stream: s, Expected: 1, Actual: 2},
		{Stream: s, Expected: 3, Actual: 2},
		{Stream: s, Expected: 1 << 40, Actual: 2},
		{Stream: missing, Expected: 0, Actual: eventstore.NoStream},
		{Stream: missing, Expected: 7, Actual: eventstore.NoStream},
	} {
		err := e.refused(t, eventstore.ErrWrongRevision, c.Stream, c.Expected, e.Batch(2)...)
		var got *eventstore.WrongRevisionError
		if !errors.As(err, &got) {
			t.Fatalf("%v carries no *WrongRevisionError", err)
		}
		if diff := cmp.Diff(c, *got); diff != "" {
			t.Errorf("conflict (-want +got):\n%s", diff)
		}
	}
	if head := e.streamHead(t, missing); head != eventstore.NoStream {
		t.Errorf("a refused append made the stream, head %d", head)
	}
}

func appendWhole(t *testing.T, e *env) {
	s := e.Stream()
	e.append(t, s, eventstore.NoStream, e.Event())
	bad := e.Batch(5)
	bad[4].Type = ""
	e.refused(t, eventstore.ErrInvalid, s, 0, bad...)
	e.refused(t, eventstore.ErrWrongRevision, s, 5, e.Batch(5)...)
	e.append(t, s, 0, e.Batch(2)...)
	if head := e.streamHead(t, s); head != 2 {
		t.Errorf("head %d, want 2", head)
	}
}

func appendEndedContext(t *testing.T, e *env) {
	s, ev := e.Stream(), e.Event()
	_, err := e.Append(cancelled(), s, eventstore.NoStream, []eventstore.Event{ev})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("append: %v, want %v", err, context.Canceled)
	}
	if got := e.log(t); len(got) != 0 {
		t.Fatalf("%d records were written", len(got))
	}
	e.append(t, s, eventstore.NoStream, ev)
}

func appendGivenSlices(t *testing.T, e *env) {
	s, batch := e.Stream(), e.Batch(3)
	want := make([]eventstore.Event, len(batch))
	for i, ev := range batch {
		want[i] = ev
		batch[i].Data, batch[i].Meta = append([]byte(nil), ev.Data...), append([]byte(nil), ev.Meta...)
	}
	e.append(t, s, eventstore.NoStream, batch...)
	for i := range batch {
		clear(batch[i].Data)
		clear(batch[i].Meta)
		batch[i] = eventstore.Event{}
	}
	holds(t, e.stream(t, s), s, 0, want)
}
