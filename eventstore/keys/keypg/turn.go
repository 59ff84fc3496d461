package keypg

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/eventstore/keys"
)

// Turn makes the keys of a ledger follow a copy of its log from now on: from, a place in the old log up to
// which every fate is carried out, becomes to, the same place in the copy. Done is done: a second call
// changes nothing. No process may have the store open with the old log: its next fate would set the place
// back. Errors: keys.ErrElsewhere when the keys stand at another place, eventstore.ErrForeign when they are of
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
		if err != nil {
			return fmt.Errorf("turn keys: %w", err)
		}
		name := "PostgreSQL database " + conn.Config().Database
		done, err := keys.Turn{Ledger: ledger, From: from, To: to}.Check(name, of, uint64(followed)) //nolint:gosec // the same bits
		if err != nil || done {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE litopys_keys.meta SET followed = $1", int64(to)) //nolint:gosec // the same bits
		return err
	})
}
