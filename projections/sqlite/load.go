package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"

	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

// SpoolDir is beside the catalogue.
func (b *Backend) SpoolDir() string { return b.path + spoolSuffix }

// Load writes a file with all that the build begins with.
func (b *Backend) Load(ctx context.Context, l projections.Load) error {
	at := place{l.Projection.Name, l.Number}
	var e projections.Build
	err := b.changing(ctx, at, func(have projections.Build) (err error) {
		e, err = b.loadable(ctx, have, l.To)
		return err
	})
	if err != nil || e.Mark == l.To {
		return err
	}
	if b.files.cfg.VFS != "" {
		return b.changing(ctx, at, func(e projections.Build) error {
			if err := b.files.create(ctx, l.Projection, e); err != nil {
				return err
			}
			return b.files.write(ctx, at, loadByStatements(ctx, l))
		})
	}
	loaded, err := b.files.fill(ctx, e, l)
	if err != nil {
		return err
	}
	err = b.changing(ctx, at, func(have projections.Build) error {
		// Nobody else loads this build, but it may have been dropped.
		if _, err := b.loadable(ctx, have, l.To); err != nil {
			return err
		}
		return b.files.publish(at, loaded)
	})
	if err != nil {
		return errors.Join(err, removeFile(loaded))
	}
	return nil
}

// loadable gives the build with its state if it stands at the beginning, or at its end already.
func (b *Backend) loadable(ctx context.Context, e projections.Build, to projections.Mark) (projections.Build, error) {
	e, err := b.whole(ctx, e)
	switch {
	case err != nil:
		return e, err
	case e.State != projections.Building:
		return e, projections.ErrConflict
	case e.Mark != projections.Mark{} && e.Mark != to:
		return e, fmt.Errorf("%w: it stands at position %d already", projections.ErrConflict, e.Mark.Position)
	}
	return e, nil
}

// loadByStatements is for where pages can't be written beside SQLite.
func loadByStatements(ctx context.Context, l projections.Load) func(*sqlite.Conn) error {
	return func(c *sqlite.Conn) error {
		for _, t := range l.Tables {
			w := loader{ctx: ctx, conn: c, table: t.Table}
			for row, err := range t.Rows {
				if err == nil {
					err = w.insert("INSERT INTO ", []projections.Row{row})
				}
				if err != nil {
					return fmt.Errorf("table %s: %w", t.Table.Name, err)
				}
			}
		}
		return advance(c, l.To, l.Events, nil)
	}
}

// Rows yields all rows of one table of a build.
func (b *Backend) Rows(ctx context.Context, build projections.Build, t *projections.Table) iter.Seq2[projections.Row, error] {
	return func(yield func(projections.Row, error) bool) {
		stopped := false
		err := b.files.read(ctx, placeOf(build), func(c *sqlite.Conn) error {
			defer c.SetInterrupt(c.SetInterrupt(ctx))
			s := &snapshot{}
			for row, err := range s.rows(c, projections.Select{Table: t}) {
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
		if errors.Is(err, fs.ErrNotExist) {
			err = projections.ErrConflict
		}
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
}

// Index makes the file of a build that nothing was loaded into. A file has its indexes from the beginning.
func (b *Backend) Index(ctx context.Context, p *projections.Projection, build projections.Build) error {
	return b.changing(ctx, placeOf(build), func(have projections.Build) error { return b.files.create(ctx, p, have) })
}

// fill writes a file with everything and gives its name. SQLite makes the tables and their indexes, empty; what
// is in them is written beside it, page by page.
func (f *files) fill(ctx context.Context, b projections.Build, l projections.Load) (path string, err error) {
	roots := map[string]uint32{}
	path, err = f.prepare(ctx, placeOf(b), func(c *sqlite.Conn) error {
		if err := establishBuild(c, l.Projection, b); err != nil {
			return err
		}
		for s, err := range c.Rows("SELECT name, rootpage FROM sqlite_schema") {
			if err != nil {
				return err
			}
			roots[s.ColumnText(0)] = uint32(s.ColumnInt64(1)) // #nosec G115 -- a small file
		}
		return advance(c, l.To, l.Events, nil)
	})
	if err == nil {
		err = fillPages(ctx, path, l.Tables, roots)
	}
	if err != nil {
		_ = removeFile(path) // or else the next attempt does, or the next Open
		return "", err
	}
	return path, nil
}

// fillPages writes the rows into the empty tables and indexes of a file that nobody has open.
func fillPages(ctx context.Context, path string, tables []projections.Filling, roots map[string]uint32) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0) // #nosec G304 -- in a folder of our own
	if err != nil {
		return err
	}
	w, err := newPages(f)
	for i := 0; err == nil && i < len(tables); i++ {
		if err = fillTable(w, path, tables[i], roots, ctx.Err); err != nil {
			err = fmt.Errorf("table %s: %w", tables[i].Table.Name, err)
		}
	}
	if err == nil {
		err = w.finish()
	}
	return sqlite.Translate(path, "load", errors.Join(err, f.Close()))
}

func fillTable(w *pageWriter, path string, t projections.Filling, roots map[string]uint32, stop func() error) (err error) {
	indexes := indexesOf(t.Table, path)
	defer func() {
		for _, x := range indexes {
			err = errors.Join(err, x.entries.close())
		}
	}()
	n := 0
	goOn := func() error {
		if n++; n%1024 == 0 {
			return stop()
		}
		return nil
	}
	if err := fillRows(w, t, indexes, goOn); err != nil {
		return err
	}
	if err := w.close(roots[t.Table.Name]); err != nil {
		return err
	}
	put := func(record []byte) error {
		if err := goOn(); err != nil {
			return err
		}
		return w.put(record)
	}
	for _, x := range indexes {
		if err := x.entries.each(put); err != nil {
			return err
		}
		if err := w.close(roots[x.name]); err != nil {
			return err
		}
	}
	return nil
}

func fillRows(w *pageWriter, t projections.Filling, indexes []*index, goOn func() error) error {
	var before keeper
	for row, err := range t.Rows {
		if err == nil {
			err = before.rises(row[:t.Table.Key])
		}
		if err == nil {
			err = goOn()
		}
		if err == nil {
			err = w.row(row)
		}
		if err != nil {
			return err
		}
		for _, x := range indexes {
			if err := x.add(row); err != nil {
				return err
			}
		}
	}
	return nil
}
