package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"

	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/projections"
)

// Load copies all rows of a build into its tables, and then makes their keys: one sorted pass instead of an
// insertion for each row.
func (b *Backend) Load(ctx context.Context, l projections.Load) error {
	return b.write(ctx, "load", derivable, func(ctx context.Context, s *session) error {
		list, err := s.locked(ctx, l.Projection.Name)
		if err != nil {
			return err
		}
		x, ok := numbered(list, l.Projection.Name, l.Number)
		switch {
		case !ok || x.State != projections.Building:
			return projections.ErrConflict
		case x.Mark == l.To && l.To != projections.Mark{}:
			return nil // loaded before; the answer was lost on the way
		case x.Mark != projections.Mark{}:
			return fmt.Errorf("%w: it stands at position %d already", projections.ErrConflict, x.Mark.Position)
		}
		for _, t := range l.Tables {
			if err := s.fill(ctx, t, x.schema); err != nil {
				return fmt.Errorf("table %s: %w", t.Table.Name, err)
			}
		}
		return s.advance(ctx, projections.Commit{Projection: l.Projection, Number: l.Number, To: l.To, Events: l.Events})
	})
}

// fill empties the table first: rows of a table that begins in this transaction are written in the form that
// nobody has to look after later.
func (s *session) fill(ctx context.Context, t projections.Filling, schema string) error {
	name := table(schema, t.Table.Name)
	if err := script(ctx, s.conn, "TRUNCATE "+name); err != nil {
		return err
	}
	if err := copyStream(ctx, s.conn, name, len(t.Table.Columns), t.Rows); err != nil {
		return err
	}
	return s.key(ctx, t.Table, schema)
}

// key makes the key unless it is there.
func (s *session) key(ctx context.Context, t *projections.Table, schema string) error {
	var there bool
	err := s.conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'p')",
		table(schema, t.Name)).Scan(&there)
	if err != nil || there {
		return err
	}
	return script(ctx, s.conn, bulkSettings+keySQL(t, schema))
}

// bulkSettings hold until the end of the transaction.
const bulkSettings = "SET LOCAL maintenance_work_mem = '64MB'; SET LOCAL default_statistics_target = 20;"

// copyStream sends rows as they come. They are encoded by a goroutine of their own while the server stores
// those before them. What is encoded but not sent stays under a megabyte.
func copyStream(ctx context.Context, conn *pgx.Conn, into string, fields int, rows iter.Seq2[projections.Row, error]) error {
	s := &stream{chunks: make(chan []byte, 2), spare: make(chan []byte, 4), done: make(chan struct{})}
	encoded := make(chan struct{})
	go func() {
		defer close(encoded)
		defer close(s.chunks)
		s.err = s.encode(fields, rows)
	}()
	tag, err := conn.PgConn().CopyFrom(ctx, s, "COPY "+into+" FROM STDIN (FORMAT binary, FREEZE)")
	close(s.done)
	<-encoded
	switch {
	case s.err != nil:
		return s.err
	case err == nil && tag.RowsAffected() != s.rows:
		return fmt.Errorf("copied %d rows of %d", tag.RowsAffected(), s.rows)
	}
	return err
}

// stream is a reader of what another goroutine encodes.
type stream struct {
	chunks chan []byte
	spare  chan []byte // buffers that were read
	done   chan struct{}
	rows   int64 // good once chunks is closed
	err    error // good once chunks is closed

	whole, left []byte // of the reader
}

// Read gives what is encoded; the error of a row that could not be had ends the copy on the server too.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.left) == 0 {
		if s.whole != nil {
			select {
			case s.spare <- s.whole:
			default:
			}
		}
		var more bool
		select {
		case s.whole, more = <-s.chunks:
		case <-s.done: // the driver may ask once more after the copy has failed
			return 0, io.ErrClosedPipe
		}
		if !more {
			s.whole = nil
			if s.err != nil {
				return 0, s.err
			}
			return 0, io.EOF
		}
		s.left = s.whole
	}
	n := copy(p, s.left)
	s.left = s.left[n:]
	return n, nil
}

func (s *stream) encode(fields int, rows iter.Seq2[projections.Row, error]) error {
	b := append(make([]byte, 0, 2*chunk), copyHeader...)
	for row, err := range rows {
		if err != nil {
			return err
		}
		b = appendRow(binary.BigEndian.AppendUint16(b, uint16(fields)), row) // #nosec G115 -- a table has at most 1600
		s.rows++
		if len(b) < chunk {
			continue
		}
		if !s.send(b) {
			return nil // the copy has failed, and says why
		}
		select {
		case b = <-s.spare:
			b = b[:0]
		default:
			b = make([]byte, 0, 2*chunk)
		}
	}
	s.send(append(b, 0xff, 0xff))
	return nil
}

func (s *stream) send(b []byte) bool {
	select {
	case s.chunks <- b:
		return true
	case <-s.done:
		return false
	}
}
