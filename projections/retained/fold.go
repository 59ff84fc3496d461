package retained

import (
	"strings"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// New is the projection.
func New() *projections.Projection {
	return &projections.Projection{Name: Name, Version: version, Tables: []*projections.Table{values, traces, epochs}, Apply: apply}
}

// apply needs to know no event by name: whatever brings values or decides their fates says so itself.
func apply(r domain.Recorded, w *projections.Writer) error {
	switch e := r.Event.(type) {
	case subject.Event:
		for _, f := range e.Fates() {
			met(r, w, f)
		}
		came(&r, w, e.Personal())
		return nil
	default:
		return projections.Others(r.Event)
	}
}

// monthOf gives the month of a trace's epoch; attributes have none.
func monthOf(e domain.Epoch) (domain.Month, bool) {
	month, _, _ := strings.Cut(string(e), ".")
	return domain.Month(month), strings.Contains(month, "-")
}

// came notes values, and of traces only the epochs: those of one visit have the same.
func came(r *domain.Recorded, w *projections.Writer, items []domain.Item) {
	var last *domain.Item // of the traces
	for n := range items {
		i := &items[n]
		if last != nil && i.Epoch == last.Epoch && i.Subject == last.Subject {
			continue
		}
		if _, trace := monthOf(i.Epoch); !trace {
			arrived(r, w, i)
			continue
		}
		last = i
		w.Upsert(epochs, projections.OfUUID(i.Subject.UUID), projections.OfText(i.Epoch), projections.OfInt(projections.EpochRank(i.Epoch)))
	}
}

func arrived(r *domain.Recorded, w *projections.Writer, i *domain.Item) {
	switch i.Value.Condition() {
	case domain.Absent, domain.Erased:
		return
	case domain.Clear:
		panic("a value in clear reached the fold")
	}
	sealed, _ := i.Value.SealedBytes()
	w.Upsert(values,
		projections.OfUUID(i.Subject.UUID), projections.OfText(i.Field), projections.OfText(i.Epoch),
		projections.OfText(live), projections.OfBytes(sealed),
		projections.OfText(r.Stream), projections.OfUUID(r.ID), projections.OfTime(r.Meta.OccurredAt),
		projections.Value{}, projections.Value{}, projections.Value{}, projections.Value{})
}

// met carries out one fate. A value may meet several: the last is in force, and a hold leaves the value's own
// term as it was.
func met(r domain.Recorded, w *projections.Writer, f domain.Fate) {
	key := []projections.Value{projections.OfUUID(f.Subject.UUID), projections.OfText(f.Field), projections.OfText(f.Epoch)}
	_, trace := monthOf(f.Epoch)
	if f.Action == domain.Destroy && !trace {
		w.Delete(values, key...)
		return
	}
	ended := projections.OfTime(r.Meta.OccurredAt)
	if trace {
		if f.Through || f.Action == domain.Retain {
			w.Add(traces, key, projections.Set{Column: traceFates, Value: projections.OfInt(1)})
		}
		if f.Action == domain.Destroy {
			w.Patch(traces, projections.Edit{Key: key, Set: []projections.Set{{Column: traceGone, Value: projections.OfBool(true)}}})
			return
		}
		w.Patch(traces, projections.Edit{Key: key, Set: []projections.Set{{Column: traceEnded, Value: ended}},
			When: []projections.Where{{Column: traceFates, Value: projections.OfInt(1)}}})
		w.Patch(traces, projections.Edit{Key: key, Set: term(f, traceUntil, traceRule, traceHeld)})
		return
	}
	w.Patch(values, projections.Edit{Key: key,
		Set:  []projections.Set{{Column: valueState, Value: projections.OfText(kept)}, {Column: valueEnded, Value: ended}},
		When: []projections.Where{{Column: valueState, Value: projections.OfText(live)}}})
	w.Patch(values, projections.Edit{Key: key, Set: term(f, valueUntil, valueRule, valueHeld)})
}

// term gives the columns that a fate sets.
func term(f domain.Fate, until, rule, held int) []projections.Set {
	if f.Rule == subject.HoldRule {
		return []projections.Set{{Column: held, Value: projections.OfBool(true)}}
	}
	return []projections.Set{
		{Column: until, Value: projections.OfTime(f.Until)},
		{Column: rule, Value: projections.OptText(f.Rule)},
		{Column: held, Value: projections.OfBool(false)},
	}
}
