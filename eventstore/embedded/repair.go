package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// loadIndex opens what is on the disk, derives from the log what is missing or damaged, and covers the log
// up to head. An index that knows records after head proves that the log was cut: a run is only ever
// written after its records were committed.
func loadIndex(ctx context.Context, cfg Config, ledger uuid.UUID, log records, head uint64) (*index, error) {
	x := &index{
		fsys:      cfg.FS,
		dir:       filepath.Join(cfg.Dir, indexDir),
		ledger:    ledger,
		log:       log,
		limit:     uint64(cfg.TailEvents),
		logger:    cfg.Logger,
		hash:      hashStream,
		flushed:   make(chan struct{}),
		flushWork: make(chan struct{}, 1),
		mergeWork: make(chan struct{}, 1),
	}
	if err := x.fsys.MkdirAll(x.dir, 0o700); err != nil {
		return nil, fmt.Errorf("open stream index: %w", err)
	}
	if err := x.load(ctx, filepath.Join(cfg.Dir, logName), head); err != nil {
		release(x.runs)
		return nil, err
	}
	return x, nil
}

func (x *index) load(ctx context.Context, logPath string, head uint64) error {
	files, err := listRuns(x.fsys, x.dir)
	if err != nil {
		return fmt.Errorf("open stream index: %w", err)
	}
	next := uint64(1)
	for _, f := range files {
		r, err := x.tryRun(f, next)
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		if r.last > head {
			r.release()
			return &eventstore.CorruptError{File: logPath, Place: fmt.Sprintf("record %d", head+1),
				Detail: fmt.Sprintf("the log ends before it, but %s knows records up to %d", f.name, r.last)}
		}
		if err := x.derive(ctx, next, r.first-1); err != nil {
			r.release()
			return err
		}
		x.runs = append(x.runs, r)
		next = r.last + 1
	}
	return x.deriveTail(ctx, next, head)
}

// tryRun opens a file of the listing if it continues what is covered. It removes files that are covered by
// a larger one (a merge was interrupted before it removed them) or damaged, and then gives nil.
func (x *index) tryRun(f runFile, next uint64) (*run, error) {
	path := filepath.Join(x.dir, f.name)
	if f.first < next {
		return nil, x.discard(path, "covered by another")
	}
	r, err := openRun(x.fsys, path)
	var damage *errRunDamaged
	switch {
	case errors.As(err, &damage):
		return nil, x.discard(path, damage.place+" is damaged")
	case err != nil:
		return nil, err
	case r.ledger != x.ledger:
		r.release()
		return nil, fmt.Errorf("%s: %w", path, eventstore.ErrForeign)
	}
	return r, nil
}

func (x *index) discard(path, why string) error {
	x.logger.Info("stream index: file removed", "file", path, "why", why)
	if err := x.fsys.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open stream index: %w", err)
	}
	return nil
}

// runFile is a run as the listing of the folder tells it.
type runFile struct {
	name        string
	first, last uint64
}

// listRuns lists the runs by their beginning, the longest first, and removes unfinished files. Files of
// other names are none of ours.
func listRuns(fsys FS, dir string) ([]runFile, error) {
	listing, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []runFile
	for _, item := range listing {
		f := runFile{name: item.Name()}
		if strings.HasSuffix(f.name, ".run"+tmpSuffix) {
			if err := fsys.Remove(filepath.Join(dir, f.name)); err != nil {
				return nil, err
			}
		}
		if _, err := fmt.Sscanf(f.name, "%d-%d.run", &f.first, &f.last); err != nil {
			continue
		}
		if (runHeader{first: f.first, last: f.last}).name() == f.name {
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b runFile) int {
		return compareEntries(entry{hash: a.first, seq: b.last}, entry{hash: b.first, seq: a.last})
	})
	return files, nil
}

// derive writes runs for the records first..last from the log and appends them.
func (x *index) derive(ctx context.Context, first, last uint64) error {
	runs, err := x.derived(ctx, first, last)
	x.runs = append(x.runs, runs...)
	return err
}

func (x *index) derived(ctx context.Context, first, last uint64) (runs []*run, err error) {
	if first <= last {
		x.logger.Warn("stream index: deriving a part from the log", "dir", x.dir, "first", first, "last", last)
	}
	for first <= last {
		upTo := min(last, first+deriveEntries-1)
		g := newGeneration(first)
		err := x.log.between(ctx, first, upTo, func(r eventstore.Record) { g.add(r.Stream, r.Revision) })
		if err != nil {
			return runs, err
		}
		r, err := x.writeEntries(g.sorted(x.hash))
		if err != nil {
			return runs, err
		}
		runs = append(runs, r)
		first = upTo + 1
	}
	return runs, nil
}

// deriveEntries is how many records are derived at a time: a bound on memory, not on the index.
const deriveEntries = 1 << 17

// deriveTail covers the end of the log: whole generations as runs, the rest in memory. What finds no room on a
// full disk is held in memory too, as if it were new; the log can be read without a place to write.
func (x *index) deriveTail(ctx context.Context, next, head uint64) error {
	if head+1-next > 2*x.limit {
		err := x.derive(ctx, next, head)
		if n := len(x.runs); n > 0 {
			next = x.runs[n-1].last + 1
		}
		if err != nil && (!isFull(err) || head+1-next > maxBacklog*x.limit) {
			return err
		}
	}
	x.covered.Store(next - 1)
	for {
		upTo := head
		if head+1-next > 2*x.limit {
			upTo = next + x.limit - 1
			wake(x.flushWork)
		}
		g := newGeneration(next)
		if err := x.log.between(ctx, next, upTo, func(r eventstore.Record) { g.add(r.Stream, r.Revision) }); err != nil {
			return err
		}
		x.gens = append(x.gens, g)
		if upTo == head {
			return nil
		}
		next = upTo + 1
	}
}

// repair rebuilds a damaged run from the log. A run that somebody has rebuilt or merged away meanwhile is
// left alone.
func (x *index) repair(ctx context.Context, damage *errRunDamaged) error {
	x.rearrange.Lock()
	defer x.rearrange.Unlock()
	return x.repairLocked(ctx, damage)
}

func (x *index) repairLocked(ctx context.Context, damage *errRunDamaged) error {
	x.mu.RLock()
	at := slices.IndexFunc(x.runs, func(r *run) bool { return r.path == damage.file })
	var old *run
	if at >= 0 {
		old = x.runs[at]
	}
	x.mu.RUnlock()
	if old == nil {
		return nil
	}
	x.logger.Log(ctx, slog.LevelError, "stream index: damage found", "file", damage.file, "place", damage.place)
	runs, err := x.derived(ctx, old.first, old.last)
	if err != nil {
		release(runs)
		return fmt.Errorf("rebuild stream index: %w", err)
	}
	x.swap([]*run{old}, runs)
	return nil
}
