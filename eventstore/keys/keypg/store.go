package keypg

import (
	"context"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
)

// Store is a key store in PostgreSQL. It is safe for concurrent use, and any number of processes may have
// the same one open. It outlives the connections that it has: a call whose connection is lost, or which
// comes while the server restarts, tries again for as long as Config.Patience.
type Store struct {
	cfg     Config
	name    string // of the database, for errors
	pool    *pgxpool.Pool
	index   *keys.Index
	masters *masters
	cache   *keys.Cache
	jobs    chan *job
	asks    chan chan error // for the watcher, see fresh.go

	mu      sync.RWMutex  // held for reading while something is handed over, for writing by Close
	closed  atomic.Bool   // set under mu
	written chan struct{} // closed when the writer's goroutine has ended
	watched chan struct{} // closed when the watcher's goroutine has ended
}

var _ keys.Store = (*Store)(nil)

// Open opens the store, and lays it out or brings it up to date where the role may. It does not wait for a
// server that is out of reach. Errors: eventstore.ErrForeign for a store of another ledger or a
// key-management service that is not the one it was made with, *eventstore.CorruptError for damage,
// fs.ErrNotExist when it must exist and does not, ErrNewer. Nothing is overwritten when it fails.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	settings, err := cfg.pool()
	if err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	s := &Store{
		cfg:     cfg,
		name:    "PostgreSQL database " + settings.ConnConfig.Database,
		pool:    pool,
		cache:   keys.NewCache(cfg.CacheKeys),
		jobs:    make(chan *job, 1024),
		asks:    make(chan chan error, 1024),
		written: make(chan struct{}),
		watched: make(chan struct{}),
	}
	seen, err := s.begin(ctx)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open key store: %w", s.translate(err))
	}
	go func() {
		defer close(s.written)
		s.write()
	}()
	go func() {
		defer close(s.watched)
		s.watch(seen)
	}()
	return s, nil
}

// begin brings the schema up to date, reads or makes the head, and gives the number of the last change.
func (s *Store) begin(ctx context.Context) (seen int64, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	pending, err := pendingMigrations(ctx, conn)
	if err != nil {
		return 0, err
	}
	if len(pending) > 0 {
		if pending[0].number == 1 && s.cfg.MustExist {
			return 0, fmt.Errorf("%s has no key store: %w", s.name, fs.ErrNotExist)
		}
		if err := migrate(ctx, conn.Conn()); err != nil {
			return 0, err
		}
	}
	h, err := s.head(ctx, conn)
	if err != nil {
		return 0, err
	}
	root := keys.Root{KMS: s.cfg.KMS, Ledger: s.cfg.Ledger}
	secret, err := s.unlock(ctx, h, root)
	if err != nil {
		return 0, err
	}
	s.index = keys.NewIndex(secret)
	s.masters = newMasters(s, root)
	return h.changes, nil
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

// Close carries out what was accepted, forgets the keys and closes the connections. With a server out of
// reach it waits for as long as those calls have patience. Closing twice is a no-op.
func (s *Store) Close() error {
	s.mu.Lock()
	already := s.closed.Swap(true)
	if !already {
		close(s.jobs)
	}
	s.mu.Unlock()
	<-s.written
	if already {
		<-s.watched
		return nil
	}
	close(s.asks) // the writer was the last who asked
	<-s.watched
	s.pool.Close()
	s.cache.Clear()
	return nil
}

// submit hands something over to one of the goroutines, unless the store is closed.
func submit[T any](ctx context.Context, s *Store, to chan<- T, what T) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed.Load() {
		return eventstore.ErrClosed
	}
	select {
	case to <- what:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await waits for the answer. When the context ends first the job may still be carried out.
func await(ctx context.Context, answer <-chan error) error {
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read lets do read the database, again when a connection is lost.
func (s *Store) read(ctx context.Context, do func(ctx context.Context, q querier) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed.Load() {
		return eventstore.ErrClosed
	}
	return s.attempt(ctx, func(ctx context.Context) error { return do(ctx, s.pool) })
}
