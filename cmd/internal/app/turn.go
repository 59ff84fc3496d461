package app

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/google/uuid"

	"imagine.ua/litopys/config"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/projections/sqlite"
)

// TurnKeys lets the keys follow a copy of the log from now on; see keydb.Turn. Answers in the folder are
// removed, since their places are those of the old log; the next question computes them again. Nobody may
// have the ledger open.
func TurnKeys(ctx context.Context, cfg config.Config, ledger uuid.UUID, from, to uint64) (err error) {
	lock, err := lockFolder(cfg.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	// First, since it can be made again: once the keys are turned, this can't be repeated with the old log.
	if err := sqlite.Remove(filepath.Join(cfg.Dir, readFile)); err != nil {
		return err
	}
	if cfg.Keys.URL != "" {
		return keypg.Turn(ctx, cfg.Keys.URL, ledger, from, to)
	}
	return keydb.Turn(ctx, filepath.Join(cfg.Dir, keysFile), ledger, from, to)
}
