package transfers

import (
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// New is the projection.
func New() *projections.Projection {
	return &projections.Projection{Name: Name, Version: version, Tables: []*projections.Table{table, cards}, Apply: apply}
}

func apply(r domain.Recorded, w *projections.Writer) error {
	switch e := r.Event.(type) {
	case subject.Transferred:
		return transferred(r, e, w)
	case recipient.Added:
		w.Upsert(cards,
			projections.OfUUID(e.Recipient.UUID),
			projections.OptText(e.Card.Name),
			projections.OptText(e.Card.Kind),
			projections.OptText(e.Card.Country),
			projections.OptText(e.Card.Contract),
			projections.OfTime(r.Meta.OccurredAt),
			projections.Value{})
	case recipient.Changed:
		w.Patch(cards, projections.Edit{
			Key: []projections.Value{projections.OfUUID(e.Recipient.UUID)},
			Set: []projections.Set{
				{Column: cardName, Value: projections.OptText(e.Card.Name)},
				{Column: cardKind, Value: projections.OptText(e.Card.Kind)},
				{Column: cardCountry, Value: projections.OptText(e.Card.Country)},
				{Column: cardContract, Value: projections.OptText(e.Card.Contract)},
				{Column: cardChanged, Value: projections.OfTime(r.Meta.OccurredAt)},
			},
		})
	default:
		// Nothing goes to a third party.
		return projections.Others(r.Event)
	}
	return nil
}

func transferred(r domain.Recorded, e subject.Transferred, w *projections.Writer) error {
	basis, err := basisOf(e.Basis)
	if err != nil {
		return err
	}
	for i, v := range e.Values {
		w.Append(table,
			projections.OfPosition(r.Position),
			projections.OfInt(int64(i)),
			projections.OfUUID(r.ID),
			projections.OfUUID(e.Subject.UUID),
			projections.OfText(v.Field),
			projections.OfText(v.Epoch),
			projections.OfTime(r.Meta.OccurredAt),
			projections.OfTime(r.Meta.RecordedAt),
			projections.OfUUID(e.Recipient.ID.UUID),
			projections.OptText(e.Recipient.Kind),
			projections.OptText(e.Recipient.Country),
			projections.OfText(basis.Kind),
			projections.OptUUID(basis.ID),
			projections.OfTexts(basis.pairs()),
			projections.OptText(e.Abroad),
			projections.OptText(r.Meta.Purpose),
			projections.OptText(r.Meta.Grounds),
			projections.OptText(r.Meta.Service),
			projections.OptText(r.Meta.Policy),
			projections.OptText(r.Meta.Actor.Kind),
			projections.OptText(r.Meta.Actor.ID))
	}
	return nil
}

func basisOf(b subject.Basis) (Basis, error) {
	switch b := b.(type) {
	case subject.ByConsent:
		return Basis{Kind: Consent, ID: b.Consent.UUID}, nil
	case subject.ByOrder:
		return Basis{Kind: Order, ID: b.Order.UUID}, nil
	case subject.ByLaw:
		return Basis{Kind: Law, Details: details(
			"authority", string(b.Authority), "act", string(b.Act), "article", string(b.Article),
			"document", string(b.Document), "dated", day(b.Dated),
			"approver1", string(b.Approvers[0]), "approver2", string(b.Approvers[1]))}, nil
	case subject.ByDefence:
		// The written grounds stay in the log, sealed: a list of transfers points at them, no more.
		statement := ""
		if b.Statement.Field != "" {
			statement = projections.FieldText(b.Statement.Field, b.Statement.Epoch)
		}
		return Basis{Kind: Defence, Details: details(
			"evidence", string(b.Evidence), "approver1", string(b.Approver), "statement", statement)}, nil
	}
	return Basis{}, errUnknownBasis
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func details(pairs ...string) []Detail {
	var out []Detail
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, Detail{pairs[i], pairs[i+1]})
		}
	}
	return out
}
