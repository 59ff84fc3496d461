package keydb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
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
	var errs []error
	need := func(ok bool, message string) {
		if !ok {
			errs = append(errs, errors.New("key store: "+message))
		}
	}
	need(c.Path != "", "path is missing")
	need(c.Ledger != uuid.Nil, "ledger id is missing")
	need(c.KMS != nil, "key-management service is missing")
	need(c.CacheKeys > 0, "cache must hold a key")
	need(c.Readers > 0, "wants a reader")
	return errors.Join(errs...)
}

func (c Config) sqlite() sqlite.Config {
	return sqlite.Config{Path: c.Path, VFS: c.VFS, SecureDelete: true, BusyTimeout: c.BusyTimeout}
}

// Store is a key store in a file. It is safe for concurrent use; one process at a time may have it open,
// which the lock of the data folder sees to.
type Store struct {
	cfg     Config
	index   *keys.Index
	masters *masters
	cache   *keys.Cache
	readers *sqlite.Pool
	jobs    chan *job

	mu     sync.RWMutex  // held for reading while a job is handed over, for writing by Close
	closed atomic.Bool   // set under mu
	done   chan struct{} // closed when the writer's goroutine has ended
	writer *writer       // the goroutine's own until done
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
		err = tighten(cfg.Path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open key store: %w", err), conn.Close())
	}
	s := &Store{
		cfg:     cfg,
		index:   index,
		masters: w.masters,
		cache:   w.cache,
		readers: sqlite.NewPool(cfg.sqlite(), cfg.Readers),
		jobs:    make(chan *job, 1024),
		done:    make(chan struct{}),
		writer:  w,
	}
	go func() {
		defer close(s.done)
		w.run(s.jobs)
	}()
	return s, nil
}

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

// Tag computes the blind-index tag of a normalised value.
func (s *Store) Tag(field domain.Field, normalised string) keys.Tag {
	return s.index.Tag(field, normalised)
}

// Token derives an id from personal content under the live key of the ref.
func (s *Store) Token(ctx context.Context, ref keys.Ref, content []byte) (uuid.UUID, error) {
	got, err := s.Ensure(ctx, []keys.Want{{Ref: ref}})
	if err != nil {
		return uuid.Nil, err
	}
	return got[0].Token(content), nil
}

// Identity is the id of the ledger that these keys belong to.
func (s *Store) Identity(context.Context) (uuid.UUID, error) {
	if s.closed.Load() {
		return uuid.Nil, eventstore.ErrClosed
	}
	return s.cfg.Ledger, nil
}

// Close carries out what was accepted, empties the WAL and closes the file. Closing twice is a no-op.
func (s *Store) Close() error {
	s.mu.Lock()
	already := s.closed.Swap(true)
	if !already {
		close(s.jobs)
	}
	s.mu.Unlock()
	<-s.done
	if already {
		return nil
	}
	s.cache.Clear()
	return errors.Join(s.readers.Close(), s.writer.close())
}

// do hands the job to the writer and waits. When the context ends first the job may still be carried out.
func (s *Store) do(ctx context.Context, j *job) error {
	j.done = make(chan error, 1)
	if err := s.submit(ctx, j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) submit(ctx context.Context, j *job) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed.Load() {
		return eventstore.ErrClosed
	}
	select {
	case s.jobs <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
