package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

// said is what the file of a build says of it. Of an Old one, which changes no more, the catalogue keeps it, so
// that whoever lists builds need not open its file; and of one that has no file yet.
type said struct {
	Mark    projections.Mark
	Events  int64
	Indexed bool
	Failure *projections.Failure
}

func keep(c *sqlite.Conn, b projections.Build, what said) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return c.Run("UPDATE projection_builds SET kept = ? WHERE projection = ? AND number = ?", string(text), b.Projection, b.Number)
}

// entries lists builds as the catalogue knows them.
func entries(c *sqlite.Conn, where string, args ...any) ([]projections.Build, error) {
	var out []projections.Build
	for s, err := range c.Rows("SELECT projection, number, version, state, log, kept FROM projection_builds WHERE "+where+" ORDER BY projection, number", args...) {
		if err != nil {
			return nil, err
		}
		var kept said
		if s.ColumnType(5) != sqlite3.NULL {
			if err := json.Unmarshal(s.ColumnRawText(5), &kept); err != nil {
				return nil, fmt.Errorf("%s: build of %s: %w", c.Path(), s.ColumnText(0), err)
			}
		}
		out = append(out, projections.Build{
			Projection: s.ColumnText(0), Number: s.ColumnInt64(1), Version: s.ColumnInt(2),
			State: projections.BuildState(s.ColumnText(3)), Log: sqlite.ColumnUUID(s, 4),
			Mark: kept.Mark, Events: kept.Events, Indexed: kept.Indexed, Failure: kept.Failure,
		})
	}
	return out, nil
}

func entry(c *sqlite.Conn, where string, args ...any) (projections.Build, bool, error) {
	found, err := entries(c, where, args...)
	if err != nil || len(found) == 0 {
		return projections.Build{}, false, err
	}
	return found[0], true, nil
}

// look reads the catalogue.
func (b *Backend) look(do func(*sqlite.Conn) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.writer == nil {
		return eventstore.ErrClosed
	}
	return do(b.writer)
}

// Catalogue lists all builds as Builds does, without what their own files say of them: checkpoint, events, index
// and failure. So it tells whose rows they are also when the files are not theirs.
func (b *Backend) Catalogue(ctx context.Context) (out []projections.Build, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = b.look(func(c *sqlite.Conn) error {
		out, err = entries(c, "true")
		return err
	})
	return out, err
}

// Builds lists all builds, by projection and number.
func (b *Backend) Builds(ctx context.Context) (out []projections.Build, err error) {
	b.turn.RLock()
	defer b.turn.RUnlock()
	out, err = b.Catalogue(ctx)
	for i := range out {
		if err == nil {
			out[i], err = b.whole(ctx, out[i])
		}
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// whole adds what the file of a build says of it.
func (b *Backend) whole(ctx context.Context, e projections.Build) (projections.Build, error) {
	if e.State == projections.Old {
		return e, nil
	}
	err := b.files.read(ctx, placeOf(e), func(c *sqlite.Conn) (err error) {
		e, err = addState(c, e)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) && e.State == projections.Building {
		return e, nil // nothing is in it yet
	}
	return e, b.gone(e, err)
}

// gone makes damage of the want of a file that the catalogue names.
func (b *Backend) gone(e projections.Build, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &eventstore.CorruptError{File: b.files.path(placeOf(e)), Place: "build", Detail: "the file is gone"}
	}
	return err
}

func placeOf(e projections.Build) place { return place{e.Projection, e.Number} }

// Create makes the next build of the projection, empty. One that is being built gets its file by Load or Index.
func (b *Backend) Create(ctx context.Context, p *projections.Projection, log uuid.UUID, state projections.BuildState) (out projections.Build, err error) {
	err = b.write(ctx, func(c *sqlite.Conn) error {
		if _, taken, err := entry(c, "projection = ? AND state = ?", p.Name, string(state)); err != nil || taken {
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
		out = projections.Build{Projection: p.Name, Number: n, Version: p.Version, State: state, Log: log}
		if state == projections.Live {
			out.Indexed = true
			if err := b.files.create(ctx, p, out); err != nil {
				return err
			}
		}
		if err := c.Run("INSERT INTO projection_builds VALUES (?,?,?,?,?,NULL)", p.Name, n, p.Version, string(state), log); err != nil {
			return err
		}
		for _, t := range p.Tables {
			if err := c.Run("INSERT INTO projection_tables VALUES (?,?,?)", p.Name, n, t.Name); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func conflictIf(conflict bool, err error) error {
	if err == nil && conflict {
		return projections.ErrConflict
	}
	return err
}

// Switch makes builds the live ones, all in one transaction of the catalogue.
func (b *Backend) Switch(ctx context.Context, set []projections.Build) error {
	var replaced []projections.Build
	err := b.write(ctx, func(c *sqlite.Conn) error {
		for _, want := range set {
			old, err := b.switchOne(ctx, c, want)
			if err != nil {
				return fmt.Errorf("projection %s: %w", want.Projection, err)
			}
			replaced = append(replaced, old...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.removeFiles(replaced)
}

// switchOne gives the builds that were Old until now and are gone.
func (b *Backend) switchOne(ctx context.Context, c *sqlite.Conn, want projections.Build) ([]projections.Build, error) {
	next, ok, err := entry(c, "projection = ? AND number = ?", want.Projection, want.Number)
	if err != nil || !ok || next.State != projections.Building {
		return nil, conflictIf(true, err)
	}
	if next, err = b.whole(ctx, next); err != nil || !next.Indexed {
		return nil, conflictIf(true, err)
	}
	live, hasLive, err := b.live(ctx, c, want.Projection)
	if err != nil {
		return nil, err
	}
	if hasLive && live.Log == next.Log && live.Version == next.Version && live.Mark.Position > next.Mark.Position {
		return nil, projections.ErrConflict
	}
	old, err := entries(c, "projection = ? AND state = 'old'", want.Projection)
	if err != nil {
		return nil, err
	}
	for _, o := range old {
		if err := strike(c, o); err != nil {
			return nil, err
		}
	}
	if hasLive {
		if err := retire(c, live); err != nil {
			return nil, err
		}
	}
	return old, setState(c, next, projections.Live)
}

// live gives the live build of a projection, if there is one, with what its file says.
func (b *Backend) live(ctx context.Context, c *sqlite.Conn, projection string) (projections.Build, bool, error) {
	e, ok, err := entry(c, "projection = ? AND state = 'live'", projection)
	if err == nil && ok {
		e, err = b.whole(ctx, e)
	}
	return e, ok, err
}

// retire makes a live build an Old one.
func retire(c *sqlite.Conn, live projections.Build) error {
	if err := setState(c, live, projections.Old); err != nil {
		return err
	}
	return keep(c, live, said{live.Mark, live.Events, live.Indexed, live.Failure})
}

func setState(c *sqlite.Conn, b projections.Build, s projections.BuildState) error {
	return c.Run("UPDATE projection_builds SET state = ?, kept = NULL WHERE projection = ? AND number = ?", string(s), b.Projection, b.Number)
}

// strike takes a build out of the catalogue.
func strike(c *sqlite.Conn, b projections.Build) error {
	if err := c.Run("DELETE FROM projection_tables WHERE projection = ? AND number = ?", b.Projection, b.Number); err != nil {
		return err
	}
	return c.Run("DELETE FROM projection_builds WHERE projection = ? AND number = ?", b.Projection, b.Number)
}

// removeFiles comes after the catalogue: what a crash leaves of it, the next Open sweeps.
func (b *Backend) removeFiles(set []projections.Build) error {
	var errs []error
	for _, x := range set {
		errs = append(errs, b.files.remove(placeOf(x)))
	}
	return errors.Join(errs...)
}

// Rollback exchanges the live and the old builds.
func (b *Backend) Rollback(ctx context.Context, names []string) error {
	return b.write(ctx, func(c *sqlite.Conn) error {
		for _, name := range names {
			if err := b.rollback(ctx, c, name); err != nil {
				return fmt.Errorf("projection %s: %w", name, err)
			}
		}
		return nil
	})
}

func (b *Backend) rollback(ctx context.Context, c *sqlite.Conn, name string) error {
	old, ok, err := entry(c, "projection = ? AND state = 'old'", name)
	if err != nil {
		return err
	}
	if !ok {
		return projections.ErrNoOld
	}
	live, ok, err := b.live(ctx, c, name)
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
	old.State = projections.Live
	if _, err := b.whole(ctx, old); err != nil { // its file was not looked at since
		return err
	}
	return setState(c, old, projections.Live)
}

// Drop removes builds with their rows.
func (b *Backend) Drop(ctx context.Context, set []projections.Build) error {
	err := b.write(ctx, func(c *sqlite.Conn) error {
		for _, want := range set {
			have, ok, err := entry(c, "projection = ? AND number = ?", want.Projection, want.Number)
			switch {
			case err != nil:
				return err
			case !ok:
				continue
			case have.State == projections.Live:
				return fmt.Errorf("projection %s: drop the live build: %w", have.Projection, projections.ErrConflict)
			}
			if err := strike(c, have); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.removeFiles(set)
}

// Names come from definitions that projections.Validate has checked: letters, digits, "_" and, in names of
// projections, "-".

// createSQL is a table with its indexes.
func createSQL(t *projections.Table) string {
	parts := make([]string, 0, len(t.Columns)+1)
	for i, c := range t.Columns {
		column := c.Name + " " + storage(c.Type)
		if i < t.Key {
			column += " NOT NULL"
		}
		parts = append(parts, column)
	}
	parts = append(parts, "PRIMARY KEY ("+strings.Join(columnNames(t, t.KeyColumns()), ", ")+")")
	sql := "CREATE TABLE " + t.Name + " (" + strings.Join(parts, ", ") + ") STRICT, WITHOUT ROWID;"
	for _, x := range t.Indexes {
		sql += "CREATE INDEX " + indexName(t, x) + " ON " + t.Name + " (" + strings.Join(columnNames(t, x.Columns), ", ") + ");"
	}
	return sql
}

func indexName(t *projections.Table, x projections.Index) string { return t.Name + "__" + x.Name }

func storage(t projections.Type) string {
	switch t {
	case projections.Text, projections.Texts:
		return "TEXT"
	case projections.Bytes, projections.UUID:
		return "BLOB"
	}
	return "INTEGER"
}

func columnNames(t *projections.Table, columns []int) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = t.Columns[c].Name
	}
	return names
}
