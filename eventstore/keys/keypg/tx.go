package keypg

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// turnLock is the advisory lock that every transaction which writes keys holds, so that the writers of all
// processes take turns. Advisory locks belong to one database.
const turnLock = 0x6c69_746f_0002

// turn runs do in a transaction that has its turn: what do reads stays as it is until the commit. Each
// statement of do sees all that was committed before.
func (s *Store) turn(ctx context.Context, do func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", turnLock); err != nil {
			return err
		}
		return do(tx)
	})
}

// between runs do in a transaction during which nobody has a turn.
func (s *Store) between(ctx context.Context, do func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock_shared($1)", turnLock); err != nil {
			return err
		}
		return do(tx)
	})
}
