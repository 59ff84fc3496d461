package keypg

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
)

// probeID and indexID are the ids that the wrapped probe and index key bear; they tell the two apart.
var (
	probeID = uuid.MustParse("5c1d5e0a-7f6b-5a44-8d0e-000000000001")
	indexID = uuid.MustParse("5c1d5e0a-7f6b-5a44-8d0e-000000000002")
)

// head is the row of table meta.
type head struct {
	ledger   uuid.UUID
	probe    []byte
	indexKey []byte
	changes  int64
}

// head reads the row of table meta, or makes it. Of two processes that make it the first one wins.
func (s *Store) head(ctx context.Context, conn *pgxpool.Conn) (h head, err error) {
	h, err = readHead(ctx, conn)
	if errors.Is(err, pgx.ErrNoRows) {
		if s.cfg.MustExist {
			return h, s.corrupt("table meta", "it is empty")
		}
		if err = createHead(ctx, conn, keys.Root{KMS: s.cfg.KMS, Ledger: s.cfg.Ledger}); err != nil {
			return h, err
		}
		if h, err = readHead(ctx, conn); errors.Is(err, pgx.ErrNoRows) {
			err = s.corrupt("table meta", "it is empty, and there are keys")
		}
	}
	if err != nil {
		return h, err
	}
	if h.ledger != s.cfg.Ledger {
		return h, fmt.Errorf("%s has the keys of ledger %s, not of %s: %w", s.name, h.ledger, s.cfg.Ledger, eventstore.ErrForeign)
	}
	return h, nil
}

func readHead(ctx context.Context, q querier) (h head, err error) {
	err = q.QueryRow(ctx, "SELECT ledger, probe, indexkey, changes FROM litopys_keys.meta").Scan(&h.ledger, &h.probe, &h.indexKey, &h.changes)
	return h, err
}

// createHead makes the row only where no key is: a head that was lost is damage.
func createHead(ctx context.Context, conn *pgxpool.Conn, root keys.Root) error {
	probe, err := root.Wrap(ctx, probeID, keys.NewSecret())
	if err != nil {
		return err
	}
	indexKey, err := root.Wrap(ctx, indexID, keys.NewSecret())
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `INSERT INTO litopys_keys.meta (ledger, probe, indexkey) SELECT $1, $2, $3
		WHERE NOT EXISTS (SELECT FROM litopys_keys.masters) ON CONFLICT DO NOTHING`, root.Ledger, probe, indexKey)
	return err
}

// unlock opens the index key, after the probe has shown that the key-management service is the right one.
func (s *Store) unlock(ctx context.Context, h head, root keys.Root) (secret [keys.Size]byte, err error) {
	if _, err := root.Unwrap(ctx, probeID, h.probe); err != nil {
		return secret, s.rootError("probe", err)
	}
	secret, err = root.Unwrap(ctx, indexID, h.indexKey)
	return secret, s.rootError("index key", err)
}

// rootError tells damage from a key-management service that is wrong, forbidden or out of reach.
func (s *Store) rootError(place string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keys.ErrUnwrap):
		return s.corrupt(place, "wrapped bytes are damaged")
	}
	return fmt.Errorf("%s: the key-management service does not open it: %w", s.name, err)
}
