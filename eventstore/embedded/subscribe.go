package embedded

import (
	"context"
	"iter"

	"imagine.ua/litopys/eventstore"
)

// Subscribe implements eventstore.Subscriber. When the context ends or the store closes it yields that
// error and ends.
func (s *Store) Subscribe(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Delivery, error] {
	return func(yield func(eventstore.Delivery, error) bool) {
		s.follow(ctx, after, yield, func(at eventstore.Position) (eventstore.Position, bool) {
			for record, err := range s.ReadAll(ctx, at) {
				if err != nil {
					yield(eventstore.Delivery{}, err)
					return at, false
				}
				at = record.Position
				if !yield(eventstore.Delivery{Record: record, Position: at}, nil) {
					return at, false
				}
			}
			return at, true
		})
	}
}

// SubscribeTypes is Subscribe for those who want records of some types only: others are checked, but not
// handed over, which costs a fraction. Now and then comes a Delivery with neither a record nor CaughtUp; all
// up to its position is passed.
func (s *Store) SubscribeTypes(ctx context.Context, after eventstore.Position, wanted func(kind string) bool) iter.Seq2[eventstore.Delivery, error] {
	return func(yield func(eventstore.Delivery, error) bool) {
		p := newPage()
		p.wanted = wanted
		s.follow(ctx, after, yield, func(at eventstore.Position) (eventstore.Position, bool) {
			for end := s.committed.Load(); uint64(at) < end; {
				err := s.alive(ctx)
				if err != nil {
					yield(eventstore.Delivery{}, err)
					return at, false
				}
				records, next, err := s.log.skim(ctx, p, uint64(at)+1, min(uint64(at)+pageRecords, end))
				if err != nil {
					yield(eventstore.Delivery{}, err)
					return at, false
				}
				for _, r := range records {
					if !yield(eventstore.Delivery{Record: r, Position: r.Position}, nil) {
						return at, false
					}
				}
				at = eventstore.Position(next - 1)
				if !yield(eventstore.Delivery{Position: at}, nil) {
					return at, false
				}
			}
			return at, true
		})
	}
}

// follow hands over what there is behind a position by deliver, which gives the position that it has come to
// and whether to go on, and waits for more.
func (s *Store) follow(ctx context.Context, at eventstore.Position, yield func(eventstore.Delivery, error) bool,
	deliver func(at eventstore.Position) (eventstore.Position, bool)) {
	for {
		grown := s.grown.wait()
		before, more := at, false
		if at, more = deliver(at); !more {
			return
		}
		if at != before {
			continue // more may have come meanwhile
		}
		if err := s.alive(ctx); err != nil {
			yield(eventstore.Delivery{}, err)
			return
		}
		if !yield(eventstore.Delivery{Position: at, CaughtUp: true}, nil) {
			return
		}
		select {
		case <-grown:
		case <-s.closing:
		case <-ctx.Done():
		}
	}
}
