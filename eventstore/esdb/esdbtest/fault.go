package esdbtest

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// The methods that a Fault or a Call can name.
const (
	MethodAppend    = "Append"
	MethodRead      = "Read"      // of one stream or of $all
	MethodSubscribe = "Subscribe" // to one stream or to $all
	MethodDelete    = "Delete"
	MethodTombstone = "Tombstone"
	MethodFeatures  = "GetSupportedMethods"
	MethodGossip    = "Gossip"
)

// AllStream is the name under which reads of and subscriptions to $all are known to faults and calls.
const AllStream = "$all"

// Reply is an error answer: a status and the trailers by which the server explains it.
type Reply struct {
	Code    codes.Code
	Message string
	Trailer map[string]string
}

// Err gives the reply as a gRPC error; its trailers are sent apart.
func (r Reply) Err() error { return status.Error(r.Code, r.Message) }

// Unavailable is the answer of a server that is not ready or too busy.
func Unavailable() Reply { return Reply{Code: codes.Unavailable, Message: "Server Is Not Ready"} }

// Aborted is the answer after a commit timeout: the outcome of the append is unknown.
func Aborted() Reply {
	return Reply{Code: codes.Aborted, Message: "Operation timed out: Commit timeout"}
}

// AccessDenied is the answer to a caller without the right.
func AccessDenied() Reply {
	return Reply{Code: codes.PermissionDenied, Message: "Access Denied", Trailer: map[string]string{"exception": "access-denied"}}
}

// Unauthenticated is the answer to bad credentials.
func Unauthenticated() Reply {
	return Reply{Code: codes.Unauthenticated, Message: "Bad credentials"}
}

// NotLeader is the answer of a follower that names the leader.
func NotLeader(host string, port int) Reply {
	return Reply{Code: codes.NotFound, Message: "Leader info available", Trailer: map[string]string{
		"exception": "not-leader", "leader-endpoint-host": host, "leader-endpoint-port": strconv.Itoa(port),
	}}
}

// StreamDeleted is the answer about a tombstoned stream.
func StreamDeleted(stream string) Reply {
	return Reply{Code: codes.FailedPrecondition, Message: "Event stream '" + stream + "' is deleted.",
		Trailer: map[string]string{"exception": "stream-deleted", "stream-name": stream}}
}

// handlerException is what any unexpected exception in the server looks like outside.
func handlerException() Reply {
	return Reply{Code: codes.Unknown, Message: "Exception was thrown by handler."}
}

func badRequest(message string) Reply { return Reply{Code: codes.InvalidArgument, Message: message} }

// Fault makes matching calls fail or wait. Set one of Reply, Cut and UntilDeadline, or Delay alone.
type Fault struct {
	Method string // one of the Method constants; empty: any
	Stream string // exact name, AllStream for $all; empty: any
	Skip   int    // so many matching calls pass untouched first
	Times  int    // so many calls are hit; 0: all

	Delay         time.Duration // wait first
	Reply         *Reply        // answer this
	Cut           bool          // close the connection instead of answering
	UntilDeadline bool          // answer nothing until the caller gives up
	// After does the work first: an append is committed and then fails, a read or a subscription fails
	// after AfterEvents events were sent.
	After bool
	// AfterEvents: an append is answered after so many events were received, while the client may still be
	// sending (with 0, on its header); a read or a subscription after so many were sent.
	AfterEvents int
}

// faults is the list of armed faults.
type faults struct {
	mu    sync.Mutex
	armed []*armedFault
}

type armedFault struct {
	Fault
	seen int
}

// Inject arms a fault; the returned func disarms it.
func (s *Server) Inject(f Fault) (disarm func()) {
	a := &armedFault{Fault: f}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.armed = append(s.faults.armed, a)
	return func() {
		s.faults.mu.Lock()
		defer s.faults.mu.Unlock()
		s.faults.armed = slices.DeleteFunc(s.faults.armed, func(b *armedFault) bool { return a == b })
	}
}

// hit gives the first armed fault that matches the call, or nil.
func (f *faults) hit(method, stream string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.armed {
		if (a.Method != "" && a.Method != method) || (a.Stream != "" && a.Stream != stream) {
			continue
		}
		a.seen++
		if a.seen <= a.Skip || (a.Times > 0 && a.seen > a.Skip+a.Times) {
			continue
		}
		return &a.Fault
	}
	return nil
}

// strike carries the fault out and gives the error to answer with; nil lets the call go on.
func (s *Server) strike(ctx context.Context, f *Fault, trailer func(metadata.MD)) error {
	if f == nil {
		return nil
	}
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
	switch {
	case f.UntilDeadline:
		<-ctx.Done()
		return status.FromContextError(ctx.Err()).Err()
	case f.Cut:
		s.cut(ctx)
		return status.Error(codes.Unavailable, "connection cut")
	case f.Reply != nil:
		return f.Reply.send(trailer)
	}
	return nil
}

// send sets the trailers and gives the error.
func (r Reply) send(trailer func(metadata.MD)) error {
	if len(r.Trailer) > 0 {
		trailer(metadata.New(r.Trailer))
	}
	return r.Err()
}
