package storetest

import (
	"testing"

	"imagine.ua/litopys/eventstore"
)

func testIdempotency(t *testing.T, b Backend) {
	rules{
		{"RepeatIsAnsweredAsTheFirstTime", repeatSame},
		{"RepeatAfterLaterAppendsStillHolds", repeatLater},
		{"PrefixOfABatchCounts", repeatPrefix},
		{"MiddleOfAStreamCounts", repeatMiddle},
		{"RunAcrossBatchesCounts", repeatAcross},
		{"IdsInAnotherOrderConflict", repeatOrder},
		{"PartialOverlapConflicts", repeatPartial},
		{"SameIdsAtAnotherRevisionConflict", repeatShifted},
		{"SameIdsInAnotherStreamAreWritten", repeatElsewhere},
		{"RepeatAheadOfTheHeadConflicts", repeatAhead},
		{"RepeatKeepsTheFirstBytes", repeatBytes},
		{"RepeatAfterRestart", repeatRestart},
	}.run(t, b)
}

// again repeats a batch and checks that the answer is the first one and nothing was written.
func (e *env) again(t testing.TB, first eventstore.Appended, stream string, expected int64, events ...eventstore.Event) {
	t.Helper()
	before := e.log(t)
	got, err := e.Append(e.ctx, stream, expected, events)
	if err != nil {
		t.Fatalf("repeat after %d: %v", expected, err)
	}
	if got != first {
		t.Fatalf("repeat answered %+v, at first it was %+v", got, first)
	}
	same(t, e.log(t), before)
}

func repeatSame(t *testing.T, e *env) {
	s, one, batch := e.Stream(), e.Event(), e.Batch(4)
	first := e.append(t, s, eventstore.NoStream, one)
	e.again(t, first, s, eventstore.NoStream, one)
	second := e.append(t, s, 0, batch...)
	for range 3 {
		e.again(t, second, s, 0, batch...)
		e.again(t, first, s, eventstore.NoStream, one)
	}
}

func repeatLater(t *testing.T, e *env) {
	s, batch := e.Stream(), e.Batch(2)
	first := e.append(t, s, eventstore.NoStream, batch...)
	for i := range int64(60) {
		e.append(t, s, 1+i, e.Event())
	}
	e.fill(t, 10)
	e.again(t, first, s, eventstore.NoStream, batch...)
}

func repeatPrefix(t *testing.T, e *env) {
	s, batch := e.Stream(), e.Batch(3)
	e.append(t, s, eventstore.NoStream, batch...)
	for n := 1; n <= 3; n++ {
		at := e.stream(t, s)[n-1]
		e.again(t, eventstore.Appended{Revision: at.Revision, Position: at.Position}, s, eventstore.NoStream, batch[:n]...)
	}
}

func repeatMiddle(t *testing.T, e *env) {
	s, batch := e.Stream(), e.Batch(6)
	e.append(t, s, eventstore.NoStream, batch...)
	at := e.stream(t, s)[3]
	e.again(t, eventstore.Appended{Revision: 3, Position: at.Position}, s, 1, batch[2:4]...)
}

func repeatAcross(t *testing.T, e *env) {
	s, batch := e.Stream(), e.Batch(4)
	e.append(t, s, eventstore.NoStream, batch[:2]...)
	last := e.append(t, s, 1, batch[2:]...)
	e.again(t, last, s, eventstore.NoStream, batch...)
}

func repeatOrder(t *testing.T, e *env) {
	s, b := e.Stream(), e.Batch(3)
	e.append(t, s, eventstore.NoStream, b...)
	e.refused(t, eventstore.ErrWrongRevision, s, eventstore.NoStream, b[1], b[0], b[2])
	e.refused(t, eventstore.ErrWrongRevision, s, eventstore.NoStream, b[0], b[2], b[1])
	e.refused(t, eventstore.ErrWrongRevision, s, eventstore.NoStream, b[0], b[2])
}

func repeatPartial(t *testing.T, e *env) {
	s, b := e.Stream(), e.Batch(2)
	e.append(t, s, eventstore.NoStream, b...)
	fresh := e.Event()
	e.refused(t, eventstore.ErrWrongRevision, s, eventstore.NoStream, b[0], b[1], fresh)
	e.refused(t, eventstore.ErrWrongRevision, s, eventstore.NoStream, b[0], fresh)
	e.refused(t, eventstore.ErrWrongRevision, s, eventstore.NoStream, fresh, b[1])
	e.refused(t, eventstore.ErrWrongRevision, s, 0, b[1], fresh)
}

func repeatShifted(t *testing.T, e *env) {
	s, b := e.Stream(), e.Batch(4)
	e.append(t, s, eventstore.NoStream, b...)
	e.refused(t, eventstore.ErrWrongRevision, s, 0, b[0])
	e.refused(t, eventstore.ErrWrongRevision, s, eventstore.NoStream, b[1])
	e.refused(t, eventstore.ErrWrongRevision, s, 1, b[1], b[2])
}

func repeatElsewhere(t *testing.T, e *env) {
	one, two, b := e.Stream(), e.Stream(), e.Batch(2)
	e.append(t, one, eventstore.NoStream, b...)
	e.append(t, two, eventstore.NoStream, b...)
	holds(t, e.stream(t, one), one, 0, b)
	holds(t, e.stream(t, two), two, 0, b)
}

func repeatAhead(t *testing.T, e *env) {
	s, b := e.Stream(), e.Batch(2)
	e.append(t, s, eventstore.NoStream, b...)
	e.refused(t, eventstore.ErrWrongRevision, s, 2, b...)
	e.refused(t, eventstore.ErrWrongRevision, e.Stream(), 0, b...)
}

// Only the ids decide; what is stored is never replaced.
func repeatBytes(t *testing.T, e *env) {
	s, b := e.Stream(), e.Batch(2)
	first := e.append(t, s, eventstore.NoStream, b...)
	other := e.Batch(2)
	other[0].ID, other[1].ID = b[0].ID, b[1].ID
	e.again(t, first, s, eventstore.NoStream, other...)
	holds(t, e.stream(t, s), s, 0, b)
}

func repeatRestart(t *testing.T, e *env) {
	s, b := e.Stream(), e.Batch(3)
	first := e.append(t, s, eventstore.NoStream, b...)
	e.append(t, s, 2, e.Event())
	e.reopen(t)
	e.again(t, first, s, eventstore.NoStream, b...)
	e.refused(t, eventstore.ErrWrongRevision, s, eventstore.NoStream, append(b, e.Batch(2)...)...)
}
