package keypg

import (
	"context"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// fresh returns when the cache holds no key whose state was changed before the call began. Calls that wait
// share one question to the database; a question on its way does not count, since the database may have
// answered it before the call began.
func (s *Store) fresh(ctx context.Context) error {
	answer := make(chan error, 1)
	if err := submit(ctx, s, s.asks, answer); err != nil {
		return err
	}
	return await(ctx, answer)
}

// freshForWriter is fresh for the writer's goroutine, which goes on while the store closes.
func (s *Store) freshForWriter() error {
	answer := make(chan error, 1)
	s.asks <- answer
	return <-answer
}

// watch answers the calls of fresh, and looks for changes by itself, so that the memory of an idle process
// forgets destroyed keys. Seen is the number of the last change that the cache knows.
func (s *Store) watch(seen int64) {
	ticks := time.NewTicker(s.cfg.Sweep)
	defer ticks.Stop()
	for {
		select {
		case first, open := <-s.asks:
			if !open {
				return
			}
			waiting := append([]chan error{first}, s.alsoAsking()...)
			err := s.attempt(context.Background(), func(ctx context.Context) error { return s.catchUp(ctx, &seen) })
			for _, answer := range waiting {
				answer <- err
			}
		case <-ticks.C:
			_ = once(context.Background(), func(ctx context.Context) error { return s.catchUp(ctx, &seen) }) // the next call asks again
		}
	}
}

func (s *Store) alsoAsking() (waiting []chan error) {
	for {
		select {
		case answer, open := <-s.asks:
			if !open {
				return waiting
			}
			waiting = append(waiting, answer)
		default:
			return waiting
		}
	}
}

// catchUp drops from the cache what was changed since seen. The list of what was changed may hold later
// changes than the number; those are dropped once more the next time.
func (s *Store) catchUp(ctx context.Context, seen *int64) error {
	var changes int64
	if err := s.pool.QueryRow(ctx, "SELECT changes FROM litopys_keys.meta").Scan(&changes); err != nil {
		return err
	}
	if changes == *seen {
		return nil
	}
	rows, err := s.pool.Query(ctx, "SELECT id, subject, field, epoch FROM litopys_keys.keys WHERE changed > $1 AND changed > 0", *seen)
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
	s.cache.Drop(changed)
	*seen = changes
	return nil
}
