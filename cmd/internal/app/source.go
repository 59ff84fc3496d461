package app

import (
	"context"
	"iter"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/projections"
)

// source shows the journal to projections as the log that they read.
type source struct{ *journal.Journal }

var _ projections.Source = source{}

// Subscribe follows the log.
func (s source) Subscribe(ctx context.Context, after uint64) iter.Seq2[projections.Delivery, error] {
	return func(yield func(projections.Delivery, error) bool) {
		for d, err := range s.Journal.Subscribe(ctx, after) {
			if !yield(projections.Delivery(d), err) {
				return
			}
		}
	}
}

// Opener opens sealed values of read models.
type Opener struct{ Journal *journal.Journal }

var _ projections.Opener = Opener{}

// Open gives one value for each, in order: clear, or erased when its key is destroyed.
func (o Opener) Open(ctx context.Context, values []projections.Sealed) ([]domain.Value, error) {
	list := make([]journal.Sealed, len(values))
	for i, v := range values {
		list[i] = journal.Sealed(v)
	}
	return o.Journal.Open(ctx, list)
}
