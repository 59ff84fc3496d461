package keypg

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// readerPause is how long a destruction stands in the queue for a shelf that a reader holds (a dump, say),
// since whoever reads the shelf stands behind it; then it lets them pass, and tries again.
const readerPause = "2s"

// CarryOut is a no-op for what was followed before. When it returns nil, the new states are durable, this
// cache does not know the old ones and no other hands them out, and no file of a table holds the bytes and
// tags of what was destroyed. Several processes may follow the same log.
func (b *backend) CarryOut(position uint64, fates []domain.Fate) error {
	ctx := context.Background() // patience ends it
	err := b.attempt(ctx, func(ctx context.Context) error {
		return b.turn(ctx, func(tx pgx.Tx) error {
			var followed int64
			if err := tx.QueryRow(ctx, "SELECT followed FROM litopys_keys.meta").Scan(&followed); err != nil {
				return err
			}
			if position <= uint64(followed) { //nolint:gosec // the same bits
				return nil
			}
			return follow(ctx, tx, position, fates, b.cfg.Now())
		})
	})
	if err != nil {
		return err
	}
	return b.Fresh(ctx)
}

// follow is the transaction of one Follow.
func follow(ctx context.Context, tx pgx.Tx, position uint64, fates []domain.Fate, now time.Time) error {
	changes := int64(0)
	if len(fates) > 0 {
		b, err := readBook(ctx, tx, fates)
		if err != nil {
			return err
		}
		for _, fate := range fates {
			b.carryOut(fate)
		}
		if changes, err = b.write(ctx, tx, now); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "UPDATE litopys_keys.meta SET followed = $1, changes = greatest(changes, $2)",
		int64(position), changes) //nolint:gosec // the same bits
	return err
}

// readBook reads all keys of the fields that the fates are about, and their marks.
func readBook(ctx context.Context, tx pgx.Tx, fates []domain.Fate) (*book, error) {
	type fieldOf struct {
		subject domain.SubjectID
		field   domain.Field
	}
	wanted := map[fieldOf]bool{}
	refs := make([]keys.Ref, len(fates))
	var subjects []uuid.UUID
	var fields []string
	for i, fate := range fates {
		refs[i] = keys.RefOf(fate)
		if f := (fieldOf{fate.Subject, fate.Field}); !wanted[f] {
			wanted[f] = true
			subjects, fields = append(subjects, f.subject.UUID), append(fields, string(f.field))
		}
	}
	rows, err := collect(ctx, tx, byFields, subjects, fields)
	if err != nil {
		return nil, err
	}
	marks, err := readMarks(ctx, tx, refs)
	return newBook(rows, marks), err
}

// write brings the tables in line with the book, and gives the number of the change; 0 for none.
func (b *book) write(ctx context.Context, tx pgx.Tx, now time.Time) (changes int64, err error) {
	if changes, err = b.writeStates(ctx, tx, now); err != nil {
		return 0, err
	}
	if err := b.writeTombstones(ctx, tx, now); err != nil {
		return 0, err
	}
	if err := b.writeMarks(ctx, tx); err != nil {
		return 0, err
	}
	return changes, b.erase(ctx, tx)
}

func (b *book) writeStates(ctx context.Context, tx pgx.Tx, now time.Time) (changes int64, err error) {
	var ids []uuid.UUID
	var names []string
	var until []*time.Time
	var rules, through []*string
	for _, e := range b.rows {
		if !e.changed {
			continue
		}
		ids, names = append(ids, e.key.ID), append(names, e.key.State.String())
		until, rules, through = append(until, orNull(e.key.Until)), append(rules, orNull(e.key.Rule)), append(through, orNull(string(e.through)))
	}
	if len(ids) == 0 {
		return 0, nil
	}
	err = tx.QueryRow(ctx, `WITH w AS (
			SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $6::text[]) AS w (id, state, until, rule, through)
		), changed AS (
			UPDATE litopys_keys.keys k SET state = w.state, until = w.until, rule = w.rule, changed = m.changes + 1,
				destroyed = CASE WHEN w.state = 'destroyed' THEN $5::timestamptz END, owed = w.state = 'destroyed',
				through = w.through
			FROM w, litopys_keys.meta m WHERE k.id = w.id
		) SELECT changes + 1 FROM litopys_keys.meta`, ids, names, until, rules, now, through).Scan(&changes)
	return changes, err
}

// orNull is NULL for the zero value.
func orNull[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

func (b *book) writeTombstones(ctx context.Context, tx pgx.Tx, now time.Time) error {
	if len(b.tombstones) == 0 {
		return nil
	}
	ids, shelf := make([]uuid.UUID, len(b.tombstones)), make([]int16, len(b.tombstones))
	for i, ref := range b.tombstones {
		ids[i], shelf[i] = b.rows[ref].key.ID, shelfOf(ref.Subject)
	}
	subjects, fields, epochs := refArrays(b.tombstones)
	_, err := tx.Exec(ctx, `INSERT INTO litopys_keys.keys (id, subject, field, epoch, state, shelf, destroyed)
		SELECT w.id, w.subject, w.field, w.epoch, 'destroyed', w.shelf, $6
		FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::smallint[]) WITH ORDINALITY AS w (id, subject, field, epoch, shelf, i)
		ORDER BY w.i`, ids, subjects, fields, epochs, shelf, now)
	return err
}

func (b *book) writeMarks(ctx context.Context, tx pgx.Tx) error {
	if len(b.marked) == 0 {
		return nil
	}
	var subjects []uuid.UUID
	var fields, kinds, through []string
	for p := range b.marked {
		subjects, fields = append(subjects, p.subject.UUID), append(fields, string(p.field))
		kinds, through = append(kinds, string(p.kind)), append(through, string(b.marks[p]))
	}
	_, err := tx.Exec(ctx, `INSERT INTO litopys_keys.closed (subject, field, kind, through)
		SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
		ON CONFLICT (subject, field, kind) DO UPDATE SET through = excluded.through`, subjects, fields, kinds, through)
	return err
}

// erase rewrites the shelves of the destroyed keys.
func (b *book) erase(ctx context.Context, tx pgx.Tx) error { return erase(ctx, tx, b.destroyed()) }

// erase rewrites shelves without the keys that are gone, in one order for all processes.
func erase(ctx context.Context, tx pgx.Tx, gone map[int16][]uuid.UUID) error {
	if len(gone) == 0 {
		return nil
	}
	if err := letReadersPass(ctx, tx); err != nil {
		return err
	}
	for _, shelf := range slices.Sorted(maps.Keys(gone)) {
		if _, err := tx.Exec(ctx, "SELECT litopys_keys.erase($1, $2)", shelf, gone[shelf]); err != nil {
			return err
		}
	}
	return nil
}

func letReadersPass(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '"+readerPause+"'")
	return err
}
