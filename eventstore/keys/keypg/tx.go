package keypg

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// A transaction that writes keys begins by taking an advisory lock, in the same round trip, so that the
// writers of all processes take turns. Advisory locks belong to one database.
const (
	beginTurn    = "BEGIN; SELECT pg_advisory_xact_lock(x'6c69746f0002'::bigint)"
	beginBetween = "BEGIN; SELECT pg_advisory_xact_lock_shared(x'6c69746f0002'::bigint)"
)

// turn runs do in a transaction that has its turn: what do reads stays as it is until the commit. Each
// statement of do sees all that was committed before.
func (b *backend) turn(ctx context.Context, do func(tx pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, b.pool, pgx.TxOptions{BeginQuery: beginTurn}, do)
}

// between runs do in a transaction during which nobody has a turn.
func (b *backend) between(ctx context.Context, do func(tx pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, b.pool, pgx.TxOptions{BeginQuery: beginBetween}, do)
}
