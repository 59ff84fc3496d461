package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"imagine.ua/litopys/eventstore"
)

func testRead(t *testing.T, b Backend) {
	rules{
		{"MissingStreamYieldsNothing", readMissing},
		{"AfterEveryRevision", readAfter},
		{"BytesOutAsTheyWentIn", readBytes},
		{"LongStream", readLong},
		{"OtherStreamsBetween", readBetween},
		{"LoopSeesTheStreamAsItStood", readSnapshot},
		{"LoopMayBeLeft", readBreak},
		{"SequenceMayBeReadTwice", readTwice},
		{"OwnWritesAreSeenAtOnce", readOwnWrites},
		{"RecordsBelongToTheReader", readOwned},
		{"EndedContext", readEndedContext},
		{"CutReadSaysSo", readCut},
	}.run(t, b)
}

func readMissing(t *testing.T, e *env) {
	e.fill(t, 5)
	for _, after := range []int64{eventstore.NoStream, 0, 9} {
		if rs := collect(t, e.ReadStream(e.ctx, e.Stream(), after)); len(rs) != 0 {
			t.Errorf("a missing stream yields %d records after %d", len(rs), after)
		}
	}
}

func readAfter(t *testing.T, e *env) {
	s, batch := e.Stream(), e.Batch(12)
	for i, ev := range batch {
		e.append(t, s, int64(i)-1, ev)
	}
	for after := eventstore.NoStream; after < 12; after++ {
		holds(t, collect(t, e.ReadStream(e.ctx, s, after)), s, after+1, batch[after+1:])
	}
	for _, after := range []int64{12, 1000, math.MaxInt64} {
		if rs := collect(t, e.ReadStream(e.ctx, s, after)); len(rs) != 0 {
			t.Errorf("%d records after revision %d of a stream that ends at 11", len(rs), after)
		}
	}
}

func readBytes(t *testing.T, e *env) {
	s := e.Stream()
	var batch []eventstore.Event
	for _, doc := range append([]string{"", "{}", "{}\n", " { } ", "\xef\xbb\xbf{}", `{"a":1,"a":1}`}, awkward...) {
		ev, mirrored := e.Event(), e.Event()
		ev.Data, mirrored.Meta = []byte(doc), []byte(doc)
		batch = append(batch, ev, mirrored)
	}
	// A store keeps bytes; that they are JSON is the caller's promise, and no store may lean on it.
	for _, n := range []int{1, 7, 255, 256, 4095, 4096, 4097, 65536} {
		ev := e.Event()
		ev.Data, ev.Meta = e.Bytes(n), e.Bytes(n/2)
		batch = append(batch, ev)
	}
	empty := e.Event()
	empty.Data, empty.Meta = nil, nil
	batch = append(batch, empty)
	e.append(t, s, eventstore.NoStream, batch...)
	holds(t, e.stream(t, s), s, 0, batch)
	holds(t, e.log(t), s, 0, batch)
}

func readLong(t *testing.T, e *env) {
	s, batch := e.Stream(), e.Batch(5000)
	for at := 0; at < len(batch); at += 1000 {
		e.append(t, s, int64(at)-1, batch[at:at+1000]...)
	}
	holds(t, e.stream(t, s), s, 0, batch)
	holds(t, collect(t, e.ReadStream(e.ctx, s, 4321)), s, 4322, batch[4322:])
}

func readBetween(t *testing.T, e *env) {
	want := map[string][]eventstore.Event{}
	names := []string{e.Stream(), e.Stream(), e.Stream(), e.Stream()}
	for range 80 {
		s, ev := names[e.Intn(len(names))], e.Event()
		e.append(t, s, int64(len(want[s]))-1, ev)
		want[s] = append(want[s], ev)
	}
	for _, s := range names {
		holds(t, e.stream(t, s), s, 0, want[s])
		if head := e.streamHead(t, s); head != int64(len(want[s]))-1 {
			t.Errorf("head of %s: %d, want %d", s, head, len(want[s])-1)
		}
	}
}

func readSnapshot(t *testing.T, e *env) {
	s, batch := e.Stream(), e.Batch(3)
	e.append(t, s, eventstore.NoStream, batch...)
	var got []eventstore.Record
	for r, err := range e.ReadStream(e.ctx, s, eventstore.NoStream) {
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		got = append(got, r)
		if len(got) <= 3 {
			e.append(t, s, e.streamHead(t, s), e.Event())
		}
	}
	holds(t, got, s, 0, batch)
}

func readBreak(t *testing.T, e *env) {
	s, batch := e.Stream(), e.Batch(5)
	e.append(t, s, eventstore.NoStream, batch...)
	// Often enough to run out of whatever a loop that is left might keep.
	for range 100 {
		for _, err := range e.ReadStream(e.ctx, s, eventstore.NoStream) {
			if err != nil {
				t.Fatalf("read: %v", err)
			}
			break
		}
	}
	holds(t, e.stream(t, s), s, 0, batch)
}

func readTwice(t *testing.T, e *env) {
	s, batch := e.Stream(), e.Batch(4)
	e.append(t, s, eventstore.NoStream, batch...)
	seq := e.ReadStream(e.ctx, s, 0)
	holds(t, collect(t, seq), s, 1, batch[1:])
	holds(t, collect(t, seq), s, 1, batch[1:])
}

func readOwnWrites(t *testing.T, e *env) {
	s := e.Stream()
	var all []eventstore.Event
	for i := range 50 {
		ev := e.Event()
		e.append(t, s, int64(i)-1, ev)
		all = append(all, ev)
		if head := e.streamHead(t, s); head != int64(i) {
			t.Fatalf("head %d right after writing revision %d", head, i)
		}
		holds(t, collect(t, e.ReadStream(e.ctx, s, int64(i)-1)), s, int64(i), all[i:])
	}
	holds(t, e.stream(t, s), s, 0, all)
}

// Whatever a reader does with the slices he was given, or the store with its buffers afterwards, neither
// sees it in the other.
func readOwned(t *testing.T, e *env) {
	s := e.Stream()
	e.append(t, s, eventstore.NoStream, e.Batch(40)...)
	kept := e.stream(t, s)
	want := cloned(kept)
	for _, r := range kept {
		_ = append(r.Data, "overrun into the neighbour"...)
		_ = append(r.Meta, "overrun into the neighbour"...)
	}
	e.fill(t, 40)
	same(t, e.stream(t, s), want)
	same(t, kept, want)
	for _, r := range kept {
		clear(r.Data)
		clear(r.Meta)
	}
	same(t, e.stream(t, s), want)
	same(t, e.log(t)[:40], want)
}

func readEndedContext(t *testing.T, e *env) {
	s := e.Stream()
	e.append(t, s, eventstore.NoStream, e.Event())
	n, err := failure(t, e.ReadStream(cancelled(), s, eventstore.NoStream))
	if n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("read: %d records and %v, want %v", n, err, context.Canceled)
	}
	if _, err := e.StreamHead(cancelled(), s); !errors.Is(err, context.Canceled) {
		t.Errorf("head of the stream: %v, want %v", err, context.Canceled)
	}
}

// A read whose context ends on the way is either whole or says that it is not.
func readCut(t *testing.T, e *env) {
	s := e.Stream()
	for at := int64(0); at < 3000; at += 1000 {
		e.append(t, s, at-1, e.Batch(1000)...)
	}
	for _, stop := range []int{1, 100, 2999} {
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			ctx, cancel := context.WithCancel(e.ctx)
			defer cancel()
			seen := 0
			_, err := failure(t, func(yield func(eventstore.Record, error) bool) {
				for r, err := range e.ReadStream(ctx, s, eventstore.NoStream) {
					if err == nil {
						seen++
					}
					if seen == stop {
						cancel()
					}
					if !yield(r, err) {
						return
					}
				}
			})
			if err == nil && seen != 3000 {
				t.Errorf("the read ended after %d of 3000 records without an error", seen)
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("the cut read gives %v, want %v", err, context.Canceled)
			}
		})
	}
}
