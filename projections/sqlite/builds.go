package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

const buildColumns = "projection, number, version, state, log, position, previous, event, events, indexed, failure"

func scanBuild(s *sqlite3.Stmt) (projections.Build, error) {
	b := projections.Build{
		Projection: s.ColumnText(0), Number: s.ColumnInt64(1), Version: s.ColumnInt(2),
		State: projections.BuildState(s.ColumnText(3)), Log: sqlite.ColumnUUID(s, 4),
		Mark: projections.Mark{
			Position: uint64(s.ColumnInt64(5)), // #nosec G115 -- written from a uint64
			Previous: uint64(s.ColumnInt64(6)), // #nosec G115 -- written from a uint64
			Event:    sqlite.ColumnUUID(s, 7),
		},
		Events: s.ColumnInt64(8), Indexed: s.ColumnBool(9),
	}
	if s.ColumnType(10) == sqlite3.NULL {
		return b, nil
	}
	b.Failure = new(projections.Failure)
	return b, json.Unmarshal(s.ColumnRawText(10), b.Failure)
}

func builds(c *sqlite.Conn, where string, args ...any) ([]projections.Build, error) {
	var out []projections.Build
	for s, err := range c.Rows("SELECT "+buildColumns+" FROM projection_builds WHERE "+where+" ORDER BY projection, number", args...) {
		if err != nil {
			return nil, err
		}
		b, err := scanBuild(s)
		if err != nil {
			return nil, fmt.Errorf("%s: build of %s: %w", c.Path(), b.Projection, err)
		}
		out = append(out, b)
	}
	return out, nil
}

func one(c *sqlite.Conn, where string, args ...any) (projections.Build, bool, error) {
	found, err := builds(c, where, args...)
	if err != nil || len(found) == 0 {
		return projections.Build{}, false, err
	}
	return found[0], true, nil
}

// Builds lists all builds, by projection and number.
func (b *Backend) Builds(ctx context.Context) (out []projections.Build, err error) {
	err = b.readers.Read(ctx, func(c *sqlite.Conn) error {
		out, err = builds(c, "true")
		return err
	})
	return out, err
}

// Create makes the next build of the projection, empty.
func (b *Backend) Create(ctx context.Context, p *projections.Projection, log uuid.UUID, state projections.BuildState) (out projections.Build, err error) {
	err = b.write(ctx, func(c *sqlite.Conn) error {
		if _, taken, err := one(c, "projection = ? AND state = ?", p.Name, string(state)); err != nil || taken {
			return conflictIf(taken, err)
		}
		err := c.Run("INSERT INTO projection_numbers VALUES (?, 1) ON CONFLICT DO UPDATE SET last = last + 1", p.Name)
		if err != nil {
			return err
		}
		n, err := number(c, "SELECT last FROM projection_numbers WHERE projection = ?", p.Name)
		if err != nil {
			return err
		}
		live := state == projections.Live
		out = projections.Build{Projection: p.Name, Number: n, Version: p.Version, State: state, Log: log, Indexed: live}
		err = c.Run("INSERT INTO projection_builds VALUES (?,?,?,?,?,0,0,?,0,?,NULL)", p.Name, n, p.Version, string(state), log, uuid.Nil, live)
		if err != nil {
			return err
		}
		return create(c, p, out)
	})
	return out, err
}

func conflictIf(conflict bool, err error) error {
	if err == nil && conflict {
		return projections.ErrConflict
	}
	return err
}

func create(c *sqlite.Conn, p *projections.Projection, b projections.Build) error {
	for _, t := range p.Tables {
		if err := c.Run("INSERT INTO projection_tables VALUES (?,?,?)", p.Name, b.Number, t.Name); err != nil {
			return err
		}
		if err := c.Script(createSQL(t, b.Number)); err != nil {
			return err
		}
		if b.State != projections.Live {
			continue
		}
		if err := c.Script(viewSQL(t.Name, b.Number) + indexSQL(t, b.Number)); err != nil {
			return err
		}
	}
	return nil
}

// Index makes the secondary indexes of a build that nothing was loaded into. After Load it waits for nobody.
func (b *Backend) Index(ctx context.Context, p *projections.Projection, build projections.Build) error {
	done := false
	err := b.readers.Read(ctx, func(c *sqlite.Conn) (err error) {
		_, done, err = one(c, "projection = ? AND number = ? AND indexed", p.Name, build.Number)
		return err
	})
	if err != nil || done {
		return err
	}
	return b.write(ctx, func(c *sqlite.Conn) error {
		defer c.SetInterrupt(c.SetInterrupt(ctx))
		if err := index(c, p, build.Number); err != nil {
			return contextFirst(ctx, err)
		}
		return nil
	})
}

func index(c *sqlite.Conn, p *projections.Projection, number int64) error {
	for _, t := range p.Tables {
		if err := c.Script(indexSQL(t, number)); err != nil {
			return err
		}
	}
	return c.Run("UPDATE projection_builds SET indexed = 1 WHERE projection = ? AND number = ?", p.Name, number)
}

// Switch makes builds the live ones, all in one transaction.
func (b *Backend) Switch(ctx context.Context, set []projections.Build) error {
	return b.write(ctx, func(c *sqlite.Conn) error {
		for _, want := range set {
			if err := switchOne(c, want); err != nil {
				return fmt.Errorf("projection %s: %w", want.Projection, err)
			}
		}
		return nil
	})
}

func switchOne(c *sqlite.Conn, want projections.Build) error {
	next, ok, err := one(c, "projection = ? AND number = ?", want.Projection, want.Number)
	if err != nil || !ok || next.State != projections.Building || !next.Indexed {
		return conflictIf(true, err)
	}
	live, ok, err := one(c, "projection = ? AND state = 'live'", want.Projection)
	if err != nil {
		return err
	}
	if ok && live.Log == next.Log && live.Version == next.Version && live.Mark.Position > next.Mark.Position {
		return projections.ErrConflict
	}
	old, err := builds(c, "projection = ? AND state = 'old'", want.Projection)
	if err != nil {
		return err
	}
	for _, o := range old {
		if err := drop(c, o); err != nil {
			return err
		}
	}
	if ok {
		if err := retire(c, live); err != nil {
			return err
		}
	}
	return show(c, next)
}

// retire takes the build's views away.
func retire(c *sqlite.Conn, b projections.Build) error {
	names, err := tables(c, b)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := c.Script("DROP VIEW IF EXISTS " + n); err != nil {
			return err
		}
	}
	return setState(c, b, projections.Old)
}

// show gives readers the build.
func show(c *sqlite.Conn, b projections.Build) error {
	names, err := tables(c, b)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := c.Script(viewSQL(n, b.Number)); err != nil {
			return err
		}
	}
	return setState(c, b, projections.Live)
}

func setState(c *sqlite.Conn, b projections.Build, s projections.BuildState) error {
	return c.Run("UPDATE projection_builds SET state = ? WHERE projection = ? AND number = ?", string(s), b.Projection, b.Number)
}

func tables(c *sqlite.Conn, b projections.Build) (names []string, err error) {
	for s, err := range c.Rows("SELECT name FROM projection_tables WHERE projection = ? AND number = ? ORDER BY name", b.Projection, b.Number) {
		if err != nil {
			return nil, err
		}
		names = append(names, s.ColumnText(0))
	}
	return names, nil
}

// Rollback exchanges the live and the old builds.
func (b *Backend) Rollback(ctx context.Context, names []string) error {
	return b.write(ctx, func(c *sqlite.Conn) error {
		for _, name := range names {
			if err := rollback(c, name); err != nil {
				return fmt.Errorf("projection %s: %w", name, err)
			}
		}
		return nil
	})
}

func rollback(c *sqlite.Conn, name string) error {
	old, ok, err := one(c, "projection = ? AND state = 'old'", name)
	if err != nil {
		return err
	}
	if !ok {
		return projections.ErrNoOld
	}
	live, ok, err := one(c, "projection = ? AND state = 'live'", name)
	if err != nil {
		return err
	}
	// The states are unique, so the old one steps aside while the live one retires.
	if err := setState(c, old, projections.Building); err != nil {
		return conflictIf(true, nil)
	}
	if ok {
		if err := retire(c, live); err != nil {
			return err
		}
	}
	return show(c, old)
}

// Drop removes builds with their rows.
func (b *Backend) Drop(ctx context.Context, set []projections.Build) error {
	return b.write(ctx, func(c *sqlite.Conn) error {
		for _, want := range set {
			have, ok, err := one(c, "projection = ? AND number = ?", want.Projection, want.Number)
			switch {
			case err != nil:
				return err
			case !ok:
				continue
			case have.State == projections.Live:
				return fmt.Errorf("projection %s: drop the live build: %w", have.Projection, projections.ErrConflict)
			}
			if err := drop(c, have); err != nil {
				return err
			}
		}
		return nil
	})
}

func drop(c *sqlite.Conn, b projections.Build) error {
	names, err := tables(c, b)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := c.Script("DROP TABLE IF EXISTS " + physical(n, b.Number)); err != nil {
			return err
		}
	}
	if err := c.Run("DELETE FROM projection_tables WHERE projection = ? AND number = ?", b.Projection, b.Number); err != nil {
		return err
	}
	return c.Run("DELETE FROM projection_builds WHERE projection = ? AND number = ?", b.Projection, b.Number)
}

// Names come from definitions that projections.Validate has checked: letters, digits and "_".

func physical(table string, number int64) string { return fmt.Sprintf("%s__%d", table, number) }

func viewSQL(table string, number int64) string {
	return "CREATE VIEW " + table + " AS SELECT * FROM " + physical(table, number) + ";"
}

func createSQL(t *projections.Table, number int64) string {
	parts := make([]string, 0, len(t.Columns)+1)
	for i, c := range t.Columns {
		column := c.Name + " " + storage(c.Type)
		if i < t.Key {
			column += " NOT NULL"
		}
		parts = append(parts, column)
	}
	parts = append(parts, "PRIMARY KEY ("+strings.Join(columnNames(t, keyColumns(t)), ", ")+")")
	return "CREATE TABLE " + physical(t.Name, number) + " (" + strings.Join(parts, ", ") + ") STRICT, WITHOUT ROWID;"
}

func indexSQL(t *projections.Table, number int64) string {
	var b strings.Builder
	for _, x := range t.Indexes {
		table := physical(t.Name, number)
		fmt.Fprintf(&b, "CREATE INDEX IF NOT EXISTS %s__%s ON %s (%s);", table, x.Name, table, strings.Join(columnNames(t, x.Columns), ", "))
	}
	return b.String()
}

func storage(t projections.Type) string {
	switch t {
	case projections.Text, projections.Texts:
		return "TEXT"
	case projections.Bytes, projections.UUID:
		return "BLOB"
	}
	return "INTEGER"
}

func keyColumns(t *projections.Table) []int {
	columns := make([]int, t.Key)
	for i := range columns {
		columns[i] = i
	}
	return columns
}

func columnNames(t *projections.Table, columns []int) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = t.Columns[c].Name
	}
	return names
}
