package retained

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// Record is a value that is kept, or for traces the months of a field that are.
type Record struct {
	Subject domain.SubjectID
	Field   domain.Field
	// Epoch is the value's; for traces the last that the record keeps, back to After.
	Epoch domain.Epoch
	// After is, for traces, the last epoch that was decided about before: this record begins after it. Empty for
	// the first.
	After domain.Epoch
	Ended time.Time // when it was deleted or replaced
	// Until is the end of the value's own term; zero while nobody knows it, or when only a hold keeps it.
	Until time.Time
	Rule  string // by which it is kept; the hold's when nothing else keeps it
	Held  bool   // a hold keeps it, beyond its own term if need be
	// Legal is the act and article, Readers the roles that may read the value.
	Legal   string
	Readers []string

	item   domain.Item // of an attribute
	stream domain.Stream
	event  uuid.UUID
	since  time.Time
	gone   bool
}

// IsTrace reports whether the record speaks of months instead of one value.
func (r Record) IsTrace() bool {
	_, trace := monthOf(r.Epoch)
	return trace
}

// Over reports whether the value's own term has ended and no hold keeps it: it is only to be destroyed.
func (r Record) Over(now time.Time) bool {
	return !r.Held && !r.Until.IsZero() && !r.Until.After(now)
}

// Reader reads what is kept for one role.
type Reader struct {
	// Policy says which roles read what a rule keeps.
	Policy *policy.Policy
	Role   string
}

// Of lists what the role may read of a subject's retained values, by field and epoch, and counts what it may
// not. What is over is listed too: it was not destroyed yet.
func (r Reader) Of(ctx context.Context, s projections.Snapshot, id domain.SubjectID) (list []Record, leftOut int, err error) {
	all, err := r.all(ctx, s, id)
	if err != nil {
		return nil, 0, fmt.Errorf("retained: %w", err)
	}
	for _, rec := range all {
		if !slices.Contains(rec.Readers, r.Role) {
			leftOut++
			continue
		}
		list = append(list, rec)
	}
	return list, leftOut, nil
}

func (r Reader) all(ctx context.Context, s projections.Snapshot, id domain.SubjectID) ([]Record, error) {
	var all []Record
	of := []projections.Where{{Column: valueSubject, Value: projections.OfUUID(id.UUID)}}
	where := append(of[:1:1], projections.Where{Column: valueState, Value: projections.OfText(kept)})
	for row, err := range s.Select(ctx, projections.Select{Table: values, Where: where}) {
		if err != nil {
			return nil, err
		}
		rec := r.record(row, valueEnded)
		rec.item = domain.Item{Subject: id, Field: rec.Field, Epoch: rec.Epoch, Value: domain.SealedValue(row[valueSealed].Bytes())}
		rec.stream, rec.event = domain.Stream(row[valueStream].Text()), row[valueEvent].UUID()
		rec.since = row[valueSince].Time()
		all = append(all, rec)
	}
	for row, err := range s.Select(ctx, projections.Select{Table: traces, Where: of}) {
		if err != nil {
			return nil, err
		}
		rec := r.record(row, traceEnded)
		rec.gone = row[traceGone].Bool()
		all = append(all, rec)
	}
	slices.SortFunc(all, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(projections.EpochRank(a.Epoch), projections.EpochRank(b.Epoch)))
	})
	for i := range all {
		if i > 0 && all[i].IsTrace() && all[i-1].Field == all[i].Field {
			all[i].After = all[i-1].Epoch
		}
	}
	return slices.DeleteFunc(all, func(rec Record) bool { return rec.gone }), nil
}

// record reads the columns that both tables have: the key, and from ended on.
func (r Reader) record(row projections.Row, ended int) Record {
	rec := Record{
		Subject: domain.SubjectID{UUID: row[valueSubject].UUID()},
		Field:   domain.Field(row[valueField].Text()),
		Epoch:   domain.Epoch(row[valueEpoch].Text()),
		Ended:   row[ended].Time(),
		Until:   row[ended+1].Time(),
		Rule:    row[ended+2].Text(),
		Held:    row[ended+3].Bool(),
	}
	if rec.Rule == "" {
		rec.Rule = subject.HoldRule
	}
	rec.Legal, rec.Readers = r.Policy.LegalOf(rec.Rule), r.Policy.ReadersOf(rec.Rule)
	return rec
}

// Value is one value of a record, opened.
type Value struct {
	Record int // which of the records it belongs to
	Item   domain.Item
	// Came is when it came in.
	Came time.Time
}

// At points at the value.
func (v Value) At() domain.FieldEpoch {
	return domain.FieldEpoch{Field: v.Item.Field, Epoch: v.Item.Epoch}
}

// Epochs lists the epochs that the records keep, each once: of traces the months in which anything was
// collected. It is what a viewing or a disclosure of these records names.
func Epochs(ctx context.Context, s projections.Snapshot, records []Record) ([]domain.FieldEpoch, error) {
	var out []domain.FieldEpoch
	for _, r := range records {
		if !r.IsTrace() {
			out = append(out, domain.FieldEpoch{Field: r.Field, Epoch: r.Epoch})
			continue
		}
		list, err := r.epochs(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("retained: %w", err)
		}
		for _, e := range list {
			out = append(out, domain.FieldEpoch{Field: r.Field, Epoch: e})
		}
	}
	return out, nil
}

// epochs lists the epochs of a record in which anything was collected, in order.
func (r Record) epochs(ctx context.Context, s projections.Snapshot) ([]domain.Epoch, error) {
	where := []projections.Where{
		{Column: epochSubject, Value: projections.OfUUID(r.Subject.UUID)},
		{Column: epochRank, Op: projections.Le, Value: projections.OfInt(projections.EpochRank(r.Epoch))},
		{Column: epochRank, Op: projections.Gt, Value: projections.OfInt(projections.EpochRank(r.After))},
	}
	var list []domain.Epoch
	for row, err := range s.Select(ctx, projections.Select{Table: epochs, Where: where, By: []int{epochRank}}) {
		if err != nil {
			return nil, err
		}
		list = append(list, domain.Epoch(row[epochEpoch].Text()))
	}
	return list, nil
}

// Keeps reports whether the epoch of a trace lies in the range that the record keeps.
func (r Record) Keeps(e domain.Epoch) bool {
	rank := projections.EpochRank(e)
	return rank <= projections.EpochRank(r.Epoch) && (r.After == "" || rank > projections.EpochRank(r.After))
}

// Open opens the values of the records: attributes from their rows, traces from the log. The opener must be one
// that opens retained values. What is destroyed, or over, comes back erased. Whoever calls it has recorded the
// viewing.
func Open(ctx context.Context, s projections.Snapshot, streams projections.Streams, o projections.Opener, records []Record) ([]Value, error) {
	var found []Value
	var sealed []projections.Sealed
	add := func(i int, stream domain.Stream, event uuid.UUID, item domain.Item, came time.Time) {
		found = append(found, Value{Record: i, Item: item, Came: came})
		sealed = append(sealed, projections.Sealed{Stream: stream, Event: event, Item: item})
	}
	for i, r := range records {
		if !r.IsTrace() {
			add(i, r.stream, r.event, r.item, r.since)
			continue
		}
		list, err := r.epochs(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("retained: %w", err)
		}
		for _, m := range monthsOf(list) {
			if err := r.fetch(ctx, streams, m, func(rec domain.Recorded, item domain.Item) {
				add(i, rec.Stream, rec.ID, item, rec.Meta.OccurredAt)
			}); err != nil {
				return nil, fmt.Errorf("retained: %w", err)
			}
		}
	}
	if len(sealed) == 0 {
		return nil, nil
	}
	opened, err := o.Open(ctx, sealed)
	if err != nil {
		return nil, fmt.Errorf("retained: open: %w", err)
	}
	if len(opened) != len(found) {
		return nil, fmt.Errorf("retained: opened %d values of %d", len(opened), len(found))
	}
	for i := range found {
		found[i].Item.Value = opened[i]
	}
	return found, nil
}

// monthsOf gives the months of epochs that come in order, each once.
func monthsOf(list []domain.Epoch) []domain.Month {
	var out []domain.Month
	for _, e := range list {
		if m, _ := monthOf(e); len(out) == 0 || out[len(out)-1] != m {
			out = append(out, m)
		}
	}
	return out
}

// fetch gives the record's values of one month from the log.
func (r Record) fetch(ctx context.Context, streams projections.Streams, m domain.Month, add func(domain.Recorded, domain.Item)) error {
	for rec, err := range streams.Events(ctx, domain.TraceStream(r.Subject, m), domain.NoStream) {
		if err != nil {
			return err
		}
		for _, item := range rec.Event.Personal() {
			if item.Subject == r.Subject && item.Field == r.Field && r.Keeps(item.Epoch) {
				add(rec, item)
			}
		}
	}
	return nil
}
