package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"unsafe"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

// View gives do the live builds. Of each of them it sees one moment, that of the first look at it: they are
// committed apart from each other, and say by themselves how far they are.
func (b *Backend) View(ctx context.Context, do func(projections.Snapshot) error) error {
	return b.readers.Read(ctx, func(c *sqlite.Conn) (err error) {
		s := &snapshot{catalogue: c, backend: b, builds: map[string]*opened{}, words: map[string]string{}}
		defer func() { err = errors.Join(err, s.end()) }()
		if err := s.begin(); err != nil {
			return err
		}
		return do(s)
	})
}

// snapshot is the live builds at the beginning of a View.
type snapshot struct {
	backend   *Backend
	catalogue *sqlite.Conn
	builds    map[string]*opened // by projection
	// words are short texts seen before, so that a million rows share their purposes and actors. Without it
	// values lie in SQLite's own memory: they are good until the next row, and whoever keeps one copies it.
	words map[string]string
}

// opened is a live build whose file is held for the View, with the transaction that fixes its moment.
type opened struct {
	entry projections.Build
	file  *file
	conn  *sqlite.Conn // nil until the first look
}

// begin takes hold of all live builds. One that was switched and dropped since the catalogue was read is live no
// more.
func (s *snapshot) begin() error {
	var before []projections.Build
	for {
		if err := s.catalogue.Run("BEGIN"); err != nil {
			return err
		}
		live, err := entries(s.catalogue, "state = 'live'")
		if err != nil {
			return err
		}
		err = s.hold(live)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if slices.Equal(live, before) {
			return &eventstore.CorruptError{File: s.backend.path, Place: "build", Detail: err.Error()}
		}
		before = live
		if err := s.end(); err != nil {
			return err
		}
	}
}

func (s *snapshot) hold(live []projections.Build) error {
	for _, e := range live {
		x, err := s.backend.files.use(placeOf(e))
		if err != nil {
			return err
		}
		s.builds[e.Projection] = &opened{entry: e, file: x}
	}
	return nil
}

// end gives everything back.
func (s *snapshot) end() error {
	var errs []error
	for _, o := range s.builds {
		if o.conn != nil {
			o.conn.SetInterrupt(context.Background())
			errs = append(errs, o.conn.Run("ROLLBACK"))
			o.file.pool.Put(o.conn)
		}
		errs = append(errs, s.backend.files.giveBack(o.file))
	}
	clear(s.builds)
	if !s.catalogue.GetAutocommit() {
		errs = append(errs, s.catalogue.Run("ROLLBACK"))
	}
	return errors.Join(errs...)
}

// look gives a connection to the live build of a projection, on which a transaction has begun.
func (s *snapshot) look(ctx context.Context, projection string) (*opened, error) {
	o, ok := s.builds[projection]
	if !ok {
		return nil, fmt.Errorf("projection %s: %w", projection, projections.ErrNoBuild)
	}
	if o.conn != nil {
		return o, nil
	}
	c, err := o.file.pool.Take(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.Run("BEGIN"); err != nil {
		o.file.pool.Put(c)
		return nil, err
	}
	o.conn = c
	c.SetInterrupt(ctx)
	// The first statement fixes the moment.
	o.entry, err = addState(c, o.entry)
	return o, err
}

// Live gives the live build of a projection.
func (s *snapshot) Live(ctx context.Context, projection string) (projections.Build, error) {
	o, err := s.look(ctx, projection)
	if err != nil {
		return projections.Build{}, contextFirst(ctx, err)
	}
	return o.entry, nil
}

// Select yields the rows asked for.
func (s *snapshot) Select(ctx context.Context, q projections.Select) iter.Seq2[projections.Row, error] {
	return func(yield func(projections.Row, error) bool) {
		c, err := s.holding(ctx, q.Table)
		if err != nil {
			yield(nil, contextFirst(ctx, err))
			return
		}
		for row, err := range s.rows(c, q) {
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

// holding gives a connection to the live build that has the table.
func (s *snapshot) holding(ctx context.Context, t *projections.Table) (*sqlite.Conn, error) {
	for st, err := range s.catalogue.Rows("SELECT projection, number FROM projection_tables WHERE name = ?", t.Name) {
		if err != nil {
			return nil, err
		}
		o, ok := s.builds[st.ColumnText(0)]
		if !ok || o.entry.Number != st.ColumnInt64(1) {
			continue
		}
		if o, err = s.look(ctx, o.entry.Projection); err != nil {
			return nil, err
		}
		return o.conn, nil
	}
	return nil, fmt.Errorf("table %s: %w", t.Name, projections.ErrNoBuild)
}

// rows yields the rows asked for from the file of a build.
func (s *snapshot) rows(conn *sqlite.Conn, q projections.Select) iter.Seq2[projections.Row, error] {
	return func(yield func(projections.Row, error) bool) {
		columns := q.Columns
		if columns == nil {
			columns = make([]int, len(q.Table.Columns))
			for i := range columns {
				columns[i] = i
			}
		}
		sql, args := render(q, columns)
		row := make(projections.Row, len(columns))
		for st, err := range conn.Rows(sql, args...) {
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

func render(q projections.Select, columns []int) (string, []any) {
	var b strings.Builder
	b.WriteString("SELECT " + strings.Join(columnNames(q.Table, columns), ", ") + " FROM " + q.Table.Name)
	var args []any
	for i, w := range q.Where {
		b.WriteString(map[bool]string{true: " WHERE ", false: " AND "}[i == 0])
		b.WriteString(q.Table.Columns[w.Column].Name + " " + w.Op.String() + " ?")
		args = append(args, argument(w.Value))
	}
	order := q.By
	if order == nil {
		order = q.Table.KeyColumns()
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
