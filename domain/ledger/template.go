package ledger

import (
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
)

// Template holds what most operations of one part of an app have in common, so that it is said once.
type Template struct {
	Actor   domain.Actor
	Service domain.Service
	Purpose domain.Purpose
	Grounds domain.Grounds
}

// Op gives an operation with the template's parts, an idempotency key and the time at which it happened.
// When a part is missing it gives the zero Operation, which the ledger refuses as operation.incomplete;
// Check says which part.
func (t Template) Op(key string, at time.Time) domain.Operation {
	op, _ := t.build(key, at)
	return op
}

// Subject gives what every command on a subject's file embeds.
func (t Template) Subject(id domain.SubjectID, key string, at time.Time) subject.About {
	return subject.About{Subject: id, Operation: t.Op(key, at)}
}

// Recipient gives what every command on a recipient's card embeds.
func (t Template) Recipient(id domain.RecipientID, key string, at time.Time) recipient.About {
	return recipient.About{Recipient: id, Operation: t.Op(key, at)}
}

// Request gives what every command on a request's file embeds.
func (t Template) Request(id domain.RequestID, key string, at time.Time) request.About {
	return request.About{Request: id, Operation: t.Op(key, at)}
}

// Check names everything that is missing in the template. An app calls it once, when it starts.
func (t Template) Check() error {
	_, err := t.build("check", time.Unix(0, 0))
	return err
}

func (t Template) build(key string, at time.Time) (domain.Operation, error) {
	return domain.NewOperation(domain.OperationSpec{
		Key: key, Actor: t.Actor, At: at, Purpose: t.Purpose, Grounds: t.Grounds, Service: t.Service,
	})
}

// For gives a template for another purpose.
func (t Template) For(p domain.Purpose) Template { t.Purpose = p; return t }

// On gives a template on other grounds.
func (t Template) On(g domain.Grounds) Template { t.Grounds = g; return t }

// In gives a template for another service.
func (t Template) In(s domain.Service) Template { t.Service = s; return t }

// NewSubjectID gives a random id, which says nothing about the person.
func NewSubjectID() domain.SubjectID { return domain.SubjectID{UUID: uuid.New()} }

// NewRecipientID gives a random id.
func NewRecipientID() domain.RecipientID { return domain.RecipientID{UUID: uuid.New()} }

// NewConsentID gives a random id.
func NewConsentID() domain.ConsentID { return domain.ConsentID{UUID: uuid.New()} }

// NewOrderID gives a random id.
func NewOrderID() domain.OrderID { return domain.OrderID{UUID: uuid.New()} }

// NewRequestID gives a random id.
func NewRequestID() domain.RequestID { return domain.RequestID{UUID: uuid.New()} }

// NewHoldID gives a random id.
func NewHoldID() domain.HoldID { return domain.HoldID{UUID: uuid.New()} }
