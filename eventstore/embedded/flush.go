package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
)

// flushLoop writes full generations to run files until it is stopped.
func (x *index) flushLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-x.flushWork:
		}
		for ctx.Err() == nil {
			if more := x.flushOldest(false); !more {
				break
			}
		}
	}
}

// flushOldest writes the oldest full generation, or with all set any that is not empty. It tells whether it
// did. An error is kept for the writer and logged; the generation stays in memory and is tried again.
func (x *index) flushOldest(all bool) bool {
	x.mu.RLock()
	g := x.gens[0]
	last := len(x.gens) == 1
	ready := g.count() > 0 && (all || !last) // the last is still being filled, unless all has ended
	x.mu.RUnlock()
	if !ready {
		return false
	}
	r, err := x.writeEntries(g.sorted(x.hash))
	x.mu.Lock()
	defer x.mu.Unlock()
	if (err == nil) != (x.flushErr == nil) {
		level := slog.LevelWarn
		if all && isFull(err) {
			level = slog.LevelInfo // whoever only reads on a full disk needs no word of it
		}
		x.logger.Log(context.Background(), level, "stream index", "dir", x.dir, "written", err == nil, "error", err)
	}
	x.flushErr = err
	close(x.flushed)
	x.flushed = make(chan struct{})
	if err != nil {
		return false
	}
	// In one step: a reader finds the records in the run or in the generation, never in none or both.
	x.runs = append(x.runs, r)
	x.gens = x.gens[1:]
	if last {
		x.gens = append(x.gens, newGeneration(g.next))
	}
	x.covered.Store(r.last)
	wake(x.mergeWork)
	return true
}

// writeEntries writes sorted entries, which cover a stretch of the log without a hole, as one run.
func (x *index) writeEntries(entries []entry) (*run, error) {
	h := runHeader{ledger: x.ledger, first: entries[0].seq, last: entries[0].seq}
	for i, e := range entries {
		h.first, h.last = min(h.first, e.seq), max(h.last, e.seq)
		if i == 0 || e.hash != entries[i-1].hash {
			h.streams++
		}
	}
	if err := writeRun(x.fsys, x.dir, h, each(entries)); err != nil {
		return nil, err
	}
	return openRun(x.fsys, filepath.Join(x.dir, h.name()))
}

// stop ends the work in the background and brings the whole index to the disk, so that the next open has
// nothing to read again. What it can't write, the next open derives from the log.
func (x *index) stop() error {
	if x.stopping != nil {
		x.stopping()
		x.working.Wait()
	}
	for x.flushOldest(true) {
	}
	for x.mergeOnce(context.Background(), closingMerge) {
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	release(x.runs)
	x.runs = nil
	if x.flushErr != nil {
		return fmt.Errorf("flush stream index: %w", x.flushErr)
	}
	return nil
}

// swap replaces the runs of old, which lie side by side, by others that cover the same records, and removes
// their files. The caller holds rearrange.
func (x *index) swap(old, with []*run) {
	x.mu.Lock()
	at := slices.Index(x.runs, old[0])
	x.runs = slices.Concat(x.runs[:at], with, x.runs[at+len(old):])
	x.mu.Unlock()
	for _, r := range old {
		reused := slices.ContainsFunc(with, func(w *run) bool { return w.path == r.path })
		if !reused {
			// A file that stays is covered by another run and goes at the next open.
			_ = x.fsys.Remove(r.path)
		}
		r.release()
	}
}
