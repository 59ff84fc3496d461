package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"

	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/projections"
)

// Rows yields all rows of one table of a build, of one moment: as a copy, which costs the server and us less
// than the pages of an answer. Whoever stops early gives the connection up.
func (b *Backend) Rows(ctx context.Context, want projections.Build, t *projections.Table) iter.Seq2[projections.Row, error] {
	return func(yield func(projections.Row, error) bool) {
		var from string
		conn, err := b.reading(ctx, "read a build", func(conn *pgx.Conn) error {
			if err := script(ctx, conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
				return err
			}
			list, err := builds(ctx, conn, b.names, "projection = $1 AND number = $2", want.Projection, want.Number)
			if err == nil && len(list) == 0 {
				err = projections.ErrConflict
			}
			if err == nil {
				from = table(list[0].schema, t.Name)
			}
			return err
		})
		if err != nil {
			yield(nil, err)
			return
		}
		defer leave(ctx, conn)
		sql, _ := render(projections.Select{Table: t}, from, allColumns(t))
		out := &copied{snapshot: &snapshot{words: map[string]string{}}, types: typesOf(t, allColumns(t)), yield: yield}
		_, err = conn.Conn().PgConn().CopyTo(ctx, out, "COPY ("+sql+") TO STDOUT (FORMAT binary)")
		if err == nil && !out.ended {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && !out.stopped {
			yield(nil, translate(ctx, "table "+t.Name, marked(conn.Conn(), err)))
		}
	}
}

// copied takes the messages of a copy. The server sends the header with the first row, every other row in a
// message of its own, and the trailer.
type copied struct {
	*snapshot
	types   []projections.Type
	row     projections.Row
	yield   func(projections.Row, error) bool
	begun   bool
	ended   bool
	stopped bool
}

var errStopped = errors.New("the reader has stopped")

// Write yields the rows of a message.
func (c *copied) Write(message []byte) (int, error) {
	rest := message
	if !c.begun {
		if c.begun = true; len(rest) < len(copyHeader) || string(rest[:len(copyHeader)]) != copyHeader {
			return 0, errMalformed
		}
		rest = rest[len(copyHeader):]
	}
	for len(rest) > 0 {
		var err error
		if rest, err = c.next(rest); err != nil {
			return 0, err
		}
	}
	return len(message), nil
}

// next reads one row, or the trailer, off the front.
func (c *copied) next(b []byte) ([]byte, error) {
	if len(b) < 2 || c.ended {
		return nil, errMalformed
	}
	fields := binary.BigEndian.Uint16(b)
	if b = b[2:]; fields == 0xffff {
		c.ended = true
		return b, nil
	}
	if int(fields) != len(c.types) {
		return nil, errMalformed
	}
	c.row = c.row[:0]
	for _, t := range c.types {
		var cell []byte
		var err error
		if cell, b, err = field(b); err != nil {
			return nil, err
		}
		v, err := c.value(cell, t)
		if err != nil {
			return nil, err
		}
		c.row = append(c.row, v)
	}
	if !c.yield(c.row, nil) {
		c.stopped = true
		return nil, errStopped
	}
	return b, nil
}

// field takes one cell off the front: nil for NULL.
func field(b []byte) (cell, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, errMalformed
	}
	size := binary.BigEndian.Uint32(b)
	if b = b[4:]; size == 0xffffffff {
		return nil, b, nil
	}
	if uint64(size) > uint64(len(b)) {
		return nil, nil, errMalformed
	}
	return b[:size:size], b[size:], nil
}
