package register

import (
	"errors"

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
		Tables: []*projections.Table{held, changes, flows, activities, subjects}, Apply: apply}
}

func apply(r domain.Recorded, w *projections.Writer) error {
	switch e := r.Event.(type) {
	case subject.Registered:
		count(w, string(e.Reference.Field))
		did(r, w, "register")
	case subject.Collected:
		did(r, w, "collect")
	case subject.Edited:
		changed(r, w, Edit, e.Subject, e.Superseded, e.Tell)
		did(r, w, "edit")
	case subject.Rectified:
		if e.Outcome == subject.Corrected {
			changed(r, w, Edit, e.Subject, e.Superseded, e.Tell)
		}
		did(r, w, "rectify")
	case subject.Deleted:
		changed(r, w, Deletion, e.Subject, e.Deleted, e.Tell)
		did(r, w, "delete")
	case subject.Closed:
		changed(r, w, Deletion, e.Subject, e.Deleted, e.Tell)
		count(w, closedFiles)
		did(r, w, "close")
	case subject.RetentionEnded:
		destroyed(r, w, e.Subject, e.Ended, e.Tell)
	case subject.HoldReleased:
		destroyed(r, w, e.Subject, e.Freed, e.Tell)
	case subject.Restricted:
		news(r, w, Restriction, e.Subject, projections.Value{}, projections.OfTexts(e.Fields), e.Tell)
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
		// They pass nothing on, end nothing that was passed on, and process no value.
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
	for _, v := range e.Values {
		w.Upsert(held,
			projections.OfUUID(e.Recipient.ID.UUID),
			projections.OfUUID(e.Subject.UUID),
			projections.OfText(v.Field),
			projections.OfText(v.Epoch),
			projections.OfPosition(r.Position),
			projections.OfTime(r.Meta.OccurredAt),
			projections.OfUUID(r.ID),
			projections.OfText(e.Basis.Kind()),
			projections.OptText(r.Meta.Purpose),
			projections.OptText(r.Meta.Grounds),
			projections.OptText(e.Abroad),
			projections.OptText(e.Recipient.Country),
			projections.OfBool(e.Retained))
	}
	for _, v := range e.Values {
		w.Add(flows, []projections.Value{projections.OfUUID(e.Recipient.ID.UUID), projections.OfText(v.Field), projections.OfText(e.Recipient.Country),
			projections.OfText(e.Basis.Kind()), projections.OfText(e.Abroad), projections.OfText(r.Meta.Purpose)},
			projections.Set{Column: flowValues, Value: projections.OfInt(1)})
	}
	return nil
}

// changed notes whom an edit or a deletion obliges to tell, and which values it ended.
func changed(r domain.Recorded, w *projections.Writer, k Kind, id domain.SubjectID, fates []domain.Fate, tell []domain.RecipientID) {
	if len(tell) == 0 {
		return
	}
	news(r, w, k, id, ended(fates, domain.Destroy), ended(fates, domain.Retain), tell)
}

// destroyed notes whom the end of a term or of a hold obliges to tell. What it leaves to its own term goes on as it
// was.
func destroyed(r domain.Recorded, w *projections.Writer, id domain.SubjectID, fates []domain.Fate, tell []domain.RecipientID) {
	if gone := ended(fates, domain.Destroy); len(tell) > 0 && !gone.IsNull() {
		news(r, w, Destruction, id, gone, projections.Value{}, tell)
	}
}

// through stands before the epoch of a value whose fate is that of the earlier epochs of its field, too.
const through = "<"

// ended lists the values that met with the action, each once: several reasons to keep one are as many fates.
func ended(fates []domain.Fate, action domain.FateAction) projections.Value {
	var list projections.List
	for i, f := range fates {
		again := i > 0 && f.Field == fates[i-1].Field && f.Epoch == fates[i-1].Epoch && f.Action == fates[i-1].Action
		switch {
		case f.Action != action || again:
		case f.Through:
			list.Add(string(f.Field), "/", through, string(f.Epoch))
		default:
			list.Add(string(f.Field), "/", string(f.Epoch))
		}
	}
	return list.Value()
}

func news(r domain.Recorded, w *projections.Writer, k Kind, id domain.SubjectID, gone, kept projections.Value, tell []domain.RecipientID) {
	for _, to := range tell {
		w.Upsert(changes,
			projections.OfUUID(to.UUID),
			projections.OfUUID(id.UUID),
			projections.OfUUID(r.ID),
			projections.OfPosition(r.Position),
			projections.OfTime(r.Meta.OccurredAt),
			projections.OfText(k),
			gone,
			kept,
			projections.OfBool(true),
			projections.Value{})
	}
}

// notice ends what the recipient was to be told of; the first one counts.
func notice(r domain.Recorded, e subject.NoticeGiven, w *projections.Writer) {
	if e.Duty != string(law.NoticeRecipient) || e.Recipient.IsZero() {
		return
	}
	w.Patch(changes, projections.Edit{
		Key: []projections.Value{projections.OfUUID(e.Recipient.UUID), projections.OfUUID(e.Subject.UUID), projections.OfUUID(e.Cause)},
		Set: []projections.Set{
			{Column: changeUntold, Value: projections.OfBool(false)},
			{Column: changeTold, Value: projections.OfTime(r.Meta.OccurredAt)},
		},
		When: []projections.Where{{Column: changeUntold, Value: projections.OfBool(true)}},
	})
}
