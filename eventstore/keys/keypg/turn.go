package keypg

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/eventstore"
)

// ErrElsewhere says that the keys have not followed the log to the place named.
var ErrElsewhere = errors.New("the keys have not followed the log to this place")

// Turn makes the keys of a ledger follow a copy of its log from now on: from, a place in the old log up to
// which every fate is carried out, becomes to, the same place in the copy. Done is done: a second call
// changes nothing. No process may have the store open with the old log: its next fate would set the place
// back. Errors: ErrElsewhere when the keys stand at another place, eventstore.ErrForeign when they are of
// another ledger.
func Turn(ctx context.Context, url string, ledger uuid.UUID, from, to uint64) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("turn keys: %w", err) // pgx blots the password out
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // committed or not by then
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var of uuid.UUID
		var followed int64
		err := tx.QueryRow(ctx, "SELECT ledger, followed FROM litopys_keys.meta FOR UPDATE").Scan(&of, &followed)
		switch {
		case err != nil:
			return fmt.Errorf("turn keys: %w", err)
		case of != ledger:
			return fmt.Errorf("the key store is of ledger %s, not of %s: %w", of, ledger, eventstore.ErrForeign)
		case uint64(followed) == to: //nolint:gosec // the same bits
			return nil
		case uint64(followed) != from: //nolint:gosec // the same bits
			return fmt.Errorf("they stand at position %d, not %d: %w", followed, from, ErrElsewhere)
		}
		_, err = tx.Exec(ctx, "UPDATE litopys_keys.meta SET followed = $1", int64(to)) //nolint:gosec // the same bits
		return err
	})
}
