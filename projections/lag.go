package projections

import (
	"context"
	"fmt"
)

// Status is where one projection stands.
type Status struct {
	Projection string
	Version    int    // of this program
	Build      int64  // number of the live build; 0 when there is none yet
	Position   uint64 // up to which its rows stand for the log
	Head       uint64 // of the log
	Lag        uint64 // positions still to go; 0 when level
	Events     int64  // folded into the live build
	// Problem is why it stands still: ErrForeign, ErrDiverged, ErrVersion, or a *FailureError.
	Problem error
	// Next is the build that a rebuild is filling, or has left to be resumed.
	Next *Build
	// Old is the build that Rollback would bring back.
	Old *Build
}

// Status tells where every projection stands, from the backend and the log as they are now.
func (e *Engine) Status(ctx context.Context) ([]Status, error) {
	head, err := e.cfg.Source.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	log, err := e.cfg.Source.Identity(ctx)
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	builds, err := e.cfg.Backend.Builds(ctx)
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	var out []Status
	for _, p := range e.cfg.Projections {
		s := Status{Projection: p.Name, Version: p.Version, Head: head, Lag: head}
		if b, ok := find(builds, p.Name, Live); ok {
			s.Build, s.Position, s.Events = b.Number, b.Mark.Position, b.Events
			s.Lag = head - min(head, b.Mark.Position)
			s.Problem = e.check(ctx, p, b, log)
			if s.Problem == nil && b.Failure != nil {
				s.Problem = &FailureError{Projection: p.Name, Failure: *b.Failure}
			}
		}
		s.Next, s.Old = pointer(find(builds, p.Name, Building)), pointer(find(builds, p.Name, Old))
		out = append(out, s)
	}
	return out, nil
}

func pointer(b Build, ok bool) *Build {
	if !ok {
		return nil
	}
	return &b
}
