package esdbtest_test

import (
	"fmt"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

func bareLog() *esdbtest.Log { return esdbtest.NewLog(esdbtest.LogConfig{Bare: true}) }

func subscribeAll(t *testing.T, c *esdb.Client, opts esdb.SubscribeToAllOptions) *esdb.Subscription {
	t.Helper()
	sub, err := c.SubscribeToAll(testserver.Bounded(t), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sub.Close() })
	return sub
}

func TestSubscribeIsExclusiveThenLive(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{Log: bareLog()})
	mustAppend(t, c, "s", esdb.NoStream{}, 0, 1, 2)
	p := s.Log().Records("s")[1].Position
	all := subscribeAll(t, c, esdb.SubscribeToAllOptions{From: esdb.Position{Commit: p, Prepare: p}})
	end := subscribeAll(t, c, esdb.SubscribeToAllOptions{From: esdb.End{}})
	stream, err := c.SubscribeToStream(testserver.Bounded(t), "s", esdb.SubscribeToStreamOptions{From: esdb.Revision(1)})
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		sub  *esdb.Subscription
		want []string
	}{"all": {all, []string{"2", "caught up"}}, "end": {end, []string{"caught up"}}, "stream": {stream, []string{"2", "caught up"}}} {
		if diff := cmp.Diff(x.want, hear(t, x.sub, "caught up")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	mustAppend(t, c, "s", esdb.Revision(2), 3)
	mustAppend(t, c, "other", esdb.NoStream{}, 4)
	mustAppend(t, c, "s", esdb.Revision(3), 5)
	for name, x := range map[string]struct {
		sub  *esdb.Subscription
		want []string
	}{"all": {all, []string{"3", "4", "5"}}, "end": {end, []string{"3", "4", "5"}}, "stream": {stream, []string{"3", "5"}}} {
		if diff := cmp.Diff(x.want, hear(t, x.sub, "5")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSubscribeFromBeyondTheLogSkipsEverythingUpToThere(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{Log: bareLog()})
	mustAppend(t, c, "s", esdb.NoStream{}, 0)
	beyond := s.Log().Tail() + 150 // the second event to come stands before, the third behind
	sub := subscribeAll(t, c, esdb.SubscribeToAllOptions{From: esdb.Position{Commit: beyond, Prepare: beyond}})
	hear(t, sub, "caught up")
	mustAppend(t, c, "s", esdb.Revision(0), 1, 2, 3)
	if diff := cmp.Diff([]string{"3"}, hear(t, sub, "3")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSubscribeInsideARecordIsInvalid(t *testing.T) {
	t.Parallel()
	c, _ := start(t, esdbtest.Config{})
	_, err := c.SubscribeToAll(testserver.Bounded(t), esdb.SubscribeToAllOptions{From: esdb.Position{Commit: 1, Prepare: 1}})
	if code(err) != esdb.ErrorCodeUnknown {
		t.Errorf("%v", err)
	}
}

// With a filter: a checkpoint after window x interval considered records, one at the end of the catch-up,
// none twice, and one after so many live records.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{Log: bareLog()})
	for i := range 10 {
		mustAppend(t, c, fmt.Sprintf("%c-%d", "ab"[i%2], i), esdb.NoStream{}, i)
	}
	at := func(i int) string {
		return fmt.Sprintf("checkpoint %d", s.Log().Records(esdbtest.AllStream)[i].Position)
	}
	sub := subscribeAll(t, c, esdb.SubscribeToAllOptions{
		From: esdb.Start{}, MaxSearchWindow: 2, CheckpointInterval: 2,
		Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"a-"}},
	})
	want := []string{"0", "2", at(3), "4", "6", at(7), "8", at(9), "caught up"}
	if diff := cmp.Diff(want, hear(t, sub, "caught up")); diff != "" {
		t.Errorf("catch-up (-want +got):\n%s", diff)
	}
	for i := 10; i < 14; i++ {
		mustAppend(t, c, fmt.Sprintf("b-%d", i), esdb.NoStream{}, i)
	}
	mustAppend(t, c, "a-14", esdb.NoStream{}, 14)
	if diff := cmp.Diff([]string{at(13), "14"}, hear(t, sub, "14")); diff != "" {
		t.Errorf("live (-want +got):\n%s", diff)
	}
	end := subscribeAll(t, c, esdb.SubscribeToAllOptions{
		From: esdb.End{}, Filter: &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: `^[^\$].*`},
	})
	if diff := cmp.Diff([]string{"caught up"}, hear(t, end, "caught up")); diff != "" {
		t.Errorf("from the end there is no checkpoint (-want +got):\n%s", diff)
	}
}

func TestOldVersionNeverSaysCaughtUp(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{Log: bareLog(), Version: "22.10.5"})
	mustAppend(t, c, "s", esdb.NoStream{}, 0)
	sub := subscribeAll(t, c, esdb.SubscribeToAllOptions{From: esdb.Start{}})
	hear(t, sub, "0")
	mustAppend(t, c, "s", esdb.Revision(0), 1)
	if diff := cmp.Diff([]string{"1"}, hear(t, sub, "1")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := s.SetVersion("23.10.0"); err != nil {
		t.Fatal(err)
	}
	hear(t, subscribeAll(t, c, esdb.SubscribeToAllOptions{From: esdb.End{}}), "caught up")
}

// A live buffer of one record overflows at once: the server catches up anew, says so again, and nothing is
// lost or doubled.
func TestSlowSubscriberCatchesUpAgain(t *testing.T) {
	t.Parallel()
	c, _ := start(t, esdbtest.Config{Log: bareLog(), LiveBuffer: 1})
	sub := subscribeAll(t, c, esdb.SubscribeToAllOptions{From: esdb.Start{}})
	hear(t, sub, "caught up")
	for i := range 20 {
		ns := make([]int, 50)
		for j := range ns {
			ns[j] = 50*i + j
		}
		mustAppend(t, c, fmt.Sprint("s", i), esdb.NoStream{}, ns...)
	}
	next, again := 0, 0
	for next < 1000 || again == 0 {
		switch m := sub.Recv(); {
		case m.CaughtUp != nil:
			again++
		case m.EventAppeared != nil && number(m.EventAppeared.Event) == next:
			next++
		default:
			t.Fatalf("%s after %d", told(m), next)
		}
	}
}

func TestSubscribeToStreamWaitsAndEndsWithItsTombstone(t *testing.T) {
	t.Parallel()
	c, _ := start(t, esdbtest.Config{})
	sub, err := c.SubscribeToStream(testserver.Bounded(t), "later", esdb.SubscribeToStreamOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	hear(t, sub, "caught up")
	mustAppend(t, c, "later", esdb.NoStream{}, 7)
	hear(t, sub, "7")
	if _, err := c.TombstoneStream(testserver.Bounded(t), "later", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	m := sub.Recv()
	if m.SubscriptionDropped == nil || status.Code(m.SubscriptionDropped.Error) != codes.FailedPrecondition {
		t.Errorf("%+v", m)
	}
}

func TestDropSubscriptions(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{})
	all := subscribeAll(t, c, esdb.SubscribeToAllOptions{From: esdb.End{}})
	one, err := c.SubscribeToStream(testserver.Bounded(t), "s", esdb.SubscribeToStreamOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	hear(t, all, "caught up")
	hear(t, one, "caught up")
	if n := s.DropSubscriptions("s", esdbtest.Unavailable()); n != 1 {
		t.Fatalf("%d dropped, want 1", n)
	}
	if m := one.Recv(); m.SubscriptionDropped == nil || status.Code(m.SubscriptionDropped.Error) != codes.Unavailable {
		t.Errorf("%+v", m)
	}
	mustAppend(t, c, "s", esdb.NoStream{}, 1)
	hear(t, all, "1")
	if n := s.DropSubscriptions("", esdbtest.Aborted()); n != 1 {
		t.Errorf("%d dropped, want the other one", n)
	}
}
