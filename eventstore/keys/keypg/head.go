package keypg

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/eventstore/keys"
)

// head is the row of table meta.
type head struct {
	ledger  uuid.UUID
	lock    keys.Lock
	changes changes

	followed uint64
}

// head reads the row of table meta, or makes it. Of two processes that make it the first one wins.
func (b *backend) head(ctx context.Context, db querier, root keys.Root) (h head, err error) {
	h, err = readHead(ctx, db)
	if errors.Is(err, pgx.ErrNoRows) {
		if b.cfg.MustExist {
			return h, b.corrupt("table meta", "it is empty")
		}
		if err = createHead(ctx, db, root); err != nil {
			return h, err
		}
		if h, err = readHead(ctx, db); errors.Is(err, pgx.ErrNoRows) {
			err = b.corrupt("table meta", "it is empty, and there are keys")
		}
	}
	if err != nil {
		return h, err
	}
	return h, root.Check(h.ledger)
}

func readHead(ctx context.Context, db querier) (h head, err error) {
	var followed int64
	err = db.QueryRow(ctx, "SELECT ledger, probe, indexkey, changes, rotations, followed FROM litopys_keys.meta").
		Scan(&h.ledger, &h.lock.Probe, &h.lock.IndexKey, &h.changes.keys, &h.changes.masters, &followed)
	h.followed = uint64(followed) //nolint:gosec // the same bits
	return h, err
}

// createHead makes the row only where no key is: a head that was lost is damage.
func createHead(ctx context.Context, db querier, root keys.Root) error {
	lock, err := root.NewLock(ctx)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, `INSERT INTO litopys_keys.meta (ledger, probe, indexkey) SELECT $1, $2, $3
		WHERE NOT EXISTS (SELECT FROM litopys_keys.masters) ON CONFLICT DO NOTHING`, root.Ledger, lock.Probe, lock.IndexKey)
	return err
}
