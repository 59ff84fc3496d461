package keypg

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// Rotate makes a new master key and erases the older ones; its role needs the rights of litopys_keys_rotator.
// A page is a shelf, which is rewritten whole. See keys.Rotator.
//
// A crash leaves, after the new master key is made: the mark meta.rotating, by which the next call, of
// whatever process, goes on; after some shelves: the others under their old master keys. From the new master
// key on nobody wraps a key with an older one of its month, whatever he remembers.
func (s *Store) Rotate(ctx context.Context, report func(keys.Rotation)) (keys.Rotation, error) {
	r := rotation{backend: s.db}
	if err := s.step(ctx, r.begin); err != nil {
		return r.told, fmt.Errorf("rotate master keys: %w", err)
	}
	for shelf := range int16(shelves) {
		if err := s.step(ctx, func(ctx context.Context, tx pgx.Tx) error { return r.page(ctx, tx, shelf) }); err != nil {
			return r.told, fmt.Errorf("rotate master keys: %w", err)
		}
		r.told.Rewrapped += r.wrapped
		if report != nil {
			report(r.told)
		}
		if err := ctx.Err(); err != nil {
			return r.told, err
		}
	}
	if err := s.step(ctx, r.end); err != nil {
		return r.told, fmt.Errorf("rotate master keys: %w", err)
	}
	return r.told, s.db.Fresh(ctx)
}

// step runs one transaction of a rotation in its turn, again when that may help.
func (s *Store) step(ctx context.Context, do func(ctx context.Context, tx pgx.Tx) error) error {
	return s.Alone(ctx, func() error {
		return s.db.attempt(context.WithoutCancel(ctx), func(ctx context.Context) error {
			return s.db.turn(ctx, func(tx pgx.Tx) error {
				if err := letReadersPass(ctx, tx); err != nil {
					return err
				}
				return do(ctx, tx)
			})
		})
	})
}

// rotation is one call of Rotate. Its steps may be done again, so each sets what it tells and adds nothing.
type rotation struct {
	*backend
	target  uuid.UUID // the new master key
	number  int64     // masters.n of it
	wrapped int       // keys that the last page has wrapped anew
	told    keys.Rotation
}

// begin makes the new master key, or takes up that of a rotation that did not end.
func (r *rotation) begin(ctx context.Context, tx pgx.Tx) error {
	var under *uuid.UUID
	if err := tx.QueryRow(ctx, "SELECT rotating FROM litopys_keys.meta").Scan(&under); err != nil {
		return err
	}
	if r.told.Resumed = under != nil; r.told.Resumed {
		r.target = *under
	} else if err := r.make(ctx, tx); err != nil {
		return err
	}
	return tx.QueryRow(ctx, "SELECT month, n FROM litopys_keys.masters WHERE id = $1", r.target).Scan(&r.told.Master, &r.number)
}

func (r *rotation) make(ctx context.Context, tx pgx.Tx) (err error) {
	if r.target, err = r.masters.add(ctx, tx, domain.MonthOf(r.cfg.Now())); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE litopys_keys.meta SET rotating = $1, rotations = rotations + 1", r.target)
	return err
}

// oldKeys are the keys of a shelf that older master keys wrap.
const oldKeys = "SELECT k.n, " + columns + `FROM litopys_keys.keys k JOIN litopys_keys.masters m ON m.id = k.master
	WHERE k.shelf = $1 AND k.state <> 'destroyed' AND m.n < $2`

// page wraps a shelf anew.
func (r *rotation) page(ctx context.Context, tx pgx.Tx, shelf int16) error {
	rows, err := collect(ctx, tx, oldKeys, shelf, r.number)
	if err != nil {
		return err
	}
	if r.wrapped = len(rows); r.wrapped == 0 {
		return nil
	}
	if whole, err := addWrapped(ctx, tx, rows); err != nil || !whole {
		return errors.Join(err, r.missing(whole, shelf))
	}
	master, err := r.masters.get(ctx, r.target)
	if err != nil {
		return err
	}
	ids, fresh := make([]uuid.UUID, len(rows)), make([][]byte, len(rows))
	for i, old := range rows {
		key, err := r.unwrap(ctx, old.row)
		if err != nil {
			return err
		}
		ids[i], fresh[i] = key.ID, master.Wrap(key)
	}
	_, err = tx.Exec(ctx, "SELECT litopys_keys.rewrap($1, $2, $3, $4)", shelf, r.target, ids, fresh)
	return err
}

func (r *rotation) missing(whole bool, shelf int16) error {
	if whole {
		return nil
	}
	return r.corrupt(fmt.Sprintf("shelf %d", shelf), "wrapped bytes of a key are missing")
}

// end erases the older master keys that wrap nothing any more.
func (r *rotation) end(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT m.id, m.month FROM litopys_keys.masters m WHERE m.n < $1 AND m.wrapped IS NOT NULL
		AND NOT EXISTS (SELECT FROM litopys_keys.keys k WHERE k.master = m.id AND k.state <> 'destroyed') ORDER BY m.n`, r.number)
	if err != nil {
		return err
	}
	type old struct {
		ID   uuid.UUID
		Name string
	}
	dying, err := pgx.CollectRows(rows, pgx.RowToStructByPos[old])
	if err != nil {
		return err
	}
	ids := make([]uuid.UUID, len(dying))
	r.told.Died = nil
	for i, m := range dying {
		ids[i], r.told.Died = m.ID, append(r.told.Died, m.Name)
	}
	if len(ids) > 0 {
		if _, err := tx.Exec(ctx, "SELECT litopys_keys.erase_masters($1)", ids); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "UPDATE litopys_keys.meta SET rotating = NULL, rotations = rotations + 1")
	return err
}
