package wire

import (
	"errors"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
)

// Asked holds the members of every command to a request's file.
type Asked struct {
	Operation
	Request uuid.UUID `json:"request"`
}

// with builds the command when the operation is whole and the request named.
func (a Asked) with(complete func(request.About) request.Command) (Command, error) {
	operation, err := a.Operation.build()
	if err := errors.Join(err, required(a.Request, "request")); err != nil {
		return nil, err
	}
	return complete(request.About{Request: domain.RequestID{UUID: a.Request}, Operation: operation}), nil
}

type receive struct {
	Asked
	Kind      request.Kind     `json:"kind"`
	Channel   subject.Channel  `json:"channel"`
	Subject   uuid.UUID        `json:"subject"`
	Fields    []domain.Field   `json:"fields"`
	Recipient uuid.UUID        `json:"recipient"`
	Warrant   warrant          `json:"warrant"`
	Document  domain.Reference `json:"document"`
}

func (r receive) command() (Command, error) {
	return r.with(func(a request.About) request.Command {
		return request.Receive{About: a, Kind: r.Kind, Channel: r.Channel, Subject: domain.SubjectID{UUID: r.Subject}, Fields: r.Fields,
			Recipient: domain.RecipientID{UUID: r.Recipient}, Warrant: subject.Warrant(r.Warrant), Document: r.Document}
	})
}

// text is a command to the subject's file, where the words are sealed with his other values.
type text struct {
	About
	Request uuid.UUID `json:"request"`
	Text    string    `json:"text"`
}

func (t text) command() (Command, error) {
	return t.with(func(a subject.About) (subject.Command, error) {
		return subject.AddText{About: a, Request: domain.RequestID{UUID: t.Request}, Text: domain.ClearValue(t.Text)}, required(t.Request, "request")
	})
}

type approve struct{ Asked }

func (p approve) command() (Command, error) {
	return p.with(func(a request.About) request.Command { return request.Approve{About: a} })
}

type extend struct {
	Asked
	Reason   domain.Reference `json:"reason"`
	Document domain.Reference `json:"document"`
}

func (e extend) command() (Command, error) {
	return e.with(func(a request.About) request.Command {
		return request.Extend{About: a, Reason: e.Reason, Document: e.Document}
	})
}

type answer struct {
	Asked
	Outcome  request.Outcome  `json:"outcome"`
	Reason   domain.Reference `json:"reason"`
	Channel  subject.Channel  `json:"channel"`
	Document domain.Reference `json:"document"`
}

func (r answer) command() (Command, error) {
	return r.with(func(a request.About) request.Command {
		return request.Answer{About: a, Outcome: r.Outcome, Reason: r.Reason, Channel: r.Channel, Document: r.Document}
	})
}

// edition publishes a version of the policy, whole.
type edition struct {
	Operation
	Source string `json:"source"`
}

func (e edition) command() (Command, error) {
	operation, err := e.Operation.build()
	return policy.Publish{Operation: operation, Source: e.Source}, err
}
