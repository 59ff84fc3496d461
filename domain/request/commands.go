// Package request is the file of one request: what somebody asks of the controller about personal data, by
// when it must be answered, who approved it and how it ended (clause 7.1; ua art. 8 and 16; GDPR art. 12).
package request

import (
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// Command is the closed sum of what may be asked of a request's file.
//
//sumtype:decl
type Command interface {
	command()
	Target() domain.RequestID
	By() domain.Operation
	Name() string
}

// About is embedded by every command: the request and the operation.
type About struct {
	Request   domain.RequestID
	Operation domain.Operation
}

func (About) command() {}

// Target is the request whose file it concerns.
func (a About) Target() domain.RequestID { return a.Request }

// By is the operation.
func (a About) By() domain.Operation { return a.Operation }

// Receive records that a request came in.
type Receive struct {
	About
	Kind      Kind
	Channel   subject.Channel
	Subject   domain.SubjectID
	Fields    []domain.Field
	Recipient domain.RecipientID
	Warrant   subject.Warrant
	Document  domain.Reference
}

// Approve records the approval of a disclosure by the operation's actor. Two different persons must approve.
type Approve struct{ About }

// Extend puts the deadline off.
type Extend struct {
	About
	Reason   domain.Reference
	Document domain.Reference
}

// Answer ends the request.
type Answer struct {
	About
	Outcome  Outcome
	Reason   domain.Reference
	Channel  subject.Channel
	Document domain.Reference
}

// Name is the command's name.
func (Receive) Name() string { return "request.receive" }

// Name is the command's name.
func (Approve) Name() string { return "request.approve" }

// Name is the command's name.
func (Extend) Name() string { return "request.extend" }

// Name is the command's name.
func (Answer) Name() string { return "request.answer" }
