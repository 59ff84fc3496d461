package keypg

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
)

// Load reads the keys with these ids.
func (b *backend) Load(ctx context.Context, ids []uuid.UUID) (out []*keys.Entry, err error) {
	err = b.surely(func() error {
		rows, err := b.rowsOf(ctx, ids)
		if err != nil {
			return err
		}
		out, err = b.unwrapAll(ctx, rows)
		return err
	})
	return out, err
}

// surely reads again what seems damaged; see doubts.
func (b *backend) surely(read func() error) (err error) {
	for range doubts {
		if err = read(); !errors.Is(err, eventstore.ErrCorrupt) {
			return err
		}
	}
	return err
}

func (b *backend) unwrapAll(ctx context.Context, rows []row) (out []*keys.Entry, err error) {
	out = make([]*keys.Entry, len(rows))
	for i, r := range rows {
		key, err := b.unwrap(ctx, r)
		if err != nil {
			return nil, b.translate(err)
		}
		out[i] = keys.NewEntry(key)
	}
	return out, nil
}

// rowsOf reads the rows of the ids, in their order.
func (b *backend) rowsOf(ctx context.Context, ids []uuid.UUID) ([]row, error) {
	var rows []row
	err := b.attempt(ctx, func(ctx context.Context) error {
		found, err := b.consistent(ctx, b.pool, byIDs, ids)
		rows = make([]row, len(ids))
		for _, r := range found {
			rows[r.number-1] = r.row
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, r := range rows {
		if r.key.ID == uuid.Nil {
			return nil, fmt.Errorf("key %s: %w", ids[i], keys.ErrUnknownKey)
		}
	}
	return rows, nil
}

// consistent reads rows together with their wrapped bytes. A key may be destroyed between the two, so who
// misses bytes looks again while nobody writes; what is missing then is lost.
func (b *backend) consistent(ctx context.Context, q querier, query string, args ...any) (rows []numbered, err error) {
	whole := false
	fetch := func(q querier) error {
		if rows, err = collect(ctx, q, query, args...); err == nil {
			whole, err = addWrapped(ctx, q, rows)
		}
		return err
	}
	if err := fetch(q); err != nil || whole {
		return rows, err
	}
	return rows, b.between(ctx, func(tx pgx.Tx) error { return fetch(tx) })
}

// Find gives the subjects under which the tag is recorded with a live key of the field, in the order in
// which their keys were made.
func (s *Store) Find(ctx context.Context, field domain.Field, tag keys.Tag) (out []domain.SubjectID, err error) {
	err = s.read(ctx, func(ctx context.Context, q querier) error {
		rows, err := q.Query(ctx, `WITH candidates AS MATERIALIZED (
				SELECT k.* FROM litopys_keys.buckets b JOIN litopys_keys.keys k ON k.id = b.key WHERE b.bucket = $1
			) SELECT c.subject FROM candidates c JOIN litopys_keys.tags t ON t.shelf = c.shelf AND t.key = c.id AND t.tag = $2
			WHERE c.field = $3 AND c.state = 'live' ORDER BY c.n`, int32(tag.Bucket()), tag[:], string(field))
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		out = distinct(ids)
		return err
	})
	return out, err
}

// distinct keeps the first of equal ids: a subject may have the value in several epochs.
func distinct(ids []uuid.UUID) (out []domain.SubjectID) {
	seen := map[uuid.UUID]bool{}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, domain.SubjectID{UUID: id})
		}
	}
	return out
}

// Of lists the keys of a subject in the order in which they were made, tombstones included, without secrets.
func (s *Store) Of(ctx context.Context, subject domain.SubjectID) (out []keys.Key, err error) {
	err = s.read(ctx, func(ctx context.Context, q querier) error {
		rows, err := collect(ctx, q, bySubject, subject.UUID)
		out = nil
		for _, r := range rows {
			out = append(out, r.key)
		}
		return err
	})
	return out, err
}

// Followed gives the position up to which Follow has been told everything.
func (s *Store) Followed(ctx context.Context) (position uint64, err error) {
	err = s.read(ctx, func(ctx context.Context, q querier) error {
		var stored int64
		err := q.QueryRow(ctx, "SELECT followed FROM litopys_keys.meta").Scan(&stored)
		position = uint64(stored) //nolint:gosec // the same bits
		return err
	})
	return position, err
}

// Verify checks that every key which is not destroyed opens, and that no shelf holds what belongs to a
// destroyed key. It gives the first damage as a *eventstore.CorruptError. It reads beside the other calls,
// but a destruction waits for each of its steps.
func (s *Store) Verify(ctx context.Context) error {
	for after, more := uuid.Nil, true; more; {
		err := s.db.surely(func() (err error) {
			after, more, err = s.verifyPage(ctx, after)
			return err
		})
		if err != nil {
			return err
		}
	}
	for shelf := range shelves {
		if err := s.verifyShelf(ctx, shelf); err != nil {
			return err
		}
	}
	return nil
}

// verifyPage opens the keys after one and gives the last.
func (s *Store) verifyPage(ctx context.Context, after uuid.UUID) (last uuid.UUID, more bool, err error) {
	var rows []numbered
	err = s.read(ctx, func(ctx context.Context, q querier) (err error) {
		rows, err = s.db.consistent(ctx, q, byPages, after)
		return err
	})
	if err != nil {
		return after, false, err
	}
	last = after
	for _, r := range rows {
		if _, err := s.db.unwrap(ctx, r.row); err != nil {
			return after, false, s.db.translate(err)
		}
		last = r.key.ID
	}
	return last, len(rows) > 0, nil
}

// verifyShelf looks for wrapped keys and tags that belong to no key, or to a destroyed one.
func (s *Store) verifyShelf(ctx context.Context, shelf int) error {
	// The number stands in the text, so that the plan touches this shelf only.
	const orphans = `SELECT count(*) FROM litopys_keys.%s m LEFT JOIN litopys_keys.keys k ON k.id = m.key AND k.shelf = m.shelf
		WHERE m.shelf = %d AND (k.state IS NULL OR k.state = 'destroyed')`
	for _, table := range []string{"secrets", "tags"} {
		var n int
		err := s.read(ctx, func(ctx context.Context, q querier) error {
			return q.QueryRow(ctx, fmt.Sprintf(orphans, table, shelf), pgx.QueryExecModeExec).Scan(&n)
		})
		if err != nil {
			return err
		}
		if n > 0 {
			return s.db.corrupt(fmt.Sprintf("shelf %d of %s", shelf, table), fmt.Sprintf("%d rows belong to no key or to a destroyed one", n))
		}
	}
	return nil
}
