package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

func testLog(t *testing.T, b Backend) {
	rules{
		{"EmptyLogStandsAtStart", logEmpty},
		{"OrderIsThatOfTheAppends", logOrder},
		{"ResumesAfterEveryPosition", logResume},
		{"StreamsAndLogAgree", logAgrees},
		{"HeadIsTheLastRecord", logHead},
		{"LoopMayAppend", logLoopAppends},
		{"LoopMayBeLeft", logBreak},
		{"ManyRecords", logMany},
		{"RecordsBelongToTheReader", logOwned},
		{"EndedContext", logEndedContext},
		{"IdentityIsStable", logIdentity},
		{"IdentityIsNobodyElses", logIdentityApart},
	}.run(t, b)
}

func logEmpty(t *testing.T, e *env) {
	if head := e.head(t); head != eventstore.Start {
		t.Errorf("head of an empty log: %d", head)
	}
	if rs := e.log(t); len(rs) != 0 {
		t.Errorf("an empty log yields %d records", len(rs))
	}
}

func logOrder(t *testing.T, e *env) {
	heads := map[string]int64{}
	names := []string{e.Stream(), e.Stream(), e.Stream()}
	var want []eventstore.Event
	for range 40 {
		s, batch := names[e.Intn(3)], e.Batch(1+e.Intn(3))
		if _, ok := heads[s]; !ok {
			heads[s] = eventstore.NoStream
		}
		heads[s] = e.append(t, s, heads[s], batch...).Revision
		want = append(want, batch...)
	}
	got := e.log(t)
	ordered(t, got)
	if len(got) != len(want) {
		t.Fatalf("the log has %d records, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].ID != want[i].ID {
			t.Fatalf("record %d is %s, want %s", i, got[i].ID, want[i].ID)
		}
	}
}

func logResume(t *testing.T, e *env) {
	all := e.fill(t, 60)
	same(t, collect(t, e.ReadAll(e.ctx, eventstore.Start)), all)
	for i, r := range all {
		same(t, collect(t, e.ReadAll(e.ctx, r.Position)), all[i+1:])
	}
}

func logAgrees(t *testing.T, e *env) {
	byStream := map[string][]eventstore.Record{}
	for _, r := range e.fill(t, 60) {
		byStream[r.Stream] = append(byStream[r.Stream], r)
	}
	for s, want := range byStream {
		same(t, e.stream(t, s), want)
		if head := e.streamHead(t, s); head != want[len(want)-1].Revision {
			t.Errorf("head of %s: %d, want %d", s, head, want[len(want)-1].Revision)
		}
	}
}

func logHead(t *testing.T, e *env) {
	for range 5 {
		all := e.fill(t, 4)
		if head := e.head(t); head != all[len(all)-1].Position {
			t.Fatalf("head %d, the last record stands at %d", head, all[len(all)-1].Position)
		}
	}
	if rs := collect(t, e.ReadAll(e.ctx, e.head(t))); len(rs) != 0 {
		t.Errorf("%d records after the head", len(rs))
	}
}

// The end is that of the beginning or a later one, but the order has no holes either way, and the loop of
// a writer that reads is not stuck on itself.
func logLoopAppends(t *testing.T, e *env) {
	before := e.fill(t, 10)
	var got []eventstore.Record
	for r, err := range e.ReadAll(e.ctx, eventstore.Start) {
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		got = append(got, r)
		if len(got) <= 10 {
			e.append(t, e.Stream(), eventstore.NoStream, e.Event())
		}
	}
	if len(got) < len(before) {
		t.Fatalf("%d records, want at least the %d from before", len(got), len(before))
	}
	same(t, got, e.log(t)[:len(got)])
}

func logBreak(t *testing.T, e *env) {
	all := e.fill(t, 10)
	for range 100 {
		for _, err := range e.ReadAll(e.ctx, eventstore.Start) {
			if err != nil {
				t.Fatalf("read: %v", err)
			}
			break
		}
	}
	same(t, e.log(t), all)
}

func logMany(t *testing.T, e *env) {
	want := map[uuid.UUID]bool{}
	for range 10 {
		s := e.Stream()
		for at := int64(0); at < 1000; at += 500 {
			batch := e.Batch(500)
			e.append(t, s, at-1, batch...)
			for _, ev := range batch {
				want[ev.ID] = true
			}
		}
	}
	all := e.log(t)
	ordered(t, all)
	for _, r := range all {
		delete(want, r.ID)
	}
	if len(all) != 10000 || len(want) != 0 {
		t.Fatalf("%d records, %d lost, want 10000 and none", len(all), len(want))
	}
	for _, i := range []int{0, 1, 4999, 9998} {
		same(t, collect(t, e.ReadAll(e.ctx, all[i].Position)), all[i+1:])
	}
}

func logOwned(t *testing.T, e *env) {
	kept := e.fill(t, 40)
	want := cloned(kept)
	for _, r := range kept {
		_ = append(r.Data, "overrun into the neighbour"...)
		_ = append(r.Meta, "overrun into the neighbour"...)
	}
	e.fill(t, 40)
	same(t, kept, want)
	for _, r := range kept {
		clear(r.Data)
		clear(r.Meta)
	}
	same(t, e.log(t)[:40], want)
}

func logEndedContext(t *testing.T, e *env) {
	e.fill(t, 3)
	n, err := failure(t, e.ReadAll(cancelled(), eventstore.Start))
	if n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("read: %d records and %v, want %v", n, err, context.Canceled)
	}
	if _, err := e.Head(cancelled()); !errors.Is(err, context.Canceled) {
		t.Errorf("head: %v, want %v", err, context.Canceled)
	}
}

func (e *env) identity(t testing.TB) uuid.UUID {
	t.Helper()
	id, err := e.Identity(e.ctx)
	if err != nil {
		t.Fatalf("identity: %v", err)
	}
	if id == uuid.Nil {
		t.Fatal("the identity is nil")
	}
	return id
}

func logIdentity(t *testing.T, e *env) {
	id := e.identity(t)
	e.fill(t, 3)
	if now := e.identity(t); now != id {
		t.Errorf("identity went from %s to %s", id, now)
	}
}

func logIdentityApart(t *testing.T, e *env) {
	other := newEnv(t, e.backend)
	if e.identity(t) == other.identity(t) {
		t.Error("two ledgers have one identity")
	}
}
