package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/projections"
)

// build is a build with where its rows are.
type build struct {
	projections.Build
	schema string
	tables []string
}

const buildColumns = "projection, number, version, state, log, position, previous, event, events, indexed, failure, schema, tables"

func scanBuild(row pgx.CollectableRow) (b build, err error) {
	err = row.Scan(&b.Projection, &b.Number, &b.Version, &b.State, &b.Log, &b.Mark.Position, &b.Mark.Previous, &b.Mark.Event,
		&b.Events, &b.Indexed, &b.Failure, &b.schema, &b.tables)
	if b.Failure != nil {
		b.Failure.At = b.Failure.At.UTC()
	}
	return b, err
}

// querier is a connection or a pool of them.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// builds lists builds; tail is the condition and what follows it.
func builds(ctx context.Context, q querier, n names, tail string, args ...any) ([]build, error) {
	rows, err := q.Query(ctx, "SELECT "+buildColumns+" FROM "+n.state+".builds WHERE "+tail, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanBuild)
}

// locked lists builds of these projections and keeps everybody else from moving them until the end of the
// transaction. Always in the same order, so that two who lock several wait instead of dying.
func (s *session) locked(ctx context.Context, projection ...string) ([]build, error) {
	return builds(ctx, s.conn, s.names, "projection = ANY($1) ORDER BY projection, number FOR UPDATE", projection)
}

func in(list []build, projection string, state projections.BuildState) (build, bool) {
	i := slices.IndexFunc(list, func(b build) bool { return b.Projection == projection && b.State == state })
	if i < 0 {
		return build{}, false
	}
	return list[i], true
}

func numbered(list []build, projection string, number int64) (build, bool) {
	i := slices.IndexFunc(list, func(b build) bool { return b.Projection == projection && b.Number == number })
	if i < 0 {
		return build{}, false
	}
	return list[i], true
}

// Builds lists all builds, by projection and number.
func (b *Backend) Builds(ctx context.Context) (out []projections.Build, err error) {
	err = b.read(ctx, "list builds", func(conn *pgx.Conn) error {
		out = nil
		list, err := builds(ctx, conn, b.names, "true ORDER BY projection, number")
		for _, x := range list {
			out = append(out, x.Build)
		}
		return err
	})
	return out, err
}

// Create makes the next build of the projection, empty.
func (b *Backend) Create(ctx context.Context, p *projections.Projection, log uuid.UUID, state projections.BuildState) (out projections.Build, err error) {
	err = b.write(ctx, "create a build", durable, func(ctx context.Context, s *session) error {
		x, err := s.create(ctx, p, log, state)
		out = x.Build
		return err
	})
	return out, err
}

func (s *session) create(ctx context.Context, p *projections.Projection, log uuid.UUID, state projections.BuildState) (build, error) {
	var number int64
	// The row of the number is what two who create at once wait on; it comes before the look at the builds.
	err := s.conn.QueryRow(ctx, "INSERT INTO "+s.state+".numbers AS n VALUES ($1, 1) ON CONFLICT (projection) DO UPDATE SET last = n.last + 1 RETURNING last",
		p.Name).Scan(&number)
	if err != nil {
		return build{}, err
	}
	list, err := s.locked(ctx, p.Name)
	if err != nil {
		return build{}, err
	}
	if _, taken := in(list, p.Name, state); taken {
		return build{}, fmt.Errorf("projection %s: %w", p.Name, projections.ErrConflict)
	}
	x := build{
		Build:  projections.Build{Projection: p.Name, Number: number, Version: p.Version, State: state, Log: log, Indexed: state == projections.Live},
		schema: fmt.Sprintf("%s_%s_v%d_b%d", s.views, strings.ReplaceAll(p.Name, "-", "_"), p.Version, number),
	}
	sql := "CREATE SCHEMA " + quoted(x.schema) + ";"
	for _, t := range p.Tables {
		x.tables = append(x.tables, t.Name)
		sql += createSQL(t, x.schema)
		if x.Indexed { // a hidden one gets them after it is filled
			sql += keySQL(t, x.schema) + indexSQL(t, x.schema)
		}
	}
	_, err = s.conn.Exec(ctx, "INSERT INTO "+s.state+".builds (projection, number, version, state, log, indexed, schema, tables) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		x.Projection, x.Number, x.Version, string(x.State), x.Log, x.Indexed, x.schema, x.tables)
	if err != nil {
		return build{}, err
	}
	if err := script(ctx, s.conn, sql); err != nil {
		return build{}, err
	}
	if x.Indexed {
		err = s.show(ctx, x)
	}
	return x, err
}

// Index makes the secondary indexes of a build, and the statistics without which the first queries after
// the switch would be planned blindly.
func (b *Backend) Index(ctx context.Context, p *projections.Projection, want projections.Build) error {
	return b.write(ctx, "index", durable, func(ctx context.Context, s *session) error {
		list, err := s.locked(ctx, p.Name)
		if err != nil {
			return err
		}
		x, ok := numbered(list, p.Name, want.Number)
		if !ok || x.Indexed {
			return conflictIf(!ok)
		}
		sql := bulkSettings
		for _, t := range p.Tables {
			if err := s.key(ctx, t, x.schema); err != nil {
				return err
			}
			sql += indexSQL(t, x.schema) + analyzeSQL(t, x.schema)
		}
		if err := script(ctx, s.conn, sql); err != nil {
			return err
		}
		_, err = s.conn.Exec(ctx, "UPDATE "+s.state+".builds SET indexed = true WHERE projection = $1 AND number = $2", p.Name, want.Number)
		return err
	})
}

func conflictIf(conflict bool) error {
	if conflict {
		return projections.ErrConflict
	}
	return nil
}

// Switch makes builds the live ones, all in one transaction.
func (b *Backend) Switch(ctx context.Context, set []projections.Build) error {
	defer b.sweep(ctx)
	return b.write(ctx, "switch", durable, func(ctx context.Context, s *session) error {
		list, err := s.locked(ctx, projectionsOf(set)...)
		if err != nil {
			return err
		}
		for _, want := range set {
			if err := s.switchOne(ctx, list, want); err != nil {
				return fmt.Errorf("projection %s: %w", want.Projection, err)
			}
		}
		return nil
	})
}

func projectionsOf(set []projections.Build) []string {
	var out []string
	for _, b := range set {
		out = append(out, b.Projection)
	}
	return out
}

func (s *session) switchOne(ctx context.Context, list []build, want projections.Build) error {
	next, ok := numbered(list, want.Projection, want.Number)
	if !ok || next.State != projections.Building || !next.Indexed {
		return projections.ErrConflict
	}
	live, ok := in(list, want.Projection, projections.Live)
	if ok && live.Log == next.Log && live.Version == next.Version && live.Mark.Position > next.Mark.Position {
		return projections.ErrConflict
	}
	if old, ok := in(list, want.Projection, projections.Old); ok {
		if err := s.discard(ctx, old); err != nil {
			return err
		}
	}
	if ok {
		if err := s.retire(ctx, live, next.tables); err != nil {
			return err
		}
	}
	return s.show(ctx, next)
}

// retire makes a live build an old one, and takes away the views that the next build does not bring anew.
func (s *session) retire(ctx context.Context, x build, next []string) error {
	for _, name := range x.tables {
		if !slices.Contains(next, name) {
			if err := s.changeView(ctx, "DROP VIEW IF EXISTS "+table(s.views, name)); err != nil {
				return err
			}
		}
	}
	return s.setState(ctx, x, projections.Old)
}

// show gives readers the build. A view whose columns stay is replaced, with the rights on it and whatever
// was built on it; one whose columns change is made anew.
func (s *session) show(ctx context.Context, x build) error {
	for _, name := range x.tables {
		view, as := table(s.views, name), " AS SELECT * FROM "+table(x.schema, name)
		err := s.changeView(ctx, "SAVEPOINT v; CREATE OR REPLACE VIEW "+view+as+"; RELEASE SAVEPOINT v")
		if code(err) == invalidDefinition {
			err = script(ctx, s.conn, "ROLLBACK TO SAVEPOINT v; DROP VIEW "+view+"; CREATE VIEW "+view+as)
		}
		if err != nil {
			return fmt.Errorf("view %s: %w", view, err)
		}
	}
	return s.setState(ctx, x, projections.Live)
}

// changeView takes a lock that all new readers of the view queue behind, so it must not be waited for long:
// the whole transaction steps back and tries again. Shorter than the second after which the server looks for
// deadlocks, so that a query over two views that meets a switch half way is never the one to die.
func (s *session) changeView(ctx context.Context, sql string) error {
	return script(ctx, s.conn, "SET LOCAL lock_timeout = '300ms';"+sql+"; SET LOCAL lock_timeout = 0")
}

func (s *session) setState(ctx context.Context, x build, state projections.BuildState) error {
	_, err := s.conn.Exec(ctx, "UPDATE "+s.state+".builds SET state = $1, changed = clock_timestamp() WHERE projection = $2 AND number = $3", string(state), x.Projection, x.Number)
	return err
}

// Rollback exchanges the live and the old builds.
func (b *Backend) Rollback(ctx context.Context, names []string) error {
	return b.write(ctx, "roll back", durable, func(ctx context.Context, s *session) error {
		list, err := s.locked(ctx, names...)
		if err != nil {
			return err
		}
		for _, name := range names {
			old, ok := in(list, name, projections.Old)
			if !ok {
				return fmt.Errorf("projection %s: %w", name, projections.ErrNoOld)
			}
			if live, ok := in(list, name, projections.Live); ok {
				if err := s.retire(ctx, live, old.tables); err != nil {
					return err
				}
			}
			if err := s.show(ctx, old); err != nil {
				return fmt.Errorf("projection %s: %w", name, err)
			}
		}
		return nil
	})
}

// Drop removes builds. Their rows go when the last reader has left them.
func (b *Backend) Drop(ctx context.Context, set []projections.Build) error {
	defer b.sweep(ctx)
	return b.write(ctx, "drop", durable, func(ctx context.Context, s *session) error {
		list, err := s.locked(ctx, projectionsOf(set)...)
		if err != nil {
			return err
		}
		for _, want := range set {
			x, ok := numbered(list, want.Projection, want.Number)
			switch {
			case !ok:
				continue
			case x.State == projections.Live:
				return fmt.Errorf("projection %s: drop the live build: %w", x.Projection, projections.ErrConflict)
			}
			if err := s.discard(ctx, x); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *session) discard(ctx context.Context, x build) error {
	if _, err := s.conn.Exec(ctx, "INSERT INTO "+s.state+".garbage VALUES ($1)", x.schema); err != nil {
		return err
	}
	_, err := s.conn.Exec(ctx, "DELETE FROM "+s.state+".builds WHERE projection = $1 AND number = $2", x.Projection, x.Number)
	return err
}

// sweep drops schemas that nobody needs. One that a reader is still in is left for the next sweep: an export
// of an hour must not hold up a rebuild. Whatever goes wrong here loses nothing but space.
func (b *Backend) sweep(ctx context.Context) {
	if b.closed() {
		return
	}
	// Names of transactions of connections that are gone; nobody asks after one for longer than Patience.
	_, _ = b.writers.Exec(ctx, "DELETE FROM "+b.names.state+".outcomes WHERE made < clock_timestamp() - interval '1 day'")
	rows, err := b.writers.Query(ctx, "SELECT schema FROM "+b.names.state+".garbage ORDER BY since")
	if err != nil {
		return
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, schema := range schemas {
		if err != nil && lost(err) {
			return
		}
		_, err = b.try(ctx, derivable, func(ctx context.Context, s *session) error {
			if _, err := s.conn.Exec(ctx, "DELETE FROM "+s.state+".garbage WHERE schema = $1", schema); err != nil {
				return err
			}
			return script(ctx, s.conn, "SET LOCAL lock_timeout = '200ms'; DROP SCHEMA IF EXISTS "+quoted(schema)+" CASCADE")
		})
	}
}

// Names come from definitions that projections.Validate has checked: letters, digits and "_". They are
// quoted all the same, since some of them are words of SQL.

func quoted(name string) string { return `"` + name + `"` }

func table(schema, name string) string { return quoted(schema) + "." + quoted(name) }

func createSQL(t *projections.Table, schema string) string {
	parts := make([]string, 0, len(t.Columns))
	for i, c := range t.Columns {
		column := quoted(c.Name) + " " + storage(c.Type)
		if i < t.Key {
			column += " NOT NULL"
		}
		parts = append(parts, column)
	}
	return "CREATE TABLE " + table(schema, t.Name) + " (" + strings.Join(parts, ", ") + ");"
}

func keySQL(t *projections.Table, schema string) string {
	return "ALTER TABLE " + table(schema, t.Name) + " ADD PRIMARY KEY (" + strings.Join(columnNames(t, t.KeyColumns()), ", ") + ");"
}

func indexSQL(t *projections.Table, schema string) string {
	var b strings.Builder
	for _, x := range t.Indexes {
		fmt.Fprintf(&b, "CREATE INDEX IF NOT EXISTS %s ON %s (%s);", quoted(indexName(t.Name, x.Name)), table(schema, t.Name),
			strings.Join(columnNames(t, x.Columns), ", "))
	}
	return b.String()
}

// analyzeSQL gathers statistics of the columns that are searched by, from a small sample; the server's own
// housekeeping does the rest later.
func analyzeSQL(t *projections.Table, schema string) string {
	columns := t.KeyColumns()
	for _, x := range t.Indexes {
		columns = append(columns, x.Columns...)
	}
	slices.Sort(columns)
	return "ANALYZE " + table(schema, t.Name) + " (" + strings.Join(columnNames(t, slices.Compact(columns)), ", ") + ");"
}

// indexName is cut where PostgreSQL would cut it; indexes of one schema share its names with the tables.
func indexName(t, x string) string {
	name := t + "__" + x
	return name[:min(len(name), 63)]
}

// storage is the native type. Texts compare by their bytes, as in every backend.
func storage(t projections.Type) string {
	switch t {
	case projections.Int:
		return "bigint"
	case projections.Text:
		return `text COLLATE "C"`
	case projections.Bytes:
		return "bytea"
	case projections.Time:
		return "timestamptz"
	case projections.UUID:
		return "uuid"
	case projections.Bool:
		return "boolean"
	case projections.Texts:
		return "text[]"
	}
	panic(fmt.Sprintf("postgres: a column of type %d", t))
}

func columnNames(t *projections.Table, columns []int) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = quoted(t.Columns[c].Name)
	}
	return out
}
