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
	reader := keeper{Keeping: k, snapshot: s, subject: id}
	return func(yield func(Entry, error) bool) {
		given := 0
		for e, err := range Timeline(ctx, s, id, f) {
			expired := false
			if err == nil {
				expired, err = reader.expired(ctx, e)
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if expired {
				*leftOut++
				continue
			}
			if !yield(e, nil) {
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
	past, err := AsOf(ctx, s, id, m)
	if err != nil {
		return Past{}, err
	}
	reader := keeper{Keeping: k, snapshot: s, subject: id}
	gone := map[uint64]bool{}
	drop := func(e Entry) bool {
		expired, fault := reader.expired(ctx, e)
		if fault != nil {
			err = fault
		}
		if expired {
			gone[e.Position] = true
		}
		return expired
	}
	for _, list := range []*[]Entry{&past.Agreements, &past.Viewed, &past.Used, &past.Transferred, &past.Other} {
		*list = slices.DeleteFunc(*list, drop)
	}
	past.Holdings = slices.DeleteFunc(past.Holdings, func(h Holding) bool { return drop(h.Came) })
	past.LeftOut = len(gone)
	return past, err
}

// keeper is one use of a Keeping.
type keeper struct {
	Keeping
	snapshot projections.Snapshot
	subject  domain.SubjectID
	held     map[domain.FieldEpoch]bool // values held or kept today; nil until they are needed
}

// expired tells whether the entry is left out.
func (k *keeper) expired(ctx context.Context, e Entry) (bool, error) {
	if k.Expired || e.Type.proof() || k.Now.Before(k.Until(e)) {
		return false, nil
	}
	if len(e.Received) > 0 && k.held == nil {
		if err := k.look(ctx); err != nil {
			return false, err
		}
	}
	return !slices.ContainsFunc(e.Received, func(v domain.FieldEpoch) bool { return k.held[v] }), nil
}

// look finds out which values are held or kept today, whatever moment is asked about.
func (k *keeper) look(ctx context.Context) error {
	today, err := AsOf(ctx, k.snapshot, k.subject, Moment{})
	if err != nil {
		return err
	}
	k.held = map[domain.FieldEpoch]bool{}
	for _, h := range today.Holdings {
		if h.State != Erased {
			k.held[domain.FieldEpoch{Field: h.Field, Epoch: h.Epoch}] = true
		}
	}
	return nil
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
