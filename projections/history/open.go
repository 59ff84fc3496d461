package history

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
)

// Open fetches the values that came in by these entries from the log and opens them: for each entry one
// value for each of Received, clear or erased. Entries must be of one subject. Who calls it has recorded
// the viewing.
func Open(ctx context.Context, streams projections.Streams, o projections.Opener, entries []Entry) ([][]domain.Item, error) {
	out := make([][]domain.Item, len(entries))
	if err := fetchAll(ctx, streams, entries, out); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	var sealed []projections.Sealed
	for i, e := range entries {
		for _, item := range out[i] {
			sealed = append(sealed, projections.Sealed{Stream: e.Stream, Event: e.Event, Item: item})
		}
	}
	if len(sealed) == 0 {
		return out, nil
	}
	opened, err := o.Open(ctx, sealed)
	if err != nil {
		return nil, fmt.Errorf("history: open: %w", err)
	}
	for i := range out {
		for j := range out[i] {
			out[i][j].Value, opened = opened[0], opened[1:]
		}
	}
	return out, nil
}

// fetchAll puts the values of every entry that brought some into out. Entries of one stream are read in runs,
// since a lookup in the log costs more than a few records that nobody wants.
func fetchAll(ctx context.Context, streams projections.Streams, entries []Entry, out [][]domain.Item) error {
	var wanted []int
	for i, e := range entries {
		if len(e.Received) > 0 {
			wanted = append(wanted, i)
		}
	}
	slices.SortStableFunc(wanted, func(a, b int) int {
		return cmp.Or(cmp.Compare(entries[a].Stream, entries[b].Stream), cmp.Compare(entries[a].Revision, entries[b].Revision))
	})
	for len(wanted) > 0 {
		n, err := fetchRun(ctx, streams, entries, wanted, out)
		if err != nil {
			return err
		}
		wanted = wanted[n:]
	}
	return nil
}

// maxSkip is how many records are read past rather than looking up the next one that is wanted.
const maxSkip = 32

// fetchRun reads one stream from the first wanted entry on, for as long as the next one is near, and tells
// how many it has served.
func fetchRun(ctx context.Context, streams projections.Streams, entries []Entry, wanted []int, out [][]domain.Item) (n int, err error) {
	first := entries[wanted[0]]
	for r, err := range streams.Events(ctx, first.Stream, first.Revision-1) {
		if err != nil {
			return n, err
		}
		// One event may be asked for more than once.
		for n < len(wanted) && entries[wanted[n]].Stream == first.Stream && entries[wanted[n]].Revision == r.Revision {
			e := entries[wanted[n]]
			if r.ID != e.Event {
				return n, diverged(e)
			}
			out[wanted[n]] = itemsOf(r.Event, e.Subject)
			n++
		}
		if n == len(wanted) || entries[wanted[n]].Stream != first.Stream || entries[wanted[n]].Revision > r.Revision+maxSkip {
			break
		}
	}
	if n == 0 {
		return 0, diverged(first)
	}
	return n, nil
}

func diverged(e Entry) error {
	return fmt.Errorf("event %s does not stand in %s at revision %d: %w", e.Event, e.Stream, e.Revision, projections.ErrDiverged)
}

// itemsOf gives what an event brought of one person.
func itemsOf(e domain.Event, who domain.SubjectID) []domain.Item {
	var items []domain.Item
	for _, item := range e.Personal() {
		if item.Subject == who {
			items = append(items, item)
		}
	}
	return items
}
