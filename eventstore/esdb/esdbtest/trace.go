package esdbtest

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"
)

// Call is what the server saw of one call.
type Call struct {
	Method   string // one of the Method constants
	Stream   string
	Events   int // proposed, for appends
	Metadata metadata.MD
	From     uint64        // commit position or revision asked for, for reads and subscriptions; 0 otherwise
	Filter   []string      // prefixes asked for
	Deadline time.Duration // time left when the call came in; 0 without a deadline
}

// trace keeps calls when the configuration asks for it.
type trace struct {
	mu    sync.Mutex
	calls []Call
}

// Calls gives every call since the start, in order of arrival (an append counts when its last event is in).
// It is empty unless Config.Trace is set.
func (s *Server) Calls() []Call {
	s.trace.mu.Lock()
	defer s.trace.mu.Unlock()
	return slices.Clone(s.trace.calls)
}

func (s *Server) note(ctx context.Context, c Call) {
	if !s.cfg.Trace {
		return
	}
	c.Metadata, _ = metadata.FromIncomingContext(ctx)
	if at, ok := ctx.Deadline(); ok {
		c.Deadline = time.Until(at)
	}
	s.trace.mu.Lock()
	defer s.trace.mu.Unlock()
	s.trace.calls = append(s.trace.calls, c)
}
