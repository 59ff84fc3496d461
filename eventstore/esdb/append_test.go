package esdb_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

func reply(r esdbtest.Reply) *esdbtest.Reply { return &r }

// Whatever hides the outcome of an append, the batch stands in the log once and whole.
func TestUnknownOutcomesAreRetriedExactly(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]esdbtest.Fault{
		"aborted before the commit":     {Reply: reply(esdbtest.Aborted())},
		"aborted after the commit":      {Reply: reply(esdbtest.Aborted()), After: true},
		"unavailable before the commit": {Reply: reply(esdbtest.Unavailable())},
		"unavailable after the commit":  {Reply: reply(esdbtest.Unavailable()), After: true},
		"cut before the commit":         {Cut: true},
		"cut after the commit":          {Cut: true, After: true},
		"cut in the middle":             {Cut: true, AfterEvents: 2},
		"answered in the middle":        {Reply: reply(esdbtest.Unavailable()), AfterEvents: 2},
		"handler exception":             {Reply: &esdbtest.Reply{Code: codes.Unknown, Message: "Exception was thrown by handler."}, After: true},
		"not-leader without a leader":   {Reply: &esdbtest.Reply{Code: codes.NotFound, Message: "No leader info available"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, server := ledger(t, esdbtest.Config{})
			first := mustAppend(t, s, "subject-a", eventstore.NoStream, batch(0, 3)...)
			fault.Method, fault.Times = esdbtest.MethodAppend, 3
			server.Inject(fault)
			got := mustAppend(t, s, "subject-a", 2, batch(3, 200)...)
			if got.Revision != 202 || got.Position <= first.Position {
				t.Errorf("answered %+v", got)
			}
			records := streamOf(t, s, "subject-a")
			if len(records) != 203 || records[202].Position != got.Position {
				t.Fatalf("%d records, want 203", len(records))
			}
			for i, r := range records {
				if diff := cmp.Diff(event(i), r.Event); diff != "" {
					t.Fatalf("record %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func TestOneAttemptThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	server := testserver.New(t, esdbtest.Config{})
	cfg := quick(server.URL())
	cfg.AttemptTimeout = 500 * time.Millisecond // the attempts that do not hang must end within it, on a busy machine too
	s := open(t, cfg)
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, Times: 1, UntilDeadline: true})
	mustAppend(t, s, "subject-a", eventstore.NoStream, event(0))
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodRead, Times: 1, UntilDeadline: true})
	if n := len(streamOf(t, s, "subject-a")); n != 1 {
		t.Errorf("%d records", n)
	}
}

func TestOutcomeThatStaysUnknownIsSaid(t *testing.T) {
	t.Parallel()
	server := testserver.New(t, esdbtest.Config{})
	cfg := quick(server.URL())
	cfg.Attempts = 3
	s := open(t, cfg)
	disarm := server.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, After: true, Reply: reply(esdbtest.Aborted())})
	_, err := s.Append(testserver.Bounded(t), "subject-a", eventstore.NoStream, batch(0, 2))
	if !errors.Is(err, eventstore.ErrUnknownOutcome) {
		t.Fatalf("%v", err)
	}
	disarm()
	mustAppend(t, s, "subject-a", eventstore.NoStream, batch(0, 2)...) // the repeat learns that it is there
	if n := len(streamOf(t, s, "subject-a")); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
}

func TestConflictAfterAnUnknownAttemptIsTrue(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{})
	mustAppend(t, s, "subject-a", eventstore.NoStream, event(0))
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, Times: 1, Reply: reply(esdbtest.Aborted())})
	_, err := s.Append(testserver.Bounded(t), "subject-a", eventstore.NoStream, []eventstore.Event{event(9)})
	var c *eventstore.WrongRevisionError
	if !errors.As(err, &c) || *c != (eventstore.WrongRevisionError{Stream: "subject-a", Expected: -1, Actual: 0}) {
		t.Errorf("%v", err)
	}
}

// The client gives most answers of a server that answers early as "EOF"; what is final must still come
// through as such, or as an unknown outcome, and nothing may be written.
func TestRefusalWhileSendingIsNotMistaken(t *testing.T) {
	t.Parallel()
	server := testserver.New(t, esdbtest.Config{})
	cfg := quick(server.URL())
	cfg.Attempts = 5
	s := open(t, cfg)
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, Reply: reply(esdbtest.AccessDenied())})
	for i := range 10 {
		_, err := s.Append(testserver.Bounded(t), "subject-a", eventstore.NoStream, batch(100*i, 100))
		if err == nil || errors.Is(err, eventstore.ErrWrongRevision) {
			t.Fatalf("%v", err)
		}
	}
	if n := len(server.Log().Records("subject-a")); n != 0 {
		t.Errorf("%d events were written", n)
	}
}

// The server's own limit may be lower than ours; its refusal is understood.
func TestServersOwnLimit(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{})
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, AfterEvents: 1, Reply: &esdbtest.Reply{
		Code: codes.InvalidArgument, Message: "Maximum Append Size of 1000 Exceeded.",
		Trailer: map[string]string{"exception": "maximum-append-size-exceeded", "maximum-append-size": "1000"}}})
	_, err := s.Append(testserver.Bounded(t), "subject-a", eventstore.NoStream, batch(0, 1))
	if !errors.Is(err, eventstore.ErrTooLarge) && !errors.Is(err, eventstore.ErrUnknownOutcome) {
		t.Errorf("%v", err)
	}
}

// The same ids at a newer revision are new events: the contract recognises a repeat by revision and ids.
func TestRebasedBatchIsWrittenAgain(t *testing.T) {
	t.Parallel()
	s, _ := ledger(t, esdbtest.Config{})
	mustAppend(t, s, "subject-a", eventstore.NoStream, batch(0, 2)...)
	mustAppend(t, s, "subject-a", 1, batch(0, 2)...)
	if n := len(streamOf(t, s, "subject-a")); n != 4 {
		t.Errorf("%d records, want 4", n)
	}
}

func TestOnlyExplicitRevisionsAndTheLeaderAreAskedFor(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{Trace: true})
	mustAppend(t, s, "subject-a", eventstore.NoStream, event(0))
	server.Log().ForgetRecentIDs() // what Any would need
	mustAppend(t, s, "subject-a", eventstore.NoStream, event(0))
	if n := len(streamOf(t, s, "subject-a")); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
	_ = logOf(t, s, eventstore.Start)
	seen := map[string]bool{}
	for _, call := range server.Calls() {
		if call.Method == esdbtest.MethodFeatures {
			continue
		}
		seen[call.Method] = true
		if got := call.Metadata.Get("requires-leader"); len(got) != 1 || got[0] != "true" {
			t.Errorf("%s: requires-leader %v", call.Method, got)
		}
	}
	if !seen[esdbtest.MethodAppend] || !seen[esdbtest.MethodRead] || !seen[esdbtest.MethodSubscribe] {
		t.Errorf("saw only %v", seen)
	}
}

func TestStreamOutsideTheLedgerIsRefused(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{})
	before := server.Log().Len()
	for _, stream := range []string{"basket-1", "$$subject-a", "$ce-subject", "ledger-identity", "Subject-a"} {
		if _, err := s.Append(testserver.Bounded(t), stream, eventstore.NoStream, batch(0, 1)); !errors.Is(err, eventstore.ErrInvalid) {
			t.Errorf("%s: %v", stream, err)
		}
	}
	if server.Log().Len() != before {
		t.Error("something was written")
	}
}

// Streams that somebody deleted or truncated behind the ledger's back are damage, not an empty stream.
func TestInterferenceIsDamage(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{})
	for _, stream := range []string{"subject-dead", "subject-gone", "subject-cut"} {
		mustAppend(t, s, stream, eventstore.NoStream, batch(0, 3)...)
	}
	client := dial(t, server.URL())
	tombstone(t, client, "subject-dead")
	softDelete(t, client, "subject-gone")
	truncate(t, client, "subject-cut", 2)

	_, err := s.Append(testserver.Bounded(t), "subject-dead", 2, batch(3, 1))
	isDamage(t, "append to a tombstone", err)
	_, err = s.Append(testserver.Bounded(t), "subject-gone", eventstore.NoStream, batch(3, 1))
	isDamage(t, "append to a stream that was deleted", err)
	for _, stream := range []string{"subject-dead", "subject-cut"} {
		for _, err = range s.ReadStream(testserver.Bounded(t), stream, eventstore.NoStream) {
			break
		}
		isDamage(t, "read "+stream, err)
	}
}

func isDamage(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("%s: %v, want damage", what, err)
	}
}

func TestManyAppendersThroughRestarts(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{})
	const writers, each = 32, 40
	stop := make(chan struct{})
	var restarts, work sync.WaitGroup
	restarts.Go(func() {
		for i := range 30 {
			select {
			case <-stop:
				return
			case <-time.After(3 * time.Millisecond): // somewhere in the middle of the work
			}
			if i%2 == 0 {
				server.CutConnections()
				continue
			}
			server.Stop()
			if err := server.Start(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for w := range writers {
		work.Go(func() {
			stream := "subject-" + string(rune('a'+w))
			for i := range each {
				for {
					_, err := s.Append(testserver.Bounded(t), stream, int64(i)-1, []eventstore.Event{event(w*each + i)})
					if err == nil {
						break
					}
					if errors.Is(err, eventstore.ErrWrongRevision) || errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%s %d: %v", stream, i, err)
						return
					}
				}
			}
		})
	}
	work.Wait()
	close(stop)
	restarts.Wait()
	records := logOf(t, s, eventstore.Start)
	if len(records) != writers*each {
		t.Fatalf("%d records, want %d", len(records), writers*each)
	}
	next := map[string]int64{}
	for _, r := range records {
		if r.Revision != next[r.Stream] || r.ID != event(int(r.Stream[len(r.Stream)-1]-'a')*each+int(r.Revision)).ID {
			t.Fatalf("%s %d out of place", r.Stream, r.Revision)
		}
		next[r.Stream]++
	}
}
