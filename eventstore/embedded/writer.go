package embedded

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
)

// writer owns the only connection that writes. One goroutine runs it; every field is its own.
type writer struct {
	store *Store
	conn  *sqlite.Conn
	cfg   Config

	begin, commit, rollback *sqlite3.Stmt
	inserts                 []*sqlite3.Stmt // see rowsAtOnce

	next    uint64           // place of the next record
	pending map[string]int64 // heads as the group under way would leave them
	rows    []row            // of the group under way
	sum     summer
	broken  error // why nothing can be appended before the store is opened again

	mark     *mark
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
		{&w.commit, "COMMIT"},
		{&w.rollback, "ROLLBACK"},
	} {
		var err error
		if *p.stmt, err = conn.Prepared(p.sql); err != nil {
			return nil, err
		}
	}
	for _, n := range rowsAtOnce() {
		stmt, err := conn.Prepared(insertSQL(n))
		if err != nil {
			return nil, err
		}
		w.inserts = append(w.inserts, stmt)
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
		many := len(group) > 1
		clear(group)
		clear(accepted)
		if group = w.store.queue.take(group[:0], w.cfg.GroupBytes, many); len(group) == 0 {
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
		if len(accepted) > 0 {
			w.mark.move(w.next - 1) // behind the answers: callers do not wait for it
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
		case r.after != nil && !r.after.outcome.written():
			r.outcome = outcome{err: errBroken}
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
	w.rows = w.rows[:0]
	seq := w.next
	for _, r := range accepted {
		begin := 0
		for i, l := range r.laid {
			w.rows = append(w.rows, row{body: r.bodies[begin:l.end], rev: r.expected + 1 + int64(i), crc: w.sum.placed(l.sum, seq)})
			begin = l.end
			seq++
		}
	}
	defer clear(w.rows)
	rows := w.rows
	for i, n := range rowsAtOnce() {
		for len(rows) >= n {
			if err := insertRows(w.inserts[i], rows[:n]); err != nil {
				return err
			}
			rows = rows[n:]
		}
	}
	if got := uint64(w.conn.LastInsertRowID()); got != seq-1 {
		return damagedRecord(w.conn.Path(), got, fmt.Sprintf("the log's end has moved, record %d was to be written", seq-1))
	}
	return nil
}

// row is a record on its way into the table.
type row struct {
	body []byte
	rev  int64
	crc  uint32
}

// rowsAtOnce are the numbers of rows for which there is a statement: to begin and end one costs as much as a
// row. The last is 1.
func rowsAtOnce() []int { return []int{32, 8, 1} }

// insertSQL leaves the place to SQLite, which gives the one after the last: it then appends to the tree
// without looking for the place. ROLLBACK lets it do without copies of the pages from before the statement:
// whatever fails, the whole group is rolled back.
func insertSQL(rows int) string {
	return "INSERT OR ROLLBACK INTO records(rev, crc, body) VALUES (?,?,?)" + strings.Repeat(",(?,?,?)", rows-1)
}

func insertRows(s *sqlite3.Stmt, rows []row) error {
	for i, r := range rows {
		if err := s.BindInt64(3*i+1, r.rev); err != nil {
			return err
		}
		if err := s.BindInt64(3*i+2, int64(r.crc)); err != nil {
			return err
		}
		if err := s.BindBlob(3*i+3, r.body); err != nil {
			return err
		}
	}
	return s.Exec()
}
