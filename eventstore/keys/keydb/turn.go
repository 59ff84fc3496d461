package keydb

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
)

// ErrElsewhere says that the keys have not followed the log to the place named.
var ErrElsewhere = errors.New("the keys have not followed the log to this place")

// Turn makes the keys of a ledger follow a copy of its log from now on: from, a place in the old log up to
// which every fate is carried out, becomes to, the same place in the copy. Done is done: a second call
// changes nothing. The store must not be open. Errors: ErrElsewhere when the keys stand at another place,
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
		switch {
		case err != nil:
			return err
		case !found:
			return corrupt(path, "header", "the file is empty")
		case h.format != format:
			return fmt.Errorf("%s has layout %d; this program knows %d", path, h.format, format)
		case h.ledger != ledger:
			return fmt.Errorf("%s has the keys of ledger %s, not of %s: %w", path, h.ledger, ledger, eventstore.ErrForeign)
		case h.followed == to:
			return nil
		case h.followed != from:
			return fmt.Errorf("%s: they stand at position %d, not %d: %w", path, h.followed, from, ErrElsewhere)
		}
		return conn.Run("UPDATE meta SET followed = ?", to)
	})
}
