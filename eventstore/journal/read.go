package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/schema"
)

// Delivery is what a subscription hands over: an event, or the news that all is delivered.
type Delivery struct {
	Recorded domain.Recorded
	CaughtUp bool
}

// Events yields the events of a stream after a revision, in order, with sealed values. An error comes once
// and last.
func (j *Journal) Events(ctx context.Context, stream domain.Stream, after domain.Revision) iter.Seq2[domain.Recorded, error] {
	return func(yield func(domain.Recorded, error) bool) {
		for r, err := range j.store.ReadStream(ctx, string(stream), after) {
			if err != nil {
				yield(domain.Recorded{}, fmt.Errorf("read stream %s: %w", stream, err))
				return
			}
			event, err := decode(r)
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// Subscribe yields every event after the position, then each new one as it comes, until the context ends,
// with sealed values. Whenever all is delivered, a Delivery with CaughtUp says so. An error comes once and
// last.
func (j *Journal) Subscribe(ctx context.Context, after uint64) iter.Seq2[Delivery, error] {
	return func(yield func(Delivery, error) bool) {
		for d, err := range j.store.Subscribe(ctx, eventstore.Position(after)) {
			if err != nil {
				yield(Delivery{}, fmt.Errorf("follow the log: %w", err))
				return
			}
			if d.CaughtUp {
				if !yield(Delivery{CaughtUp: true}, nil) {
					return
				}
				continue
			}
			event, err := decode(d.Record)
			if !yield(Delivery{Recorded: event}, err) || err != nil {
				return
			}
		}
	}
}

// decode gives the event of a record; it keeps none of the record's slices.
func decode(r eventstore.Record) (event domain.Recorded, err error) {
	err = decodeTo(&event, &r)
	return event, err
}

// decodeTo is decode for many: it copies nothing twice. After an error the event is empty.
func decodeTo(event *domain.Recorded, r *eventstore.Record) (err error) {
	if event.Event, err = schema.Decode(r.Type, r.Data); err == nil {
		err = schema.ReadMeta(r.Meta, &event.Meta)
	}
	if err != nil {
		*event = domain.Recorded{}
		return placed(*r, err)
	}
	event.ID, event.Stream, event.Revision, event.Position = r.ID, domain.Stream(r.Stream), r.Revision, uint64(r.Position)
	return nil
}

// placed says where a record stands that cannot be read. A malformed document is damage; a type that this
// program does not know is not.
func placed(r eventstore.Record, err error) error {
	if errors.Is(err, schema.ErrMalformed) {
		return fmt.Errorf("%w: %w", damage(r, "its document cannot be read"), err)
	}
	return fmt.Errorf("%s: %w", placeOf(r), err)
}

func damage(r eventstore.Record, detail string) error {
	return &eventstore.CorruptError{File: "log", Place: placeOf(r), Detail: detail}
}

func placeOf(r eventstore.Record) string {
	return fmt.Sprintf("record at position %d (stream %.200q, revision %d)", r.Position, r.Stream, r.Revision)
}
