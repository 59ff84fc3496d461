package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Stage is what a rebuild is doing.
type Stage string

// The stages, in order. Storing and indexing overlap between projections; catching up may come more than
// once.
const (
	Loading  Stage = "loading"  // the log is read and folded; rows are put aside, sorted
	Storing  Stage = "storing"  // rows are stored, indexed, read back and compared
	Catching Stage = "catching" // what came meanwhile is folded
	Switched Stage = "switched" // readers see the new builds

	Comparing Stage = "comparing" // of a check: live rows are read beside fresh ones
)

// Progress is where a rebuild stands.
type Progress struct {
	Stage    Stage
	Position uint64 // read up to here
	Head     uint64 // of the log when the rebuild began
	Events   int64  // read so far by this run
	Rows     int64  // stored so far by this run
	Elapsed  time.Duration
	Rate     float64       // events a second
	Left     time.Duration // of this stage, as fast as it was so far; 0 when unknown
}

// Rebuild makes the next build of these projections (all, when none is named) from the log, beside the live
// ones, and switches to them in one transaction. One reading of the log feeds all of them. The live builds
// go on meanwhile, and stay as Old ones for Rollback until the next rebuild.
//
// Rows are put aside on disk until the log is read to its end, and then stored once, in the order of their
// keys. What was stored is read back and compared with what was folded, by number and digest, before the
// switch; ErrMismatch stops it.
//
// Cancelling the context stops it cleanly; after that, and after a crash at any point, the next Rebuild goes
// on from what was put aside or stored. A projection whose fold fails is left behind, unswitched, with its
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
	shelf, err := e.shelf()
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	defer shelf.close()
	r := &rebuild{engine: e, shelf: shelf, progress: progress{now: e.cfg.Now, watch: watch, began: e.cfg.Now()}}
	if err := r.prepare(ctx, set); err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	defer r.leave()
	if err := r.run(ctx); err != nil {
		return fmt.Errorf("rebuild: %w", errors.Join(err, r.failures()))
	}
	e.Resume()
	return r.failures()
}

// rebuild is one run of Rebuild.
type rebuild struct {
	engine *Engine
	shelf  *shelf
	lanes  []*lane
	progress
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
		x := &lane{p: p, build: b}
		r.lanes = append(r.lanes, x)
		if b.Mark != (Mark{}) { // stored before; nothing that was put aside is wanted any more
			if err := r.shelf.clear(p); err != nil {
				return err
			}
			continue
		}
		if err := r.engine.takeUp(ctx, r.shelf, x); err != nil {
			return fmt.Errorf("projection %s: %w", p.Name, err)
		}
	}
	r.start = after(r.lanes, r.head)
	return nil
}

// leave closes what is open. What is put aside stays for the next run.
func (r *rebuild) leave() {
	for _, x := range r.lanes {
		if x.spool != nil {
			x.spool.abandon()
		}
	}
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
	r.say(Loading)
	if err := r.read(ctx, r.unstored()); err != nil {
		return err
	}
	r.say(Storing)
	if err := r.store(ctx); err != nil {
		return err
	}
	for range maxRounds {
		r.say(Catching)
		if err := r.read(ctx, r.sound()); err != nil {
			return err
		}
		err := r.switchOver(ctx)
		if err == nil || !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("the live builds stay ahead: %w", ErrConflict)
}

// read feeds the lanes from the log.
func (r *rebuild) read(ctx context.Context, lanes []*lane) error {
	if len(lanes) == 0 {
		return context.Cause(ctx)
	}
	for _, x := range lanes {
		if x.batch == nil {
			x.batch = NewBatch(x.p, x.build.Mark)
		}
	}
	l := &load{cfg: r.engine.cfg, read: r.advance}
	return l.run(ctx, lanes, after(lanes, r.head))
}

// unstored is the lanes whose builds hold nothing yet.
func (r *rebuild) unstored() []*lane {
	return slices.DeleteFunc(r.sound(), func(x *lane) bool { return x.spool == nil })
}

// store stores, indexes and compares, the lanes beside each other: one more than there are processors, since
// one may wait for the backend. The largest begins, lest the others wait for it at the end.
func (r *rebuild) store(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	lanes := slices.SortedFunc(slices.Values(r.lanes), func(a, b *lane) int { return cmp.Compare(b.spool.size(), a.spool.size()) })
	r.expect(workOf(lanes))
	turns := make(chan struct{}, 1+runtime.GOMAXPROCS(0))
	var storing sync.WaitGroup
	for _, x := range lanes {
		turns <- struct{}{}
		storing.Go(func() {
			defer func() { <-turns }()
			if err := r.storeOne(ctx, x); err != nil {
				cancel(fmt.Errorf("projection %s: %w", x.p.Name, err))
			}
		})
	}
	storing.Wait()
	return context.Cause(ctx)
}

// workOf counts what was put aside twice: it is stored, and read back.
func workOf(lanes []*lane) (n int64) {
	for _, x := range lanes {
		if x.failure == nil {
			n += 2 * x.spool.size()
		}
	}
	return n
}

func (r *rebuild) storeOne(ctx context.Context, x *lane) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if x.failure != nil {
		return r.noteFailure(ctx, x)
	}
	var given []handed
	if x.spool != nil {
		var err error
		if given, err = r.load(ctx, x); err != nil {
			return r.spoiled(x, err)
		}
		if err := x.spool.remove(); err != nil {
			return err
		}
		x.spool, x.batch = nil, nil
	}
	if !x.build.Indexed {
		if err := r.engine.cfg.Backend.Index(ctx, x.p, x.build); err != nil {
			return fmt.Errorf("index: %w", err)
		}
		x.build.Indexed = true
	}
	return r.readBack(ctx, x, given)
}

// handed is what the backend was given of one table.
type handed struct {
	sum  Sum
	size int64 // put aside, in bytes
}

func (r *rebuild) load(ctx context.Context, x *lane) ([]handed, error) {
	l := Load{Projection: x.p, Number: x.build.Number, To: x.spool.said.Mark, Events: x.spool.said.Events}
	given := make([]handed, len(x.p.Tables))
	passed := x.spool.passed.Load()
	told := func(rows int64) {
		now := x.spool.passed.Load()
		r.stored(rows, now-passed)
		passed = now
	}
	for i, t := range x.p.Tables {
		given[i] = handed{newSummer(t).sum(), x.spool.tableSize(i)} // the sum of a log without events, which loads nothing
		l.Tables = append(l.Tables, Filling{Table: t, Rows: summed(t, x.spool.rows(i), &given[i].sum, told)})
	}
	if l.To == (Mark{}) {
		return given, nil
	}
	if err := r.engine.cfg.Backend.Load(ctx, l); err != nil {
		return nil, err
	}
	x.build.Mark, x.build.Events, x.build.Failure = l.To, l.Events, nil
	return given, nil
}

// spoiled forgets what was put aside when it can't be read, so that the next run begins anew.
func (r *rebuild) spoiled(x *lane, err error) error {
	if errors.Is(err, errSpoiled) {
		return errors.Join(err, x.spool.restart())
	}
	return err
}

// readTries is how often a table is read back when a connection breaks on the way.
const readTries = 3

// readBack compares what the backend holds with what it was given.
func (r *rebuild) readBack(ctx context.Context, x *lane, given []handed) error {
	for i, want := range given {
		t := x.p.Tables[i]
		told := func(rows int64) { r.stored(0, rows*want.size/max(want.sum.Rows, 1)) }
		have, err := r.engine.sumOf(ctx, x.build, t, told)
		for try := 1; err != nil && try < readTries && ctx.Err() == nil; try++ {
			have, err = r.engine.sumOf(ctx, x.build, t, told)
		}
		switch {
		case err != nil:
			return fmt.Errorf("read back table %s: %w", t.Name, err)
		case have != want.sum:
			return fmt.Errorf("table %s: %w: %s were folded, %s are stored", t.Name, ErrMismatch, &want.sum, &have)
		}
	}
	return nil
}

func (e *Engine) sumOf(ctx context.Context, b Build, t *Table, told func(int64)) (sum Sum, err error) {
	for _, err := range summed(t, uncoded(e.cfg.Backend.Rows(ctx, b, t)), &sum, told) {
		if err != nil {
			return Sum{}, err
		}
	}
	return sum, nil
}

// noteFailure leaves the reason with the build. A build that is gone meanwhile needs none.
func (r *rebuild) noteFailure(ctx context.Context, x *lane) error {
	if x.spool == nil {
		return nil
	}
	c := Commit{Projection: x.p, Number: x.build.Number, Failure: &x.failure.Failure}
	if err := r.engine.cfg.Backend.Commit(ctx, c); err != nil && !errors.Is(err, ErrConflict) {
		return err
	}
	return nil
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
	r.say(Switched)
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
func after(lanes []*lane, otherwise uint64) uint64 {
	for i, x := range lanes {
		at := x.build.Mark.Position
		if x.batch != nil {
			at = x.batch.Mark().Position
		}
		if i == 0 || at < otherwise {
			otherwise = at
		}
	}
	return otherwise
}
