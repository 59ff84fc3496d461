package register

import (
	"errors"
	"slices"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

var errUnknownBasis = errors.New("unknown basis of a transfer")

// New is the projection.
func New() *projections.Projection {
	return &projections.Projection{Name: Name, Version: version,
		Tables: []*projections.Table{held, told, flows, activities, subjects}, Apply: apply}
}

// State says how what a recipient holds compares with what the controller holds.
type State string

// The states.
const (
	Current  State = "current"  // as the controller has it, or had it when it was passed on
	Outdated State = "outdated" // changed since
	Deleted  State = "deleted"  // deleted since; the recipient must be told, or was
)

func apply(r domain.Recorded, w *projections.Writer) error {
	switch e := r.Event.(type) {
	case subject.Registered:
		count(w, string(e.Reference.Field))
		did(r, w, "register")
	case subject.Collected:
		did(r, w, "collect")
	case subject.Edited:
		changes(r, w, Outdated, e.Tell, e.Superseded)
		did(r, w, "edit")
	case subject.Rectified:
		changes(r, w, Outdated, e.Tell, e.Superseded)
		did(r, w, "rectify")
	case subject.Deleted:
		changes(r, w, Deleted, e.Tell, e.Deleted)
		did(r, w, "delete")
	case subject.Closed:
		changes(r, w, Deleted, e.Tell, e.Deleted)
		count(w, closedFiles)
		did(r, w, "close")
	case subject.Identified:
		did(r, w, "identify")
	case subject.Published:
		did(r, w, "publish")
	case subject.Used:
		did(r, w, "use")
	case subject.Viewed:
		did(r, w, "view")
	case subject.Transferred:
		did(r, w, "transfer")
		return transferred(r, e, w)
	case statistics.Published:
		did(r, w, "count")
	case subject.NoticeGiven:
		notice(r, e, w)
	default:
		// They pass nothing on and process no value.
		return projections.Others(r.Event)
	}
	return nil
}

func count(w *projections.Writer, kind string) {
	w.Add(subjects, []projections.Value{projections.OfText(kind)}, projections.Set{Column: subjectsPersons, Value: projections.OfInt(1)})
}

// did counts the operation under what it says of itself.
func did(r domain.Recorded, w *projections.Writer, kind string) {
	w.Add(activities, []projections.Value{projections.OfText(r.Meta.Purpose), projections.OfText(r.Meta.Service),
		projections.OfText(r.Meta.Grounds), projections.OfText(kind)},
		projections.Set{Column: activityTimes, Value: projections.OfInt(1)})
}

func transferred(r domain.Recorded, e subject.Transferred, w *projections.Writer) error {
	if e.Basis == nil {
		return errUnknownBasis
	}
	for _, v := range newest(e.Values) {
		w.Upsert(held,
			projections.OfUUID(e.Recipient.ID.UUID),
			projections.OfUUID(e.Subject.UUID),
			projections.OfText(v.Field),
			projections.OfText(v.Epoch),
			projections.OfInt(projections.EpochRank(v.Epoch)),
			projections.OfTime(r.Meta.OccurredAt),
			projections.OfUUID(r.ID),
			projections.OfText(e.Basis.Kind()),
			projections.OptText(r.Meta.Purpose),
			projections.OptText(r.Meta.Grounds),
			projections.OptText(e.Abroad),
			projections.OptText(e.Recipient.Country),
			projections.OfBool(e.Retained),
			projections.OfText(Current),
			projections.Value{}, projections.Value{})
	}
	for _, v := range e.Values {
		w.Add(flows, []projections.Value{projections.OfUUID(e.Recipient.ID.UUID), projections.OfText(v.Field), projections.OfText(e.Recipient.Country),
			projections.OfText(e.Basis.Kind()), projections.OfText(e.Abroad), projections.OfText(r.Meta.Purpose)},
			projections.Set{Column: flowValues, Value: projections.OfInt(1)})
	}
	return nil
}

// newest gives one value of each field: that of the highest epoch.
func newest(values []domain.FieldEpoch) []domain.FieldEpoch {
	out := make([]domain.FieldEpoch, 0, len(values))
	for _, v := range values {
		i := slices.IndexFunc(out, func(o domain.FieldEpoch) bool { return o.Field == v.Field })
		switch {
		case i < 0:
			out = append(out, v)
		case projections.EpochRank(v.Epoch) > projections.EpochRank(out[i].Epoch):
			out[i] = v
		}
	}
	return out
}

// changes marks what the recipients have of values that were edited or deleted. Who has a newer value than the one
// that ended is not concerned.
func changes(r domain.Recorded, w *projections.Writer, s State, tell []domain.RecipientID, fates []domain.Fate) {
	for _, to := range tell {
		for _, f := range fates {
			w.Patch(held, projections.Edit{
				Key: []projections.Value{projections.OfUUID(to.UUID), projections.OfUUID(f.Subject.UUID), projections.OfText(f.Field)},
				Set: []projections.Set{
					{Column: heldState, Value: projections.OfText(s)},
					{Column: heldChanged, Value: projections.OfTime(r.Meta.OccurredAt)},
					{Column: heldCause, Value: projections.OfUUID(r.ID)},
				},
				When: []projections.Where{{Column: heldRank, Op: projections.Le, Value: projections.OfInt(projections.EpochRank(f.Epoch))}},
			})
		}
	}
}

func notice(r domain.Recorded, e subject.NoticeGiven, w *projections.Writer) {
	if e.Duty != string(law.NoticeRecipient) || e.Recipient.IsZero() {
		return
	}
	w.Upsert(told,
		projections.OfUUID(e.Recipient.UUID),
		projections.OfUUID(e.Subject.UUID),
		projections.OfUUID(e.Cause),
		projections.OfTime(r.Meta.OccurredAt),
		projections.OptText(e.Channel),
		projections.OptText(e.Document))
}
