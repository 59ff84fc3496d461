package history

import (
	"context"
	"iter"
	"slices"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
)

// Term is the law on how long the record of an operation is kept.
type Term interface {
	// KeepRecordUntil gives the end of the term for an operation of this time: the first moment at which its
	// record need not be kept any more. (Order 1/02-14 of the Ombudsman: one year from the end of the year
	// of the operation.)
	KeepRecordUntil(operation time.Time) time.Time
}

// Keeping is a reader that leaves out the records of operations whose term has passed.
//
// Three things stay beyond the term: the proof of grounds (registration, consents, orders, holds), the record
// of how a value came in for as long as the value is held or kept (the person may ask where it is from), and
// whatever is asked for as Expired.
type Keeping struct {
	Term Term
	Now  time.Time
	// Expired gives the records whose term has passed too.
	Expired bool
}

// Until is the end of the term of the entry's record.
func (k Keeping) Until(e Entry) time.Time { return k.Term.KeepRecordUntil(e.Occurred) }

// Timeline is like the function Timeline; *leftOut counts what is left out as the loop goes on. The limit of
// the filter counts what is given.
func (k Keeping) Timeline(ctx context.Context, s projections.Snapshot, id domain.SubjectID, f Filter, leftOut *int) iter.Seq2[Entry, error] {
	limit := f.Limit
	f.Limit = 0
	return func(yield func(Entry, error) bool) {
		held, err := k.held(ctx, s, id)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		given := 0
		for e, err := range Timeline(ctx, s, id, f) {
			if err == nil && k.leavesOut(e, held) {
				*leftOut++
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
			if given++; given == limit {
				return
			}
		}
	}
}

// AsOf is like the function AsOf. Holdings count as left out, too, when the record by which they came is.
func (k Keeping) AsOf(ctx context.Context, s projections.Snapshot, id domain.SubjectID, m Moment) (Past, error) {
	held, err := k.held(ctx, s, id)
	if err != nil {
		return Past{}, err
	}
	past, err := AsOf(ctx, s, id, m)
	if err != nil {
		return Past{}, err
	}
	gone := map[uint64]bool{}
	drop := func(e Entry) bool {
		if !k.leavesOut(e, held) {
			return false
		}
		gone[e.Position] = true
		return true
	}
	for _, list := range []*[]Entry{&past.Agreements, &past.Viewed, &past.Used, &past.Transferred, &past.Other} {
		*list = slices.DeleteFunc(*list, drop)
	}
	past.Holdings = slices.DeleteFunc(past.Holdings, func(h Holding) bool { return drop(h.Came) })
	past.LeftOut = len(gone)
	return past, nil
}

// held gives the values that are held or kept today, whatever moment is asked about.
func (k Keeping) held(ctx context.Context, s projections.Snapshot, id domain.SubjectID) (map[domain.FieldEpoch]*Holding, error) {
	p := replay{values: map[domain.FieldEpoch]*Holding{}}
	if k.Expired {
		return p.values, nil // nobody will ask
	}
	for e, err := range Timeline(ctx, s, id, Filter{}) {
		if err != nil {
			return nil, err
		}
		p.hold(e)
	}
	return p.values, nil
}

func (k Keeping) leavesOut(e Entry, held map[domain.FieldEpoch]*Holding) bool {
	if k.Expired || e.Type.proof() || k.Now.Before(k.Until(e)) {
		return false
	}
	return !slices.ContainsFunc(e.Received, func(v domain.FieldEpoch) bool { return held[v] != nil && held[v].State != Erased })
}

// proof tells the entries that are no records of operations but the proof on which operations rest.
func (t Type) proof() bool {
	switch t {
	case Registered, ConsentGranted, ConsentWithdrawn, OrderPlaced, OrderExecuted, OrderCancelled,
		HoldPlaced, HoldReleased, Restricted, RestrictionLifted, Objected, ObjectionWithdrawn:
		return true
	}
	return false
}
