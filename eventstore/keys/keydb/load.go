package keydb

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// loads are the statements that read keys by their ids, by size. A place that is left unbound is NULL, which
// finds nothing and costs next to nothing, so that few statements serve every number of ids.
var loads = [...]struct {
	size  int
	query string
}{{1, byID}, {8, byIDs(8)}, {32, byIDs(32)}, {128, byIDs(128)}, {512, byIDs(512)}}

func byIDs(size int) string {
	return "SELECT " + columns + fromKeys + "WHERE k.id IN (?" + strings.Repeat(", ?", size-1) + ")"
}

// newest reads keys in a row. It costs less than half of what it costs to look each of them up.
const newest = "SELECT " + columns + fromKeys + "WHERE k.id BETWEEN ? AND ? ORDER BY k.id DESC"

// many is from how many ids on it is tried to read them in a row.
const many = 16

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
	ids  []uuid.UUID // each once, in the order of the index, so that neighbours are read together
	rows []loaded    // by ids
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
	return &load{ids: ids, rows: make([]loaded, len(ids))}
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
	for i := range l.rows {
		r := &l.rows[i]
		if r.entry == nil {
			return fmt.Errorf("key %s: %w", l.ids[i], keys.ErrUnknownKey)
		}
		if r.entry.Key.State == keys.Destroyed {
			continue
		}
		master, err := m.get(ctx, conn, r.number)
		if err != nil {
			return err
		}
		r.master = master
	}
	return nil
}

// readInARow reads the newest keys of those that are wanted. Who reads the log wants most keys where they
// were made, one after the other, and with them some older ones from anywhere: those are left for readSome. A
// quarter more rows than ids are read, for keys in between that are not wanted. (With a LIMIT ? SQLite would
// prepare the statement anew for each number.)
func (l *load) readInARow(conn *sqlite.Conn) error {
	most := len(l.ids) + len(l.ids)/4
	for stmt, err := range conn.Rows(newest, l.ids[0], l.ids[len(l.ids)-1]) {
		if err != nil {
			return err
		}
		if i, wanted := l.find(sqlite.ColumnUUID(stmt, 1)); wanted {
			l.take(i, stmt)
		}
		if most--; most == 0 {
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
		i, _ := l.find(sqlite.ColumnUUID(stmt, 1))
		l.take(i, stmt)
	}
	return len(ids), nil
}

// find gives the place of an id, and whether it is wanted.
func (l *load) find(id uuid.UUID) (int, bool) { return slices.BinarySearchFunc(l.ids, id, compare) }

func (l *load) take(i int, stmt *sqlite3.Stmt) {
	r := scan(stmt)
	l.rows[i] = loaded{entry: &keys.Entry{Key: r.key}, number: r.master, wrapped: r.wrapped}
}
