package esdbtest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

// dial gives the official client, quiet.
func dial(t testing.TB, url string) *esdb.Client {
	t.Helper()
	conf, err := esdb.ParseConnectionString(url)
	if err != nil {
		t.Fatal(err)
	}
	conf.Logger = esdb.NoopLogging()
	c, err := esdb.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// raw gives the protocol itself, for what the client hides.
func raw(t testing.TB, s *esdbtest.Server) streams.StreamsClient {
	t.Helper()
	conn, err := grpc.NewClient(s.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return streams.NewStreamsClient(conn)
}

// start is a server with the official client on it.
func start(t testing.TB, cfg esdbtest.Config) (*esdb.Client, *esdbtest.Server) {
	t.Helper()
	s := testserver.New(t, cfg)
	return dial(t, s.URL()), s
}

// id gives the n-th id of a test.
func id(n int) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%d", n)) }

func events(ns ...int) []esdb.EventData {
	out := make([]esdb.EventData, len(ns))
	for i, n := range ns {
		out[i] = esdb.EventData{EventID: id(n), EventType: "T", ContentType: esdb.ContentTypeJson, Data: fmt.Appendf(nil, `{"n":%d}`, n)}
	}
	return out
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func appendTo(t testing.TB, c *esdb.Client, stream string, want esdb.ExpectedRevision, ns ...int) (*esdb.WriteResult, error) {
	t.Helper()
	return c.AppendToStream(testserver.Bounded(t), stream, esdb.AppendToStreamOptions{ExpectedRevision: want}, events(ns...)...)
}

func mustAppend(t testing.TB, c *esdb.Client, stream string, want esdb.ExpectedRevision, ns ...int) *esdb.WriteResult {
	t.Helper()
	r, err := appendTo(t, c, stream, want, ns...)
	if err != nil {
		t.Fatalf("append to %s: %v", stream, err)
	}
	return r
}

func code(err error) esdb.ErrorCode {
	var e *esdb.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return -1
}

// drain reads to the end and gives the n of each event's data, as event() wrote it; -1 for others.
func drain(read *esdb.ReadStream, err error) ([]int, error) {
	if err != nil {
		return nil, err
	}
	defer read.Close()
	var ns []int
	for {
		e, err := read.Recv()
		if errors.Is(err, io.EOF) {
			return ns, nil
		}
		if err != nil {
			return ns, err
		}
		ns = append(ns, number(e.OriginalEvent()))
	}
}

func number(e *esdb.RecordedEvent) int {
	var v struct{ N *int }
	if json.Unmarshal(e.Data, &v) != nil || v.N == nil {
		return -1
	}
	return *v.N
}

// told is one message of a subscription in short: a number, "checkpoint P", "caught up" or "dropped CODE".
func told(m *esdb.SubscriptionEvent) string {
	switch {
	case m.EventAppeared != nil:
		return fmt.Sprint(number(m.EventAppeared.OriginalEvent()))
	case m.CheckPointReached != nil:
		return fmt.Sprintf("checkpoint %d", m.CheckPointReached.Commit)
	case m.CaughtUp != nil:
		return "caught up"
	case m.SubscriptionDropped != nil:
		return "dropped"
	}
	return "other"
}

// hear takes messages until one in short equals last.
func hear(t testing.TB, sub *esdb.Subscription, last string) []string {
	t.Helper()
	var heard []string
	for {
		s := told(sub.Recv())
		heard = append(heard, s)
		if s == last {
			return heard
		}
		if s == "dropped" {
			t.Fatalf("dropped after %q while waiting for %q", heard, last)
		}
	}
}
