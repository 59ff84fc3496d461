package keypg

import (
	"context"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
)

// Fresh returns when the cache holds no key whose state was changed before the call began. Calls that wait
// share one question to the database; a question on its way does not count, since the database may have
// answered it before the call began.
func (b *backend) Fresh(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case b.asks <- answer:
	case <-ctx.Done():
		return ctx.Err()
	case <-b.watched:
		return eventstore.ErrClosed
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-b.watched:
		return eventstore.ErrClosed
	}
}

// watch answers the calls of Fresh, and looks for changes by itself, so that the memory of an idle process
// forgets destroyed keys. Seen is what the cache knows.
func (b *backend) watch(seen changes) {
	ticks := time.NewTicker(b.cfg.Sweep)
	defer ticks.Stop()
	for {
		select {
		case <-b.stop:
			return
		case first := <-b.asks:
			waiting := append([]chan error{first}, b.alsoAsking()...)
			err := b.attempt(context.Background(), func(ctx context.Context) error { return b.catchUp(ctx, &seen) })
			for _, answer := range waiting {
				answer <- err
			}
		case <-ticks.C:
			ctx := context.Background()
			b.note(ctx, once(ctx, func(ctx context.Context) error { return b.catchUp(ctx, &seen) })) // the next call asks again
		}
	}
}

func (b *backend) alsoAsking() (waiting []chan error) {
	for {
		select {
		case answer := <-b.asks:
			waiting = append(waiting, answer)
		default:
			return waiting
		}
	}
}

// changes are the numbers of the last change of a key's state and of the master keys.
type changes struct{ keys, masters int64 }

// catchUp drops from the cache what was changed since seen. The list of what was changed may hold later
// changes than the number; those are dropped once more the next time.
func (b *backend) catchUp(ctx context.Context, seen *changes) error {
	var now changes
	if err := b.pool.QueryRow(ctx, "SELECT changes, rotations FROM litopys_keys.meta").Scan(&now.keys, &now.masters); err != nil {
		return err
	}
	if now.masters != seen.masters {
		b.masters.refresh()
		seen.masters = now.masters
	}
	if now.keys == seen.keys {
		return nil
	}
	rows, err := b.pool.Query(ctx, "SELECT id, subject, field, epoch FROM litopys_keys.keys WHERE changed > $1 AND changed > 0", seen.keys)
	if err != nil {
		return err
	}
	defer rows.Close()
	var changed []keys.Key
	for rows.Next() {
		var k keys.Key
		var field, epoch string
		if err := rows.Scan(&k.ID, &k.Ref.Subject.UUID, &field, &epoch); err != nil {
			return err
		}
		k.Ref.Field, k.Ref.Epoch = domain.Field(field), domain.Epoch(epoch)
		changed = append(changed, k)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	b.cache.Drop(changed)
	seen.keys = now.keys
	return nil
}
