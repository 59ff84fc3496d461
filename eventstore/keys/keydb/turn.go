package keydb

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// Turn makes the keys of a ledger follow a copy of its log from now on: from, a place in the old log up to
// which every fate is carried out, becomes to, the same place in the copy. Done is done: a second call
// changes nothing. The store must not be open. Errors: keys.ErrElsewhere when the keys stand at another place,
// eventstore.ErrForeign when they are of another ledger.
func Turn(ctx context.Context, path string, ledger uuid.UUID, from, to uint64) (err error) {
	if _, err := os.Stat(path); err != nil { // SQLite would make it
		return fmt.Errorf("turn keys: %w", err)
	}
	conn, err := sqlite.Open(ctx, sqlite.Config{Path: path, SecureDelete: true})
	if err != nil {
		return fmt.Errorf("turn keys: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return conn.Tx(func() error {
		h, found, err := readHead(conn)
		if err == nil && !found {
			err = corrupt(path, "header", "the file is empty")
		}
		if err != nil {
			return err
		}
		if err := h.check(path); err != nil {
			return err
		}
		done, err := keys.Turn{Ledger: ledger, From: from, To: to}.Check(path, h.ledger, h.followed)
		if err != nil || done {
			return err
		}
		return conn.Run("UPDATE meta SET followed = ?", to)
	})
}
