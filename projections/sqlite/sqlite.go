package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

// Config says where the read models are.
type Config struct {
	// Path of the catalogue; it is made when missing. The builds are in a folder beside it.
	Path string
	// VFS is the name of a registered VFS; empty for the operating system's. Fault injection uses it.
	VFS string
	// Readers is how many readers may be at work at once; 0 means 4.
	Readers int
	// CacheKiB bounds the page cache of the writer of a build; 0 means 8 MiB.
	CacheKiB int
}

// applicationID marks the catalogue as ours ("LtRd"); schemaVersion is the layout of the files.
const (
	applicationID = 0x4c745264
	schemaVersion = 2
)

const catalogue = `
CREATE TABLE projection_builds (
	projection TEXT NOT NULL,
	number     INTEGER NOT NULL CHECK (number > 0),
	version    INTEGER NOT NULL,
	state      TEXT NOT NULL CHECK (state IN ('building', 'live', 'old')),
	log        BLOB NOT NULL CHECK (length(log) = 16),
	kept       TEXT CHECK (kept IS NULL OR state <> 'live'),
	PRIMARY KEY (projection, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX projection_builds_state ON projection_builds (projection, state);
CREATE TABLE projection_numbers (projection TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE projection_tables (
	projection TEXT NOT NULL,
	number     INTEGER NOT NULL,
	name       TEXT NOT NULL,
	PRIMARY KEY (name, projection, number)
) STRICT, WITHOUT ROWID;
`

// Backend is a projections.Backend on SQLite files. One process at a time may have them open; any number of
// its readers see the last commit without waiting.
type Backend struct {
	path    string
	readers *sqlite.Pool // of the catalogue
	files   *files

	// turn is held for reading by what changes one build, and for writing by what changes the catalogue: so a
	// build does not become Old, or go, in the middle of a commit.
	turn   sync.RWMutex
	mu     sync.Mutex
	writer *sqlite.Conn // guarded by mu; of the catalogue; nil after Close
}

var _ projections.Backend = (*Backend)(nil)

// Open opens the catalogue, making it when missing. A file that is no SQLite database, or damaged, gives
// eventstore.ErrCorrupt; one that is something else gives eventstore.ErrForeign, and one of another layout
// projections.ErrVersion. They are left alone; Move or Remove, and a rebuild, are the way out.
func Open(ctx context.Context, cfg Config) (*Backend, error) {
	if cfg.Readers == 0 {
		cfg.Readers = 4
	}
	if cfg.CacheKiB == 0 {
		cfg.CacheKiB = 8 << 10
	}
	if cfg.Path == "" || cfg.Readers < 0 || cfg.CacheKiB < 0 {
		return nil, errors.New("read models: want a path and bounds that are not negative")
	}
	conn, err := sqlite.Open(ctx, sqlite.Config{Path: cfg.Path, VFS: cfg.VFS})
	if err != nil {
		return nil, err
	}
	b := &Backend{path: cfg.Path, writer: conn, files: newFiles(cfg),
		readers: sqlite.NewPool(sqlite.Config{Path: cfg.Path, VFS: cfg.VFS}, cfg.Readers)}
	if err = conn.Tx(func() error { return establish(conn) }); err == nil {
		err = b.sweep()
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// establish makes the catalogue in an empty file, and refuses any other file that is not ours.
func establish(c *sqlite.Conn) error {
	app, err := pragma(c, "application_id")
	if err != nil {
		return err
	}
	objects, err := number(c, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	switch {
	case app == 0 && objects == 0:
		return c.Script(catalogue + fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d;", applicationID, schemaVersion))
	case app != applicationID:
		return fmt.Errorf("%s: no file of read models: %w", c.Path(), eventstore.ErrForeign)
	}
	version, err := pragma(c, "user_version")
	if err == nil && version != schemaVersion {
		return fmt.Errorf("%s: layout %d, this program knows %d: %w", c.Path(), version, schemaVersion, projections.ErrVersion)
	}
	return err
}

func pragma(c *sqlite.Conn, name string) (int64, error) { return number(c, "PRAGMA "+name) }

// sweep removes files that the catalogue does not name: a process died between the two.
func (b *Backend) sweep() error {
	list, err := entries(b.writer, "true")
	if err != nil {
		return err
	}
	return b.files.sweep(list)
}

// Move gives a catalogue another name, with all that belongs to it. It must not be open. What is missing is no
// error.
func Move(path, to string) error {
	return each(func(suffix string) error { return os.Rename(path+suffix, to+suffix) })
}

// Remove removes a catalogue with its builds and what a rebuild has put aside. It must not be open. What is
// missing is no error.
func Remove(path string) error {
	return each(func(suffix string) error { return os.RemoveAll(path + suffix) })
}

// each does something to the catalogue last: while it is there, the rest is found again.
func each(do func(suffix string) error) error {
	var errs []error
	for _, suffix := range []string{spoolSuffix, buildsSuffix, "-shm", "-wal", ""} {
		if err := do(suffix); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Close waits for running calls and closes every connection. Closing twice is a no-op.
func (b *Backend) Close() error {
	err := b.readers.Close() // every View has one of its connections
	b.turn.Lock()
	defer b.turn.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	err = errors.Join(err, b.files.close(), b.writer.Close())
	b.writer = nil
	return err
}

// write runs do in a write transaction of the catalogue, while nobody changes a build.
func (b *Backend) write(ctx context.Context, do func(*sqlite.Conn) error) error {
	b.turn.Lock()
	defer b.turn.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.writer == nil {
		return eventstore.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.writer.Tx(func() error { return do(b.writer) })
}

func number(c *sqlite.Conn, sql string, args ...any) (int64, error) {
	for s, err := range c.Rows(sql, args...) {
		if err != nil {
			return 0, err
		}
		return s.ColumnInt64(0), nil
	}
	return 0, nil
}
