package esdbtest_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

func reply(r esdbtest.Reply) *esdbtest.Reply { return &r }

// What the client makes of each answer of the server.
func TestRepliesAsTheClientSeesThem(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		reply esdbtest.Reply
		code  esdb.ErrorCode
	}{
		"access denied":    {esdbtest.AccessDenied(), esdb.ErrorCodeAccessDenied},
		"bad credentials":  {esdbtest.Unauthenticated(), esdb.ErrorCodeUnauthenticated},
		"commit timeout":   {esdbtest.Aborted(), esdb.ErrorAborted},
		"not ready":        {esdbtest.Unavailable(), esdb.ErrorUnavailable},
		"tombstoned":       {esdbtest.StreamDeleted("s"), esdb.ErrorCodeStreamDeleted},
		"append too large": {esdbtest.Reply{Code: codes.InvalidArgument, Message: "Maximum Append Size"}, esdb.ErrorCodeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := start(t, esdbtest.Config{})
			s.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, Stream: "s", Times: 1, Reply: &x.reply})
			if _, err := appendTo(t, c, "s", esdb.Any{}, 0); code(err) != x.code {
				t.Errorf("%v, want code %d", err, x.code)
			}
			if len(s.Log().Records("s")) != 0 {
				t.Error("a refused append was written")
			}
			mustAppend(t, c, "s", esdb.Any{}, 0)
		})
	}
}

func TestCommitThenFail(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]esdbtest.Fault{
		"reply": {Reply: reply(esdbtest.Aborted())}, "cut": {Cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := start(t, esdbtest.Config{})
			fault.Method, fault.Times, fault.After = esdbtest.MethodAppend, 1, true
			s.Inject(fault)
			if _, err := appendTo(t, c, "s", esdb.NoStream{}, 0); err == nil {
				t.Fatal("no error")
			}
			if n := len(s.Log().Records("s")); n != 1 {
				t.Fatalf("%d events, want the committed one", n)
			}
			mustAppend(t, c, "s", esdb.NoStream{}, 0)
			if n := len(s.Log().Records("s")); n != 1 {
				t.Errorf("%d events after the repeat, want 1", n)
			}
		})
	}
}

func TestFaultsCountSkipAndDisarm(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{})
	disarm := s.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, Skip: 1, Times: 1, Reply: reply(esdbtest.Aborted())})
	for i, fails := range []bool{false, true, false} {
		if _, err := appendTo(t, c, "s", esdb.Any{}, i); (err != nil) != fails {
			t.Errorf("call %d: %v", i, err)
		}
	}
	disarm()
	s.Inject(esdbtest.Fault{Method: esdbtest.MethodRead, Stream: "s", After: true, AfterEvents: 1, Reply: reply(esdbtest.Unavailable())})
	ns, err := drain(c.ReadStream(testserver.Bounded(t), "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 10))
	if len(ns) != 1 || code(err) != esdb.ErrorUnavailable {
		t.Errorf("read gave %v, %v; want one event and then unavailable", ns, err)
	}
}

func TestHoldUntilDeadline(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{})
	mustAppend(t, c, "s", esdb.Any{}, 0)
	// A deadline that passes before the call has left the client proves nothing: the next is ten times as long.
	for soon := time.Millisecond; ; soon *= 10 {
		s.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, UntilDeadline: true})
		_, err := c.AppendToStream(testserver.Bounded(t), "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}, Deadline: &soon}, events(1)...)
		switch {
		case err == nil:
			t.Fatal("a call that is held went through")
		case code(err) == esdb.ErrorCodeDeadlineExceeded:
			return
		case soon > 10*time.Second:
			t.Fatal(err)
		}
	}
}

func TestStopAndStartAgainOnTheSameAddress(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{})
	mustAppend(t, c, "s", esdb.NoStream{}, 0)
	address := s.Address()
	s.Stop()
	if s.Running() {
		t.Fatal("it runs")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if s.Address() != address {
		t.Fatalf("address %s, was %s", s.Address(), address)
	}
	ns, err := drain(dial(t, s.URL()).ReadStream(testserver.Bounded(t), "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 10))
	if err != nil || len(ns) != 1 {
		t.Errorf("%v, %v", ns, err)
	}
}

// A connection carries so many calls at once and no more; subscriptions count.
func TestStreamCap(t *testing.T) {
	t.Parallel()
	c, _ := start(t, esdbtest.Config{MaxConcurrentStreams: 2})
	for range 2 {
		subscribeAll(t, c, esdb.SubscribeToAllOptions{From: esdb.End{}})
	}
	soon := 50 * time.Millisecond
	_, err := c.AppendToStream(testserver.Bounded(t), "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}, Deadline: &soon}, events(0)...)
	if code(err) != esdb.ErrorCodeDeadlineExceeded {
		t.Errorf("a third call went through: %v", err)
	}
}

func TestTLSAndUsers(t *testing.T) {
	t.Parallel()
	conf, ca := testserver.SelfSigned(t)
	s := testserver.New(t, esdbtest.Config{TLS: conf, Users: []esdbtest.User{
		{Name: "admin", Password: "changeit", Admin: true}, {Name: "app", Password: "secret"},
	}})
	at := func(user string) *esdb.Client { return dial(t, "esdb://"+user+s.Address()+"?tlsCaFile="+ca) }
	for name, x := range map[string]struct {
		user   string
		append esdb.ErrorCode // -1: allowed
		all    esdb.ErrorCode
	}{
		"administrator": {"admin:changeit@", -1, -1},
		"other user":    {"app:secret@", -1, esdb.ErrorCodeAccessDenied},
		"bad password":  {"app:guess@", esdb.ErrorCodeUnauthenticated, esdb.ErrorCodeUnauthenticated},
		"nobody":        {"", esdb.ErrorCodeAccessDenied, esdb.ErrorCodeAccessDenied},
	} {
		c := at(x.user)
		if _, err := appendTo(t, c, "s", esdb.Any{}, 0); code(err) != x.append {
			t.Errorf("%s: append: %v", name, err)
		}
		if _, err := drain(c.ReadAll(testserver.Bounded(t), esdb.ReadAllOptions{From: esdb.Start{}}, 1)); code(err) != x.all {
			t.Errorf("%s: read $all: %v", name, err)
		}
		if _, err := drain(c.ReadStream(testserver.Bounded(t), "$users", esdb.ReadStreamOptions{From: esdb.Start{}}, 1)); code(err) != x.all {
			t.Errorf("%s: read a system stream: %v", name, err)
		}
	}
}

func TestTraceShowsWhatTheClientSends(t *testing.T) {
	t.Parallel()
	c, s := start(t, esdbtest.Config{Trace: true})
	mustAppend(t, c, "s", esdb.Any{}, 0, 1)
	for _, call := range s.Calls() {
		if call.Method != esdbtest.MethodAppend {
			continue
		}
		if call.Stream != "s" || call.Events != 2 || call.Deadline <= 0 || call.Deadline > 10*time.Second {
			t.Errorf("%+v", call)
		}
		if len(call.Metadata.Get("requires-leader")) != 0 {
			t.Error("this client sends requires-leader; the adapter need not any more")
		}
		return
	}
	t.Error("no append among the calls")
}

func TestCluster(t *testing.T) {
	t.Parallel()
	cluster, err := esdbtest.StartCluster(3, esdbtest.Config{Trace: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	nodes := cluster.Nodes()
	cluster.Elect(1)
	c := dial(t, cluster.URL())
	mustAppend(t, c, "s", esdb.NoStream{}, 0)
	if n := appendsAt(nodes[1]); n != 1 {
		t.Errorf("the leader saw %d appends; the client finds it by gossip", n)
	}

	// A follower forwards, unless the leader is demanded.
	follower := dial(t, nodes[0].URL())
	mustAppend(t, follower, "s", esdb.Revision(0), 1)
	demanding := metadata.AppendToOutgoingContext(testserver.Bounded(t), "requires-leader", "true")
	send := func() error {
		_, err := follower.AppendToStream(demanding, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Revision(1)}, events(2)...)
		return err
	}
	if err := send(); code(err) != esdb.ErrorCodeNotLeader {
		t.Fatalf("%v, want not-leader", err)
	}
	if err := send(); err != nil {
		t.Fatalf("after the client has turned to the leader: %v", err)
	}
	if n := len(nodes[2].Log().Records("s")); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}

func appendsAt(s *esdbtest.Server) (n int) {
	for _, c := range s.Calls() {
		if c.Method == esdbtest.MethodAppend {
			n++
		}
	}
	return n
}

// Nodes in other processes: the one without a database hands everything to the leader.
func TestForwardingNode(t *testing.T) {
	t.Parallel()
	leader := testserver.New(t, esdbtest.Config{})
	host, port := "127.0.0.1", portOf(t, leader)
	follower := testserver.New(t, esdbtest.Config{Forward: leader.Address(), Cluster: esdbtest.NewMembership([]esdbtest.Member{
		{Host: host, Port: port, State: gossip.MemberInfo_Leader, Alive: true},
	})})
	c := dial(t, follower.URL())
	mustAppend(t, c, "s", esdb.NoStream{}, 0, 1)
	if _, err := appendTo(t, c, "s", esdb.NoStream{}, 7); code(err) != esdb.ErrorCodeWrongExpectedVersion {
		t.Errorf("%v", err)
	}
	ns, err := drain(c.ReadStream(testserver.Bounded(t), "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 10))
	if err != nil || len(ns) != 2 {
		t.Errorf("%v, %v", ns, err)
	}
	if _, err := c.TombstoneStream(testserver.Bounded(t), "s", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Error(err)
	}
	if _, err := appendTo(t, c, "s", esdb.Any{}, 7); code(err) != esdb.ErrorCodeStreamDeleted {
		t.Errorf("trailers are handed on: %v", err)
	}
	seeds := dial(t, "esdb://"+follower.Address()+",127.0.0.1:1?tls=false")
	mustAppend(t, seeds, "t", esdb.NoStream{}, 0)
	if _, err := raw(t, follower).Delete(metadata.AppendToOutgoingContext(testserver.Bounded(t), "requires-leader", "true"), &streams.DeleteReq{}); status.Code(err) != codes.NotFound {
		t.Errorf("%v, want not-leader", err)
	}
}

func portOf(t *testing.T, s *esdbtest.Server) int {
	t.Helper()
	n, err := strconv.Atoi(s.Address()[len("127.0.0.1:"):])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPersistentCreateAnswers(t *testing.T) {
	t.Parallel()
	c, _ := start(t, esdbtest.Config{})
	if err := c.CreatePersistentSubscription(testserver.Bounded(t), "s", "g", esdb.PersistentStreamSubscriptionOptions{}); err != nil {
		t.Error(err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]esdbtest.Config{
		"version": {Version: "24.10.0-alpha"}, "short version": {Version: "24"},
		"users without TLS": {Users: []esdbtest.User{{Name: "a"}}},
		"two databases":     {Log: esdbtest.NewLog(esdbtest.LogConfig{}), Forward: "127.0.0.1:1"},
		"address":           {Address: "127.0.0.1:-1"},
	} {
		if s, err := esdbtest.Start(cfg); err == nil {
			s.Stop()
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSeed(t *testing.T) {
	t.Parallel()
	log := bareLog()
	at, early := uint64(5000), uint64(10)
	created := time.Date(2015, 5, 17, 10, 5, 3, 700, time.UTC)
	if err := log.Seed(esdbtest.Seed{ID: id(1), Stream: "s", Type: "T", Position: &at, Created: created}); err != nil {
		t.Fatal(err)
	}
	if err := log.Seed(esdbtest.Seed{Stream: "s", Type: "T", Position: &early}); !errors.Is(err, esdbtest.ErrSeed) {
		t.Errorf("%v", err)
	}
	c, _ := start(t, esdbtest.Config{Log: log})
	read, err := c.ReadStream(context.WithoutCancel(testserver.Bounded(t)), "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	e, err := read.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if e.Event.Position.Commit != at || e.Event.EventID != id(1) || !e.Event.CreatedDate.Equal(created) {
		t.Errorf("%+v", e.Event)
	}
}
