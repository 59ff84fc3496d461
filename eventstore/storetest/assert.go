package storetest

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"imagine.ua/litopys/eventstore"
)

// append must succeed; it checks the answer against the batch.
func (e *env) append(t testing.TB, stream string, expected int64, events ...eventstore.Event) eventstore.Appended {
	t.Helper()
	got, err := e.Append(e.ctx, stream, expected, events)
	if err != nil {
		t.Fatalf("append %d events to %s after %d: %v", len(events), stream, expected, err)
	}
	if want := expected + int64(len(events)); got.Revision != want {
		t.Fatalf("append answered revision %d, want %d", got.Revision, want)
	}
	if got.Position == eventstore.Start {
		t.Fatal("append answered the position before every record")
	}
	return got
}

// refused must fail with the error, and leave the log as it was.
func (e *env) refused(t testing.TB, want error, stream string, expected int64, events ...eventstore.Event) error {
	t.Helper()
	before := e.log(t)
	_, err := e.Append(e.ctx, stream, expected, events)
	if !errors.Is(err, want) {
		t.Fatalf("append: %v, want %v", err, want)
	}
	same(t, e.log(t), before)
	return err
}

// stream reads a whole stream.
func (e *env) stream(t testing.TB, stream string) []eventstore.Record {
	t.Helper()
	return collect(t, e.ReadStream(e.ctx, stream, eventstore.NoStream))
}

// log reads the whole log.
func (e *env) log(t testing.TB) []eventstore.Record {
	t.Helper()
	return collect(t, e.ReadAll(e.ctx, eventstore.Start))
}

func (e *env) streamHead(t testing.TB, stream string) int64 {
	t.Helper()
	head, err := e.StreamHead(e.ctx, stream)
	if err != nil {
		t.Fatalf("head of %s: %v", stream, err)
	}
	return head
}

func (e *env) head(t testing.TB) eventstore.Position {
	t.Helper()
	head, err := e.Head(e.ctx)
	if err != nil {
		t.Fatalf("head of the log: %v", err)
	}
	return head
}

// fill writes n single events over a few streams and gives the log.
func (e *env) fill(t testing.TB, n int) []eventstore.Record {
	t.Helper()
	streams := []string{e.Stream(), e.Stream(), e.Stream()}
	heads := map[string]int64{}
	for left := n; left > 0; {
		s := streams[e.Intn(len(streams))]
		size := min(left, 1+e.Intn(4))
		if _, ok := heads[s]; !ok {
			heads[s] = eventstore.NoStream
		}
		heads[s] = e.append(t, s, heads[s], e.Batch(size)...).Revision
		left -= size
	}
	return e.log(t)
}

// collect reads a sequence that must not fail.
func collect(t testing.TB, seq iter.Seq2[eventstore.Record, error]) []eventstore.Record {
	t.Helper()
	var rs []eventstore.Record
	for r, err := range seq {
		if err != nil {
			t.Fatalf("read, after %d records: %v", len(rs), err)
		}
		rs = append(rs, r)
	}
	return rs
}

// failure reads a sequence and gives its error, which must come once and last.
func failure[T any](t testing.TB, seq iter.Seq2[T, error]) (n int, failed error) {
	t.Helper()
	for _, err := range seq {
		if failed != nil {
			t.Fatalf("the sequence goes on after its error %v", failed)
		}
		if failed = err; err == nil {
			n++
		}
	}
	return n, failed
}

// same compares records to the byte; nil and empty documents are the same bytes.
func same(t testing.TB, got, want []eventstore.Record) {
	t.Helper()
	if slices.EqualFunc(got, want, equal) {
		return // cmp is slow, and only its words are needed
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("records differ (-want +got):\n%s", diff)
	}
}

func equal(a, b eventstore.Record) bool {
	return a.ID == b.ID && a.Type == b.Type && a.Stream == b.Stream && a.Revision == b.Revision &&
		a.Position == b.Position && bytes.Equal(a.Data, b.Data) && bytes.Equal(a.Meta, b.Meta)
}

// holds checks that the records are these events of the stream, from the revision on, and stand in order.
func holds(t testing.TB, rs []eventstore.Record, stream string, from int64, events []eventstore.Event) {
	t.Helper()
	if len(rs) != len(events) {
		t.Fatalf("%s has %d records, want %d", stream, len(rs), len(events))
	}
	ordered(t, rs)
	for i, r := range rs {
		want := eventstore.Record{Event: events[i], Stream: stream, Revision: from + int64(i), Position: r.Position}
		if !equal(r, want) {
			t.Fatalf("record %d of %s differs (-want +got):\n%s", i, stream, cmp.Diff(want, r, cmpopts.EquateEmpty()))
		}
		if want.Digest() != r.Digest() {
			t.Fatalf("record %d of %s: digest differs", i, stream)
		}
	}
}

// ordered checks that positions rise strictly, and revisions one by one within each stream.
func ordered(t testing.TB, rs []eventstore.Record) {
	t.Helper()
	at, revisions := eventstore.Start, map[string]int64{}
	for i, r := range rs {
		if r.Position <= at {
			t.Fatalf("record %d stands at %d, after one at %d", i, r.Position, at)
		}
		at = r.Position
		if last, ok := revisions[r.Stream]; ok && r.Revision != last+1 {
			t.Fatalf("%s goes from revision %d to %d", r.Stream, last, r.Revision)
		}
		revisions[r.Stream] = r.Revision
	}
}

// cloned keeps records apart from whatever the store does with its buffers.
func cloned(rs []eventstore.Record) []eventstore.Record {
	out := make([]eventstore.Record, len(rs))
	for i, r := range rs {
		r.Data, r.Meta = bytes.Clone(r.Data), bytes.Clone(r.Meta)
		out[i] = r
	}
	return out
}

// cancelled gives a context that has ended.
func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
