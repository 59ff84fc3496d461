package profile

import (
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// New is the projection.
func New() *projections.Projection {
	return &projections.Projection{
		Name: Name, Version: version,
		Tables: []*projections.Table{subjects, fields, limits},
		Apply:  apply,
	}
}

// Account is the state of a subject's file.
type Account string

// The states of an account.
const (
	Open   Account = "open"
	Closed Account = "closed"
)

// Condition is what became of a value.
type Condition string

// The conditions of a value.
const (
	Held     Condition = "held"     // the profile may show it
	Retained Condition = "retained" // kept until a day by a rule, out of the profile's reach
	Erased   Condition = "erased"   // its key is destroyed; nobody can read it
)

// Sources beside those of a collection.
const (
	Registration  subject.Source = "registration"
	Rectification subject.Source = "rectification"
)

func apply(r domain.Recorded, w *projections.Writer) error {
	switch e := r.Event.(type) {
	case subject.Registered:
		registered(r, e, w)
	case subject.Collected:
		values(&r, w, e.Source, e.Items)
	case subject.Edited:
		ends(r, w, e.Superseded)
		values(&r, w, subject.BySubject, e.Items)
	case subject.Rectified:
		ends(r, w, e.Superseded)
		mark(w, e.Subject, e.Value, projections.Set{Column: fieldDisputed})
		values(&r, w, Rectification, e.Items)
	case subject.Disputed:
		mark(w, e.Subject, e.Value, at(fieldDisputed, r.Meta.OccurredAt))
	case subject.Identified:
		each(w, e.Subject, e.Values, at(fieldIdentified, r.Meta.OccurredAt), text(fieldMethod, e.Method))
	case subject.Published:
		each(w, e.Subject, e.Values, at(fieldPublic, r.Meta.OccurredAt), text(fieldPlace, string(e.Place)))
	case subject.PublicationWithdrawn:
		each(w, e.Subject, e.Values, projections.Set{Column: fieldPublic}, projections.Set{Column: fieldPlace})
	case subject.Deleted:
		ends(r, w, e.Deleted)
	case subject.Closed:
		ends(r, w, e.Deleted)
		closed(r, e, w)
	case subject.HoldPlaced:
		ends(r, w, e.Held)
	case subject.HoldReleased:
		ends(r, w, e.Freed)
	case subject.RetentionEnded:
		ends(r, w, e.Ended)
	case subject.Restricted, subject.RestrictionLifted, subject.Objected, subject.ObjectionWithdrawn:
		limit(r, w)
	default:
		// They change nothing that is held.
		return projections.Others(r.Event)
	}
	return nil
}

func at(column int, t time.Time) projections.Set {
	return projections.Set{Column: column, Value: projections.OfTime(t)}
}

func text(column int, s string) projections.Set {
	return projections.Set{Column: column, Value: projections.OptText(s)}
}

func registered(r domain.Recorded, e subject.Registered, w *projections.Writer) {
	w.Upsert(subjects,
		projections.OfUUID(e.Subject.UUID),
		projections.OfText(Open),
		projections.OfTime(r.Meta.OccurredAt),
		projections.OptText(e.Policy),
		projections.OptText(e.TextHash),
		projections.Value{}, projections.Value{})
	values(&r, w, Registration, e.Personal())
}

func closed(r domain.Recorded, e subject.Closed, w *projections.Writer) {
	w.Patch(subjects, projections.Edit{
		Key: []projections.Value{projections.OfUUID(e.Subject.UUID)},
		Set: []projections.Set{
			text(subjectState, string(Closed)),
			at(subjectClosed, r.Meta.OccurredAt),
			{Column: subjectServices, Value: projections.OfTexts(e.Services)},
		},
	})
}

// values puts each value in the place of the one before it. Marks of the earlier value (verified, disputed,
// public) do not pass to the new one.
func values(r *domain.Recorded, w *projections.Writer, source subject.Source, items []domain.Item) {
	if len(items) == 0 {
		return
	}
	owner := items[0].Subject
	id, event, origin := projections.OfUUID(owner.UUID), projections.OfUUID(r.ID), originOf(r, source, owner)
	since, recorded := projections.OfTime(r.Meta.OccurredAt), projections.OfTime(r.Meta.RecordedAt)
	epoch, rank := items[0].Epoch, projections.OfInt(projections.EpochRank(items[0].Epoch))
	for i := range items {
		item := &items[i]
		if item.Epoch != epoch {
			epoch, rank = item.Epoch, projections.OfInt(projections.EpochRank(item.Epoch))
		}
		if item.Subject != owner {
			owner = item.Subject
			id, origin = projections.OfUUID(owner.UUID), originOf(r, source, owner)
		}
		state, sealed := content(item.Value)
		w.Upsert(fields, id,
			projections.OfText(item.Field),
			projections.OfText(item.Epoch),
			rank,
			state, sealed, since, recorded, event, origin,
			projections.Value{}, projections.Value{}, projections.Value{}, projections.Value{}, projections.Value{},
			projections.Value{}, projections.Value{}, projections.Value{}, projections.Value{})
	}
}

func originOf(r *domain.Recorded, source subject.Source, owner domain.SubjectID) projections.Value {
	var l projections.List
	l.AddStream(r.Stream, owner)
	for _, part := range [...]string{
		originSource - 1:  string(source),
		originPurpose - 1: string(r.Meta.Purpose),
		originGrounds - 1: string(r.Meta.Grounds),
		originService - 1: string(r.Meta.Service),
		originPolicy - 1:  r.Meta.Policy,
	} {
		l.Add(part)
	}
	return l.Value()
}

// content copies sealed bytes and nothing else: a value that reaches a fold in clear is a mistake of the
// source, and must not reach a file.
func content(v domain.Value) (state, sealed projections.Value) {
	switch v.Condition() {
	case domain.Sealed:
		b, _ := v.SealedBytes()
		return projections.OfText(Held), projections.OfBytes(b)
	case domain.Erased, domain.Absent:
		return projections.OfText(Erased), projections.Value{}
	}
	panic("a value in clear reached the fold")
}

// ends carries out fates on the values that stand in the profile. A fate of an earlier value touches
// nothing here: the row holds a later one. A key only moves forward: what is erased stays so, and what is kept
// leaves it by a later word about the same value, or about the fate through the field that has kept it.
func ends(r domain.Recorded, w *projections.Writer, fates []domain.Fate) {
	for _, f := range fates {
		sets := []projections.Set{at(fieldUntil, f.Until), text(fieldRule, f.Rule), text(fieldState, string(Retained))}
		if f.Action == domain.Destroy {
			sets[2] = text(fieldState, string(Erased))
			sets = append(sets, projections.Set{Column: fieldSealed})
		}
		this := projections.Where{Column: fieldEpoch, Value: projections.OfText(f.Epoch)}
		again := this
		first := append(sets[:len(sets):len(sets)], at(fieldEnded, r.Meta.OccurredAt))
		if f.Through {
			this = projections.Where{Column: fieldRank, Op: projections.Le, Value: projections.OfInt(projections.EpochRank(f.Epoch))}
			again = projections.Where{Column: fieldThrough, Value: projections.OfText(f.Epoch)}
			first = append(first, text(fieldThrough, string(f.Epoch)))
		}
		key := fieldKey(f.Subject, f.Field)
		w.Patch(fields, projections.Edit{Key: key, Set: sets, When: []projections.Where{again, in(Retained)}})
		w.Patch(fields, projections.Edit{Key: key, Set: first, When: []projections.Where{this, in(Held)}})
	}
}

func in(c Condition) projections.Where {
	return projections.Where{Column: fieldState, Value: projections.OfText(c)}
}

// limit keeps what the subject has forbidden.
func limit(r domain.Recorded, w *projections.Writer) {
	put := func(s domain.SubjectID, kind, name string) {
		w.Upsert(limits, projections.OfUUID(s.UUID), projections.OfText(kind), projections.OfText(name), projections.OfTime(r.Meta.OccurredAt))
	}
	lift := func(s domain.SubjectID, kind, name string) {
		w.Delete(limits, projections.OfUUID(s.UUID), projections.OfText(kind), projections.OfText(name))
	}
	switch e := r.Event.(type) {
	case subject.Restricted:
		for _, f := range e.Fields {
			put(e.Subject, limitField, string(f))
		}
	case subject.RestrictionLifted:
		for _, f := range e.Fields {
			lift(e.Subject, limitField, string(f))
		}
	case subject.Objected:
		for _, p := range e.Purposes {
			put(e.Subject, limitPurpose, string(p))
		}
	case subject.ObjectionWithdrawn:
		for _, p := range e.Purposes {
			lift(e.Subject, limitPurpose, string(p))
		}
	}
}

func each(w *projections.Writer, s domain.SubjectID, list []domain.FieldEpoch, sets ...projections.Set) {
	for _, v := range list {
		mark(w, s, v, sets...)
	}
}

func mark(w *projections.Writer, s domain.SubjectID, v domain.FieldEpoch, sets ...projections.Set) {
	w.Patch(fields, projections.Edit{
		Key:  fieldKey(s, v.Field),
		Set:  sets,
		When: []projections.Where{{Column: fieldEpoch, Value: projections.OfText(v.Epoch)}},
	})
}

func fieldKey(s domain.SubjectID, f domain.Field) []projections.Value {
	return []projections.Value{projections.OfUUID(s.UUID), projections.OfText(f)}
}
