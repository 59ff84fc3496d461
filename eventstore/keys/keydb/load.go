package keydb

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// loads are the statements that read keys by their ids, by size. A place that is left unbound is NULL, which
// finds nothing and costs next to nothing, so that few statements serve every number of ids.
var loads = [...]struct {
	size  int
	query string
}{{1, byIDs(1)}, {8, byIDs(8)}, {32, byIDs(32)}, {128, byIDs(128)}, {512, byIDs(512)}}

func byIDs(size int) string {
	return "SELECT " + wanted + fromKeys + "WHERE k.id IN (?" + strings.Repeat(", ?", size-1) + ")"
}

// inARow reads keys in the order in which they were made. That costs less than half of what it costs to look
// each of them up, for every row of both tables stands behind the one before. (With a LIMIT ? SQLite would
// prepare the statement anew for each number.)
const inARow = "SELECT " + wanted + fromKeys + "WHERE k.n >= ? ORDER BY k.n"

// wanted are the columns that are read of many keys; take reads them by their places.
const wanted = "k.id, k.subject, k.field, k.epoch, k.state, k.until, k.rule, k.master, s.wrapped"

const (
	many   = 16 // from how many ids on it is tried to read them in a row
	sparse = 3  // and of so many rows one must be wanted
)

// Load reads the keys with these ids. The connection is given back before they are unwrapped, since a
// destruction waits for it.
func (w *writer) Load(ctx context.Context, ids []uuid.UUID) ([]*keys.Entry, error) {
	l := newLoad(ids)
	if err := w.read(ctx, func(conn *sqlite.Conn) error { return l.read(ctx, conn, w.masters) }); err != nil {
		return nil, err
	}
	for _, r := range l.rows {
		if err := r.entry.Unwrap(r.master, r.wrapped); err != nil {
			return nil, damaged(w.cfg.Path, r.entry.Key)
		}
	}
	out := make([]*keys.Entry, len(ids))
	for i, id := range ids {
		n, _ := l.find(id)
		out[i] = l.rows[n].entry
	}
	return out, nil
}

// load is one reading of keys.
type load struct {
	ids     []uuid.UUID // each once, in the order of the index, so that neighbours are read together
	rows    []loaded    // by ids
	next    int         // the place after the one that was found last
	wrapped []byte      // of all rows
	words   map[string]string
}

// loaded is a key as it was read. A rotation may erase its master key as soon as the reading has ended.
type loaded struct {
	entry   *keys.Entry // without secret
	number  int64       // of the master key
	master  *keys.Master
	wrapped []byte
}

func newLoad(ids []uuid.UUID) *load {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, compare)
	ids = slices.Compact(ids)
	return &load{
		ids: ids, rows: make([]loaded, len(ids)), wrapped: make([]byte, 0, len(ids)*keys.WrappedSize), words: map[string]string{},
	}
}

func compare(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

// read reads all rows, and the master keys that open them.
func (l *load) read(ctx context.Context, conn *sqlite.Conn, m masters) error {
	if len(l.ids) >= many {
		if err := l.readInARow(conn); err != nil {
			return err
		}
	}
	for left := l.missing(); len(left) > 0; {
		n, err := l.readSome(conn, left)
		if err != nil {
			return err
		}
		left = left[n:]
	}
	return l.findMasters(ctx, conn, m)
}

// findMasters gets the master keys; neighbours mostly have the same.
func (l *load) findMasters(ctx context.Context, conn *sqlite.Conn, m masters) (err error) {
	var last loaded
	for i := range l.rows {
		r := &l.rows[i]
		if r.entry == nil {
			return fmt.Errorf("key %s: %w", l.ids[i], keys.ErrUnknownKey)
		}
		if r.entry.Key.State == keys.Destroyed {
			continue
		}
		if r.master = last.master; r.master == nil || r.number != last.number {
			if r.master, err = m.get(ctx, conn, r.number); err != nil {
				return err
			}
		}
		last = *r
	}
	return nil
}

// readInARow reads the newest keys of those that are wanted. Who reads the log wants most keys where they
// were made, close together, and with them some older ones from anywhere: those are left for readSome.
func (l *load) readInARow(conn *sqlite.Conn) error {
	last, err := numberOf(conn, l.ids[len(l.ids)-1])
	if err != nil {
		return err
	}
	for quarter := range 4 {
		from := quarter * len(l.ids) / 4
		first, err := numberOf(conn, l.ids[from])
		if err != nil {
			return err
		}
		if last-first < int64(sparse*(len(l.ids)-from)) {
			return l.readBetween(conn, first, last)
		}
	}
	return nil
}

// numberOf gives the number of a key; 0 for an id that no key has.
func numberOf(conn *sqlite.Conn, id uuid.UUID) (n int64, err error) {
	_, err = conn.Row(func(s *sqlite3.Stmt) { n = s.ColumnInt64(0) }, "SELECT n FROM keys WHERE id = ?", id)
	return n, err
}

// readBetween reads those that are wanted of the keys from one number to another.
func (l *load) readBetween(conn *sqlite.Conn, first, last int64) error {
	left := last - first + 1
	for stmt, err := range conn.Rows(inARow, first) {
		if err != nil {
			return err
		}
		if i, ok := l.find(sqlite.ColumnUUID(stmt, 0)); ok {
			l.take(i, stmt)
		}
		if left--; left <= 0 {
			break
		}
	}
	return nil
}

// missing are the ids that were not read.
func (l *load) missing() (ids []uuid.UUID) {
	for i, id := range l.ids {
		if l.rows[i].entry == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// readSome reads the first rows of the ids with one statement, and tells of how many.
func (l *load) readSome(conn *sqlite.Conn, ids []uuid.UUID) (n int, err error) {
	fit := loads[len(loads)-1]
	for _, smaller := range slices.Backward(loads[:]) {
		if smaller.size >= len(ids) {
			fit = smaller
		}
	}
	ids = ids[:min(len(ids), fit.size)]
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	for stmt, err := range conn.Rows(fit.query, args...) {
		if err != nil {
			return 0, err
		}
		i, _ := l.find(sqlite.ColumnUUID(stmt, 0))
		l.take(i, stmt)
	}
	return len(ids), nil
}

// find gives the place of an id, and whether it is wanted. Mostly it comes after the one that was found last.
func (l *load) find(id uuid.UUID) (int, bool) {
	i, ok := l.next, l.next < len(l.ids) && l.ids[l.next] == id
	if !ok {
		i, ok = slices.BinarySearchFunc(l.ids, id, compare)
	}
	if ok {
		l.next = i + 1
	}
	return i, ok
}

// take keeps the key under the statement.
func (l *load) take(i int, s *sqlite3.Stmt) {
	begin := len(l.wrapped)
	l.wrapped = s.ColumnBlob(8, l.wrapped)
	l.rows[i] = loaded{
		entry: &keys.Entry{Key: keys.Key{
			ID: l.ids[i],
			Ref: keys.Ref{
				Subject: domain.SubjectID{UUID: sqlite.ColumnUUID(s, 1)},
				Field:   domain.Field(l.word(s.ColumnRawText(2))),
				Epoch:   domain.Epoch(l.word(s.ColumnRawText(3))),
			},
			State: keys.State(s.ColumnInt(4)),
			Until: sqlite.ColumnTime(s, 5),
			Rule:  l.word(s.ColumnRawText(6)),
		}},
		number:  s.ColumnInt64(7),
		wrapped: l.wrapped[begin:len(l.wrapped):len(l.wrapped)],
	}
}

// word gives the string of a name that many keys have: of a field, an epoch, a rule.
func (l *load) word(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	s, ok := l.words[string(b)]
	if !ok {
		s = string(b)
		l.words[s] = s
	}
	return s
}
