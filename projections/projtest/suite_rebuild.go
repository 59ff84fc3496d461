package projtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
)

// twins are two projections of one log whose rows must always agree.
func twins(version int) []*projections.Projection {
	var set []*projections.Projection
	for _, name := range []string{"left", "right"} {
		table := &projections.Table{Name: name + "_rows", Key: 1, Log: true, Columns: []projections.Column{
			{Name: "position", Type: projections.Int}, {Name: "version", Type: projections.Int}}}
		set = append(set, &projections.Projection{Name: name, Version: version, Tables: []*projections.Table{table},
			Apply: func(r domain.Recorded, w *projections.Writer) error {
				w.Append(table, projections.OfPosition(r.Position), projections.OfInt(int64(version)))
				return nil
			}})
	}
	return set
}

// switchIsWhole: while builds replace each other, a reader always sees all rows, all of one version, the
// same in both projections.
func switchIsWhole(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	const events = 400
	log, _ := fixture(12, events-3)
	must(t, engine(t, log, b, use(twins(1)...)).CatchUp(t.Context()))
	stop, ready := make(chan struct{}), make(chan struct{})
	var readers sync.WaitGroup
	var once sync.Once
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := lookWhole(b, events); err != nil {
					t.Error(err)
					once.Do(func() { close(ready) })
					return
				}
				once.Do(func() { close(ready) })
			}
		})
	}
	<-ready
	for version := 2; version < 8; version++ {
		must(t, engine(t, log, b, use(twins(version)...)).Rebuild(t.Context(), nil, nil))
	}
	close(stop)
	readers.Wait()
}

func lookWhole(b projections.Backend, events int) error {
	return b.View(context.Background(), func(s projections.Snapshot) error {
		seen := map[int64]int{}
		for _, p := range twins(1) {
			for row, err := range s.Select(context.Background(), projections.Select{Table: p.Tables[0]}) {
				if err != nil {
					return err
				}
				seen[row[1].Int()]++
			}
			build, err := s.Live(context.Background(), p.Name)
			if err != nil || seen[int64(build.Version)] == 0 {
				return fmt.Errorf("version %d is said to be live, seen are %v: %w", build.Version, seen, err)
			}
		}
		if len(seen) != 1 {
			return fmt.Errorf("a reader saw versions %v at once", seen)
		}
		for _, n := range seen {
			if n != 2*events {
				return fmt.Errorf("a reader saw %d rows of %d", n, 2*events)
			}
		}
		return nil
	})
}

// switchRefuses: what is not built, not indexed or behind is not shown.
func switchRefuses(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	log, _ := fixture(13, 30)
	set := twins(1)
	must(t, engine(t, log, b, use(set...)).CatchUp(t.Context()))
	want(t, b.Switch(t.Context(), []projections.Build{live(t, b, "left")}), projections.ErrConflict)
	var next []projections.Build
	for _, p := range set {
		build, err := b.Create(t.Context(), p, ledger, projections.Building)
		must(t, err)
		want(t, b.Switch(t.Context(), []projections.Build{build}), projections.ErrConflict) // not indexed
		must(t, b.Index(t.Context(), p, build))
		must(t, b.Index(t.Context(), p, build))
		next = append(next, build)
	}
	_, err := b.Create(t.Context(), set[0], ledger, projections.Building)
	want(t, err, projections.ErrConflict)
	before := Read(t, b, set)
	want(t, b.Switch(t.Context(), next), projections.ErrConflict) // behind the live ones
	same(t, "after refused switches", Read(t, b, set), before)
	must(t, b.Drop(t.Context(), next))
	must(t, b.Drop(t.Context(), next))
	want(t, b.Switch(t.Context(), next), projections.ErrConflict)
}

// rollback: the build before the last switch can come back, and follows the log from where it stood.
func rollback(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	log, crowd := fixture(14, 40)
	one := engine(t, log, b, use(twins(1)...))
	must(t, one.CatchUp(t.Context()))
	want(t, one.Rollback(t.Context()), projections.ErrNoOld)
	two := engine(t, log, b, use(twins(2)...))
	must(t, two.Rebuild(t.Context(), nil, nil))
	log.Append(crowd.Some(10)...)
	must(t, two.CatchUp(t.Context()))
	must(t, one.Rollback(t.Context()))
	must(t, one.CatchUp(t.Context()))
	must(t, lookWhole(b, len(log.Events())))
	if got := live(t, b, "left").Version; got != 1 {
		t.Errorf("version %d is live", got)
	}
	must(t, two.Rollback(t.Context(), "left", "right"))
	must(t, two.CatchUp(t.Context()))
	must(t, lookWhole(b, len(log.Events())))
}

// eachSecond is a clock that goes on by a second whenever somebody looks at it.
func eachSecond() func() time.Time {
	var seconds atomic.Int64
	return func() time.Time { return time.Unix(seconds.Add(1), 0) }
}

// progressAndCancel: a rebuild tells how far it is, stops when its context ends, and the next one goes on
// from there; readers see the old rows meanwhile.
func progressAndCancel(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	log, _ := fixture(15, 3000)
	set := twins(1)
	must(t, engine(t, log, b, use(set...)).CatchUp(t.Context()))
	e := engine(t, log, b, use(twins(2)...), func(c *projections.Config) { c.RebuildBytes = 1 })
	ctx, cancel := context.WithCancel(t.Context())
	reason := errors.New("half way")
	log.Break(2000*stride, reason)
	want(t, e.Rebuild(ctx, nil, nil), reason)
	log.Break(2000*stride, nil)
	cancel()
	want(t, e.Rebuild(ctx, nil, nil), context.Canceled)
	must(t, lookWhole(b, len(log.Events())))
	stages := map[projections.Stage]projections.Progress{}
	left := map[projections.Stage]bool{}
	e = engine(t, log, b, use(twins(2)...), func(c *projections.Config) { c.Now = eachSecond() })
	must(t, e.Rebuild(t.Context(), nil, func(p projections.Progress) {
		stages[p.Stage] = p
		left[p.Stage] = left[p.Stage] || p.Left > 0
		if p.Stage == projections.Loading {
			want(t, e.Rebuild(t.Context(), nil, nil), projections.ErrRunning)
		}
	}))
	must(t, lookWhole(b, len(log.Events())))
	head, _ := log.Head(t.Context())
	last := stages[projections.Switched]
	if len(stages) != 4 || last.Position != head || last.Head != head || last.Left != 0 || last.Rate <= 0 || last.Events == 0 {
		t.Errorf("progress: %+v", stages)
	}
	if !left[projections.Loading] || !left[projections.Storing] {
		t.Errorf("how long it takes yet was told of %v", left)
	}
	if got := live(t, b, "right"); got.Events != int64(len(log.Events())) || got.Version != 2 {
		t.Errorf("rebuilt: %+v", got)
	}
}
