// Package consents answers: what did this person agree to, with which text, and does it still hold?
package consents

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// Name is the projection's permanent identity.
const Name = "consents"

const version = 1

// Columns of consents.
const (
	consentID = iota
	consentSubject
	consentTextHash
	consentPolicy
	consentGrounds
	consentService
	consentPurposes
	consentFields
	consentRecipients
	consentKinds
	consentGranted
	consentRecorded
	consentUntil
	consentWithdrawn
	consentEvent
)

var table = &projections.Table{
	Name: "consents", Key: 1,
	Columns: []projections.Column{
		{Name: "consent", Type: projections.UUID},
		{Name: "subject", Type: projections.UUID},
		{Name: "text_hash", Type: projections.Text},
		{Name: "policy", Type: projections.Text},
		{Name: "grounds", Type: projections.Text},
		{Name: "service", Type: projections.Text},
		{Name: "purposes", Type: projections.Texts},
		{Name: "fields", Type: projections.Texts},
		{Name: "recipients", Type: projections.Texts},
		{Name: "recipient_kinds", Type: projections.Texts},
		{Name: "granted", Type: projections.Time},
		{Name: "recorded", Type: projections.Time},
		{Name: "until", Type: projections.Time},
		{Name: "withdrawn", Type: projections.Time},
		{Name: "event", Type: projections.UUID},
	},
	Indexes: []projections.Index{{Name: "subject", Columns: []int{consentSubject}}},
}

// New is the projection.
func New() *projections.Projection {
	return &projections.Projection{Name: Name, Version: version, Tables: []*projections.Table{table}, Apply: apply}
}

func apply(r domain.Recorded, w *projections.Writer) error {
	switch e := r.Event.(type) {
	case subject.ConsentGranted:
		w.Upsert(table,
			projections.OfUUID(e.Consent.UUID),
			projections.OfUUID(e.Subject.UUID),
			projections.OptText(e.TextHash),
			projections.OptText(r.Meta.Policy),
			projections.OptText(r.Meta.Grounds),
			projections.OptText(r.Meta.Service),
			projections.OfTexts(e.Scope.Purposes),
			projections.OfTexts(e.Scope.Fields),
			projections.OfTexts(ids(e.Scope.Recipients)),
			projections.OfTexts(e.Scope.RecipientKinds),
			projections.OfTime(r.Meta.OccurredAt),
			projections.OfTime(r.Meta.RecordedAt),
			projections.OfTime(e.Until),
			projections.Value{},
			projections.OfUUID(r.ID))
	case subject.ConsentWithdrawn:
		w.Patch(table, projections.Edit{
			Key:  []projections.Value{projections.OfUUID(e.Consent.UUID)},
			Set:  []projections.Set{{Column: consentWithdrawn, Value: projections.OfTime(r.Meta.OccurredAt)}},
			When: []projections.Where{{Column: consentSubject, Value: projections.OfUUID(e.Subject.UUID)}},
		})
	default:
		// They grant and withdraw nothing. What closing an account does to a consent is for decisions to
		// say; the consent itself was not withdrawn.
		return projections.Others(r.Event)
	}
	return nil
}

func ids(list []domain.RecipientID) []string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = id.String()
	}
	return out
}

// State is whether a consent holds.
type State string

// The states of a consent.
const (
	Granted   State = "granted"
	Withdrawn State = "withdrawn"
	Expired   State = "expired"
)

// Consent is one consent of a subject.
type Consent struct {
	ID        domain.ConsentID
	Subject   domain.SubjectID
	Scope     subject.Scope
	TextHash  string // SHA-256 of the text that was agreed to, hex
	Policy    string // version in force when it was granted
	Grounds   domain.Grounds
	Service   domain.Service
	Granted   time.Time
	Recorded  time.Time
	Until     time.Time // zero: until withdrawn
	Withdrawn time.Time // zero: never
	Event     uuid.UUID // that granted it
}

// State tells whether the consent holds at a time after it was granted.
func (c Consent) State(now time.Time) State {
	switch {
	case !c.Withdrawn.IsZero() && !now.Before(c.Withdrawn):
		return Withdrawn
	case !c.Until.IsZero() && !now.Before(c.Until):
		return Expired
	}
	return Granted
}

// Of lists the consents of a subject, the oldest first.
func Of(ctx context.Context, s projections.Snapshot, id domain.SubjectID) ([]Consent, error) {
	return list(ctx, s, projections.Select{
		Table: table,
		Where: []projections.Where{{Column: consentSubject, Value: projections.OfUUID(id.UUID)}},
		By:    []int{consentGranted, consentID},
	})
}

// Get gives one consent, and whether there is one of this id.
func Get(ctx context.Context, s projections.Snapshot, id domain.ConsentID) (Consent, bool, error) {
	found, err := list(ctx, s, projections.Select{
		Table: table,
		Where: []projections.Where{{Column: consentID, Value: projections.OfUUID(id.UUID)}},
	})
	if err != nil || len(found) == 0 {
		return Consent{}, false, err
	}
	return found[0], true, nil
}

func list(ctx context.Context, s projections.Snapshot, q projections.Select) ([]Consent, error) {
	var out []Consent
	for row, err := range s.Select(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("consents: %w", err)
		}
		c, err := consent(row)
		if err != nil {
			return nil, fmt.Errorf("consents: %w", err)
		}
		out = append(out, c)
	}
	return out, nil
}

func consent(row projections.Row) (Consent, error) {
	c := Consent{
		ID:      domain.ConsentID{UUID: row[consentID].UUID()},
		Subject: domain.SubjectID{UUID: row[consentSubject].UUID()},
		Scope: subject.Scope{
			Purposes:       projections.Strings[domain.Purpose](row[consentPurposes]),
			Fields:         projections.Strings[domain.Field](row[consentFields]),
			RecipientKinds: projections.Strings[domain.RecipientKind](row[consentKinds]),
		},
		TextHash:  row[consentTextHash].Text(),
		Policy:    row[consentPolicy].Text(),
		Grounds:   domain.Grounds(row[consentGrounds].Text()),
		Service:   domain.Service(row[consentService].Text()),
		Granted:   row[consentGranted].Time(),
		Recorded:  row[consentRecorded].Time(),
		Until:     row[consentUntil].Time(),
		Withdrawn: row[consentWithdrawn].Time(),
		Event:     row[consentEvent].UUID(),
	}
	for _, s := range row[consentRecipients].Texts() {
		id, err := uuid.Parse(s)
		if err != nil {
			return c, err
		}
		c.Scope.Recipients = append(c.Scope.Recipients, domain.RecipientID{UUID: id})
	}
	return c, nil
}
