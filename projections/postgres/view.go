package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/projections"
)

// readersPatience is how long a reader waits for a lost database: a person sits in front of the answer.
const readersPatience = 2 * time.Second

// errMoved: a build of the snapshot was dropped before its tables could be held.
var errMoved = errors.New("the builds moved")

// reading gets a connection and what open makes of it, again when that fails for reasons that pass.
func (b *Backend) reading(ctx context.Context, what string, open func(*pgx.Conn) error) (*pgxpool.Conn, error) {
	w := wait(readersPatience)
	for {
		if b.closed() {
			return nil, fmt.Errorf("read models: %s: %w", what, eventstore.ErrClosed)
		}
		conn, err := b.acquire(ctx, b.readers)
		if err == nil {
			err = marked(conn.Conn(), open(conn.Conn()))
			b.link.note(ctx, born(conn.Conn()), err)
			if err == nil {
				return conn, nil
			}
			leave(ctx, conn)
		}
		if !(passing(err) || errors.Is(err, errMoved)) || !w.more(ctx, b.done) {
			return nil, translate(ctx, what, err)
		}
	}
}

func (b *Backend) read(ctx context.Context, what string, do func(*pgx.Conn) error) error {
	conn, err := b.reading(ctx, what, do)
	if err == nil {
		conn.Release()
	}
	return err
}

// leave ends whatever transaction the connection is in and gives it back.
func leave(ctx context.Context, conn *pgxpool.Conn) {
	if c := conn.Conn(); !c.IsClosed() && c.PgConn().TxStatus() != 'I' {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = script(ctx, c, "ROLLBACK") // a connection that is still within a transaction is closed by the pool
	}
	conn.Release()
}

// View gives do one moment of all live builds, on a connection of its own.
func (b *Backend) View(ctx context.Context, do func(projections.Snapshot) error) error {
	var s *snapshot
	conn, err := b.reading(ctx, "view", func(conn *pgx.Conn) (err error) {
		s, err = b.snapshot(ctx, conn)
		return err
	})
	if err != nil {
		return err
	}
	defer leave(ctx, conn)
	return do(s)
}

// snapshot fixes the moment, and holds the tables of the builds that are live in it. Names are looked up as
// they are now, not as of the moment, so it reads the tables of those builds and never the views; and a
// build that is dropped between the look at the books and the lock means a new beginning.
func (b *Backend) snapshot(ctx context.Context, conn *pgx.Conn) (*snapshot, error) {
	if err := script(ctx, conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
		return nil, err
	}
	live, err := builds(ctx, conn, b.names, "state = 'live'")
	if err != nil {
		return nil, err
	}
	s := &snapshot{conn: conn, live: live, tables: map[string]string{}, words: map[string]string{}}
	var all []string
	for _, x := range live {
		for _, name := range x.tables {
			s.tables[name] = table(x.schema, name)
			all = append(all, s.tables[name])
		}
	}
	if len(all) == 0 {
		return s, nil
	}
	err = script(ctx, conn, "LOCK TABLE "+strings.Join(all, ", ")+" IN ACCESS SHARE MODE")
	if c := code(err); c == noSuchTable || c == noSuchSchema {
		err = errMoved
	}
	return s, err
}

type snapshot struct {
	conn   *pgx.Conn
	live   []build
	tables map[string]string // by name, in full
	words  map[string]string // short texts seen before, so that a million rows share their purposes and actors
	depth  int               // Selects under way, one within the other
}

// Live gives the live build of a projection.
func (s *snapshot) Live(_ context.Context, projection string) (projections.Build, error) {
	b, ok := in(s.live, projection, projections.Live)
	if !ok {
		return projections.Build{}, fmt.Errorf("projection %s: %w", projection, projections.ErrNoBuild)
	}
	return b.Build, nil
}

// Rows come in pages, so that memory is bounded and the connection is free for another Select meanwhile: the
// first small, because most answers are, the others large, because the rest are long.
const (
	firstPage = 200
	nextPages = 2000
)

// Select yields the rows asked for.
func (s *snapshot) Select(ctx context.Context, q projections.Select) iter.Seq2[projections.Row, error] {
	return func(yield func(projections.Row, error) bool) {
		if err := s.rows(ctx, q, yield); err != nil {
			if code(err) == noSuchColumn {
				err = fmt.Errorf("%w: %w", projections.ErrVersion, err)
			}
			yield(nil, translate(ctx, "table "+q.Table.Name, err))
		}
	}
}

// rows yields every row and gives the error that ends them early. It gives nil when the caller ends them.
func (s *snapshot) rows(ctx context.Context, q projections.Select, yield func(projections.Row, error) bool) error {
	name, shown := s.tables[q.Table.Name]
	if !shown {
		return projections.ErrNoBuild
	}
	columns := q.Columns
	if columns == nil {
		columns = allColumns(q.Table)
	}
	s.depth++
	defer func() { s.depth-- }()
	cursor := fmt.Sprintf("select_%d", s.depth)
	sql, args := render(q, name, columns)
	if _, err := s.conn.Exec(ctx, "DECLARE "+cursor+" BINARY NO SCROLL CURSOR FOR "+sql, args...); err != nil {
		return marked(s.conn, err)
	}
	p := page{snapshot: s, types: typesOf(q.Table, columns)}
	for size := firstPage; ; size = nextPages {
		if err := p.fetch(ctx, cursor, size); err != nil {
			return marked(s.conn, err)
		}
		for row := range slices.Chunk(p.values, len(columns)) {
			if !yield(row, nil) {
				return s.end(ctx, cursor)
			}
		}
		if p.rows < size {
			return s.end(ctx, cursor)
		}
	}
}

// end closes a cursor. When that fails the snapshot is lost, and the next Select says so; the rows that were
// given are good, and after the caller has ended the iteration nothing may be yielded.
func (s *snapshot) end(ctx context.Context, cursor string) error {
	_ = script(ctx, s.conn, "CLOSE "+cursor)
	return nil
}

// page is some rows of an answer, in one slab that the next page overwrites.
type page struct {
	*snapshot
	types  []projections.Type
	values []projections.Value
	rows   int
}

func (p *page) fetch(ctx context.Context, cursor string, size int) error {
	p.values, p.rows = p.values[:0], 0
	results := p.conn.PgConn().Exec(ctx, fmt.Sprintf("FETCH %d FROM %s", size, cursor))
	var bad error
	for results.NextResult() {
		for r := results.ResultReader(); r.NextRow(); p.rows++ {
			for i, cell := range r.Values() {
				v, err := p.value(cell, p.types[i])
				bad = errors.Join(bad, err)
				p.values = append(p.values, v)
			}
		}
	}
	return errors.Join(results.Close(), bad)
}

// word limits: long texts seldom repeat, and the table of words must not grow with the answer.
const (
	maxWord  = 40
	maxWords = 4096
)

func (s *snapshot) word(b []byte) string {
	if len(b) > maxWord {
		return string(b)
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
		fmt.Fprintf(&b, "%s %s $%d", quoted(q.Table.Columns[w.Column].Name), w.Op, i+1)
		args = append(args, argument(w.Value))
	}
	b.WriteString(" ORDER BY " + orderBy(q))
	if q.Limit > 0 {
		fmt.Fprintf(&b, " LIMIT %d", q.Limit)
	}
	return b.String(), args
}

// orderBy sorts NULL before everything, as SQLite does: every backend answers alike. Columns of the key have
// none, and say nothing of it, so that indexes serve.
func orderBy(q projections.Select) string {
	order := q.By
	if order == nil {
		order = q.Table.KeyColumns()
	}
	names := columnNames(q.Table, order)
	for i, c := range order {
		switch {
		case q.Reverse && c >= q.Table.Key:
			names[i] += " DESC NULLS LAST"
		case q.Reverse:
			names[i] += " DESC"
		case c >= q.Table.Key:
			names[i] += " NULLS FIRST"
		}
	}
	return strings.Join(names, ", ")
}

func argument(v projections.Value) any {
	switch t, n, s := v.Parts(); t {
	case projections.Null:
		return nil
	case projections.Text:
		return s
	case projections.Texts:
		return v.Texts()
	case projections.Bytes:
		return []byte(s)
	case projections.UUID:
		return v.UUID()
	case projections.Time:
		return v.Time()
	case projections.Bool:
		return v.Bool()
	default:
		return n
	}
}
