package embedded

import (
	"errors"
	"sync"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore/sqlite"
)

const (
	// finishFactor times CheckpointPages is the size of the write-ahead log at which the writer stops to
	// finish the copy, so that the log can begin again at the front.
	finishFactor = 2
	// restartFactor is when the writer also waits for readers that hold the log back.
	restartFactor = 32
)

// checkpointer copies the write-ahead log back into the database on a connection of its own, beside the
// writer: the copy is most of the disk's work, and overlaps with the commits. As the log grows meanwhile,
// a copy of this kind is never complete; the writer finishes it now and then.
type checkpointer struct {
	conn *sqlite.Conn // the copying goroutine's, one at a time
	work sync.WaitGroup

	mu      sync.Mutex
	running bool  // guarded by mu
	err     error // guarded by mu; of the last copy
}

// begin starts a copy unless one is under way.
func (c *checkpointer) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running {
		return
	}
	c.running = true
	c.work.Go(func() {
		_, _, err := c.conn.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.running, c.err = false, err
	})
}

// failed gives the error of the last copy that has ended, once.
func (c *checkpointer) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.err
	c.err = nil
	return err
}

// wait returns when no copy is under way.
func (c *checkpointer) wait() { c.work.Wait() }

// close ends the last copy and releases the connection. A copy that failed is made again by the next open.
func (c *checkpointer) close() error {
	c.wait()
	return c.conn.Close()
}

// checkpoint keeps the write-ahead log from growing. After a complete copy the next commit writes at its
// beginning again.
func (w *writer) checkpoint() {
	if err := w.copier.failed(); err != nil {
		w.copyFailed(err)
	}
	if w.broken != nil || w.walPages < w.nextCopy {
		return
	}
	threshold := w.cfg.CheckpointPages
	if w.walPages < finishFactor*threshold {
		w.copier.begin()
		w.nextCopy = w.walPages + threshold
		return
	}
	w.copier.wait()
	mode := sqlite3.CHECKPOINT_PASSIVE
	if w.walPages >= restartFactor*threshold {
		mode = sqlite3.CHECKPOINT_RESTART
	}
	pages, copied, err := w.conn.WALCheckpoint("main", mode)
	w.nextCopy = threshold
	if err != nil || copied < pages {
		// A reader holds the end back, or the disk is full: the next time is further on.
		w.nextCopy = w.walPages + threshold
	}
	if err = errors.Join(w.copier.failed(), err); err != nil {
		w.copyFailed(err)
	}
}

// copyFailed tells of an error of a copy. It is no reason to stop: SQLite counts a page as copied only after
// the database was synced, so what failed stays in the write-ahead log and is copied again.
func (w *writer) copyFailed(err error) {
	if !isBusy(err) {
		w.cfg.Logger.Warn("log: the write-ahead log is not copied back yet", "file", w.conn.Path(), "error", err)
	}
}
