package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

func testConcurrency(t *testing.T, b Backend) {
	rules{
		{"OneStreamLosesNothing", concurrentOneStream},
		{"OneWinnerForEachRevision", concurrentWinner},
		{"ConcurrentRepeatsAreWrittenOnce", concurrentRepeats},
		{"NoGapsThatFillUp", concurrentGaps},
		{"AppendsAreLinearizable", linearizable},
		{"BehavesLikeATrivialModel", likeModel},
	}.run(t, b)
}

// appendRetrying appends after whatever the head is, as often as it takes.
func (e *env) appendRetrying(stream string, batch []eventstore.Event) error {
	expected := eventstore.NoStream
	for {
		_, err := e.Append(e.ctx, stream, expected, batch)
		var conflict *eventstore.WrongRevisionError
		if !errors.As(err, &conflict) {
			return err
		}
		if conflict.Actual == expected {
			return errors.New("a conflict with the expected revision itself")
		}
		expected = conflict.Actual
	}
}

func concurrentOneStream(t *testing.T, e *env) {
	const writers, each = 16, 8 // attempts grow with the square of the writers
	s := e.Stream()
	var wg sync.WaitGroup
	given := make([][]eventstore.Event, writers)
	for w := range writers {
		given[w] = e.Batch(each)
		wg.Go(func() {
			for _, ev := range given[w] {
				if err := e.appendRetrying(s, []eventstore.Event{ev}); err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
			}
		})
	}
	wg.Wait()
	rs := e.stream(t, s)
	same(t, e.log(t), rs)
	byID := map[uuid.UUID]eventstore.Record{}
	for _, r := range rs {
		byID[r.ID] = r
	}
	if len(rs) != writers*each || len(byID) != len(rs) {
		t.Fatalf("%d records of %d events, want %d", len(rs), len(byID), writers*each)
	}
	for w, events := range given {
		last := eventstore.NoStream
		for _, ev := range events {
			r, ok := byID[ev.ID]
			if !ok || r.Revision <= last {
				t.Fatalf("writer %d: event lost, or written before its forerunner", w)
			}
			last = r.Revision
		}
	}
}

func concurrentWinner(t *testing.T, e *env) {
	s := e.Stream()
	for revision := range int64(20) {
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() { _, errs[i] = e.Append(e.ctx, s, revision-1, e.Batch(1)) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, eventstore.ErrWrongRevision) {
				t.Fatalf("append: %v", err)
			}
		}
		if won != 1 {
			t.Fatalf("revision %d has %d winners", revision, won)
		}
	}
}

func concurrentRepeats(t *testing.T, e *env) {
	s := e.Stream()
	var want []eventstore.Event
	for range 10 {
		batch, expected := e.Batch(3), int64(len(want))-1
		var wg sync.WaitGroup
		answers, errs := make([]eventstore.Appended, 8), make([]error, 8)
		for i := range answers {
			wg.Go(func() { answers[i], errs[i] = e.Append(e.ctx, s, expected, batch) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("append: %v", err)
		}
		for _, a := range answers {
			if a != answers[0] {
				t.Fatalf("one batch was answered %+v and %+v", answers[0], a)
			}
		}
		want = append(want, batch...)
	}
	holds(t, e.stream(t, s), s, 0, want)
}

// A reader who resumes where he stopped must end up with the log, whatever was written while he read.
func concurrentGaps(t *testing.T, e *env) {
	const writers, batches = 8, 40
	var writing, reading sync.WaitGroup
	for range writers {
		writing.Go(func() {
			for range batches {
				batch := e.Batch(1 + e.Intn(3))
				if _, err := e.Append(e.ctx, e.Stream(), eventstore.NoStream, batch); err != nil {
					t.Errorf("append: %v", err)
					return
				}
			}
		})
	}
	live := e.follow(t, eventstore.Start)
	written := make(chan struct{})
	seen := make([][]eventstore.Record, 4)
	for i := range seen {
		reading.Go(func() { seen[i] = e.tail(t, written) })
	}
	writing.Wait()
	close(written)
	reading.Wait()
	all := e.log(t)
	ordered(t, all)
	for _, rs := range seen {
		same(t, rs, all)
	}
	same(t, live.records(t, len(all)), all)
}

// tail reads on from its last position until the writers are done and nothing is left.
func (e *env) tail(t testing.TB, written <-chan struct{}) []eventstore.Record {
	var rs []eventstore.Record
	at := eventstore.Start
	for last := false; ; {
		select {
		case <-written:
			last = true
		default:
		}
		for r, err := range e.ReadAll(e.ctx, at) {
			if err != nil {
				t.Errorf("read: %v", err)
				return rs
			}
			rs, at = append(rs, r), r.Position
		}
		if last {
			return rs
		}
	}
}
