package history

import (
	"context"
	"fmt"
	"iter"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
)

// Level gives the position up to which the timelines of this snapshot stand for the log: where Follow goes on.
func Level(ctx context.Context, s projections.Snapshot) (uint64, error) {
	b, err := s.Live(ctx, Name)
	return b.Mark.Position, err
}

// Follow yields the entries of a subject that the filter lets through, as they are recorded: those after
// f.After that the log holds already, then each new one as it comes. They are the rows that the timeline will
// have, folded from the log without waiting for any read model.
//
// It ends after f.Limit entries, or with the context: silently then, since that is how it is meant to end. An
// error comes once and last.
func Follow(ctx context.Context, log projections.Source, id domain.SubjectID, f Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		given := 0
		for d, err := range log.Subscribe(ctx, f.After) {
			if ctx.Err() != nil {
				return
			}
			var entries []Entry
			if err == nil && !d.CaughtUp {
				entries, err = Entries(d.Recorded)
			}
			if err != nil {
				yield(Entry{}, fmt.Errorf("history: follow: %w", err))
				return
			}
			for _, e := range entries {
				if e.Subject != id || !f.Lets(e) {
					continue
				}
				if !yield(e, nil) {
					return
				}
				if given++; given == f.Limit {
					return
				}
			}
		}
	}
}

// Entries gives the lines of timelines that one event makes: one for each person whom it concerns.
func Entries(r domain.Recorded) ([]Entry, error) {
	batch := projections.NewBatch(New(), projections.Mark{})
	if err := batch.Apply(r); err != nil {
		return nil, err
	}
	var out []Entry
	for _, c := range batch.Changes() {
		if c.Table != table {
			continue
		}
		for _, row := range c.Appends {
			e, err := entry(row)
			if err != nil {
				return nil, err
			}
			out = append(out, e)
		}
	}
	return out, nil
}
