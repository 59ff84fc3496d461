package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unsafe"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

// Commit writes rows and moves the checkpoint in one transaction.
func (b *Backend) Commit(ctx context.Context, c projections.Commit) error {
	at := place{c.Projection.Name, c.Number}
	return b.changing(ctx, at, func(have projections.Build) error {
		if have.State == projections.Old {
			return projections.ErrConflict
		}
		err := b.files.write(ctx, at, func(conn *sqlite.Conn) error {
			have, err := addState(conn, have)
			if err != nil {
				return err
			}
			return commit(ctx, conn, have.Mark, c)
		})
		if errors.Is(err, fs.ErrNotExist) && have.State == projections.Building {
			return b.keepFailure(have, c)
		}
		return b.gone(have, err)
	})
}

func commit(ctx context.Context, conn *sqlite.Conn, stands projections.Mark, c projections.Commit) error {
	switch {
	case stands == c.To && c.From != c.To:
		return nil // applied before; the answer was lost on the way
	case stands != c.From:
		return fmt.Errorf("%w: it stands at position %d, the batch begins after %d", projections.ErrConflict, stands.Position, c.From.Position)
	}
	for _, changes := range c.Changes {
		l := loader{ctx: ctx, conn: conn, table: changes.Table}
		if err := l.load(changes); err != nil {
			return fmt.Errorf("table %s: %w", changes.Table.Name, err)
		}
	}
	return advance(conn, c.To, c.Events, c.Failure)
}

// keepFailure leaves the failure of a build that has no file yet in the catalogue.
func (b *Backend) keepFailure(e projections.Build, c projections.Commit) error {
	if (c.To != projections.Mark{} || len(c.Changes) > 0) {
		return projections.ErrConflict
	}
	return b.look(func(conn *sqlite.Conn) error { return keep(conn, e, said{Failure: c.Failure}) })
}

// changing gives do a build as the catalogue knows it, while its state stays what it is. A build that is gone gives
// ErrConflict.
func (b *Backend) changing(ctx context.Context, at place, do func(projections.Build) error) error {
	b.turn.RLock()
	defer b.turn.RUnlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	var have projections.Build
	err := b.look(func(c *sqlite.Conn) error {
		var ok bool
		var err error
		have, ok, err = entry(c, "projection = ? AND number = ?", at.projection, at.number)
		return conflictIf(!ok, err)
	})
	if err != nil {
		return err
	}
	return do(have)
}

// loader writes one table's changes. It lives for one transaction only, so it may hold its context.
type loader struct {
	ctx   context.Context
	conn  *sqlite.Conn
	table *projections.Table
}

func (l *loader) load(c projections.Changes) error {
	if err := l.insert("INSERT INTO ", c.Appends); err != nil {
		return err
	}
	if err := l.delete(c.Deletes); err != nil {
		return err
	}
	if err := l.insert("INSERT OR REPLACE INTO ", c.Upserts); err != nil {
		return err
	}
	for _, round := range c.Rounds {
		if err := l.change(round); err != nil {
			return err
		}
	}
	return nil
}

// rowsAtOnce is how many rows one statement inserts: enough that preparing the step costs little, few
// enough that the rest of a batch, which goes row by row, stays small.
const rowsAtOnce = 16

// insert writes rows in their order, which is that of the key: neighbours land on the same page.
func (l *loader) insert(verb string, rows []projections.Row) error {
	if len(rows) == 0 {
		return nil
	}
	for _, n := range [...]int{rowsAtOnce, 1} {
		s, err := l.conn.Prepared(verb + l.table.Name + " VALUES " + tuples(n, len(l.table.Columns)))
		if err != nil {
			return err
		}
		for ; len(rows) >= n; rows = rows[n:] {
			if err := l.insertSome(s, rows[:n]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loader) insertSome(s *sqlite3.Stmt, rows []projections.Row) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	param := 0
	for _, row := range rows {
		for _, v := range row {
			param++
			if err := bind(s, param, v); err != nil {
				return sqlite.Translate(l.conn.Path(), "bind", err)
			}
		}
	}
	return sqlite.Translate(l.conn.Path(), "insert", s.Exec())
}

func (l *loader) delete(keys []projections.Row) error {
	for _, key := range keys {
		if err := l.run("DELETE FROM "+l.table.Name+" WHERE "+l.keyIs(), key); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) change(round []projections.Change) error {
	for _, c := range round {
		sql, args := l.patch(c)
		if c.Add {
			sql, args = l.add(c)
		}
		if err := l.run(sql, args); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) patch(c projections.Change) (string, []projections.Value) {
	var b strings.Builder
	var args []projections.Value
	b.WriteString("UPDATE " + l.table.Name + " SET ")
	for i, s := range c.Set {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(l.table.Columns[s.Column].Name + " = ?")
		args = append(args, s.Value)
	}
	b.WriteString(" WHERE " + l.keyIs())
	args = append(args, c.Key...)
	for _, w := range c.When {
		b.WriteString(" AND " + l.table.Columns[w.Column].Name + " " + w.Op.String() + " ?")
		args = append(args, w.Value)
	}
	return b.String(), args
}

func (l *loader) add(c projections.Change) (string, []projections.Value) {
	columns := columnNames(l.table, l.table.KeyColumns())
	args := append([]projections.Value(nil), c.Key...)
	var sums []string
	for _, s := range c.Set {
		name := l.table.Columns[s.Column].Name
		columns = append(columns, name)
		args = append(args, s.Value)
		sums = append(sums, name+" = coalesce("+name+", 0) + excluded."+name)
	}
	return "INSERT INTO " + l.table.Name + " (" + strings.Join(columns, ", ") + ") VALUES " + tuples(1, len(columns)) +
		" ON CONFLICT DO UPDATE SET " + strings.Join(sums, ", "), args
}

func (l *loader) keyIs() string {
	return strings.Join(columnNames(l.table, l.table.KeyColumns()), " = ? AND ") + " = ?"
}

func (l *loader) run(sql string, args []projections.Value) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	s, err := l.conn.Prepared(sql)
	if err != nil {
		return err
	}
	for i, v := range args {
		if err := bind(s, i+1, v); err != nil {
			return sqlite.Translate(l.conn.Path(), "bind", err)
		}
	}
	return sqlite.Translate(l.conn.Path(), "change", s.Exec())
}

func bind(s *sqlite3.Stmt, param int, v projections.Value) error {
	t, n, text := v.Parts()
	switch t {
	case projections.Null:
		return s.BindNull(param)
	case projections.Text, projections.Texts:
		return s.BindText(param, text)
	case projections.Bytes, projections.UUID:
		return s.BindBlob(param, unsafe.Slice(unsafe.StringData(text), len(text))) // #nosec G103 -- the driver copies and keeps nothing
	}
	return s.BindInt64(param, n)
}

// tuples is "(?,?),(?,?)" for n rows of m values.
func tuples(n, m int) string {
	tuple := "(" + strings.TrimSuffix(strings.Repeat("?,", m), ",") + "),"
	return strings.TrimSuffix(strings.Repeat(tuple, n), ",")
}
