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
	// Path of the file; it is made when missing.
	Path string
	// VFS is the name of a registered VFS; empty for the operating system's. Fault injection uses it.
	VFS string
	// Readers is how many readers may be at work at once; 0 means 4.
	Readers int
	// CacheKiB bounds the writer's page cache; 0 means 32 MiB.
	CacheKiB int
}

// applicationID marks the file as ours ("LtRd"); schemaVersion is the layout of the catalogue.
const (
	applicationID = 0x4c745264
	schemaVersion = 1
)

const catalogue = `
CREATE TABLE projection_builds (
	projection TEXT NOT NULL,
	number     INTEGER NOT NULL CHECK (number > 0),
	version    INTEGER NOT NULL,
	state      TEXT NOT NULL CHECK (state IN ('building', 'live', 'old')),
	log        BLOB NOT NULL CHECK (length(log) = 16),
	position   INTEGER NOT NULL,
	previous   INTEGER NOT NULL,
	event      BLOB NOT NULL CHECK (length(event) = 16),
	events     INTEGER NOT NULL,
	indexed    INTEGER NOT NULL,
	failure    TEXT,
	PRIMARY KEY (projection, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX projection_builds_state ON projection_builds (projection, state);
CREATE TABLE projection_numbers (projection TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE projection_tables (
	projection TEXT NOT NULL,
	number     INTEGER NOT NULL,
	name       TEXT NOT NULL,
	PRIMARY KEY (projection, number, name)
) STRICT, WITHOUT ROWID;
`

// pageSize of the file: larger pages hold more rows of one person together.
const pageSize = 8192

// Backend is a projections.Backend on one SQLite file. One process at a time may write it; any number of
// its readers see the last commit without waiting.
type Backend struct {
	path    string
	readers *sqlite.Pool

	mu     sync.Mutex
	writer *sqlite.Conn // guarded by mu; nil after Close
}

var _ projections.Backend = (*Backend)(nil)

// Open opens the file, making it when missing. A file that is no SQLite database, or damaged, gives
// eventstore.ErrCorrupt; one that is something else gives eventstore.ErrForeign and is left alone. Remove
// and a rebuild are the way out of the first.
func Open(ctx context.Context, cfg Config) (*Backend, error) {
	if cfg.Readers == 0 {
		cfg.Readers = 4
	}
	if cfg.CacheKiB == 0 {
		cfg.CacheKiB = 32 << 10
	}
	if cfg.Path == "" || cfg.Readers < 0 || cfg.CacheKiB < 0 {
		return nil, errors.New("read models: want a path and bounds that are not negative")
	}
	conn, err := sqlite.Open(ctx, sqlite.Config{Path: cfg.Path, VFS: cfg.VFS, Relaxed: true, CacheKiB: cfg.CacheKiB, PageSize: pageSize, CheckpointPages: 4096})
	if err != nil {
		return nil, err
	}
	if err := conn.Tx(func() error { return establish(conn) }); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	pool := sqlite.NewPool(sqlite.Config{Path: cfg.Path, VFS: cfg.VFS, CacheKiB: 16 << 10}, cfg.Readers)
	return &Backend{path: cfg.Path, readers: pool, writer: conn}, nil
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
		return fmt.Errorf("%s: layout %d, this program knows %d; remove the file and rebuild", c.Path(), version, schemaVersion)
	}
	return err
}

func pragma(c *sqlite.Conn, name string) (int64, error) { return number(c, "PRAGMA "+name) }

// Remove removes a file of read models with its side files and what a rebuild has put aside. It must not be open. What is missing is no
// error.
func Remove(path string) error {
	errs := []error{os.RemoveAll(path + spoolSuffix)}
	for _, suffix := range []string{"-shm", "-wal", ""} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Close waits for running calls and closes every connection. Closing twice is a no-op.
func (b *Backend) Close() error {
	err := b.readers.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	err = errors.Join(err, b.writer.Close())
	b.writer = nil
	return err
}

// write runs do in a write transaction.
func (b *Backend) write(ctx context.Context, do func(*sqlite.Conn) error) error {
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
