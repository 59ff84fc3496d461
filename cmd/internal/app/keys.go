package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"imagine.ua/litopys/config"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keypg"
)

// openArchive opens a key store at rest: a database, or keys.db of a folder.
func openArchive(ctx context.Context, place string, mustExist bool) (keys.Archive, error) {
	if IsServer(place) {
		a, err := keypg.OpenArchive(ctx, place)
		if err != nil {
			return nil, err
		}
		return a, nil
	}
	a, err := keydb.OpenArchive(ctx, filepath.Join(place, keysFile), mustExist)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// KeysPlace names where the configured keys are: an address, or a folder.
func KeysPlace(cfg config.Config) string {
	if cfg.Keys.URL != "" {
		return cfg.Keys.URL
	}
	return cfg.Dir
}

// apart refuses one file by two names: it would be retired in favour of itself. One database by two names
// can't be opened twice, since the first holds the turn.
func apart(from, to string) error {
	a, errA := os.Stat(filepath.Join(from, keysFile))
	b, errB := os.Stat(filepath.Join(to, keysFile))
	if !IsServer(from) && !IsServer(to) && errA == nil && errB == nil && os.SameFile(a, b) {
		return fmt.Errorf("%s and %s are one: %w", from, to, keys.ErrDifferent)
	}
	return nil
}

// CopyKeys copies the configured keys into another, empty place, and retires the old store when it is told
// to. Nobody may have the ledger open.
func CopyKeys(ctx context.Context, cfg config.Config, to string, retire bool) (done keys.Copied, err error) {
	lock, err := lockFolder(cfg.Dir)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	source, err := openArchive(ctx, KeysPlace(cfg), true)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := openArchive(ctx, to, false)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if err := apart(KeysPlace(cfg), to); err != nil {
		return done, err
	}
	if done, err = keys.Copy(ctx, source, target); err != nil || !retire {
		return done, err
	}
	return done, source.Retire(ctx)
}
