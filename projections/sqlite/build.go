package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

// buildSchema is what a build's file says of the build, in one row. The first columns tell whose file it is.
const buildSchema = `
CREATE TABLE projection_build (
	projection TEXT NOT NULL,
	number     INTEGER NOT NULL,
	log        BLOB NOT NULL,
	position   INTEGER NOT NULL,
	previous   INTEGER NOT NULL,
	event      BLOB NOT NULL CHECK (length(event) = 16),
	events     INTEGER NOT NULL,
	indexed    INTEGER NOT NULL,
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
		e.Events, e.Indexed = s.ColumnInt64(3), s.ColumnBool(4)
		if s.ColumnType(5) != sqlite3.NULL {
			e.Failure = new(projections.Failure)
			bad = json.Unmarshal(s.ColumnRawText(5), e.Failure)
		}
	}, "SELECT position, previous, event, events, indexed, failure FROM projection_build WHERE projection = ? AND number = ? AND log = ?",
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

// establishBuild makes the tables of an empty file.
func establishBuild(c *sqlite.Conn, p *projections.Projection, b projections.Build) error {
	sql := buildSchema
	for _, t := range p.Tables {
		sql += createSQL(t)
	}
	if err := c.Script(sql); err != nil {
		return err
	}
	return c.Run("INSERT INTO projection_build VALUES (?,?,?,0,0,?,0,0,NULL)", b.Projection, b.Number, b.Log, uuid.Nil)
}

// indexBuild makes the secondary indexes.
func indexBuild(c *sqlite.Conn, p *projections.Projection) error {
	for _, t := range p.Tables {
		if err := c.Script(indexSQL(t)); err != nil {
			return err
		}
	}
	return c.Run("UPDATE projection_build SET indexed = 1")
}

// create makes the file of a build that has nothing in it: durable before it returns, since the catalogue may be
// about to name it.
func (f *files) create(ctx context.Context, p *projections.Projection, b projections.Build) error {
	at := placeOf(b)
	tables := func(c *sqlite.Conn) error {
		if err := establishBuild(c, p, b); err != nil || b.State != projections.Live {
			return err
		}
		return indexBuild(c, p)
	}
	path := f.path(at)
	switch f.cfg.VFS {
	case "":
		path, err := f.prepare(ctx, at, tables)
		if err != nil {
			return err
		}
		return f.publish(at, path)
	case sqlite.Memory:
	default: // what another attempt left
		if err := removeFile(path); err != nil {
			return err
		}
	}
	c, err := sqlite.Open(ctx, writerConfig(path, f.cfg))
	if err != nil {
		return err
	}
	f.keep(at, c)
	return c.Tx(func() error { return tables(c) })
}

// prepare makes a file for a build, beside the one that it may have, and gives its name.
func (f *files) prepare(ctx context.Context, at place, do func(*sqlite.Conn) error) (path string, err error) {
	path = f.path(at) + unfinished
	if err := removeFile(path); err != nil { // what another attempt left
		return "", err
	}
	c, err := sqlite.Open(ctx, sqlite.Config{Path: path, Scratch: true, PageSize: pageSize})
	if err != nil {
		return "", err
	}
	if err := do(c); err != nil {
		return "", errors.Join(err, c.Close(), removeFile(path))
	}
	return path, c.Finish()
}
