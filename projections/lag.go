package projections

import (
	"context"
	"fmt"
	"time"
)

// Status is where one projection stands.
type Status struct {
	Projection string
	Version    int    // of this program
	Build      int64  // number of the live build; 0 when there is none yet
	Position   uint64 // up to which its rows stand for the log
	Head       uint64 // of the log
	Lag        uint64 // positions still to go; 0 when level
	// Behind is the same in events and in time.
	Behind Lag
	// Gap is positions to the projection that is furthest: answers of the two stand for different moments.
	Gap    uint64
	Events int64 // folded into the live build
	// Problem is why it stands still: ErrForeign, ErrDiverged, ErrVersion, or a *FailureError.
	Problem error
	// Next is the build that a rebuild is filling, or has left to be resumed.
	Next *Build
	// Old is the build that Rollback would bring back.
	Old *Build
}

// Lag is how far rows are behind the log.
type Lag struct {
	// Events that are recorded and not folded yet. More says that there are more than were counted.
	Events int
	More   bool
	// Time since the first of them was recorded: since when an answer may be wrong. 0 when level.
	Time time.Duration
}

// lagCounted bounds how many events are read to count them.
const lagCounted = 10_000

// behind reads the log from a place on.
func (e *Engine) behind(ctx context.Context, after uint64) (lag Lag, err error) {
	for r, err := range e.cfg.Source.ReadAll(ctx, after) {
		switch {
		case err != nil:
			return lag, err
		case lag.Events == lagCounted:
			lag.More = true
			return lag, nil
		case lag.Events == 0:
			lag.Time = max(0, e.cfg.Now().Sub(r.Meta.RecordedAt))
		}
		lag.Events++
	}
	return lag, nil
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
		var mark Mark
		if b, ok := find(builds, p.Name, Live); ok {
			s.Build, s.Position, s.Events = b.Number, b.Mark.Position, b.Events
			mark = b.Mark
			s.Lag = head - min(head, b.Mark.Position)
			s.Problem = e.check(ctx, p, b, log)
			if s.Problem == nil && b.Failure != nil {
				s.Problem = &FailureError{Projection: p.Name, Failure: *b.Failure}
			}
		}
		if s.Lag > 0 {
			if s.Behind, err = e.behind(ctx, mark.Position); err != nil && s.Problem == nil {
				s.Problem = &sourceError{err}
			}
		}
		s.Next, s.Old = pointer(find(builds, p.Name, Building)), pointer(find(builds, p.Name, Old))
		out = append(out, s)
	}
	gaps(out)
	return out, nil
}

func gaps(all []Status) {
	var first uint64
	for _, s := range all {
		first = max(first, s.Position)
	}
	for i := range all {
		all[i].Gap = first - all[i].Position
	}
}

func pointer(b Build, ok bool) *Build {
	if !ok {
		return nil
	}
	return &b
}
