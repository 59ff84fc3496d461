package keypg

import (
	"context"
	"fmt"
	"io/fs"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"imagine.ua/litopys/eventstore/keys"
)

// Store is a key store in PostgreSQL. It is safe for concurrent use, and any number of processes may have
// the same one open. It outlives the connections that it has: a call whose connection is lost, or which
// comes while the server restarts, tries again for as long as Config.Patience.
type Store struct {
	*keys.Base
	db *backend
}

// backend is what the base keeps its keys in.
type backend struct {
	cfg     Config
	name    string // of the database, for errors
	pool    *pgxpool.Pool
	masters *masters
	cache   *keys.Cache

	trouble atomic.Bool     // calls try again, and the log was told
	asks    chan chan error // for the watcher, see fresh.go
	stop    chan struct{}   // closed to end the watcher
	watched chan struct{}   // closed when the watcher's goroutine has ended
}

var _ keys.Backend = (*backend)(nil)

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
	b := &backend{
		cfg:     cfg,
		name:    "PostgreSQL database " + settings.ConnConfig.Database,
		pool:    pool,
		cache:   keys.NewCache(cfg.CacheKeys),
		asks:    make(chan chan error, 1024),
		stop:    make(chan struct{}),
		watched: make(chan struct{}),
	}
	index, seen, err := b.begin(ctx)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open key store: %w", b.translate(err))
	}
	go func() {
		defer close(b.watched)
		b.watch(seen)
	}()
	return &Store{Base: keys.NewBase(cfg.Ledger, index, b.cache, b), db: b}, nil
}

// Place names the database, without secrets.
func (s *Store) Place() string { return s.db.name }

// begin brings the schema up to date, reads or makes the head, and gives the index and what was
// changed last.
func (b *backend) begin(ctx context.Context) (index *keys.Index, seen changes, err error) {
	conn, err := b.pool.Acquire(ctx)
	if err != nil {
		return nil, seen, err
	}
	defer conn.Release()
	pending, err := pendingMigrations(ctx, conn)
	if err != nil {
		return nil, seen, err
	}
	if len(pending) > 0 {
		if pending[0].number == 1 && b.cfg.MustExist {
			return nil, seen, fmt.Errorf("%s has no key store: %w", b.name, fs.ErrNotExist)
		}
		if err := migrate(ctx, conn.Conn()); err != nil {
			return nil, seen, err
		}
	}
	root := keys.Root{KMS: b.cfg.KMS, Ledger: b.cfg.Ledger, Name: b.name}
	h, err := b.head(ctx, conn, root)
	if err != nil {
		return nil, seen, err
	}
	if err := keys.Usable(b.name, h.followed); err != nil {
		return nil, seen, err
	}
	b.masters = newMasters(b.pool, root)
	index, err = root.Unlock(ctx, h.lock)
	return index, h.changes, err
}

// Close carries out what was accepted, forgets the keys and closes the connections. With a server out of
// reach it waits for as long as those calls have patience. Closing twice is a no-op.
func (s *Store) Close() error {
	if s.Shut() {
		close(s.db.stop)
	}
	<-s.db.watched
	s.db.pool.Close()
	return nil
}

// read lets do read the database, again when a connection is lost.
func (s *Store) read(ctx context.Context, do func(ctx context.Context, q querier) error) error {
	return s.While(func() error {
		return s.db.attempt(ctx, func(ctx context.Context) error { return do(ctx, s.db.pool) })
	})
}
