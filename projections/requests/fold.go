package requests

import (
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// New is the projection.
func New() *projections.Projection {
	return &projections.Projection{Name: Name, Version: version, Tables: []*projections.Table{table, approvals}, Apply: apply}
}

func apply(r domain.Recorded, w *projections.Writer) error {
	at := projections.OfTime(r.Meta.OccurredAt)
	switch e := r.Event.(type) {
	case request.Received:
		received(r, e, w)
	case request.Approved:
		w.Upsert(approvals, projections.OfUUID(e.Request.UUID), projections.OfText(e.Approver), at)
	case request.Extended:
		patch(w, e.Request.UUID,
			projections.Set{Column: colExtended, Value: at},
			projections.Set{Column: colExtendReason, Value: projections.OptText(e.Reason)},
			projections.Set{Column: colExtendDocument, Value: projections.OptText(e.Document)})
	case request.Answered:
		patch(w, e.Request.UUID,
			projections.Set{Column: colState, Value: projections.OfText(Answered)},
			projections.Set{Column: colAnswered, Value: at},
			projections.Set{Column: colOutcome, Value: projections.OptText(e.Outcome)},
			projections.Set{Column: colReason, Value: projections.OptText(e.Reason)},
			projections.Set{Column: colAnswerChannel, Value: projections.OptText(e.Channel)},
			projections.Set{Column: colAnswerDocument, Value: projections.OptText(e.Document)})
	default:
		// They ask for nothing.
		return projections.Others(r.Event)
	}
	return nil
}

func received(r domain.Recorded, e request.Received, w *projections.Writer) {
	row := make(projections.Row, len(table.Columns))
	row[colID] = projections.OfUUID(e.Request.UUID)
	row[colKind] = projections.OfText(e.Kind)
	row[colState] = projections.OfText(Open)
	row[colChannel] = projections.OptText(e.Channel)
	row[colSubject] = projections.OptUUID(e.Subject.UUID)
	row[colRecipient] = projections.OptUUID(e.Recipient.UUID)
	row[colFields] = projections.OfTexts(e.Fields)
	row[colWarrant] = projections.OfTexts(paper(e.Warrant))
	row[colDocument] = projections.OptText(e.Document)
	row[colReceived] = projections.OfTime(r.Meta.OccurredAt)
	row[colRecorded] = projections.OfTime(r.Meta.RecordedAt)
	row[colReceiver] = projections.OptText(r.Meta.Actor.ID)
	w.Upsert(table, row...)
}

func patch(w *projections.Writer, id uuid.UUID, set ...projections.Set) {
	w.Patch(table, projections.Edit{Key: []projections.Value{projections.OfUUID(id)}, Set: set})
}

// paper writes a warrant as a list of its five parts; nothing for none.
func paper(w subject.Warrant) []string {
	if w == (subject.Warrant{}) {
		return nil
	}
	return []string{string(w.Authority), string(w.Act), string(w.Article), string(w.Document), projections.TimeText(w.Dated)}
}

func warrant(parts []string) (w subject.Warrant, err error) {
	if len(parts) != 5 {
		return w, nil
	}
	var dated time.Time
	dated, err = projections.ParseTime(parts[4])
	return subject.Warrant{Authority: domain.Reference(parts[0]), Act: domain.Reference(parts[1]), Article: domain.Reference(parts[2]),
		Document: domain.Reference(parts[3]), Dated: dated}, err
}
