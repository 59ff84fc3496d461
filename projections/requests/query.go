package requests

import (
	"context"
	"fmt"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// State is how a request stands.
type State string

// The states.
const (
	Open     State = "open"
	Answered State = "answered"
)

// Request is one request with what became of it.
type Request struct {
	ID        domain.RequestID
	Kind      request.Kind
	State     State
	Channel   subject.Channel
	Subject   domain.SubjectID   // zero: nobody is identified
	Recipient domain.RecipientID // who asks, when not the subject
	Fields    []domain.Field
	Warrant   subject.Warrant // of a disclosure
	Document  domain.Reference
	Received  time.Time
	Recorded  time.Time
	Receiver  domain.Reference // who took it in
	Approvals []Approval       // of a disclosure, by person
	Extended  time.Time        // zero: never
	// ExtendReason and ExtendDocument are why, and the letter that said so.
	ExtendReason, ExtendDocument domain.Reference
	Answered                     time.Time // zero: not yet
	Outcome                      request.Outcome
	Reason                       domain.Reference
	AnswerChannel                subject.Channel
	AnswerDocument               domain.Reference
}

// Approval is one person's.
type Approval struct {
	Person domain.Reference
	At     time.Time
}

// Due gives the first moment that is too late for an answer by the pack, with the article; a zero time when the
// pack sets no term.
func (r Request) Due(pack *law.Pack) (time.Time, string) {
	d, ok := pack.Deadline(request.DeadlineOf(r.Kind))
	if !ok {
		return time.Time{}, ""
	}
	due := pack.Due(d.Term, r.Received)
	if r.Extended.IsZero() {
		return due, d.Article
	}
	if later, err := pack.Extended(d.ID, r.Received, due); err == nil {
		return later, d.Extension.Article
	}
	return due, d.Article
}

// Filter narrows a list; zero parts narrow nothing.
type Filter struct {
	State   State
	Subject domain.SubjectID
	Kind    request.Kind
}

func (f Filter) where() []projections.Where {
	var out []projections.Where
	if f.State != "" {
		out = append(out, projections.Where{Column: colState, Value: projections.OfText(f.State)})
	}
	if !f.Subject.IsZero() {
		out = append(out, projections.Where{Column: colSubject, Value: projections.OfUUID(f.Subject.UUID)})
	}
	if f.Kind != "" {
		out = append(out, projections.Where{Column: colKind, Value: projections.OfText(f.Kind)})
	}
	return out
}

// List gives requests, the oldest first.
func List(ctx context.Context, s projections.Snapshot, f Filter) ([]Request, error) {
	return list(ctx, s, projections.Select{Table: table, Where: f.where(), By: []int{colReceived, colID}})
}

// Get gives one request, and whether there is one of this id.
func Get(ctx context.Context, s projections.Snapshot, id domain.RequestID) (Request, bool, error) {
	found, err := list(ctx, s, projections.Select{Table: table, Where: []projections.Where{{Column: colID, Value: projections.OfUUID(id.UUID)}}})
	if err != nil || len(found) == 0 {
		return Request{}, false, err
	}
	return found[0], true, nil
}

func list(ctx context.Context, s projections.Snapshot, q projections.Select) ([]Request, error) {
	var out []Request
	for row, err := range s.Select(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("requests: %w", err)
		}
		r, err := of(row)
		if err != nil {
			return nil, fmt.Errorf("requests: %w", err)
		}
		out = append(out, r)
	}
	for i := range out {
		if out[i].Kind != request.Disclosure {
			continue
		}
		var err error
		if out[i].Approvals, err = approvalsOf(ctx, s, out[i].ID); err != nil {
			return nil, fmt.Errorf("requests: %w", err)
		}
	}
	return out, nil
}

func approvalsOf(ctx context.Context, s projections.Snapshot, id domain.RequestID) ([]Approval, error) {
	var out []Approval
	q := projections.Select{Table: approvals, Where: []projections.Where{{Column: approvalRequest, Value: projections.OfUUID(id.UUID)}}}
	for row, err := range s.Select(ctx, q) {
		if err != nil {
			return nil, err
		}
		out = append(out, Approval{domain.Reference(row[approvalPerson].Text()), row[approvalAt].Time()})
	}
	return out, nil
}

func of(row projections.Row) (Request, error) {
	w, err := warrant(row[colWarrant].Texts())
	return Request{
		ID:             domain.RequestID{UUID: row[colID].UUID()},
		Kind:           request.Kind(row[colKind].Text()),
		State:          State(row[colState].Text()),
		Channel:        subject.Channel(row[colChannel].Text()),
		Subject:        domain.SubjectID{UUID: row[colSubject].UUID()},
		Recipient:      domain.RecipientID{UUID: row[colRecipient].UUID()},
		Fields:         projections.Strings[domain.Field](row[colFields]),
		Warrant:        w,
		Document:       domain.Reference(row[colDocument].Text()),
		Received:       row[colReceived].Time(),
		Recorded:       row[colRecorded].Time(),
		Receiver:       domain.Reference(row[colReceiver].Text()),
		Extended:       row[colExtended].Time(),
		ExtendReason:   domain.Reference(row[colExtendReason].Text()),
		ExtendDocument: domain.Reference(row[colExtendDocument].Text()),
		Answered:       row[colAnswered].Time(),
		Outcome:        request.Outcome(row[colOutcome].Text()),
		Reason:         domain.Reference(row[colReason].Text()),
		AnswerChannel:  subject.Channel(row[colAnswerChannel].Text()),
		AnswerDocument: domain.Reference(row[colAnswerDocument].Text()),
	}, err
}
