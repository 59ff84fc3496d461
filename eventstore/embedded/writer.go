package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
)

// writer owns the only connection that writes. One goroutine runs it; every field is its own.
type writer struct {
	store *Store
	conn  *sqlite.Conn
	cfg   Config

	begin, insert, commit, rollback *sqlite3.Stmt

	next    uint64           // place of the next record
	pending map[string]int64 // heads as the group under way would leave them
	broken  error            // why nothing can be appended before the store is opened again

	copier   *checkpointer
	walPages int // pages in the write-ahead log
	nextCopy int // walPages at which to copy it back
}

func newWriter(s *Store, conn, copying *sqlite.Conn, cfg Config, head uint64) (*writer, error) {
	w := &writer{
		store: s, conn: conn, cfg: cfg,
		next:     head + 1,
		pending:  map[string]int64{},
		copier:   &checkpointer{conn: copying},
		nextCopy: cfg.CheckpointPages,
	}
	for _, p := range []struct {
		stmt **sqlite3.Stmt
		sql  string
	}{
		{&w.begin, "BEGIN IMMEDIATE"},
		{&w.insert, "INSERT INTO records(rev, crc, body) VALUES (?,?,?)"},
		{&w.commit, "COMMIT"},
		{&w.rollback, "ROLLBACK"},
	} {
		var err error
		if *p.stmt, err = conn.Prepared(p.sql); err != nil {
			return nil, err
		}
	}
	conn.WALHook(func(_ *sqlite3.Conn, _ string, pages int) error {
		w.walPages = pages
		return nil
	})
	return w, nil
}

// run serves the queue until it is closed and empty.
func (w *writer) run() {
	var group, accepted []*request
	for {
		clear(group)
		clear(accepted)
		if group = w.store.queue.take(group[:0], w.cfg.GroupBytes); len(group) == 0 {
			return
		}
		group = takenOf(group)
		accepted = w.decide(group, accepted[:0])
		if err := w.write(accepted); err != nil {
			// What was decided may stand on heads that this group would have made.
			for _, r := range group {
				r.outcome = outcome{err: err}
			}
		}
		for _, r := range group {
			r.done <- struct{}{}
		}
		w.checkpoint()
	}
}

// takenOf keeps the requests whose callers still wait. From here on a caller waits for the answer.
func takenOf(group []*request) []*request {
	kept := group[:0]
	for _, r := range group {
		if r.taken.CompareAndSwap(false, true) {
			kept = append(kept, r)
		}
	}
	return kept
}

// decide gives each request its place or its refusal, as if they came one after the other, and collects
// those that are to be written.
func (w *writer) decide(group, accepted []*request) []*request {
	clear(w.pending)
	seq := w.next
	for _, r := range group {
		head, err := w.head(r)
		switch {
		case err != nil:
			r.outcome = outcome{err: err}
		case r.expected > head:
			r.outcome = outcome{err: &eventstore.WrongRevisionError{Stream: r.stream, Expected: r.expected, Actual: head}}
		case r.expected < head:
			r.outcome = outcome{behind: true, head: head}
		default:
			seq += uint64(len(r.events))
			last := head + int64(len(r.events))
			w.pending[r.stream] = last
			r.outcome = outcome{appended: eventstore.Appended{Revision: last, Position: eventstore.Position(seq - 1)}}
			accepted = append(accepted, r)
		}
	}
	return accepted
}

// head gives the head of the request's stream as this group finds it.
func (w *writer) head(r *request) (int64, error) {
	if rev, ok := w.pending[r.stream]; ok {
		return rev, nil
	}
	if rev, ok := w.store.heads.get(r.stream); ok {
		return rev, nil
	}
	x := w.store.index
	if rev, ok := x.recent(r.stream); ok {
		return rev, nil
	}
	// The stream has no record after those in the run files: what the caller found holds if he has seen
	// all of them.
	if r.known.given && r.known.asOf >= x.covered.Load() {
		return r.known.rev, nil
	}
	return x.head(context.Background(), r.stream)
}

// write commits the requests as one transaction and publishes them.
func (w *writer) write(accepted []*request) error {
	if len(accepted) == 0 {
		return nil
	}
	if w.broken != nil {
		return fmt.Errorf("append: %w: the log takes nothing before it is opened again: %w", eventstore.ErrUnknownOutcome, w.broken)
	}
	if err := w.store.index.room(); err != nil {
		return diskError(err)
	}
	if err := w.transact(accepted); err != nil {
		return err
	}
	// From here on it is on the disk. Index first, then the end of the log, then the answers: who has seen
	// a record finds its stream's head at or behind it.
	w.store.index.add(accepted)
	for _, r := range accepted {
		w.store.heads.put(r.stream, r.outcome.appended.Revision)
		w.next += uint64(len(r.events))
	}
	w.store.committed.Store(w.next - 1)
	w.store.grown.announce()
	return nil
}

// transact makes the records durable, or gives the error that the callers get.
func (w *writer) transact(accepted []*request) error {
	err := w.begin.Exec()
	if err == nil {
		err = w.insertAll(accepted)
	}
	if err != nil {
		return w.undone(err)
	}
	if err = w.commit.Exec(); err == nil {
		return nil
	}
	if w.full(err) {
		return w.undone(err)
	}
	// The commit may have reached the disk or not; SQLite's idea of the file can't be trusted after a
	// failed sync. Only a fresh open, which reads what is there, can tell.
	w.breaks(err)
	_ = w.rollback.Exec()
	return fmt.Errorf("append: %w: %w", eventstore.ErrUnknownOutcome, w.broken)
}

// undone rolls back what failed before it was committed. A full disk leaves the log as it was, open for
// appends once there is room; so does another program's lock. After anything else the writer stops.
func (w *writer) undone(err error) error {
	if !w.conn.GetAutocommit() {
		if rollback := w.rollback.Exec(); rollback != nil {
			w.breaks(rollback)
		}
	}
	full := w.full(err)
	if !full && !isBusy(err) {
		w.breaks(err)
	}
	err = sqlite.Translate(w.conn.Path(), "write", err)
	if full && !isFull(err) {
		err = fmt.Errorf("%w: %w", eventstore.ErrFull, err)
	}
	return fmt.Errorf("append: %w", diskError(err))
}

// full tells whether a failed write means that there is no space. SQLite's driver loses the reason of a
// write, so a plain one is asked after; what failed to grow has left no room for it.
func (w *writer) full(err error) bool {
	return isFull(err) || errors.Is(err, sqlite3.IOERR_WRITE) && isFull(probeSpace(w.cfg.FS, w.cfg.Dir))
}

func (w *writer) breaks(err error) {
	w.broken = sqlite.Translate(w.conn.Path(), "write", err)
	w.cfg.Logger.Error("log: closed for appends until it is opened again", "file", w.conn.Path(), "error", err)
}

func (w *writer) insertAll(accepted []*request) error {
	seq := w.next
	for _, r := range accepted {
		begin := 0
		for i, l := range r.laid {
			if err := w.insertOne(r.bodies[begin:l.end], r.expected+1+int64(i), placed(l.sum, seq)); err != nil {
				return err
			}
			begin = l.end
			seq++
		}
	}
	if got := uint64(w.conn.LastInsertRowID()); got != seq-1 {
		return damagedRecord(w.conn.Path(), got, fmt.Sprintf("the log's end has moved, record %d was to be written", seq-1))
	}
	return nil
}

// insertOne leaves the place to SQLite, which gives the one after the last: it then appends to the tree
// without looking for the place, which saves an eighth of the work.
func (w *writer) insertOne(body []byte, rev int64, crc uint32) error {
	for _, err := range [...]error{
		w.insert.BindInt64(1, rev),
		w.insert.BindInt64(2, int64(crc)),
		w.insert.BindBlob(3, body),
	} {
		if err != nil {
			return err
		}
	}
	return w.insert.Exec()
}
