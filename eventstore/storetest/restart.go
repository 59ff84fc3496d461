package storetest

import (
	"testing"

	"imagine.ua/litopys/eventstore"
)

func testRestart(t *testing.T, b Backend) {
	rules{
		{"AcknowledgedRecordsAreThere", restartRecords},
		{"RefusedBatchesAreNot", restartRefused},
		{"RevisionsAndPositionsGoOn", restartGoesOn},
		{"PositionsOfBeforeResume", restartPositions},
		{"SubscriberGoesOnWhereHeWas", restartSubscriber},
		{"IdentityIsKept", restartIdentity},
		{"EmptyLedgerStaysEmpty", restartEmpty},
		{"ManyRestarts", restartMany},
	}.run(t, b)
}

func restartRecords(t *testing.T, e *env) {
	all := e.fill(t, 100)
	s, batch := e.Stream(), e.Batch(200)
	at := e.append(t, s, eventstore.NoStream, batch...)
	e.reopen(t)
	got := e.log(t)
	same(t, got[:100], all)
	holds(t, got[100:], s, 0, batch)
	holds(t, e.stream(t, s), s, 0, batch)
	if head := e.head(t); head != at.Position {
		t.Errorf("head %d, want %d", head, at.Position)
	}
	if head := e.streamHead(t, s); head != at.Revision {
		t.Errorf("head of the stream %d, want %d", head, at.Revision)
	}
}

func restartRefused(t *testing.T, e *env) {
	all := e.fill(t, 10)
	s := e.Stream()
	e.refused(t, eventstore.ErrWrongRevision, s, 3, e.Batch(2)...)
	e.refused(t, eventstore.ErrInvalid, s, eventstore.NoStream)
	e.reopen(t)
	same(t, e.log(t), all)
	if head := e.streamHead(t, s); head != eventstore.NoStream {
		t.Errorf("a refused stream has head %d", head)
	}
}

func restartGoesOn(t *testing.T, e *env) {
	s, batch := e.Stream(), e.Batch(3)
	before := e.append(t, s, eventstore.NoStream, batch...)
	e.reopen(t)
	e.refused(t, eventstore.ErrWrongRevision, s, eventstore.NoStream, e.Event())
	more := e.Batch(2)
	after := e.append(t, s, 2, more...)
	if after.Position <= before.Position {
		t.Errorf("position %d after the restart, %d before", after.Position, before.Position)
	}
	holds(t, e.stream(t, s), s, 0, append(batch, more...))
}

func restartPositions(t *testing.T, e *env) {
	all := e.fill(t, 20)
	e.reopen(t)
	for i, r := range all {
		same(t, collect(t, e.ReadAll(e.ctx, r.Position)), all[i+1:])
	}
}

func restartSubscriber(t *testing.T, e *env) {
	e.fill(t, 10)
	f := e.follow(t, eventstore.Start)
	seen := f.records(t, 7)
	f.stop()
	<-f.done
	e.reopen(t)
	f = e.follow(t, seen[6].Position)
	seen = append(seen, f.caughtUp(t)...)
	all := e.fill(t, 4)
	seen = append(seen, f.records(t, 4)...)
	same(t, seen, all)
}

func restartIdentity(t *testing.T, e *env) {
	id := e.identity(t)
	e.reopen(t)
	if now := e.identity(t); now != id {
		t.Errorf("identity went from %s to %s", id, now)
	}
}

func restartEmpty(t *testing.T, e *env) {
	e.reopen(t)
	logEmpty(t, e)
	e.fill(t, 3)
}

func restartMany(t *testing.T, e *env) {
	s := e.Stream()
	var want []eventstore.Event
	for range 6 {
		batch := e.Batch(5)
		e.append(t, s, int64(len(want))-1, batch...)
		want = append(want, batch...)
		e.reopen(t)
		holds(t, e.stream(t, s), s, 0, want)
		holds(t, e.log(t), s, 0, want)
	}
}
