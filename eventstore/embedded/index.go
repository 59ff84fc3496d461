package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

const (
	indexDir  = "index"
	tmpSuffix = ".tmp"
	// maxBacklog is how many full generations may wait for the disk before appends wait with them.
	maxBacklog = 16
	// maxRepairs bounds how often one lookup rebuilds what it finds damaged: a disk that damages what was
	// just written is beyond repair.
	maxRepairs = 3
)

// records is what the index asks of the log that it is derived from.
type records interface {
	// one gives the record at a place.
	one(ctx context.Context, seq uint64) (eventstore.Record, error)
	// between hands over the records first..last in order.
	between(ctx context.Context, first, last uint64, do func(eventstore.Record)) error
}

// index finds the records of a stream: older ones in run files, the newest in memory. Together they cover
// the log from its first record to its last, each record once.
type index struct {
	fsys   FS
	dir    string
	ledger uuid.UUID
	log    records
	limit  uint64 // records in a full generation
	logger *slog.Logger
	hash   func(stream string) uint64 // hashStream, but for a test of collisions

	// rearrange is held by whoever replaces runs by others: the merger, a repair. It sits above mu.
	rearrange sync.Mutex

	mu       sync.RWMutex
	gens     []*generation // guarded by mu; oldest first; the last takes the writer's records
	runs     []*run        // guarded by mu; by place in the log
	flushErr error         // guarded by mu; why the oldest generation could not be written
	flushed  chan struct{} // guarded by mu; closed and replaced after each attempt to write one

	covered atomic.Uint64 // last record that the runs cover

	flushWork chan struct{} // wakes the flusher
	mergeWork chan struct{} // wakes the merger
	stopping  context.CancelFunc
	working   sync.WaitGroup // flusher and merger
}

// start begins the work in the background; stop ends it.
func (x *index) start() {
	ctx, cancel := context.WithCancel(context.Background())
	x.stopping = cancel
	x.working.Go(func() { x.flushLoop(ctx) })
	x.working.Go(func() { x.mergeLoop(ctx) })
	wake(x.mergeWork)
}

// wake leaves a sign in a channel that holds one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// add takes what a commit has put at the end of the log.
func (x *index) add(accepted []*request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	g := x.gens[len(x.gens)-1]
	for _, r := range accepted {
		g.addMany(r.stream, r.expected+1, len(r.events))
		if g.count() >= x.limit {
			g = newGeneration(g.next)
			x.gens = append(x.gens, g)
			wake(x.flushWork)
		}
	}
}

// room waits while too many generations wait for the disk. It gives the disk's error when that is why.
func (x *index) room() error {
	for {
		x.mu.RLock()
		backlog, err, flushed := len(x.gens)-1, x.flushErr, x.flushed
		x.mu.RUnlock()
		if backlog < maxBacklog {
			return nil
		}
		wake(x.flushWork)
		if err != nil {
			return fmt.Errorf("stream index can't be written: %w", err)
		}
		<-flushed
	}
}

// recent looks for the head of the stream in memory only.
func (x *index) recent(stream string) (int64, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.recentLocked(stream)
}

func (x *index) recentLocked(stream string) (int64, bool) {
	for i := len(x.gens) - 1; i >= 0; i-- {
		if rev, ok := x.gens[i].head(stream); ok {
			return rev, true
		}
	}
	return eventstore.NoStream, false
}

// holdRunsLocked gives the runs, which the caller releases.
func (x *index) holdRunsLocked() []*run {
	runs := append([]*run(nil), x.runs...)
	for _, r := range runs {
		r.hold()
	}
	return runs
}

func release(runs []*run) {
	for _, r := range runs {
		r.release()
	}
}

// head gives the revision of the stream's last event, or NoStream.
func (x *index) head(ctx context.Context, stream string) (int64, error) {
	x.mu.RLock()
	rev, ok := x.recentLocked(stream)
	x.mu.RUnlock()
	if ok {
		return rev, nil
	}
	rev = eventstore.NoStream
	err := x.repairing(ctx, func() (err error) {
		// Again from memory: what was there may have moved to a run, and what was not may have come.
		x.mu.RLock()
		if rev, ok = x.recentLocked(stream); ok {
			x.mu.RUnlock()
			return nil
		}
		runs := x.holdRunsLocked()
		x.mu.RUnlock()
		defer release(runs)
		rev, err = x.headInRuns(ctx, runs, stream)
		return err
	})
	return rev, err
}

func (x *index) headInRuns(ctx context.Context, runs []*run, stream string) (int64, error) {
	hash := x.hash(stream)
	for i := len(runs) - 1; i >= 0; i-- {
		at := entry{hash: hash, rev: math.MaxInt64, seq: math.MaxUint64}
		for {
			e, ok, err := runs[i].lastBefore(at)
			if err != nil {
				return 0, err
			}
			if !ok {
				break
			}
			own, err := x.owns(ctx, runs[i], e, stream)
			if err != nil {
				return 0, err
			}
			if own {
				return e.rev, nil
			}
			at = e
		}
	}
	return eventstore.NoStream, nil
}

// owns tells whether the record behind an entry is of the stream. An entry that the record contradicts
// makes the run damaged, whatever its checksums say.
func (x *index) owns(ctx context.Context, r *run, e entry, stream string) (bool, error) {
	rec, err := x.log.one(ctx, e.seq)
	if err != nil {
		return false, err
	}
	if rec.Revision != e.rev || x.hash(rec.Stream) != e.hash {
		return false, r.damaged(fmt.Sprintf("entry of record %d", e.seq))
	}
	return rec.Stream == stream, nil
}

// window gives the entries with from <= revision < to of every stream that shares the stream's hash. Those
// of the stream itself come in order of revision, none left out.
func (x *index) window(ctx context.Context, stream string, from, to int64) (found []entry, err error) {
	hash := x.hash(stream)
	err = x.repairing(ctx, func() error {
		x.mu.RLock()
		runs := x.holdRunsLocked()
		var recent []entry
		for _, g := range x.gens {
			recent = g.window(recent, stream, hash, from, to)
		}
		x.mu.RUnlock()
		defer release(runs)
		found = found[:0]
		for _, r := range runs {
			var err error
			if found, err = r.window(found, hash, from, to); err != nil {
				return err
			}
		}
		found = append(found, recent...)
		return nil
	})
	return found, err
}

// repairing runs a lookup, rebuilds the run that it finds damaged, and runs it again.
func (x *index) repairing(ctx context.Context, look func() error) error {
	for attempt := 1; ; attempt++ {
		err := look()
		var damage *errRunDamaged
		if !errors.As(err, &damage) {
			return err
		}
		if attempt > maxRepairs {
			return &eventstore.CorruptError{File: damage.file, Place: damage.place, Detail: "damaged again after it was rebuilt"}
		}
		if err := x.repair(ctx, damage); err != nil {
			return err
		}
	}
}
