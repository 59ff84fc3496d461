package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"
	"path/filepath"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

const spoolSuffix = "-rebuild"

// SpoolDir is beside the file.
func (b *Backend) SpoolDir() string { return b.path + spoolSuffix }

// Load writes each table as a file of pages, while other builds may be written, and then copies them all in
// one transaction. That makes the indexes too: another wait for the writer's turn would cost more.
func (b *Backend) Load(ctx context.Context, l projections.Load) (err error) {
	// What a process that dies leaves there is swept by the next rebuild.
	if err := os.MkdirAll(b.SpoolDir(), 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(b.SpoolDir(), "load.")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for _, t := range l.Tables {
		if err := writeTable(ctx, filepath.Join(dir, t.Table.Name), t, l.Number); err != nil {
			return fmt.Errorf("table %s: %w", t.Table.Name, sqlite.Translate(b.path, "load", err))
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.writer == nil {
		return eventstore.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	defer b.writer.SetInterrupt(b.writer.SetInterrupt(ctx))
	err = b.copyTables(dir, l)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func writeTable(ctx context.Context, path string, t projections.Filling, number int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // #nosec G304 -- in a folder of our own
	if err != nil {
		return err
	}
	err = writePages(f, physical(t.Table.Name, number), createSQL(t.Table, number), t.Table.Key, t.Rows, ctx.Err)
	return errors.Join(err, f.Close())
}

// copyTables attaches the files, which cannot be done within a transaction, and copies.
func (b *Backend) copyTables(dir string, l projections.Load) (err error) {
	for i, t := range l.Tables {
		u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(filepath.Join(dir, t.Table.Name)), RawQuery: "mode=ro&immutable=1"}
		if err := b.writer.Run(fmt.Sprintf("ATTACH ? AS load_%d", i), u.String()); err != nil {
			return err
		}
		defer func() {
			// Interrupted or not, it must not stay attached.
			defer b.writer.SetInterrupt(b.writer.SetInterrupt(context.Background()))
			err = errors.Join(err, b.writer.Script(fmt.Sprintf("DETACH load_%d", i)))
		}()
	}
	return b.writer.Tx(func() error {
		have, ok, err := one(b.writer, "projection = ? AND number = ?", l.Projection.Name, l.Number)
		switch {
		case err != nil:
			return err
		case !ok || have.State != projections.Building:
			return projections.ErrConflict
		case have.Mark == l.To:
			return nil
		case have.Mark != projections.Mark{}:
			return fmt.Errorf("%w: it stands at position %d already", projections.ErrConflict, have.Mark.Position)
		}
		for i, t := range l.Tables {
			name := physical(t.Table.Name, l.Number)
			if err := b.writer.Script(fmt.Sprintf("INSERT INTO main.%s SELECT * FROM load_%d.%s", name, i, name)); err != nil {
				return fmt.Errorf("table %s: %w", t.Table.Name, err)
			}
		}
		if err := index(b.writer, l.Projection, l.Number); err != nil {
			return fmt.Errorf("index: %w", err)
		}
		return advance(b.writer, projections.Commit{Projection: l.Projection, Number: l.Number, To: l.To, Events: l.Events})
	})
}

// Rows yields all rows of one table of a build.
func (b *Backend) Rows(ctx context.Context, build projections.Build, t *projections.Table) iter.Seq2[projections.Row, error] {
	return func(yield func(projections.Row, error) bool) {
		stopped := false
		err := b.readers.Read(ctx, func(c *sqlite.Conn) error {
			defer c.SetInterrupt(c.SetInterrupt(ctx))
			s := &snapshot{conn: c}
			name := physical(t.Name, build.Number)
			there, err := number(c, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?", name)
			if err != nil || there == 0 {
				return conflictIf(there == 0, err)
			}
			for row, err := range s.rows(projections.Select{Table: t}, name) {
				if err != nil {
					return contextFirst(ctx, err)
				}
				if !yield(row, nil) {
					stopped = true
					return nil
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
}
