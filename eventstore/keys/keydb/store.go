package keydb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// Defaults of Config.
const (
	DefaultCacheKeys = 32 << 10 // about 48 MiB when full
	DefaultReaders   = 4
)

// Config says where the store is and whom it serves.
type Config struct {
	// Path of the file. Its WAL stands beside it.
	Path string
	// Ledger is the id of the ledger that the keys belong to; a store of another ledger is refused.
	Ledger uuid.UUID
	// KMS wraps the master keys. It stays the caller's, who closes it after the store.
	KMS keys.KMS
	// MustExist refuses to make the file: a ledger with facts whose key store is gone must not get an
	// empty one.
	MustExist bool
	// CacheKeys bounds the keys kept in memory; 0 means DefaultCacheKeys.
	CacheKeys int
	// Readers bounds the connections that read beside the writer; 0 means DefaultReaders.
	Readers int
	// VFS is the name of a registered SQLite VFS; empty for the operating system's.
	VFS string
	// BusyTimeout is how long a destruction waits for readers to let go of the WAL; 0 means 10 s.
	BusyTimeout time.Duration
	// Now tells the time, for the month of the master key; nil means time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.CacheKeys == 0 {
		c.CacheKeys = DefaultCacheKeys
	}
	if c.Readers == 0 {
		c.Readers = DefaultReaders
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) validate() error {
	return keys.Problems(map[string]bool{
		"path is missing":                   c.Path == "",
		"ledger id is missing":              c.Ledger == uuid.Nil,
		"key-management service is missing": c.KMS == nil,
		"cache must hold a key":             c.CacheKeys <= 0,
		"wants a reader":                    c.Readers <= 0,
	})
}

func (c Config) sqlite() sqlite.Config {
	return sqlite.Config{Path: c.Path, VFS: c.VFS, SecureDelete: true, BusyTimeout: c.BusyTimeout}
}

// Store is a key store in a file. It is safe for concurrent use; one process at a time may have it open,
// which the lock of the data folder sees to.
type Store struct {
	*keys.Base
	writer *writer // its connection is the base's until that is shut
}

var _ keys.Store = (*Store)(nil)

// Open opens the store, or makes it. Errors: eventstore.ErrForeign for a store of another ledger or a
// key-management service that is not the one it was made with, *eventstore.CorruptError for damage,
// fs.ErrNotExist when it must exist and does not. Nothing is overwritten when it fails.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := prepareFile(cfg); err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	conn, err := sqlite.Open(ctx, cfg.sqlite())
	if err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	w, index, err := begin(ctx, cfg, conn)
	if err == nil {
		err = keys.Usable(cfg.Path, w.followed)
	}
	if err == nil {
		err = tighten(cfg.Path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open key store: %w", err), conn.Close())
	}
	return &Store{Base: keys.NewBase(cfg.Ledger, index, w.cache, w), writer: w}, nil
}

// Place is the path of the file.
func (s *Store) Place() string { return s.writer.cfg.Path }

// prepareFile makes the file readable for its owner only, before SQLite would make it by the umask.
func prepareFile(cfg Config) error {
	_, err := os.Stat(cfg.Path)
	if errors.Is(err, fs.ErrNotExist) && cfg.MustExist {
		return err
	}
	f, err := os.OpenFile(cfg.Path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the caller's own path
	if err != nil {
		return err
	}
	return f.Close()
}

// tighten takes the WAL and its index from everybody but their owner: SQLite has just made them anew.
func tighten(path string) error {
	for _, name := range []string{path + "-wal", path + "-shm"} {
		if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Close carries out what was accepted, empties the WAL and closes the file. Closing twice is a no-op.
func (s *Store) Close() error {
	if !s.Shut() {
		return nil
	}
	return s.writer.close()
}
