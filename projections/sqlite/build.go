package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

// buildSchema is what a build's file says of the build, in one row. The first columns tell whose file it is. A file
// has its indexes from the beginning.
const buildSchema = `
CREATE TABLE projection_build (
	projection TEXT NOT NULL,
	number     INTEGER NOT NULL,
	log        BLOB NOT NULL,
	position   INTEGER NOT NULL,
	previous   INTEGER NOT NULL,
	event      BLOB NOT NULL CHECK (length(event) = 16),
	events     INTEGER NOT NULL,
	failure    TEXT
) STRICT;`

// addState adds what the build's file says to what the catalogue says.
func addState(c *sqlite.Conn, e projections.Build) (projections.Build, error) {
	var bad error
	ours, err := c.Row(func(s *sqlite3.Stmt) {
		e.Mark = projections.Mark{
			Position: uint64(s.ColumnInt64(0)), // #nosec G115 -- written from a uint64
			Previous: uint64(s.ColumnInt64(1)), // #nosec G115 -- written from a uint64
			Event:    sqlite.ColumnUUID(s, 2),
		}
		e.Events, e.Indexed, e.Failure = s.ColumnInt64(3), true, nil
		if s.ColumnType(4) != sqlite3.NULL {
			e.Failure = new(projections.Failure)
			bad = json.Unmarshal(s.ColumnRawText(4), e.Failure)
		}
	}, "SELECT position, previous, event, events, failure FROM projection_build WHERE projection = ? AND number = ? AND log = ?",
		e.Projection, e.Number, e.Log)
	switch {
	case err != nil:
		return e, err
	case !ours:
		return e, &eventstore.CorruptError{File: c.Path(), Place: "build", Detail: "it is the file of another build"}
	case bad != nil:
		return e, fmt.Errorf("%s: build of %s: %w", c.Path(), e.Projection, bad)
	}
	return e, nil
}

// advance moves the checkpoint of the build in whose file the rows are written.
func advance(c *sqlite.Conn, to projections.Mark, events int64, failure *projections.Failure) error {
	var text any
	if failure != nil {
		b, err := json.Marshal(failure)
		if err != nil {
			return err
		}
		text = string(b)
	}
	return c.Run("UPDATE projection_build SET position = ?, previous = ?, event = ?, events = events + ?, failure = ?",
		to.Position, to.Previous, to.Event, events, text)
}

// establishBuild makes the tables and indexes of an empty file.
func establishBuild(c *sqlite.Conn, p *projections.Projection, b projections.Build) error {
	sql := buildSchema
	for _, t := range p.Tables {
		sql += createSQL(t)
	}
	if err := c.Script(sql); err != nil {
		return err
	}
	return c.Run("INSERT INTO projection_build VALUES (?,?,?,0,0,?,0,NULL)", b.Projection, b.Number, b.Log, uuid.Nil)
}

// create makes the file of a build if it has none. It is durable before create returns, since the catalogue may be
// about to name it.
func (f *files) create(ctx context.Context, p *projections.Projection, b projections.Build) error {
	at := placeOf(b)
	tables := func(c *sqlite.Conn) error { return establishBuild(c, p, b) }
	x, err := f.use(at)
	switch {
	case err == nil:
		return f.giveBack(x)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case f.cfg.VFS != "":
		return f.createInPlace(ctx, at, tables)
	}
	path, err := f.prepare(ctx, at, tables)
	if err != nil {
		return err
	}
	return f.publish(at, path)
}

// createInPlace is for where a finished file can't be given its name: in memory, and under a VFS that wants to see
// every write.
func (f *files) createInPlace(ctx context.Context, at place, tables func(*sqlite.Conn) error) error {
	c, err := sqlite.Open(ctx, writerConfig(f.path(at), f.cfg))
	if err != nil {
		return err
	}
	if err := c.Tx(func() error { return tables(c) }); err != nil {
		err = errors.Join(err, c.Close())
		if f.inMemory() {
			return err
		}
		return errors.Join(err, removeFile(f.path(at)))
	}
	f.keep(at, c)
	return nil
}

// prepare makes a file for a build under another name, which it gives.
func (f *files) prepare(ctx context.Context, at place, tables func(*sqlite.Conn) error) (path string, err error) {
	path = f.path(at) + unfinished
	if err := removeFile(path); err != nil { // what another attempt left
		return "", err
	}
	c, err := sqlite.Open(ctx, sqlite.Config{Path: path, Scratch: true, PageSize: pageSize})
	if err != nil {
		return "", err
	}
	if err := tables(c); err != nil {
		return "", errors.Join(err, c.Close(), removeFile(path))
	}
	return path, c.Finish()
}
