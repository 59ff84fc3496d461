package esdb_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	driver "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/esdb"
	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

// The adapter beside the bare client, on the same kind of server in the same process: what the adapter costs
// is the ratio of the two. Compare lines that differ only in "bare" and "adapter".

var payload = append(append([]byte(`{"x":"`), bytes.Repeat([]byte("x"), 248)...), '"', '}')

func benchEvents(counter *atomic.Uint64, n int) []eventstore.Event {
	events := make([]eventstore.Event, n)
	for i := range events {
		var id uuid.UUID
		binary.BigEndian.PutUint64(id[:], counter.Add(1))
		events[i] = eventstore.Event{ID: id, Type: "DataCollected.v1", Data: payload, Meta: []byte(`{}`)}
	}
	return events
}

// cpuTime is what the process has used, server included. Where many share a machine it is the fairer measure.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// appender appends one batch to a stream after a revision.
type appender func(ctx context.Context, stream string, after int64, events []eventstore.Event) error

func bareAppender(b *testing.B, server *esdbtest.Server) appender {
	c := dial(b, server.URL())
	return func(ctx context.Context, stream string, after int64, events []eventstore.Event) error {
		data := make([]driver.EventData, len(events))
		for i, e := range events {
			data[i] = driver.EventData{EventID: e.ID, EventType: e.Type, ContentType: driver.ContentTypeJson, Data: e.Data, Metadata: e.Meta}
		}
		opts := driver.AppendToStreamOptions{ExpectedRevision: driver.NoStream{}}
		if after >= 0 {
			opts.ExpectedRevision = driver.Revision(uint64(after))
		}
		_, err := c.AppendToStream(ctx, stream, opts, data...)
		return err
	}
}

func adapterAppender(b *testing.B, server *esdbtest.Server) appender {
	s := open(b, quick(server.URL()))
	return func(ctx context.Context, stream string, after int64, events []eventstore.Event) error {
		_, err := s.Append(ctx, stream, after, events)
		return err
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, workers := range []int{1, 64} {
		for _, size := range []int{1, 10, 100} {
			for _, who := range []struct {
				name string
				make func(*testing.B, *esdbtest.Server) appender
			}{{"bare", bareAppender}, {"adapter", adapterAppender}} {
				b.Run(fmt.Sprintf("appenders=%d/batch=%d/%s", workers, size, who.name), func(b *testing.B) {
					benchAppend(b, workers, size, who.make(b, testserver.New(b, esdbtest.Config{})))
				})
			}
		}
	}
}

func benchAppend(b *testing.B, workers, size int, do appender) {
	var ids, turns atomic.Uint64
	ctx := context.Background()
	var work sync.WaitGroup
	b.ResetTimer()
	before := cpuTime(b)
	for w := range workers {
		work.Go(func() {
			stream, after := fmt.Sprintf("subject-%d", w), eventstore.NoStream
			for turns.Add(1) <= uint64(b.N) {
				if err := do(ctx, stream, after, benchEvents(&ids, size)); err != nil {
					b.Error(err)
					return
				}
				after += int64(size)
			}
		})
	}
	work.Wait()
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
}

func BenchmarkSubscribe(b *testing.B) {
	const total = 100_000
	server := testserver.New(b, esdbtest.Config{})
	seed(b, server, total)
	c, s := dial(b, server.URL()), open(b, quick(server.URL()))
	for _, who := range []struct {
		name string
		read func(*testing.B) int
	}{
		{"bare", func(b *testing.B) int { return bareFollow(b, c) }},
		{"adapter", func(b *testing.B) int { return adapterFollow(b, s) }},
		{"adapter ReadAll", func(b *testing.B) (n int) {
			for _, err := range s.ReadAll(b.Context(), eventstore.Start) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			return n
		}},
	} {
		b.Run(who.name, func(b *testing.B) {
			before := cpuTime(b)
			for b.Loop() {
				if n := who.read(b); n != total {
					b.Fatalf("%d records, want %d", n, total)
				}
			}
			b.ReportMetric(float64(b.N*total)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N*total), "cpu-ns/event")
		})
	}
}

// bareFollow subscribes as the adapter does, with the same filter and pace.
func bareFollow(b *testing.B, c *driver.Client) (n int) {
	sub, err := c.SubscribeToAll(b.Context(), driver.SubscribeToAllOptions{
		From: driver.Start{}, MaxSearchWindow: 512, CheckpointInterval: 4,
		Filter: &driver.SubscriptionFilter{Type: driver.StreamFilterType, Prefixes: esdb.DefaultPrefixes()},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer sub.Close()
	for {
		switch m := sub.Recv(); {
		case m.EventAppeared != nil:
			if m.EventAppeared.OriginalEvent().StreamID != "ledger-identity" {
				n++
			}
		case m.CaughtUp != nil:
			return n
		case m.SubscriptionDropped != nil:
			b.Fatal(m.SubscriptionDropped.Error)
		}
	}
}

func adapterFollow(b *testing.B, s *esdb.Store) (n int) {
	for d, err := range s.Subscribe(b.Context(), eventstore.Start) {
		if err != nil {
			b.Fatal(err)
		}
		if d.CaughtUp {
			break
		}
		n++
	}
	return n
}

func seed(b *testing.B, server *esdbtest.Server, total int) {
	var ids atomic.Uint64
	seeds := make([]esdbtest.Seed, total)
	for i, e := range benchEvents(&ids, total) {
		seeds[i] = esdbtest.Seed{ID: e.ID, Stream: fmt.Sprintf("subject-%d", i%1000), Type: e.Type, JSON: true, Data: e.Data, Meta: e.Meta}
	}
	if err := server.Log().Seed(seeds...); err != nil {
		b.Fatal(err)
	}
}
