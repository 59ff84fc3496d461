package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Stage is what a rebuild is doing.
type Stage string

// The stages, in order. Catching up may follow indexing more than once.
const (
	Loading  Stage = "loading"  // the log is read, folded and loaded
	Indexing Stage = "indexing" // secondary indexes are made
	Catching Stage = "catching" // what came meanwhile is folded
	Switched Stage = "switched" // readers see the new builds
)

// Progress is where a rebuild stands.
type Progress struct {
	Stage    Stage
	Position uint64 // read up to here
	Head     uint64 // of the log when the rebuild began
	Events   int64  // read so far by this run
	Elapsed  time.Duration
	Rate     float64       // events a second
	Left     time.Duration // until the head, at this rate; 0 when unknown
}

// Rebuild makes the next build of these projections (all, when none is named) from the log, beside the live
// ones, and switches to them in one transaction. One reading of the log feeds all of them. The live builds
// go on meanwhile, and stay as Old ones for Rollback until the next rebuild.
//
// Cancelling the context stops it cleanly; after that, and after a crash at any point, the next Rebuild goes
// on from what was committed. A projection whose fold fails is left behind, unswitched, with its
// *FailureError in the joined result; the others switch. watch is called from one goroutine at a time, at
// most a few times a second and once for each stage; it may be nil. A second Rebuild gets ErrRunning.
func (e *Engine) Rebuild(ctx context.Context, names []string, watch func(Progress)) error {
	if !e.rebuilding.TryLock() {
		return fmt.Errorf("rebuild: another one %w", ErrRunning)
	}
	defer e.rebuilding.Unlock()
	set, err := e.named(names)
	if err != nil {
		return err
	}
	r := &rebuild{engine: e, watch: watch, began: e.cfg.Now()}
	if err := r.prepare(ctx, set); err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	if err := r.run(ctx); err != nil {
		return fmt.Errorf("rebuild: %w", errors.Join(err, r.failures()))
	}
	e.Resume()
	return r.failures()
}

// rebuild is one run of Rebuild.
type rebuild struct {
	engine *Engine
	watch  func(Progress)
	began  time.Time
	last   time.Time // of the last report
	start  uint64    // position where this run began to read
	head   uint64
	events int64
	at     uint64
	lanes  []*lane
}

// prepare takes up what an earlier run left of the same version and log, and makes new builds for the rest.
// This is also when the builds before the live ones are dropped.
func (r *rebuild) prepare(ctx context.Context, set []*Projection) error {
	cfg := r.engine.cfg
	log, err := cfg.Source.Identity(ctx)
	if err != nil {
		return err
	}
	if r.head, err = cfg.Source.Head(ctx); err != nil {
		return err
	}
	builds, err := cfg.Backend.Builds(ctx)
	if err != nil {
		return err
	}
	for _, p := range set {
		b, err := r.take(ctx, p, log, builds)
		if err != nil {
			return fmt.Errorf("projection %s: %w", p.Name, err)
		}
		r.lanes = append(r.lanes, &lane{p: p, build: b})
	}
	r.start = r.after()
	return nil
}

func (r *rebuild) take(ctx context.Context, p *Projection, log uuid.UUID, builds []Build) (Build, error) {
	backend := r.engine.cfg.Backend
	next, resumable := find(builds, p.Name, Building)
	if resumable {
		err := r.engine.check(ctx, p, next, log)
		var source *sourceError
		if errors.As(err, &source) {
			return Build{}, err
		}
		resumable = err == nil
	}
	drop := slices.DeleteFunc(slices.Clone(builds), func(b Build) bool {
		return b.Projection != p.Name || b.State == Live || (resumable && b.Number == next.Number)
	})
	if len(drop) > 0 {
		if err := backend.Drop(ctx, drop); err != nil {
			return Build{}, err
		}
	}
	if resumable {
		return next, nil
	}
	return backend.Create(ctx, p, log, Building)
}

// maxRounds bounds how often a rebuild chases a log that moves; each round is shorter than the one before.
const maxRounds = 1000

func (r *rebuild) run(ctx context.Context) error {
	if err := r.load(ctx, Loading); err != nil {
		return err
	}
	r.report(Indexing, true)
	for _, l := range r.sound() {
		if l.build.Indexed {
			continue
		}
		if err := r.engine.cfg.Backend.Index(ctx, l.p, l.build); err != nil {
			return fmt.Errorf("projection %s: index: %w", l.p.Name, err)
		}
	}
	for range maxRounds {
		if err := r.load(ctx, Catching); err != nil {
			return err
		}
		err := r.switchOver(ctx)
		if err == nil || !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("the live builds stay ahead: %w", ErrConflict)
}

// switchOver shows the new builds to readers. ErrConflict means that a live build got ahead meanwhile.
func (r *rebuild) switchOver(ctx context.Context) error {
	var set []Build
	for _, l := range r.sound() {
		set = append(set, l.build)
	}
	if len(set) == 0 {
		return nil
	}
	if err := r.engine.cfg.Backend.Switch(ctx, set); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	for _, b := range set {
		b.State, b.Indexed = Live, true
		r.engine.set(ctx, b.Projection, state{build: b})
	}
	r.report(Switched, true)
	return nil
}

// sound is the lanes whose folds have not failed.
func (r *rebuild) sound() []*lane {
	return slices.DeleteFunc(slices.Clone(r.lanes), func(l *lane) bool { return l.failure != nil })
}

func (r *rebuild) failures() error {
	var errs []error
	for _, l := range r.lanes {
		if l.failure != nil {
			errs = append(errs, l.failure)
		}
	}
	return errors.Join(errs...)
}

// after is where the reading has to begin for the lane that is least far.
func (r *rebuild) after() uint64 {
	lanes := r.sound()
	if len(lanes) == 0 {
		return r.head
	}
	after := lanes[0].build.Mark.Position
	for _, l := range lanes {
		after = min(after, l.build.Mark.Position)
	}
	return after
}

// reportEvery keeps the callback from costing more than the work.
const reportEvery = 200 * time.Millisecond

func (r *rebuild) report(s Stage, always bool) {
	now := r.engine.cfg.Now()
	if r.watch == nil || (!always && now.Sub(r.last) < reportEvery) {
		return
	}
	r.last = now
	p := Progress{Stage: s, Position: r.at, Head: r.head, Events: r.events, Elapsed: now.Sub(r.began)}
	if p.Elapsed > 0 {
		p.Rate = float64(p.Events) / p.Elapsed.Seconds()
	}
	if done := float64(r.at - min(r.at, r.start)); done > 0 && r.at < r.head {
		p.Left = time.Duration(float64(p.Elapsed) * float64(r.head-r.at) / done)
	}
	r.watch(p)
}
