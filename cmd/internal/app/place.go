package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"

	"imagine.ua/litopys/cmd/internal/kms"
	"imagine.ua/litopys/config"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/esdb"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keypg"
)

const (
	keysFile  = "keys.db"
	localFile = "local.key"
	logFile   = "events.db"
	lockFile  = "litopys.lock"
	indexDir  = "index"
	headFile  = "events.head"
)

// Place names where the log is, without secrets.
func Place(cfg config.Config) string {
	if cfg.Store.URL != "" {
		return config.Redacted(cfg.Store.URL)
	}
	return cfg.Dir
}

// LogConfig says which log to open, and how.
type LogConfig struct {
	// Place is a data folder or an esdb:// address.
	Place string
	// Identity is the ledger that it must be, and that a new one becomes; nil: any.
	Identity uuid.UUID
	// MustExist gives fs.ErrNotExist for a place without a log, instead of making one.
	MustExist bool
	Logger    *slog.Logger
}

// IsServer tells whether a place is an address, not a folder.
func IsServer(place string) bool { return strings.Contains(place, "://") }

// OpenLog opens a log alone, without keys and answers.
func OpenLog(ctx context.Context, c LogConfig) (eventstore.Store, error) {
	if IsServer(c.Place) {
		store, err := esdb.Open(ctx, esdb.Config{URL: c.Place, Identity: c.Identity, MustExist: c.MustExist, Logger: c.Logger})
		if err != nil {
			return nil, err
		}
		return store, nil
	}
	if _, err := os.Lstat(filepath.Join(c.Place, logFile)); c.MustExist && err != nil {
		return nil, fmt.Errorf("%s: no log: %w", c.Place, err)
	}
	store, err := embedded.Open(ctx, embedded.Config{Dir: c.Place, Identity: c.Identity, Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	return store, nil
}

// lockFolder keeps a second process out of a data folder whose log is elsewhere; the embedded log does so
// itself. What is said of the holder is only for people.
func lockFolder(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, lockFile)
	lock := flock.New(path, flock.SetPermissions(0o600))
	taken, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !taken {
		holder, _ := os.ReadFile(path) //nolint:gosec // our own folder
		return nil, fmt.Errorf("%s: %w: %.200s", dir, eventstore.ErrLocked, strings.Join(strings.Fields(string(holder)), " "))
	}
	text := fmt.Sprintf("pid=%d\ncommand=%q\nsince=%s\n", os.Getpid(), filepath.Base(os.Args[0]), time.Now().UTC().Format(time.RFC3339))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// openKMS opens the key-management service. The local key is made only for a ledger without facts and keys:
// a new one would open nothing of an old ledger.
func openKMS(ctx context.Context, cfg config.Config, fresh bool) (keys.KMS, error) {
	if cfg.KMS.URL != "" {
		return kms.Open(ctx, cfg.KMS.URL)
	}
	path := filepath.Join(cfg.Dir, localFile)
	local, err := keys.OpenLocal(path)
	if !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return nil, err
		}
		return local, nil
	}
	if _, kept := os.Lstat(filepath.Join(cfg.Dir, keysFile)); !fresh || cfg.Keys.URL == "" && kept == nil {
		return nil, lost(path)
	}
	if local, err = keys.CreateLocal(path); err != nil {
		return nil, err
	}
	return local, nil
}

// openKeys opens the key store of a ledger. One with facts must have one.
func openKeys(ctx context.Context, o Options, ledger uuid.UUID, kms keys.KMS, fresh bool) (keys.Store, error) {
	cfg := o.Config
	if cfg.Keys.URL != "" {
		store, err := keypg.Open(ctx, keypg.Config{URL: cfg.Keys.URL, Ledger: ledger, KMS: kms, MustExist: !fresh, Logger: o.Logger})
		if errors.Is(err, fs.ErrNotExist) {
			return nil, lost(config.Redacted(cfg.Keys.URL))
		}
		if err != nil {
			return nil, err
		}
		return store, nil
	}
	path := filepath.Join(cfg.Dir, keysFile)
	store, err := keydb.Open(ctx, keydb.Config{Path: path, Ledger: ledger, KMS: kms, MustExist: !fresh})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, lost(path)
	}
	if err != nil {
		return nil, err
	}
	return store, nil
}

// lost is the damage of a ledger with facts, one of whose pieces is gone.
func lost(place string) error {
	return &eventstore.CorruptError{File: place, Place: "file", Detail: "it is missing, but the ledger was used with it; put it back from its backup"}
}
