package keypg

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"imagine.ua/litopys/eventstore/keys"
)

// batch is what one transaction makes: new keys with their wrapped bytes, and tags.
type batch struct {
	master *keys.Master
	month  uuid.UUID // id of master

	expected map[uuid.UUID]bool // keys that were found live and must still be

	refs    []keys.Ref
	ids     []uuid.UUID
	wrapped [][]byte

	tagged  []uuid.UUID
	shelves []int16
	tags    [][]byte
	buckets []int32
}

// make gives a new key for the ref, to be written.
func (b *batch) make(ref keys.Ref) keys.Key {
	key := keys.NewKey(ref)
	b.refs, b.ids, b.wrapped = append(b.refs, ref), append(b.ids, key.ID), append(b.wrapped, b.master.Wrap(key))
	return key
}

// expect makes the writing depend on a key's being live still.
func (b *batch) expect(key keys.Key) {
	if b.expected == nil {
		b.expected = map[uuid.UUID]bool{}
	}
	b.expected[key.ID] = true
}

// record adds a tag, to be written.
func (b *batch) record(key keys.Key, tag keys.Tag) {
	b.tagged, b.shelves = append(b.tagged, key.ID), append(b.shelves, shelfOf(key.Ref.Subject))
	b.tags, b.buckets = append(b.tags, tag[:]), append(b.buckets, int32(tag.Bucket()))
}

// write commits the batch, or gives errStale when another process has made, closed or changed one of its
// refs since they were read.
func (b *batch) write(ctx context.Context, store *backend) error {
	if len(b.refs)+len(b.tags) == 0 {
		return nil
	}
	return store.turn(ctx, func(tx pgx.Tx) error {
		if err := b.requireUnchanged(ctx, tx); err != nil {
			return err
		}
		statements := &pgx.Batch{} // one round trip
		b.queueKeys(statements)
		b.queueTags(statements)
		return tx.SendBatch(ctx, statements).Close()
	})
}

// requireUnchanged looks again at what the group's answers rest on. That the new refs have no key yet shows
// when they are written.
func (b *batch) requireUnchanged(ctx context.Context, tx pgx.Tx) error {
	marks, err := readMarks(ctx, tx, b.refs)
	if err != nil {
		return err
	}
	for _, ref := range b.refs {
		if isClosed(marks, ref) {
			return errStale
		}
	}
	var ids []uuid.UUID
	isNew := map[uuid.UUID]bool{}
	for _, id := range b.ids {
		isNew[id] = true
	}
	for id := range b.expected {
		if !isNew[id] { // found by an earlier call of the group is not made by it
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var changed bool
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM unnest($1::uuid[]) AS w (id)
		JOIN litopys_keys.keys k ON k.id = w.id WHERE k.state <> 'live')`, ids).Scan(&changed)
	if err == nil && changed {
		err = errStale
	}
	return err
}

// usable finds master key $1 if keys may still be wrapped with it: no rotation has made a newer one of its
// month. Another process may remember it from before.
const usable = `SELECT FROM litopys_keys.masters m WHERE m.id = $1 AND m.wrapped IS NOT NULL
	AND NOT EXISTS (SELECT FROM litopys_keys.masters o WHERE o.n > m.n AND left(o.month, 7) = left(m.month, 7))`

func (b *batch) queueKeys(statements *pgx.Batch) {
	if len(b.refs) == 0 {
		return
	}
	subjects, fields, epochs := refArrays(b.refs)
	shelf := make([]int16, len(b.refs))
	for i, ref := range b.refs {
		shelf[i] = shelfOf(ref.Subject)
	}
	statements.Queue(`INSERT INTO litopys_keys.keys (id, subject, field, epoch, state, master, shelf)
		SELECT w.id, w.subject, w.field, w.epoch, 'live', $1, w.shelf
		FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::smallint[]) WITH ORDINALITY AS w (id, subject, field, epoch, shelf, i)
		WHERE EXISTS (`+usable+`) ORDER BY w.i ON CONFLICT DO NOTHING`, b.month, b.ids, subjects, fields, epochs, shelf).Exec(func(done pgconn.CommandTag) error {
		if done.RowsAffected() != int64(len(b.refs)) {
			return errStale
		}
		return nil
	})
	statements.Queue(`INSERT INTO litopys_keys.secrets (shelf, key, wrapped)
		SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::bytea[])`, shelf, b.ids, b.wrapped)
}

// queueTags writes no tag a second time: another process may have recorded it since it was looked for.
func (b *batch) queueTags(statements *pgx.Batch) {
	if len(b.tags) == 0 {
		return
	}
	statements.Queue(`INSERT INTO litopys_keys.tags (shelf, key, tag)
		SELECT w.shelf, w.key, w.tag FROM unnest($1::smallint[], $2::uuid[], $3::bytea[]) AS w (shelf, key, tag)
		WHERE NOT EXISTS (SELECT FROM litopys_keys.tags t WHERE t.shelf = w.shelf AND t.key = w.key AND t.tag = w.tag)`,
		b.shelves, b.tagged, b.tags)
	statements.Queue(`INSERT INTO litopys_keys.buckets (bucket, key)
		SELECT * FROM unnest($1::integer[], $2::uuid[]) ON CONFLICT DO NOTHING`, b.buckets, b.tagged)
}
