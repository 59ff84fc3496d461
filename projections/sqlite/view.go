package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"unsafe"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

// View gives do one moment of all live builds, on a connection of its own.
func (b *Backend) View(ctx context.Context, do func(projections.Snapshot) error) error {
	return b.readers.Read(ctx, func(c *sqlite.Conn) (err error) {
		if err := c.Run("BEGIN"); err != nil {
			return err
		}
		before := c.SetInterrupt(ctx)
		defer func() {
			c.SetInterrupt(before)
			err = errors.Join(err, c.Run("ROLLBACK"))
		}()
		// The first statement fixes the moment; without it the moment would be that of the first Select.
		if _, err := number(c, "SELECT count(*) FROM projection_builds"); err != nil {
			return err
		}
		return do(&snapshot{conn: c, words: map[string]string{}})
	})
}

type snapshot struct {
	conn *sqlite.Conn
	// words are short texts seen before, so that a million rows share their purposes and actors. Without it
	// values lie in SQLite's own memory: they are good until the next row, and whoever keeps one copies it.
	words map[string]string
}

// Live gives the live build of a projection.
func (s *snapshot) Live(_ context.Context, projection string) (projections.Build, error) {
	b, ok, err := one(s.conn, "projection = ? AND state = 'live'", projection)
	if err == nil && !ok {
		err = fmt.Errorf("projection %s: %w", projection, projections.ErrNoBuild)
	}
	return b, err
}

// Select yields the rows asked for.
func (s *snapshot) Select(ctx context.Context, q projections.Select) iter.Seq2[projections.Row, error] {
	return func(yield func(projections.Row, error) bool) {
		shown, err := number(s.conn, "SELECT count(*) FROM sqlite_schema WHERE type = 'view' AND name = ?", q.Table.Name)
		if err == nil && shown == 0 {
			err = fmt.Errorf("table %s: %w", q.Table.Name, projections.ErrNoBuild)
		}
		if err != nil {
			yield(nil, contextFirst(ctx, err))
			return
		}
		for row, err := range s.rows(q, q.Table.Name) {
			if err != nil {
				yield(nil, contextFirst(ctx, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// rows yields the rows asked for of a table or view with the columns of q.Table.
func (s *snapshot) rows(q projections.Select, from string) iter.Seq2[projections.Row, error] {
	return func(yield func(projections.Row, error) bool) {
		columns := q.Columns
		if columns == nil {
			columns = make([]int, len(q.Table.Columns))
			for i := range columns {
				columns[i] = i
			}
		}
		sql, args := render(q, from, columns)
		row := make(projections.Row, len(columns))
		for st, err := range s.conn.Rows(sql, args...) {
			if err != nil {
				yield(nil, err)
				return
			}
			for i, c := range columns {
				row[i] = s.column(st, i, q.Table.Columns[c].Type)
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// contextFirst says "canceled" where the driver says "interrupted".
func contextFirst(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (s *snapshot) column(st *sqlite3.Stmt, i int, t projections.Type) projections.Value {
	switch t {
	case projections.Text, projections.Texts:
		b := st.ColumnRawText(i)
		if len(b) == 0 && st.ColumnType(i) == sqlite3.NULL {
			return projections.Value{}
		}
		return projections.Stored(t, 0, s.word(b))
	case projections.Bytes, projections.UUID:
		b := st.ColumnRawBlob(i)
		if len(b) == 0 && st.ColumnType(i) == sqlite3.NULL {
			return projections.Value{}
		}
		return projections.Stored(t, 0, s.copy(b))
	}
	n := st.ColumnInt64(i)
	if n == 0 && st.ColumnType(i) == sqlite3.NULL {
		return projections.Value{}
	}
	return projections.Stored(t, n, "")
}

// word limits: long texts seldom repeat, and the table of words must not grow with the answer.
const (
	maxWord  = 40
	maxWords = 4096
)

func (s *snapshot) copy(b []byte) string {
	if s.words == nil {
		return unsafe.String(unsafe.SliceData(b), len(b)) // #nosec G103 -- see words
	}
	return string(b)
}

func (s *snapshot) word(b []byte) string {
	if len(b) > maxWord || s.words == nil {
		return s.copy(b)
	}
	if w, ok := s.words[string(b)]; ok {
		return w
	}
	w := string(b)
	if len(s.words) < maxWords {
		s.words[w] = w
	}
	return w
}

func render(q projections.Select, from string, columns []int) (string, []any) {
	var b strings.Builder
	b.WriteString("SELECT " + strings.Join(columnNames(q.Table, columns), ", ") + " FROM " + from)
	var args []any
	for i, w := range q.Where {
		b.WriteString(map[bool]string{true: " WHERE ", false: " AND "}[i == 0])
		b.WriteString(q.Table.Columns[w.Column].Name + " " + w.Op.String() + " ?")
		args = append(args, argument(w.Value))
	}
	order := q.By
	if order == nil {
		order = keyColumns(q.Table)
	}
	direction := ""
	if q.Reverse {
		direction = " DESC"
	}
	b.WriteString(" ORDER BY " + strings.Join(columnNames(q.Table, order), direction+", ") + direction)
	if q.Limit > 0 {
		fmt.Fprintf(&b, " LIMIT %d", q.Limit)
	}
	return b.String(), args
}

func argument(v projections.Value) any {
	t, n, s := v.Parts()
	switch t {
	case projections.Null:
		return nil
	case projections.Text, projections.Texts:
		return s
	case projections.Bytes, projections.UUID:
		return []byte(s)
	}
	return n
}
