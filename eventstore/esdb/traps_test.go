package esdb_test

import (
	"bytes"
	"errors"
	"io"
	"log"
	"os"
	"testing"

	driver "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

// The traps of the bare client v4.2.0, and where the adapter is held to avoid them. A test here that fails
// with a newer client says that a defence can go.
//
//	dead for ever after a failed discovery   TestTrapDeadAfterFailedDiscovery; TestNobodyHangsWhileTheServerIsAway
//	panics when closed under its callers     TestCloseWhileTheServerIsAway, TestNobodyHangsOnASilentLeader
//	discovery ignores contexts               TestCallEndsWithItsContextDuringDiscovery, TestNobodyHangsOnASilentLeader
//	loses answers while it sends             TestTrapLostAnswers; TestRefusalWhileSendingIsNotMistaken,
//	                                         TestUnknownOutcomesAreRetriedExactly, TestTurnsToTheLeader
//	leaks a connection at "unavailable"      TestTrapLeakedConnections; TestNoConnectionIsLeaked
//	never demands the leader                 esdbtest.TestTraceShowsWhatTheClientSends;
//	                                         TestOnlyExplicitRevisionsAndTheLeaderAreAskedFor
//	FromError does not look inside           TestJudgeLooksInsideWrappedErrors
//	no filter for reads of $all              TestFilterIsTheServers
//	reads begun while the node is down       TestReadsBegunWhileTheNodeIsDownRecover
//	no retry, no resubscription              TestUnknownOutcomesAreRetriedExactly, TestSubscriptionMendsItself
//	version 0.0.0 of old servers             TestServerWithoutListOfMethods
//	talks to the console                     TestTrapConsole

func TestTrapDeadAfterFailedDiscovery(t *testing.T) {
	t.Parallel()
	c := dial(t, "esdb://"+deadAddress(t)+"?tls=false&maxDiscoverAttempts=1")
	for _, want := range []driver.ErrorCode{driver.ErrorUnavailable, driver.ErrorCodeConnectionClosed, driver.ErrorCodeConnectionClosed} {
		_, err := c.AppendToStream(testserver.Bounded(t), "s", driver.AppendToStreamOptions{})
		var e *driver.Error
		if !errors.As(err, &e) || e.Code() != want {
			t.Errorf("%v, want code %d", err, want)
		}
	}
}

func TestTrapLostAnswers(t *testing.T) {
	t.Parallel()
	server := testserver.New(t, esdbtest.Config{})
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, Reply: reply(esdbtest.AccessDenied())})
	c := dial(t, server.URL())
	// More than the wire takes before the server has answered, so the client is still sending then.
	large := make([]driver.EventData, 8)
	for i := range large {
		large[i] = driver.EventData{EventID: event(i).ID, EventType: "T", Data: make([]byte, 250<<10)}
	}
	_, err := c.AppendToStream(testserver.Bounded(t), "s", driver.AppendToStreamOptions{}, large...)
	if !errors.Is(err, io.EOF) {
		t.Errorf("%v; the client does not lose the answer any more", err)
	}
}

func TestTrapLeakedConnections(t *testing.T) {
	t.Parallel()
	server := testserver.New(t, esdbtest.Config{})
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, Times: 30, Reply: reply(esdbtest.Unavailable())})
	c := dial(t, server.URL())
	for n := 0; ; n++ {
		_, err := c.AppendToStream(testserver.Bounded(t), "s", driver.AppendToStreamOptions{ExpectedRevision: driver.Any{}},
			driver.EventData{EventID: event(n).ID, EventType: "T"})
		if err == nil {
			break
		}
	}
	if n := server.Connections(); n < 2 { // how many of the thirty depends on when it discovers
		t.Errorf("%d connection after thirty answers \"unavailable\"", n)
	}
}

// TestTrapConsole: the client prints a line for each failed call, unless it is told where to.
func TestTrapConsole(t *testing.T) { //nolint:paralleltest // watches the process's log
	var said bytes.Buffer
	log.SetOutput(&said)
	defer log.SetOutput(os.Stderr)
	s, server := ledger(t, esdbtest.Config{})
	server.Inject(esdbtest.Fault{Method: esdbtest.MethodAppend, Times: 3, Reply: reply(esdbtest.Unavailable())})
	mustAppend(t, s, "subject-a", eventstore.NoStream, event(0))
	if said.Len() > 0 {
		t.Errorf("it said %q", said.String())
	}
}
