package esdb_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/esdb"
	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

func TestTLSAndCredentials(t *testing.T) {
	t.Parallel()
	conf, ca := testserver.SelfSigned(t)
	cluster, err := esdbtest.StartCluster(3, esdbtest.Config{TLS: conf, Users: []esdbtest.User{
		{Name: "litopys", Password: "s3cret", Admin: true}, {Name: "guest", Password: "guest"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	url := func(user string) string {
		return strings.Replace(cluster.URL(), "esdb://", "esdb://"+user, 1) + "&tlsCaFile=" + ca
	}
	s := open(t, quick(url("litopys:s3cret@")))
	mustAppend(t, s, "subject-a", eventstore.NoStream, batch(0, 3)...)
	if n := len(logOf(t, s, eventstore.Start)); n != 3 {
		t.Errorf("%d records, want 3", n)
	}
	for name, user := range map[string]string{"bad password": "litopys:guess@", "nobody": ""} {
		_, err := esdb.Open(testserver.Bounded(t), quick(url(user)))
		if err == nil || strings.Contains(err.Error(), "guess") {
			t.Errorf("%s: %v", name, err)
		}
	}
	guest := open(t, quick(url("guest:guest@")))
	mustAppend(t, guest, "subject-b", eventstore.NoStream, event(0))
	for _, err = range guest.ReadAll(testserver.Bounded(t), eventstore.Start) {
		break
	}
	if err == nil {
		t.Error("reading $all is for administrators")
	}
	untrusting := quick(strings.Split(url("litopys:s3cret@"), "&tlsCaFile")[0])
	untrusting.Attempts = 2
	if _, err := esdb.Open(testserver.Bounded(t), untrusting); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
}

// Closing while the server is away ends everybody, and does not wait for it.
func TestCloseWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	server := testserver.New(t, esdbtest.Config{})
	cfg := quick(server.URL())
	cfg.LongestWait = time.Minute
	cfg.FirstWait = time.Minute
	s, err := esdb.Open(testserver.Bounded(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	f := follow(t, s, eventstore.Start)
	f.untilCaughtUp(t)
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, Skip: 1, After: true, Reply: reply(esdbtest.Aborted())})
	mustAppend(t, s, "subject-a", eventstore.NoStream, event(0))
	var callers sync.WaitGroup
	callers.Go(func() {
		_, err := s.Append(testserver.Bounded(t), "subject-a", 0, batch(1, 1)) // waits a minute for its second attempt
		if !errors.Is(err, eventstore.ErrUnknownOutcome) || !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("append: %v", err)
		}
	})
	eventually(t, "the append was answered", func() bool { return len(server.Log().Records("subject-a")) == 2 })
	server.Stop()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	callers.Wait()
	for {
		d, err, ok := f.next()
		if err == nil && ok && (d.CaughtUp || d.Record.Stream == "subject-a") {
			continue
		}
		if !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("subscription: %v", err)
		}
		break
	}
	if _, err := s.Identity(context.Background()); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("identity: %v", err)
	}
}

func TestExpiredContextAfterAnAttemptIsUnknown(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{})
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, Times: 1, After: true, UntilDeadline: true})
	// Long enough that the attempt begins on a busy machine too: an end before it would be another answer.
	ctx, cancel := context.WithTimeout(testserver.Bounded(t), 2*time.Second)
	defer cancel()
	_, err := s.Append(ctx, "subject-a", eventstore.NoStream, batch(0, 2))
	if !errors.Is(err, eventstore.ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	mustAppend(t, s, "subject-a", eventstore.NoStream, batch(0, 2)...)
	if n := len(streamOf(t, s, "subject-a")); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
}
