package esdb_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/esdb"
	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

// feed is a subscription that a test pulls from.
type feed struct {
	next func() (eventstore.Delivery, error, bool)
	last eventstore.Position
}

func follow(t testing.TB, s *esdb.Store, after eventstore.Position) *feed {
	t.Helper()
	ctx, cancel := context.WithCancel(testserver.Bounded(t))
	next, stop := iter.Pull2(s.Subscribe(ctx, after))
	t.Cleanup(func() {
		cancel()
		stop()
	})
	return &feed{next: next, last: after}
}

func (f *feed) take(t testing.TB) eventstore.Delivery {
	t.Helper()
	d, err, ok := f.next()
	if err != nil || !ok {
		t.Fatalf("the subscription ended: %v", err)
	}
	if d.Position < f.last || (!d.CaughtUp && d.Position == f.last) {
		t.Fatalf("position %d after %d", d.Position, f.last)
	}
	f.last = d.Position
	return d
}

func (f *feed) untilCaughtUp(t testing.TB) []eventstore.Record {
	t.Helper()
	var records []eventstore.Record
	for {
		d := f.take(t)
		if d.CaughtUp {
			return records
		}
		records = append(records, d.Record)
	}
}

// until takes n records.
func (f *feed) until(t testing.TB, n int) []eventstore.Record {
	t.Helper()
	var records []eventstore.Record
	for len(records) < n {
		if d := f.take(t); !d.CaughtUp {
			records = append(records, d.Record)
		}
	}
	return records
}

// Whatever breaks a subscription, it goes on after the last record, without a gap and without a repeat, and
// says so once.
func TestSubscriptionMendsItself(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(*testing.T, *esdbtest.Server){
		"dropped": func(_ *testing.T, s *esdbtest.Server) { s.DropSubscriptions("", esdbtest.Unavailable()) },
		"aborted": func(_ *testing.T, s *esdbtest.Server) { s.DropSubscriptions("", esdbtest.Aborted()) },
		"cut":     func(_ *testing.T, s *esdbtest.Server) { s.CutConnections() },
		"restart": func(t *testing.T, s *esdbtest.Server) {
			s.Stop()
			if err := s.Start(); err != nil {
				t.Error(err)
			}
		},
		"in the middle": func(_ *testing.T, s *esdbtest.Server) {
			s.Inject(esdbtest.Fault{Method: esdbtest.MethodSubscribe, Times: 3, After: true, AfterEvents: 7, Cut: true})
			s.CutConnections()
		},
		"at the door": func(_ *testing.T, s *esdbtest.Server) {
			s.Inject(esdbtest.Fault{Method: esdbtest.MethodSubscribe, Times: 3, Reply: reply(esdbtest.Unavailable())})
			s.DropSubscriptions("", esdbtest.Unavailable())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testserver.New(t, esdbtest.Config{})
			var said lockedBuffer
			cfg := quick(server.URL())
			cfg.Logger = slog.New(slog.NewTextHandler(&said, nil))
			s := open(t, cfg)
			f := follow(t, s, eventstore.Start)
			f.untilCaughtUp(t)
			for round := range 3 {
				mustAppend(t, s, "subject-a", int64(round*40)-1, batch(round*40, 20)...)
				f.until(t, 20)
				breakIt(t, server)
				mustAppend(t, s, "subject-a", int64(round*40)+19, batch(round*40+20, 20)...)
				for i, r := range f.until(t, 20) {
					if want := int64(round*40 + 20 + i); r.Revision != want {
						t.Fatalf("revision %d, want %d", r.Revision, want)
					}
				}
			}
			if n := strings.Count(said.String(), "subscription broke"); n == 0 {
				t.Error("nothing was logged")
			}
		})
	}
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// After a break the search goes on from the server's last checkpoint, not from the last record long ago.
func TestResubscriptionUsesCheckpoints(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{Trace: true})
	mustAppend(t, s, "subject-a", eventstore.NoStream, event(0))
	for range 5000 {
		if err := server.Log().Seed(esdbtest.Seed{Stream: "basket-1", Type: "T"}); err != nil {
			t.Fatal(err)
		}
	}
	f := follow(t, s, eventstore.Start)
	if n := len(f.untilCaughtUp(t)); n != 1 {
		t.Fatalf("%d records, want 1", n)
	}
	server.DropSubscriptions("", esdbtest.Unavailable())
	f.untilCaughtUp(t)
	mustAppend(t, s, "subject-a", 0, event(1))
	f.until(t, 1)
	records := server.Log().Records(esdbtest.AllStream)
	var from []uint64
	for _, call := range server.Calls() {
		if call.Method == esdbtest.MethodSubscribe {
			from = append(from, call.From)
		}
	}
	if last := records[len(records)-2].Position; len(from) != 2 || from[0] != 0 || from[1] != last {
		t.Errorf("subscribed from %v, want from 0 and then from the checkpoint at %d", from, last)
	}
}

func TestFilterIsTheServers(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{Trace: true})
	for i, stream := range []string{"subject-a", "basket-1", "trace-a-2026-01", "xsubject-", "$stats-1", "recipient-b"} {
		if err := server.Log().Seed(esdbtest.Seed{ID: event(i).ID, Stream: stream, Type: "T", JSON: true}); err != nil {
			t.Fatal(err)
		}
	}
	records := logOf(t, s, eventstore.Start)
	if len(records) != 3 || records[0].Stream != "subject-a" || records[1].Stream != "trace-a-2026-01" || records[2].Stream != "recipient-b" {
		t.Errorf("%+v", records)
	}
	for _, call := range server.Calls() {
		if call.Method == esdbtest.MethodSubscribe && len(call.Filter) != len(esdb.DefaultPrefixes()) {
			t.Errorf("asked with filter %q", call.Filter)
		}
	}
}

// A position that is no record of this ledger means that the database was swapped or restored. Nothing may
// be skipped in silence.
func TestForeignPositions(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{})
	mustAppend(t, s, "subject-a", eventstore.NoStream, batch(0, 3)...)
	if err := server.Log().Seed(esdbtest.Seed{Stream: "basket-1", Type: "T"}); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, "subject-a", 2, event(3))
	basket := server.Log().Records("basket-1")[0].Position
	head, err := s.Head(testserver.Bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]eventstore.Position{
		"inside a record": head - 5, "beyond the log": head + 1000, "of another stream": eventstore.Position(basket + 1), "absurd": 1<<64 - 1,
	} {
		for _, err = range s.ReadAll(testserver.Bounded(t), p) {
			break
		}
		if !errors.Is(err, eventstore.ErrForeign) {
			t.Errorf("read %s: %v", name, err)
		}
		for _, err = range s.Subscribe(testserver.Bounded(t), p) {
			break
		}
		if !errors.Is(err, eventstore.ErrForeign) {
			t.Errorf("subscribe %s: %v", name, err)
		}
	}
}

// The server comes back with an older database under a running subscription.
func TestRestoredDatabaseIsNoticed(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{})
	mustAppend(t, s, "subject-a", eventstore.NoStream, batch(0, 5)...)
	f := follow(t, s, eventstore.Start)
	f.untilCaughtUp(t)
	address := server.Address()
	server.Stop()
	testserver.New(t, esdbtest.Config{Address: address})
	_, err, _ := f.next()
	if !errors.Is(err, eventstore.ErrForeign) {
		t.Errorf("%v", err)
	}
}

func TestSubscriptionEndsWhenItMayNot(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{})
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodSubscribe, Reply: reply(esdbtest.AccessDenied())})
	n := 0
	for _, err := range s.Subscribe(testserver.Bounded(t), eventstore.Start) {
		if n++; err == nil || n > 1 {
			t.Fatalf("%d: %v", n, err)
		}
	}
	if n != 1 {
		t.Error("it ended without a word")
	}
}

func TestHeadLooksPastOtherRecords(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{})
	if at, err := s.Head(testserver.Bounded(t)); at != eventstore.Start || err != nil {
		t.Fatalf("empty ledger: %d, %v", at, err)
	}
	got := mustAppend(t, s, "subject-a", eventstore.NoStream, event(0))
	for range 300 {
		if err := server.Log().Seed(esdbtest.Seed{Stream: "$stats-0", Type: "$statsCollected"}); err != nil {
			t.Fatal(err)
		}
	}
	if at, err := s.Head(testserver.Bounded(t)); at != got.Position || err != nil {
		t.Errorf("head %d, want %d (%v)", at, got.Position, err)
	}
}

// The log may begin at 0; Start still stands before everything.
func TestFirstPositionOfTheLogIsARecord(t *testing.T) {
	t.Parallel()
	log := esdbtest.NewLog(esdbtest.LogConfig{Bare: true})
	if err := log.Seed(esdbtest.Seed{ID: uuid.New(), Stream: "subject-a", Type: "T", JSON: true}); err != nil {
		t.Fatal(err)
	}
	s, _ := ledger(t, esdbtest.Config{Log: log})
	records := logOf(t, s, eventstore.Start)
	if len(records) != 1 || records[0].Position != 1 {
		t.Errorf("%+v; a record at 0 stands at position 1, behind Start", records)
	}
	if n := len(logOf(t, s, 1)); n != 0 {
		t.Errorf("%d records after it", n)
	}
}
