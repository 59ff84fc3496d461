package obligations

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// OwnAct stands where an exemption stands when the subject changed or deleted the values himself: he knows.
const OwnAct = "own-act"

// New is the projection under the terms of a pack. Rows that were reckoned under another one say so until the
// projection is rebuilt.
func New(pack *law.Pack) *projections.Projection {
	f := &fold{terms: terms{pack: pack}, law: pack.ID + " " + pack.Version}
	return &projections.Projection{Name: Name, Version: version, Tables: []*projections.Table{table}, Apply: f.apply}
}

type fold struct {
	terms terms
	law   string
}

func (f *fold) apply(r domain.Recorded, w *projections.Writer) error {
	switch e := r.Event.(type) {
	case subject.Registered:
		f.registered(r, e, w)
	case subject.Transferred:
		f.open(r, w, duty{id: law.NoticeTransfer, subject: e.Subject, fields: projections.FieldTexts(e.Values), exempt: e.Exempt})
	case subject.Edited:
		f.changed(r, w, e.Subject, fates(e.Superseded), e.Tell)
	case subject.Rectified:
		if e.Outcome == subject.Corrected {
			f.changed(r, w, e.Subject, fates(e.Superseded), e.Tell)
		}
	case subject.Deleted:
		f.changed(r, w, e.Subject, fates(e.Deleted), e.Tell)
	case subject.Closed:
		f.changed(r, w, e.Subject, fates(e.Deleted), e.Tell)
	case subject.RetentionEnded:
		f.destroyed(r, w, e.Subject, e.Ended, e.Tell)
	case subject.HoldReleased:
		f.destroyed(r, w, e.Subject, e.Freed, e.Tell)
	case subject.Restricted:
		f.changed(r, w, e.Subject, words(e.Fields), e.Tell)
	case subject.NoticeGiven:
		told(r, e, w)
	case policy.Published:
		f.open(r, w, duty{id: law.PolicyNotice, from: e.EffectiveFrom, policy: e.Version})
	case request.Received:
		f.asked(r, e, w)
	case request.Extended:
		f.extended(r, e, w)
	case request.Answered:
		f.answered(r, e, w)
	default:
		// They oblige nobody to tell or answer anything.
		return projections.Others(r.Event)
	}
	return nil
}

// duty is what an event opens.
type duty struct {
	id      law.DeadlineID
	task    string    // default: the id
	matter  uuid.UUID // default: the event
	from    time.Time // default: when the event happened
	party   uuid.UUID // who is owed, when not the subject
	subject domain.SubjectID
	fields  []string
	policy  string
	exempt  string
}

// open writes a duty, unless the pack knows none of this kind.
func (f *fold) open(r domain.Recorded, w *projections.Writer, d duty) {
	if d.from.IsZero() {
		d.from = r.Meta.OccurredAt
	}
	term, due, ok := f.terms.due(d.id, d.from)
	if !ok {
		return
	}
	if d.task == "" {
		d.task = string(d.id)
	}
	if d.matter == uuid.Nil {
		d.matter = r.ID
	}
	state, closed := Open, time.Time{}
	if d.exempt != "" {
		state, closed = Exempt, r.Meta.OccurredAt
	}
	w.Upsert(table,
		projections.OfUUID(d.matter),
		projections.OfText(d.task),
		projections.OfUUID(d.party),
		projections.OfText(d.id),
		projections.OfText(state),
		projections.OptUUID(d.subject.UUID),
		projections.OfText(term.Addressee),
		projections.OptText(term.Article),
		projections.OfText(f.law),
		projections.OfTime(r.Meta.OccurredAt),
		projections.OfTime(due),
		projections.OfTime(f.terms.extended(term, d.from, due)),
		projections.Value{},
		projections.OfTexts(d.fields),
		projections.OptText(d.policy),
		projections.OptText(d.exempt),
		projections.OfTime(closed),
		projections.Value{},
		projections.Value{},
		projections.OfUUID(r.ID))
}

// registered opens the notice of collection for a person who was not told at registration, where the text that
// he accepted says what is collected and what for (ua art. 12).
func (f *fold) registered(r domain.Recorded, e subject.Registered, w *projections.Writer) {
	if e.TextHash == "" {
		f.open(r, w, duty{id: law.NoticeCollection, subject: e.Subject})
	}
}

// changed opens what a change, deletion or restriction obliges to: the subject is told, and everyone to whom
// the values went (ua art. 21(3), GDPR art. 19).
func (f *fold) changed(r domain.Recorded, w *projections.Writer, id domain.SubjectID, fields []string, tell []domain.RecipientID) {
	own := ""
	if r.Meta.Actor.Kind == domain.ActorSubject {
		own = OwnAct
	}
	f.open(r, w, duty{id: law.NoticeChange, subject: id, fields: fields, exempt: own})
	for _, to := range tell {
		f.open(r, w, duty{id: law.NoticeRecipient, subject: id, party: to.UUID, fields: fields})
	}
}

// destroyed opens what the destruction of values obliges to that were deleted before and kept for a term or by a
// hold. Whether it does is for the law to say: ua art. 21(3) names destruction beside deletion, so that the notice
// of the deletion does not stand for it; GDPR art. 12(3) and 19 speak of what was done on the subject's request.
func (f *fold) destroyed(r domain.Recorded, w *projections.Writer, id domain.SubjectID, ended []domain.Fate, tell []domain.RecipientID) {
	gone := slices.DeleteFunc(slices.Clone(ended), func(x domain.Fate) bool { return x.Action != domain.Destroy })
	if len(gone) == 0 {
		return
	}
	begins := func(id law.DeadlineID) bool { d, ok := f.terms.pack.Deadline(id); return ok && d.OnDestruction }
	if begins(law.NoticeChange) {
		f.open(r, w, duty{id: law.NoticeChange, subject: id, fields: fates(gone)})
	}
	for _, to := range tell {
		if begins(law.NoticeRecipient) {
			f.open(r, w, duty{id: law.NoticeRecipient, subject: id, party: to.UUID, fields: fates(gone)})
		}
	}
}

func (f *fold) asked(r domain.Recorded, e request.Received, w *projections.Writer) {
	d := duty{id: request.DeadlineOf(e.Kind), task: taskAnswer, matter: e.Request.UUID, subject: e.Subject, fields: words(e.Fields)}
	f.open(r, w, d)
	if e.Kind == request.ThirdParty {
		d.id, d.task = law.ThirdPartyStudy, taskStudy
		f.open(r, w, d)
	}
}

// extended puts the answer off. The asker was told that it will come, which ends the study.
func (f *fold) extended(r domain.Recorded, e request.Extended, w *projections.Writer) {
	w.Patch(table, projections.Edit{
		Key: key(e.Request.UUID, taskAnswer, uuid.Nil),
		Set: []projections.Set{{Column: colExtended, Value: projections.OfTime(r.Meta.OccurredAt)}},
	})
	end(r, w, key(e.Request.UUID, taskStudy, uuid.Nil), "")
}

func (f *fold) answered(r domain.Recorded, e request.Answered, w *projections.Writer) {
	for _, task := range []string{taskAnswer, taskStudy} {
		end(r, w, key(e.Request.UUID, task, uuid.Nil), e.Channel)
	}
}

// told closes the duty that the notice names. A notice of a new version concerns one person of all, and closes
// nothing here: who was not told yet is for projections/notices.
func told(r domain.Recorded, e subject.NoticeGiven, w *projections.Writer) {
	if e.Cause == uuid.Nil {
		return
	}
	end(r, w, key(e.Cause, e.Duty, e.Recipient.UUID), e.Channel)
}

// end closes an open duty; one that was closed before keeps its first end.
func end(r domain.Recorded, w *projections.Writer, key []projections.Value, by subject.Channel) {
	w.Patch(table, projections.Edit{
		Key: key,
		Set: []projections.Set{
			{Column: colState, Value: projections.OfText(Closed)},
			{Column: colClosed, Value: projections.OfTime(r.Meta.OccurredAt)},
			{Column: colClosedBy, Value: projections.OfUUID(r.ID)},
			{Column: colChannel, Value: projections.OptText(by)},
		},
		When: []projections.Where{{Column: colState, Value: projections.OfText(Open)}},
	})
}

func key(matter uuid.UUID, task string, party uuid.UUID) []projections.Value {
	return []projections.Value{projections.OfUUID(matter), projections.OfText(task), projections.OfUUID(party)}
}

func fates(list []domain.Fate) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = projections.FieldText(x.Field, x.Epoch)
	}
	return out
}

func words[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return out
}
