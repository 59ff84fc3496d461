package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
)

// Config is what an Engine works with. Source, Backend and Projections are required.
type Config struct {
	Source      Source
	Backend     Backend
	Projections []*Projection

	// BatchEvents and BatchBytes bound one batch while a backlog is folded; 0 means 32,768 and 48 MiB. An
	// engine that is level commits whenever it has seen all there is.
	BatchEvents int
	BatchBytes  int
	// RebuildBytes bounds the rows that a rebuild holds in memory to melt and sort them; 0 means 24 MiB.
	RebuildBytes int
	// SpoolDir is where a rebuild puts rows aside, and finds them after it was stopped. No two read models
	// may share one. Empty means a folder that the backend names, or else one that does not outlive the
	// rebuild.
	SpoolDir string
	// Backoff is the first pause after an error of the backend, doubled up to MaxBackoff; 0 means 100 ms
	// and 5 s.
	Backoff    time.Duration
	MaxBackoff time.Duration
	// Logger hears of every change of state, once; nil means nobody does.
	Logger *slog.Logger
	// Now tells the time of failures and the rate of a rebuild; nil means time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	c.BatchEvents = cmp.Or(c.BatchEvents, 32<<10)
	c.BatchBytes = cmp.Or(c.BatchBytes, 48<<20)
	c.RebuildBytes = cmp.Or(c.RebuildBytes, 24<<20)
	c.Backoff = cmp.Or(c.Backoff, 100*time.Millisecond)
	c.MaxBackoff = cmp.Or(c.MaxBackoff, 5*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) validate() error {
	errs := []error{Validate(c.Projections)}
	if c.Source == nil || c.Backend == nil || len(c.Projections) == 0 {
		errs = append(errs, errors.New("engine: wants a source, a backend and projections"))
	}
	if min(c.BatchEvents, c.BatchBytes, c.RebuildBytes) < 0 || min(c.Backoff, c.MaxBackoff) < 0 {
		errs = append(errs, errors.New("engine: a bound is negative"))
	}
	return errors.Join(errs...)
}

// Engine keeps the live builds of projections level with the log. Each projection has its own checkpoint
// and its own fate: one that fails at an event stops there, alone, and the others go on. All methods are
// safe for concurrent use.
type Engine struct {
	cfg Config

	running    sync.Mutex // held by Run and CatchUp
	rebuilding sync.Mutex // held by Rebuild

	mu      sync.Mutex
	states  map[string]state        // guarded by mu; by projection
	changed chan struct{}           // guarded by mu; closed and renewed whenever states change
	restart context.CancelCauseFunc // guarded by mu; ends the pass under way
	paused  bool                    // guarded by mu; since an error of the backend, until a batch is in
}

// state is what this process knows of a projection.
type state struct {
	build Build
	err   error // why it stands still; nil when it follows
}

// errRestart ends a pass so that the next one looks at the builds afresh.
var errRestart = errors.New("restart")

// New makes an engine. It touches nothing until Run, CatchUp or Rebuild.
func New(cfg Config) (*Engine, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Engine{cfg: cfg.withDefaults(), states: map[string]state{}, changed: make(chan struct{})}, nil
}

// CatchUp folds what the log holds now and returns. When projections stand still it gives their reasons
// joined (ErrFailed with *FailureError, ErrForeign, ErrDiverged, ErrVersion) after the others are level.
// While Run follows the log it gives ErrRunning.
func (e *Engine) CatchUp(ctx context.Context) error {
	if !e.running.TryLock() {
		return fmt.Errorf("catch up: the engine %w", ErrRunning)
	}
	defer e.running.Unlock()
	for try := 0; ; try++ {
		err := e.pass(ctx, e.readOnce, false)
		if again := errors.Is(err, ErrConflict) || errors.Is(err, errRestart); !again || try == 10 {
			return errors.Join(err, e.stopped())
		}
	}
}

// Run follows the log until the context ends, and then gives its error. Errors of the backend are waited
// out with growing pauses; an error of the source ends it, because what cannot be read must not be skipped.
func (e *Engine) Run(ctx context.Context) error {
	if !e.running.TryLock() {
		return fmt.Errorf("run: the engine %w", ErrRunning)
	}
	defer e.running.Unlock()
	pause := e.cfg.Backoff
	for {
		err := e.pass(ctx, e.cfg.Source.Subscribe, true)
		var source *sourceError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &source):
			e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "projections stop: the log cannot be read", slog.Any("error", source.err))
			return err
		case errors.Is(err, errRestart):
			pause = e.cfg.Backoff
			continue
		}
		e.pausing(ctx, err)
		if eventstore.Pause(ctx, pause) != nil {
			return ctx.Err()
		}
		pause = min(2*pause, e.cfg.MaxBackoff)
	}
}

// pausing logs that the engine waits, once until it goes on.
func (e *Engine) pausing(ctx context.Context, err error) {
	e.mu.Lock()
	before := e.paused
	e.paused = true
	e.mu.Unlock()
	if !before {
		e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "projections pause, and try again", slog.Any("error", err))
	}
}

// goingOn logs that a batch is in after a pause.
func (e *Engine) goingOn(ctx context.Context) {
	e.mu.Lock()
	before := e.paused
	e.paused = false
	e.mu.Unlock()
	if before {
		e.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "projections go on")
	}
}

// Resume makes projections that stand still try again, from where they stopped. Run hears it at once; a
// CatchUp begins anew.
func (e *Engine) Resume() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.restart != nil {
		e.restart(errRestart)
	}
}

// Rollback makes the build before the last switch the live one again, for these projections or for all.
func (e *Engine) Rollback(ctx context.Context, names ...string) error {
	set, err := e.named(names)
	if err != nil {
		return err
	}
	all := make([]string, len(set))
	for i, p := range set {
		all[i] = p.Name
	}
	if err := e.cfg.Backend.Rollback(ctx, all); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}
	e.Resume()
	return nil
}

// sourceError marks an error of the log.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return "read the log: " + e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// feed yields deliveries after a place in the log.
type feed func(ctx context.Context, after uint64) iter.Seq2[Delivery, error]

// readOnce is the log as it stands, in the shape of a subscription.
func (e *Engine) readOnce(ctx context.Context, after uint64) iter.Seq2[Delivery, error] {
	return func(yield func(Delivery, error) bool) {
		for r, err := range e.cfg.Source.ReadAll(ctx, after) {
			if !yield(Delivery{Recorded: r}, err) {
				return
			}
		}
	}
}

// follower is one projection within a pass.
type follower struct {
	p     *Projection
	build Build
	batch *Batch
}

// pass folds one feed from the checkpoints on. Nothing is remembered between passes but what the backend
// holds, so a pass that dies at any point is made good by the next.
func (e *Engine) pass(ctx context.Context, read feed, live bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	e.mu.Lock()
	e.restart = cancel
	e.mu.Unlock()
	followers, err := e.open(ctx)
	if err != nil {
		return err
	}
	if len(followers) > 0 {
		followers, err = e.follow(ctx, followers, read)
	}
	if live && err == nil && len(followers) == 0 {
		<-ctx.Done() // every projection stands still, until one is resumed
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (e *Engine) follow(ctx context.Context, followers []*follower, read feed) ([]*follower, error) {
	after := followers[0].build.Mark.Position
	for _, f := range followers {
		after = min(after, f.build.Mark.Position)
	}
	held := 0
	for d, err := range read(ctx, after) {
		if err != nil {
			// What was folded before the bad event is good; it goes in before the error goes out.
			_, flushed := e.commit(ctx, followers)
			return followers, errors.Join(&sourceError{err}, flushed)
		}
		if !d.CaughtUp {
			held++
			if followers, err = e.apply(ctx, followers, d.Recorded); err != nil || len(followers) == 0 {
				return followers, err
			}
		}
		if d.CaughtUp || held >= e.cfg.BatchEvents || e.size(followers) >= e.cfg.BatchBytes {
			held = 0
			if followers, err = e.commit(ctx, followers); err != nil {
				return followers, err
			}
		}
	}
	return e.commit(ctx, followers)
}

func (e *Engine) size(followers []*follower) (n int) {
	for _, f := range followers {
		n += f.batch.Size()
	}
	return n
}

// apply gives the event to every follower. One that fails commits what it has, with the failure, and leaves.
func (e *Engine) apply(ctx context.Context, followers []*follower, r domain.Recorded) ([]*follower, error) {
	for _, f := range followers {
		err := f.batch.Apply(r)
		var failure *FailureError
		if err == nil || !errors.As(err, &failure) {
			continue
		}
		failure.Failure.At = e.cfg.Now().UTC().Truncate(time.Microsecond)
		if err := e.flush(ctx, f, &failure.Failure); err != nil {
			return followers, err
		}
		e.set(ctx, f.p.Name, state{f.build, failure})
		f.batch = nil
	}
	return slices.DeleteFunc(followers, func(f *follower) bool { return f.batch == nil }), nil
}

func (e *Engine) commit(ctx context.Context, followers []*follower) ([]*follower, error) {
	for _, f := range followers {
		if f.batch.Empty() && f.build.Failure == nil {
			continue
		}
		if err := e.flush(ctx, f, nil); err != nil {
			return followers, err
		}
		e.set(ctx, f.p.Name, state{build: f.build})
	}
	return followers, nil
}

// flush commits rows and checkpoint together and begins the next batch. A crash before the commit leaves
// the old rows with the old checkpoint, one after it the new with the new.
func (e *Engine) flush(ctx context.Context, f *follower, failure *Failure) error {
	b := f.batch
	c := Commit{Projection: f.p, Number: f.build.Number, From: b.From(), To: b.Mark(), Events: b.Events(), Failure: failure}
	c.Changes = b.Changes()
	if err := e.cfg.Backend.Commit(ctx, c); err != nil {
		return fmt.Errorf("projection %s: %w", f.p.Name, err)
	}
	e.goingOn(ctx)
	f.build.Mark, f.build.Failure = c.To, failure
	f.build.Events += c.Events
	f.batch = NewBatch(f.p, c.To)
	return nil
}

// open finds the live build of each projection, makes it when it is missing, and proves that its checkpoint
// stands for this log. A projection that may not go on is left out with its reason.
func (e *Engine) open(ctx context.Context) ([]*follower, error) {
	log, err := e.cfg.Source.Identity(ctx)
	if err != nil {
		return nil, &sourceError{err}
	}
	builds, err := e.cfg.Backend.Builds(ctx)
	if err != nil {
		return nil, fmt.Errorf("list builds: %w", err)
	}
	var followers []*follower
	var news []error
	for _, p := range e.cfg.Projections {
		b, ok := find(builds, p.Name, Live)
		if !ok {
			if b, err = e.cfg.Backend.Create(ctx, p, log, Live); err != nil {
				return nil, fmt.Errorf("projection %s: create: %w", p.Name, err)
			}
		}
		why := e.check(ctx, p, b, log)
		var source *sourceError
		if errors.As(why, &source) {
			return nil, why
		}
		if e.set(ctx, p.Name, state{b, why}) {
			news = append(news, why)
		}
		if why == nil {
			followers = append(followers, &follower{p, b, NewBatch(p, b.Mark)})
		}
	}
	for _, err := range together(news) { // one line for all of another ledger's
		var foreign *ForeignError
		if errors.As(err, &foreign) {
			e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "projections stand still", slog.Any("error", err))
		}
	}
	return followers, nil
}

// check proves that a build is of this program's version and of this log.
func (e *Engine) check(ctx context.Context, p *Projection, b Build, log uuid.UUID) error {
	if b.Version != p.Version {
		return fmt.Errorf("projection %s: %w (made by %d, this program has %d)", p.Name, ErrVersion, b.Version, p.Version)
	}
	if b.Log != log {
		return &ForeignError{Projections: []string{p.Name}, Of: b.Log, Log: log}
	}
	held, err := e.holds(ctx, b.Mark)
	if err != nil {
		return &sourceError{err}
	}
	if !held {
		return fmt.Errorf("projection %s: %w (event %s at position %d)", p.Name, ErrDiverged, b.Mark.Event, b.Mark.Position)
	}
	return nil
}

// holds reports whether the log still has the mark's event where the mark says.
func (e *Engine) holds(ctx context.Context, m Mark) (bool, error) {
	if m == (Mark{}) {
		return true, nil
	}
	head, err := e.cfg.Source.Head(ctx)
	if err != nil || m.Position > head {
		return false, err
	}
	for r, err := range e.cfg.Source.ReadAll(ctx, m.Previous) {
		return err == nil && r.Position == m.Position && r.ID == m.Event, err
	}
	return false, nil
}

func find(builds []Build, projection string, s BuildState) (Build, bool) {
	for _, b := range builds {
		if b.Projection == projection && b.State == s {
			return b, true
		}
	}
	return Build{}, false
}

// set notes the state of a projection, wakes who waits for it, and logs when it began or ceased to follow. It tells
// whether it ceased for a new reason. Rows of another ledger are told of together, and not here.
func (e *Engine) set(ctx context.Context, name string, s state) bool {
	e.mu.Lock()
	before, known := e.states[name]
	e.states[name] = s
	close(e.changed)
	e.changed = make(chan struct{})
	e.mu.Unlock()
	stopped := s.err != nil && (before.err == nil || before.err.Error() != s.err.Error())
	switch {
	case stopped && !errors.Is(s.err, ErrForeign):
		e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "projection stands still", slog.String("projection", name), slog.Any("error", s.err))
	case s.err == nil && (!known || before.err != nil):
		e.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "projection follows", slog.String("projection", name), slog.Uint64("position", s.build.Mark.Position))
	}
	return stopped
}

// stopped joins the reasons of the projections that stand still.
func (e *Engine) stopped() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, p := range e.cfg.Projections {
		errs = append(errs, e.states[p.Name].err)
	}
	return errors.Join(together(errs)...)
}

func (e *Engine) named(names []string) ([]*Projection, error) {
	if len(names) == 0 {
		return e.cfg.Projections, nil
	}
	var set []*Projection
	for _, n := range names {
		i := slices.IndexFunc(e.cfg.Projections, func(p *Projection) bool { return p.Name == n })
		if i < 0 {
			return nil, fmt.Errorf("%w: %q", ErrNoProjection, n)
		}
		if !slices.Contains(set, e.cfg.Projections[i]) {
			set = append(set, e.cfg.Projections[i])
		}
	}
	return set, nil
}
