package embedded

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"path/filepath"
)

const (
	// mergeWidth is how many runs of like size become one: more make lookups slower, fewer make every
	// entry be copied more often.
	mergeWidth = 4
	// closingMerge is how many entries a merge may have that is made while the store closes. It keeps a
	// tool that opens, appends once and closes from leaving a file each time, without making it wait.
	closingMerge = 1 << 15
)

// mergeLoop merges runs until it is stopped.
func (x *index) mergeLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-x.mergeWork:
		}
		for x.mergeOnce(ctx, 0) {
		}
	}
}

// mergeOnce makes one run of several when that is due and when the result has at most limit entries (0: any
// number). It tells whether it did. Errors are logged: what is not merged is only slower to search.
func (x *index) mergeOnce(ctx context.Context, limit uint64) bool {
	x.rearrange.Lock()
	defer x.rearrange.Unlock()
	x.mu.RLock()
	old := mergePlan(x.runs)
	x.mu.RUnlock()
	if old == nil {
		return false
	}
	h := runHeader{ledger: x.ledger, first: old[0].first, last: old[len(old)-1].last}
	for _, r := range old {
		h.streams += r.streams
	}
	if limit > 0 && h.count() > limit {
		return false
	}
	err := writeRun(x.fsys, x.dir, h, mergeEntries(ctx, old))
	var merged *run
	if err == nil {
		merged, err = openRun(x.fsys, filepath.Join(x.dir, h.name()))
	}
	var damage *errRunDamaged
	switch {
	case err == nil:
		x.swap(old, []*run{merged})
		return true
	case errors.As(err, &damage):
		err = x.repairLocked(ctx, damage)
	}
	if err != nil && ctx.Err() == nil {
		x.logger.Warn("stream index not merged", "dir", x.dir, "error", err)
	}
	return false
}

// mergePlan chooses the newest runs whose sizes are of one class, a power of mergeWidth, or below it, once
// there are enough of them. So runs grow towards the beginning of the log, at most mergeWidth-1 of a class.
func mergePlan(runs []*run) []*run {
	for class := range 32 {
		i := len(runs)
		for i > 0 && sizeClass(runs[i-1]) <= class {
			i--
		}
		if len(runs)-i >= mergeWidth {
			return append([]*run(nil), runs[i:]...)
		}
	}
	return nil
}

func sizeClass(r *run) int { return (bits.Len64(r.count()) - 1) / 2 }

// cursor walks the entries of one run.
type cursor struct {
	run   *run
	block uint64 // the next to read
	left  []byte
}

// peek gives the entry under the cursor; ok is false at the end.
func (c *cursor) peek() (e entry, ok bool, err error) {
	if len(c.left) == 0 {
		if c.block == c.run.blocks() {
			return entry{}, false, nil
		}
		err := c.run.block(c.block, func(b []byte) error {
			c.left = append(c.left[:0:0], b...)
			return nil
		})
		if err != nil {
			return entry{}, false, err
		}
		c.block++
	}
	return getEntry(c.left), true, nil
}

// mergeEntries yields the entries of all the runs in order.
func mergeEntries(ctx context.Context, runs []*run) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		cursors := make([]*cursor, len(runs))
		for i, r := range runs {
			cursors[i] = &cursor{run: r}
		}
		for n := 0; ; n++ {
			if n%blockEntries == 0 && ctx.Err() != nil {
				yield(entry{}, fmt.Errorf("merge: %w", ctx.Err()))
				return
			}
			least, e, err := leastOf(cursors)
			if err != nil || least == nil {
				if err != nil {
					yield(entry{}, err)
				}
				return
			}
			least.left = least.left[entrySize:]
			if !yield(e, nil) {
				return
			}
		}
	}
}

// leastOf finds the cursor with the least entry; nil when all are at their end. A handful of runs is
// searched faster one by one than through a heap.
func leastOf(cursors []*cursor) (least *cursor, lowest entry, err error) {
	for _, c := range cursors {
		e, ok, err := c.peek()
		if err != nil {
			return nil, entry{}, err
		}
		if ok && (least == nil || compareEntries(e, lowest) < 0) {
			least, lowest = c, e
		}
	}
	return least, lowest, nil
}
