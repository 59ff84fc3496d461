package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/journal"
)

// openJournal opens log and keys. In a data folder the journal does it all by itself; what stands elsewhere
// is opened here and handed over.
func (a *App) openJournal(ctx context.Context, o Options) error {
	cfg := o.Config
	embeddedLog := cfg.Store.URL == ""
	if embeddedLog {
		a.Created = !Exists(cfg.Dir)
		if a.Created && !o.Create {
			return fmt.Errorf("%s: %w", cfg.Dir, ErrNoLedger)
		}
		log := filepath.Join(cfg.Dir, logFile)
		if _, err := os.Lstat(log); !a.Created && errors.Is(err, fs.ErrNotExist) {
			return lost(log) // nothing is made: a new log would hide the loss
		}
	}
	if embeddedLog && cfg.Keys.URL == "" && cfg.KMS.URL == "" {
		j, err := journal.Open(ctx, journal.Config{Dir: cfg.Dir, Policy: a.Policy, Logger: o.Logger, BackupLife: cfg.Keys.BackupTerm()})
		return a.keep(j, err)
	}
	if !embeddedLog && cfg.Local() {
		lock, err := lockFolder(cfg.Dir)
		if err != nil {
			return err
		}
		a.close = append(a.close, lock.Close)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil && cfg.KMS.URL == "" {
		return err
	}
	store, err := a.openStore(ctx, o)
	if err != nil {
		return err
	}
	j, err := a.join(ctx, o, store)
	if err != nil {
		return errors.Join(fmt.Errorf("open ledger: %w", err), store.Close())
	}
	return a.keep(j, nil)
}

func (a *App) keep(j *journal.Journal, err error) error {
	if err == nil {
		a.Journal = j
		a.close = append(a.close, j.Close)
	}
	return err
}

// openStore opens the log. A server's is made only when it is wanted and nothing of another ledger stands in
// the folder: the identity that a new one gets would be in the way of the log that belongs there.
func (a *App) openStore(ctx context.Context, o Options) (eventstore.Store, error) {
	c := LogConfig{Place: o.Config.Dir, Logger: o.Logger}
	if o.Config.Store.URL == "" {
		return OpenLog(ctx, c)
	}
	c.Place, c.MustExist = o.Config.Store.URL, true
	store, err := OpenLog(ctx, c)
	if !errors.Is(err, fs.ErrNotExist) {
		return store, err
	}
	switch {
	case Exists(o.Config.Dir):
		return nil, &eventstore.CorruptError{File: Place(o.Config), Place: "log", Detail: "the server holds no ledger, but the folder " +
			o.Config.Dir + " holds pieces of one; name another folder, or copy the log there (litopys log copy)"}
	case !o.Create:
		return nil, fmt.Errorf("%s: %w", Place(o.Config), ErrNoServerLedger)
	}
	a.Created, c.MustExist = true, false
	return OpenLog(ctx, c)
}

// join opens what belongs to the log. What it opened stays on the list of what Close closes, after the
// journal, or is closed when it fails.
func (a *App) join(ctx context.Context, o Options, store eventstore.Store) (_ *journal.Journal, err error) {
	identity, fresh, err := a.ledgerOf(ctx, store)
	if err != nil {
		return nil, err
	}
	kms, err := openKMS(ctx, o.Config, fresh)
	if err != nil {
		return nil, err
	}
	a.close = append(a.close, kms.Close)
	keyStore, err := openKeys(ctx, o, identity, kms, fresh)
	if err != nil {
		return nil, err
	}
	j, err := journal.New(ctx, journal.Parts{Store: store, Keys: keyStore, Policy: a.Policy, Logger: o.Logger,
		BackupLife: o.Config.Keys.BackupTerm()})
	if err != nil {
		return nil, errors.Join(err, keyStore.Close())
	}
	return j, nil
}

// ledgerOf tells which ledger the log is of, and whether it has no facts yet.
func (a *App) ledgerOf(ctx context.Context, store eventstore.Store) (id uuid.UUID, fresh bool, err error) {
	if id, err = store.Identity(ctx); err != nil {
		return id, false, err
	}
	head, err := store.Head(ctx)
	return id, head == eventstore.Start, err
}
