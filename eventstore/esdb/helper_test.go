package esdb_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/esdb"
	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

// hang is when a test that waits gives up. No test passes because of it.
const hang = 5 * time.Minute

func TestMain(m *testing.M) {
	// Each step of a history is some calls to a server, and the contract is proved on three: a fifth of what
	// rapid does, unless asked.
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// quick is a configuration whose waits are short.
func quick(url string) esdb.Config {
	return esdb.Config{URL: url, FirstWait: time.Millisecond, LongestWait: 20 * time.Millisecond, Attempts: 40}
}

func open(t testing.TB, cfg esdb.Config) *esdb.Store {
	t.Helper()
	s, err := esdb.Open(testserver.Bounded(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// ledger is a server and a store on it.
func ledger(t testing.TB, cfg esdbtest.Config) (*esdb.Store, *esdbtest.Server) {
	t.Helper()
	server := testserver.New(t, cfg)
	return open(t, quick(server.URL())), server
}

// deadAddress is one where nobody listens.
func deadAddress(t testing.TB) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := lis.Close(); err != nil {
		t.Fatal(err)
	}
	return lis.Addr().String()
}

func event(n int) eventstore.Event {
	var id uuid.UUID
	id[6], id[8] = 0x40, 0x80
	binary.BigEndian.PutUint32(id[:], uint32(n+1))
	return eventstore.Event{
		ID: id, Type: "DataCollected.v1",
		Data: fmt.Appendf(nil, `{"n":%d}`, n), Meta: []byte(`{"actor":{"kind":"service"}}`),
	}
}

func batch(from, n int) []eventstore.Event {
	events := make([]eventstore.Event, n)
	for i := range events {
		events[i] = event(from + i)
	}
	return events
}

func mustAppend(t testing.TB, s *esdb.Store, stream string, expected int64, events ...eventstore.Event) eventstore.Appended {
	t.Helper()
	got, err := s.Append(testserver.Bounded(t), stream, expected, events)
	if err != nil {
		t.Fatalf("append to %s after %d: %v", stream, expected, err)
	}
	return got
}

func streamOf(t testing.TB, s *esdb.Store, stream string) []eventstore.Record {
	t.Helper()
	var records []eventstore.Record
	for r, err := range s.ReadStream(testserver.Bounded(t), stream, eventstore.NoStream) {
		if err != nil {
			t.Fatalf("read %s: %v", stream, err)
		}
		records = append(records, r)
	}
	return records
}

func logOf(t testing.TB, s *esdb.Store, after eventstore.Position) []eventstore.Record {
	t.Helper()
	var records []eventstore.Record
	for r, err := range s.ReadAll(testserver.Bounded(t), after) {
		if err != nil {
			t.Fatalf("read log after %d: %v", after, err)
		}
		records = append(records, r)
	}
	return records
}

// eventually waits for a condition that nothing announces.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(hang); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
