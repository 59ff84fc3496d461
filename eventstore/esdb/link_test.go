package esdb_test

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/esdb"
	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

// A client whose discovery has failed is dead and keeps its callers for ever. Ours come back with their
// contexts, and the ledger goes on when the server is there again.
func TestNobodyHangsWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{})
	mustAppend(t, s, "subject-a", eventstore.NoStream, event(0))
	server.Stop()
	var callers sync.WaitGroup
	for i := range 24 {
		callers.Go(func() {
			ctx, cancel := context.WithTimeout(testserver.Bounded(t), 100*time.Millisecond)
			defer cancel()
			var err error
			switch i % 3 {
			case 0:
				_, err = s.Append(ctx, "subject-a", 0, batch(1, 1))
			case 1:
				_, err = s.StreamHead(ctx, "subject-a")
			case 2:
				for _, err = range s.ReadAll(ctx, eventstore.Start) {
				}
			}
			if err == nil {
				t.Error("a call went through without a server")
			}
		})
	}
	callers.Wait()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, "subject-a", 0, event(1))
	if n := len(logOf(t, s, eventstore.Start)); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
}

// A server that takes connections and says nothing holds the client's discovery, which knows no context.
func TestCallEndsWithItsContextDuringDiscovery(t *testing.T) {
	t.Parallel()
	server := testserver.New(t, esdbtest.Config{})
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodFeatures, UntilDeadline: true})
	ctx, cancel := context.WithTimeout(testserver.Bounded(t), 50*time.Millisecond)
	defer cancel()
	_, err := esdb.Open(ctx, quick(server.URL()+"&gossipTimeout=30"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	server.Stop()
}

func TestDeadAddressIsReported(t *testing.T) {
	t.Parallel()
	cfg := quick("esdb://" + deadAddress(t) + "?tls=false&discoveryInterval=1")
	cfg.Attempts = 3
	_, err := esdb.Open(testserver.Bounded(t), cfg)
	if err == nil || !strings.Contains(err.Error(), "connect") {
		t.Errorf("%v", err)
	}
}

// The client leaks a connection for each "unavailable". 64 callers meet 50 of them at once; afterwards there
// is one connection, and after closing none, nor a goroutine.
func TestNoConnectionIsLeaked(t *testing.T) { //nolint:paralleltest // counts goroutines of the process
	server := testserver.New(t, esdbtest.Config{})
	before := runtime.NumGoroutine()
	s, err := esdb.Open(testserver.Bounded(t), quick(server.URL()))
	if err != nil {
		t.Fatal(err)
	}
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, Times: 50, Reply: reply(esdbtest.Unavailable())})
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodRead, Times: 50, Reply: reply(esdbtest.Unavailable())})
	var callers sync.WaitGroup
	for i := range 64 {
		callers.Go(func() {
			stream := "subject-" + event(i).ID.String()
			mustAppend(t, s, stream, eventstore.NoStream, event(i))
			streamOf(t, s, stream)
		})
	}
	callers.Wait()
	eventually(t, "one connection", func() bool { return server.Connections() == 1 })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "no connection", func() bool { return server.Connections() == 0 })
	eventually(t, "no goroutine", func() bool { return runtime.NumGoroutine() <= before })
}

// An open subscription keeps its client and its connection while others are replaced around it.
func TestHealthySubscriptionOutlivesReplacedClients(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{})
	f := follow(t, s, eventstore.Start)
	f.untilCaughtUp(t)
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, Times: 5, Reply: reply(esdbtest.Unavailable())})
	mustAppend(t, s, "subject-a", eventstore.NoStream, event(0))
	if got := f.untilCaughtUp(t); len(got) != 1 {
		t.Errorf("%d records, want 1", len(got))
	}
	eventually(t, "two connections: the subscription's and the present one", func() bool { return server.Connections() == 2 })
}

func TestTurnsToTheLeader(t *testing.T) {
	t.Parallel()
	cluster, err := esdbtest.StartCluster(3, esdbtest.Config{Trace: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	s := open(t, quick(cluster.URL()))
	nodes := cluster.Nodes()
	for i, n := range []int{1, 200, 1, 200, 1, 200} {
		cluster.Elect(i % 3)
		stream := "subject-" + string(rune('a'+i))
		mustAppend(t, s, stream, eventstore.NoStream, batch(1000*i, n)...)
		for j, node := range nodes {
			for _, call := range node.Calls() {
				if call.Method == esdbtest.MethodAppend && call.Stream == stream && j != i%3 {
					t.Errorf("%s was written through node %d, which does not lead", stream, j)
				}
			}
		}
	}
	if n := len(logOf(t, s, eventstore.Start)); n != 603 {
		t.Errorf("%d records, want 603", n)
	}
}

// The node names a leader that takes connections and says nothing. The client dials it and holds everybody
// meanwhile; ours leave with their contexts.
func TestNobodyHangsOnASilentLeader(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	cluster, err := esdbtest.StartCluster(2, esdbtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	s := open(t, quick(cluster.URL()+"&gossipTimeout=1"))
	node := cluster.Nodes()[0]
	disarm := node.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend,
		Reply: reply(esdbtest.NotLeader("127.0.0.1", silent.Addr().(*net.TCPAddr).Port))})
	var callers sync.WaitGroup
	// A handful: where a deadline falls between the opening of a stream and its first message, the client reads
	// headers that gRPC writes at that moment, and the race detector blames the test for it.
	for i := range 6 {
		callers.Go(func() {
			ctx, cancel := context.WithTimeout(testserver.Bounded(t), 100*time.Millisecond)
			defer cancel()
			_, err := s.Append(ctx, "subject-a", eventstore.NoStream, batch(i, 1))
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
		})
	}
	callers.Wait()
	disarm()
	mustAppend(t, s, "subject-a", eventstore.NoStream, event(0))
}

func TestLeaderDiesAnotherTakesOver(t *testing.T) {
	t.Parallel()
	cluster, err := esdbtest.StartCluster(3, esdbtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	s := open(t, quick(cluster.URL()))
	f := follow(t, s, eventstore.Start)
	mustAppend(t, s, "subject-a", eventstore.NoStream, batch(0, 10)...)
	cluster.Nodes()[0].Stop()
	cluster.Elect(2)
	mustAppend(t, s, "subject-a", 9, batch(10, 10)...)
	f.until(t, 20)
}

// Servers before 21.10 know no list of methods; the client then gives version 0.0.0.
func TestServerWithoutListOfMethods(t *testing.T) {
	t.Parallel()
	server := testserver.New(t, esdbtest.Config{Version: "20.10.0"})
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodFeatures, Reply: &esdbtest.Reply{Code: codes.Unimplemented}})
	s := open(t, quick(server.URL()))
	f := follow(t, s, eventstore.Start)
	f.untilCaughtUp(t)
	mustAppend(t, s, "subject-a", eventstore.NoStream, event(0))
	if got := f.untilCaughtUp(t); len(got) != 1 {
		t.Errorf("%d records, want 1", len(got))
	}
}

func TestReadsBegunWhileTheNodeIsDownRecover(t *testing.T) {
	t.Parallel()
	s, server := ledger(t, esdbtest.Config{})
	mustAppend(t, s, "subject-a", eventstore.NoStream, batch(0, 1000)...)
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodRead, Stream: "subject-a", Times: 3, After: true, AfterEvents: 100, Cut: true})
	server.CutConnections()
	if n := len(streamOf(t, s, "subject-a")); n != 1000 {
		t.Errorf("%d records, want 1000", n)
	}
}
