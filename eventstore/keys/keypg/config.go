package keypg

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"imagine.ua/litopys/eventstore/keys"
)

// Defaults of Config.
const (
	DefaultCacheKeys   = 32 << 10 // about 48 MiB when full
	DefaultConnections = 6        // one writes, one asks for changes, the rest read
	DefaultPatience    = 30 * time.Second
	DefaultSweep       = 5 * time.Second
)

// connectTimeout bounds the making of a connection, unless the address says connect_timeout.
const connectTimeout = 10 * time.Second

// Config says where the store is and whom it serves.
type Config struct {
	// URL of the database: postgres://user@host/database. A password is never shown.
	URL string
	// Ledger is the id of the ledger that the keys belong to; a store of another ledger is refused.
	Ledger uuid.UUID
	// KMS wraps the master keys. It stays the caller's, who closes it after the store.
	KMS keys.KMS
	// MustExist refuses to lay out an empty database: a ledger with facts whose key store is gone must not
	// get an empty one.
	MustExist bool
	// CacheKeys bounds the keys kept in memory; 0 means DefaultCacheKeys.
	CacheKeys int
	// Connections bounds the connections to the server; 0 means DefaultConnections.
	Connections int
	// Patience is how long a call tries again after its connection was lost, or a reader of the tables
	// (a dump, say) is in the way of a destruction; 0 means DefaultPatience.
	Patience time.Duration
	// Sweep is how often an idle process asks for destroyed keys, to forget them; 0 means DefaultSweep.
	Sweep time.Duration
	// Now tells the time, for the month of the master key; nil means time.Now.
	Now func() time.Time
	// Logger is told when the database goes away and when it is back, one line each; nil means
	// slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.CacheKeys == 0 {
		c.CacheKeys = DefaultCacheKeys
	}
	if c.Connections == 0 {
		c.Connections = DefaultConnections
	}
	if c.Patience == 0 {
		c.Patience = DefaultPatience
	}
	if c.Sweep == 0 {
		c.Sweep = DefaultSweep
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func (c Config) validate() error {
	return keys.Problems(map[string]bool{
		"address of the database is missing": c.URL == "",
		"ledger id is missing":               c.Ledger == uuid.Nil,
		"key-management service is missing":  c.KMS == nil,
		"cache must hold a key":              c.CacheKeys <= 0,
		"wants two connections":              c.Connections < 2,
		"patience is negative":               c.Patience <= 0,
		"sweep is negative":                  c.Sweep <= 0,
	})
}

// pool is the configuration of the connections.
func (c Config) pool() (*pgxpool.Config, error) {
	p, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("address of the database: %w", err) // pgx blots the password out
	}
	p.MaxConns = int32(c.Connections) //nolint:gosec // a handful
	if p.ConnConfig.ConnectTimeout == 0 {
		p.ConnConfig.ConnectTimeout = connectTimeout
	}
	if p.ConnConfig.ValidateConnect == nil { // a standby would answer with keys that are destroyed already
		p.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	params := p.ConnConfig.RuntimeParams
	params["application_name"] = "litopys keys"
	params["timezone"] = "UTC"
	params["search_path"] = "pg_catalog" // every name of ours is written with its schema
	// What a turn reads must be what was committed before it, and what is acknowledged must be durable,
	// whatever the defaults of the server, the database and the role are.
	params["default_transaction_isolation"], params["synchronous_commit"] = "read committed", "on"
	// Every list of ids is looked up through an index, however the table has grown since it was analysed.
	params["plan_cache_mode"] = "force_generic_plan"
	params["enable_hashjoin"], params["enable_mergejoin"], params["enable_seqscan"], params["jit"] = "off", "off", "off", "off"
	// A process that stands still in its turn must not stop the others for ever.
	params["idle_in_transaction_session_timeout"] = "30s"
	return p, nil
}
