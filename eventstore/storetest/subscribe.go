package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"imagine.ua/litopys/eventstore"
)

func testSubscribe(t *testing.T, b Backend) {
	rules{
		{"CatchesUpFromStart", followCatchUp},
		{"CatchesUpFromEveryPosition", followResume},
		{"EmptyLogIsCaughtUpAtOnce", followEmpty},
		{"LivesOnAfterCatchingUp", followLive},
		{"CaughtUpAgainAfterLiveRecords", followCaughtUpAgain},
		{"CaughtUpPositionResumes", followCaughtUpPosition},
		{"NothingIsLostBetweenPastAndLive", followSeam},
		{"SlowSubscriberSlowsNobodyAndLosesNothing", followSlow},
		{"ManySubscribersSeeOneOrder", followMany},
		{"EndsWithItsContext", followCancel},
		{"EndedContext", followEndedContext},
		{"LoopMayBeLeft", followBreak},
		{"LoopMayAppend", followAppends},
	}.run(t, b)
}

// follower runs a subscription and hands its deliveries over one at a time: nobody reads, it stands still.
type follower struct {
	deliveries chan eventstore.Delivery
	done       chan struct{} // closed when the loop has ended
	err        error         // of the sequence; read it after done
	stop       context.CancelFunc
	// idle is the last CaughtUp that was seen.
	idle eventstore.Delivery
}

func (e *env) follow(t testing.TB, after eventstore.Position) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(e.ctx)
	f := &follower{deliveries: make(chan eventstore.Delivery), done: make(chan struct{}), stop: cancel}
	seq := e.Subscribe(ctx, after)
	go func() {
		defer close(f.done)
		for d, err := range seq {
			if err != nil {
				f.err = err
				return
			}
			select {
			case f.deliveries <- d:
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-f.done })
	return f
}

// next gives the next delivery.
func (f *follower) next(t testing.TB) eventstore.Delivery {
	t.Helper()
	select {
	case d := <-f.deliveries:
		return d
	case <-f.done:
		t.Fatalf("the subscription has ended: %v", f.err)
	}
	return eventstore.Delivery{}
}

// records gives the next n records, whatever is said between them.
func (f *follower) records(t testing.TB, n int) []eventstore.Record {
	t.Helper()
	var rs []eventstore.Record
	for len(rs) < n {
		d := f.next(t)
		if d.CaughtUp {
			f.idle = d
			continue
		}
		if d.Position != d.Record.Position {
			t.Fatalf("a record at %d is delivered with position %d", d.Record.Position, d.Position)
		}
		rs = append(rs, d.Record)
	}
	return rs
}

// caughtUp gives the records up to the next CaughtUp.
func (f *follower) caughtUp(t testing.TB) []eventstore.Record {
	t.Helper()
	var rs []eventstore.Record
	for {
		d := f.next(t)
		if d.CaughtUp {
			f.idle = d
			return rs
		}
		rs = append(rs, d.Record)
	}
}

func followCatchUp(t *testing.T, e *env) {
	all := e.fill(t, 50)
	same(t, e.follow(t, eventstore.Start).caughtUp(t), all)
}

func followResume(t *testing.T, e *env) {
	all := e.fill(t, 25)
	for i, r := range all {
		f := e.follow(t, r.Position)
		same(t, f.caughtUp(t), all[i+1:])
		f.stop()
		<-f.done
	}
}

func followEmpty(t *testing.T, e *env) {
	f := e.follow(t, eventstore.Start)
	if rs := f.caughtUp(t); len(rs) != 0 {
		t.Fatalf("an empty log delivers %d records", len(rs))
	}
	all := e.fill(t, 5)
	same(t, f.records(t, 5), all)
}

func followLive(t *testing.T, e *env) {
	past := e.fill(t, 10)
	f := e.follow(t, eventstore.Start)
	same(t, f.caughtUp(t), past)
	for range 10 {
		s, ev := e.Stream(), e.Event()
		at := e.append(t, s, eventstore.NoStream, ev)
		got := f.records(t, 1)
		holds(t, got, s, 0, []eventstore.Event{ev})
		if got[0].Position != at.Position {
			t.Fatalf("delivered at %d, appended at %d", got[0].Position, at.Position)
		}
	}
}

func followCaughtUpAgain(t *testing.T, e *env) {
	if why := e.backend.CaughtUpOnce; why != "" {
		t.Skipf("told only once: %s", why)
	}
	f := e.follow(t, eventstore.Start)
	f.caughtUp(t)
	for range 5 {
		e.append(t, e.Stream(), eventstore.NoStream, e.Batch(3)...)
		for seen := 0; seen < 3; {
			seen += len(f.caughtUp(t))
		}
	}
}

func followCaughtUpPosition(t *testing.T, e *env) {
	all := e.fill(t, 10)
	f := e.follow(t, eventstore.Start)
	f.caughtUp(t)
	if at := f.idle.Position; at < all[9].Position {
		t.Fatalf("caught up at %d, before the last record at %d", at, all[9].Position)
	}
	f.stop()
	<-f.done
	more := e.fill(t, 5)
	same(t, e.follow(t, f.idle.Position).records(t, len(more)-10), more[10:])
}

// The moment between the last record of the past and the first live one is where records get lost.
func followSeam(t *testing.T, e *env) {
	for round := range 20 {
		before := len(e.log(t))
		wrote := make(chan error, 1)
		go func() {
			var err error
			for range 20 {
				if _, err = e.Append(e.ctx, e.Stream(), eventstore.NoStream, e.Batch(1)); err != nil {
					break
				}
			}
			wrote <- err
		}()
		f := e.follow(t, eventstore.Start)
		got := f.records(t, before+20)
		if err := <-wrote; err != nil {
			t.Fatalf("append: %v", err)
		}
		f.stop()
		<-f.done
		if all := e.log(t); round == 19 {
			same(t, got, all)
		} else {
			ordered(t, got)
		}
	}
}

func followSlow(t *testing.T, e *env) {
	e.fill(t, 1)
	f := e.follow(t, eventstore.Start)
	first := f.records(t, 1) // from here on nobody takes anything
	s := e.Stream()
	for at := int64(0); at < 3000; at += 100 {
		e.append(t, s, at-1, e.Batch(100)...)
	}
	all := e.log(t) // readers go on as well
	same(t, append(first, f.records(t, 3000)...), all)
	f.caughtUp(t)
}

func followMany(t *testing.T, e *env) {
	followers := make([]*follower, 16)
	for i := range followers {
		followers[i] = e.follow(t, eventstore.Start)
	}
	// Each stands still at its own place while the log grows.
	for i, f := range followers {
		e.append(t, e.Stream(), eventstore.NoStream, e.Batch(2)...)
		f.records(t, i%3)
	}
	all := e.log(t)
	for i, f := range followers {
		same(t, f.records(t, len(all)-i%3), all[i%3:])
	}
}

// endedBy checks how a subscription ended: without a word, or with the reason.
func (f *follower) endedBy(t testing.TB, reason error) {
	t.Helper()
	for {
		select {
		case <-f.deliveries: // it may be in the middle of a delivery
			continue
		case <-f.done:
		}
		break
	}
	if f.err != nil && !errors.Is(f.err, reason) {
		t.Errorf("the subscription ended with %v, want %v", f.err, reason)
	}
}

func followCancel(t *testing.T, e *env) {
	e.fill(t, 5)
	for _, reach := range []int{0, 2, 5} {
		t.Run(fmt.Sprintf("after %d records", reach), func(t *testing.T) {
			f := e.follow(t, eventstore.Start)
			f.records(t, reach)
			f.stop()
			f.endedBy(t, context.Canceled)
		})
	}
	t.Run("while it waits", func(t *testing.T) {
		f := e.follow(t, eventstore.Start)
		f.records(t, 5)
		f.caughtUp(t)
		f.stop()
		f.endedBy(t, context.Canceled)
	})
	e.fill(t, 5)
}

func followEndedContext(t *testing.T, e *env) {
	e.fill(t, 3)
	n, err := failure(t, e.Subscribe(cancelled(), eventstore.Start))
	if n != 0 {
		t.Errorf("%d deliveries", n)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("subscribe: %v, want %v", err, context.Canceled)
	}
}

func followBreak(t *testing.T, e *env) {
	all := e.fill(t, 3)
	for range 100 {
		for _, err := range e.Subscribe(e.ctx, eventstore.Start) {
			if err != nil {
				t.Fatalf("subscribe: %v", err)
			}
			break
		}
	}
	same(t, e.follow(t, eventstore.Start).caughtUp(t), all)
}

// A process manager appends from within its own subscription.
func followAppends(t *testing.T, e *env) {
	e.append(t, e.Stream(), eventstore.NoStream, e.Event())
	seen := 0
	for d, err := range e.Subscribe(e.ctx, eventstore.Start) {
		if err != nil {
			t.Fatalf("subscribe: %v", err)
		}
		if d.CaughtUp {
			continue
		}
		if seen++; seen == 10 {
			break
		}
		e.append(t, e.Stream(), eventstore.NoStream, e.Event())
	}
	if all := e.log(t); len(all) != 10 {
		t.Errorf("the log has %d records, want 10", len(all))
	}
}
