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
		Tables: []*projections.Table{subjects, fields},
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
		values(r, w, e.Source, e.Items)
	case subject.Edited:
		ends(r, w, e.Superseded)
		values(r, w, subject.BySubject, e.Items)
	case subject.Rectified:
		ends(r, w, e.Superseded)
		mark(w, e.Subject, e.Value, projections.Set{Column: fieldDisputed})
		values(r, w, Rectification, e.Items)
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
	values(r, w, Registration, e.Personal())
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
func values(r domain.Recorded, w *projections.Writer, source subject.Source, items []domain.Item) {
	if len(items) == 0 {
		return
	}
	owner, origin := items[0].Subject, originOf(r, source)
	id := projections.OfUUID(owner.UUID)
	since, recorded := projections.OfTime(r.Meta.OccurredAt), projections.OfTime(r.Meta.RecordedAt)
	for _, item := range items {
		if item.Subject != owner {
			owner, id = item.Subject, projections.OfUUID(item.Subject.UUID)
		}
		state, sealed := content(item.Value)
		w.Upsert(fields, id,
			projections.OfText(item.Field),
			projections.OfText(item.Epoch),
			projections.OfInt(projections.EpochRank(item.Epoch)),
			state, sealed, since, recorded, origin,
			projections.Value{}, projections.Value{}, projections.Value{}, projections.Value{},
			projections.Value{}, projections.Value{}, projections.Value{}, projections.Value{})
	}
}

func originOf(r domain.Recorded, source subject.Source) projections.Value {
	parts := [originParts]string{
		originStream:  string(r.Stream),
		originEvent:   r.ID.String(),
		originSource:  string(source),
		originPurpose: string(r.Meta.Purpose),
		originGrounds: string(r.Meta.Grounds),
		originService: string(r.Meta.Service),
		originPolicy:  r.Meta.Policy,
	}
	return projections.OfTexts(parts[:])
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
// nothing here: the row holds a later one.
func ends(r domain.Recorded, w *projections.Writer, fates []domain.Fate) {
	for _, f := range fates {
		edit := projections.Edit{
			Key:  fieldKey(f.Subject, f.Field),
			Set:  []projections.Set{at(fieldEnded, r.Meta.OccurredAt), at(fieldUntil, f.Until), text(fieldRule, f.Rule)},
			When: []projections.Where{{Column: fieldEpoch, Value: projections.OfText(f.Epoch)}},
		}
		if f.Through {
			edit.When[0] = projections.Where{Column: fieldRank, Op: projections.Le, Value: projections.OfInt(projections.EpochRank(f.Epoch))}
		}
		if f.Action == domain.Destroy {
			edit.Set = append(edit.Set, text(fieldState, string(Erased)), projections.Set{Column: fieldSealed})
		} else {
			edit.Set = append(edit.Set, text(fieldState, string(Retained)))
		}
		// A key only moves forward: what is erased stays as it was erased, and what is kept for its term
		// leaves it by a fate of its own only.
		state := projections.Where{Column: fieldState, Op: projections.Ne, Value: projections.OfText(Erased)}
		if f.Through || f.Action != domain.Destroy {
			state = projections.Where{Column: fieldState, Value: projections.OfText(Held)}
		}
		edit.When = append(edit.When, state)
		w.Patch(fields, edit)
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
