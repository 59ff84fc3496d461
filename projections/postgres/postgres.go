package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"imagine.ua/litopys/projections"
)

// Config says where the read models are.
type Config struct {
	// URL of the database, "postgres://user@host/database?sslmode=verify-full" or "host=... dbname=...".
	// What it leaves out comes from libpq's environment variables. It may hold a password and is never
	// printed.
	URL string
	// Schema is the schema of the views and the prefix of all others; empty means "litopys". Ledgers with
	// different schemas may share a database.
	Schema string
	// Readers is how many readers may be at work at once; 0 means 4.
	Readers int
	// Patience is how long a write waits out a lost connection, or a reader's lock on a view, before it
	// gives the error; 0 means 30 seconds. Readers wait for 2 seconds at most.
	Patience time.Duration
	// SpoolDir is a folder of this machine for the rows that a rebuild puts aside, and finds again after it
	// was stopped. Empty means one in the user's cache folder, named for the database and the schema; where
	// there is no such folder, a rebuild that was stopped begins anew.
	SpoolDir string
	// Logger hears when the database is lost and found, and when this process begins and ceases to lead;
	// nil means nobody does.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Schema = cmp.Or(c.Schema, "litopys")
	c.Readers = cmp.Or(c.Readers, 4)
	c.Patience = cmp.Or(c.Patience, 30*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// schemaName leaves room for "_<projection>_v<version>_b<number>" in the 63 bytes of a name.
var schemaName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,11}$`)

var roleName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

func (c Config) validate() error {
	var errs []error
	if c.URL == "" {
		errs = append(errs, errors.New("read models: want the address of a PostgreSQL database"))
	}
	if !schemaName.MatchString(c.Schema) {
		errs = append(errs, fmt.Errorf("read models: schema %q: want up to 12 lower-case letters, digits and _", c.Schema))
	}
	if c.Readers < 0 || c.Patience < 0 {
		errs = append(errs, errors.New("read models: a bound is negative"))
	}
	return errors.Join(errs...)
}

// names of the two schemas that do not belong to a build.
type names struct{ views, state string }

func (c Config) names() names { return names{views: c.Schema, state: c.Schema + "_state"} }

// Backend is a projections.Backend on a PostgreSQL database. It connects again by itself when connections
// are lost. Any number of processes may have it open; Lead decides which of them runs the engine, and the
// checkpoints refuse whoever runs it all the same.
type Backend struct {
	cfg     Config
	names   names
	writers *pgxpool.Pool
	readers *pgxpool.Pool
	link    link
	spool   string

	closing sync.Once
	done    chan struct{} // closed by Close
}

var _ projections.Backend = (*Backend)(nil)

// Open connects and brings the bookkeeping up to date, which takes the rights of Migrate only when it is
// not. A database that cannot be reached gives ErrUnavailable, one that this role may not use ErrForbidden.
func Open(ctx context.Context, cfg Config) (*Backend, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := prepare(ctx, cfg); err != nil {
		return nil, err
	}
	b := &Backend{cfg: cfg, names: cfg.names(), link: link{logger: cfg.Logger}, done: make(chan struct{})}
	var err error
	// Writers: the engine's batch, a rebuild's one of each of a few lanes, and an operator's switch or drop.
	if b.writers, err = cfg.pool(6); err != nil {
		return nil, err
	}
	if b.readers, err = cfg.pool(cfg.Readers); err != nil {
		b.writers.Close()
		return nil, err
	}
	b.sweep(ctx)
	b.spool = cfg.spoolDir(ctx, b.readers)
	return b, nil
}

// SpoolDir is where a rebuild puts rows aside.
func (b *Backend) SpoolDir() string { return b.spool }

// spoolDir never fails: without a folder that can be found again a rebuild uses one that cannot.
func (c Config) spoolDir(ctx context.Context, q querier) string {
	if c.SpoolDir != "" {
		return c.SpoolDir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	// A copy of a database is another database; the server's identity is not for every role to see.
	rows, err := q.Query(ctx, "SELECT current_database() || ' ' || (SELECT min(applied)::text FROM "+c.names().state+".migrations)")
	if err != nil {
		return ""
	}
	which, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(which + " " + c.Schema))
	return filepath.Join(cache, "litopys", "rebuild-"+hex.EncodeToString(sum[:12]))
}

// Close waits for running calls and closes every connection. Closing twice is a no-op.
func (b *Backend) Close() error {
	b.closing.Do(func() { close(b.done) })
	b.writers.Close()
	b.readers.Close()
	return nil
}

// connectTimeout bounds one try to connect, so that a silent host does not use up a caller's patience.
const connectTimeout = 5 * time.Second

// pool makes connections only when they are wanted.
func (c Config) pool(size int) (*pgxpool.Pool, error) {
	p, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("read models: %w", err) // the driver hides the password
	}
	p.MaxConns, p.MinConns = int32(size), 0 // #nosec G115 -- a handful
	p.ConnConfig.ConnectTimeout = cmp.Or(p.ConnConfig.ConnectTimeout, connectTimeout)
	p.AfterConnect = welcome
	settings(p.ConnConfig.RuntimeParams)
	pool, err := pgxpool.NewWithConfig(context.Background(), p) // no query yet; the pool outlives Open's context
	if err != nil {
		return nil, fmt.Errorf("read models: %w", err)
	}
	return pool, nil
}

// settings of every session.
func settings(s map[string]string) {
	if s["application_name"] == "" {
		s["application_name"] = "litopys"
	}
	s["timezone"] = "UTC"
	s["search_path"] = "" // every name is written in full; nobody can slip in a table of the same name
	s["jit"] = "off"      // merges are cheap for a row and many: compiling them costs more than it gains
	s["cursor_tuple_fraction"] = "1"
	// A runner whose machine dies leaves a half-open connection with a row lock and the runner's lock. The
	// server finds out within about ten seconds: by probes while it waits for us, by looking while it works.
	s["tcp_keepalives_idle"], s["tcp_keepalives_interval"], s["tcp_keepalives_count"] = "4", "2", "3"
	s["client_connection_check_interval"] = "2s"
}
