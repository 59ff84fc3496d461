package projections

import (
	"context"
	"fmt"
)

// WaitFor returns when the live rows of these projections (all, when none is named) stand for everything up
// to the position: a reader who has to see his own write passes the position of its receipt. It gives the
// reason when one of them stands still, and the context's error when that ends first.
//
// It learns of progress from this engine's Run, CatchUp and Rebuild.
func (e *Engine) WaitFor(ctx context.Context, position uint64, names ...string) error {
	set, err := e.named(names)
	if err != nil {
		return err
	}
	for {
		e.mu.Lock()
		changed := e.changed
		level, why := e.level(set, position)
		e.mu.Unlock()
		if level || why != nil {
			return why
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for position %d: %w", position, ctx.Err())
		}
	}
}

// level needs mu.
func (e *Engine) level(set []*Projection, position uint64) (bool, error) {
	level := true
	for _, p := range set {
		s := e.states[p.Name]
		if s.build.Mark.Position >= position {
			continue
		}
		if s.err != nil {
			return false, s.err
		}
		level = false
	}
	return level, nil
}
