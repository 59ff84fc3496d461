// Package requests answers: who asked what of us, by when must he have an answer, who approved it and how did
// it end (clause 7.1)? Deadlines are reckoned when they are asked for, by the rule pack that holds then. What
// the person wrote is no part of it.
package requests

import "imagine.ua/litopys/projections"

// Name is the projection's permanent identity.
const Name = "requests"

const version = 1

// Columns of requests.
const (
	colID = iota
	colKind
	colState
	colChannel
	colSubject
	colRecipient
	colFields
	colWarrant
	colDocument
	colReceived
	colRecorded
	colReceiver
	colExtended
	colExtendReason
	colExtendDocument
	colAnswered
	colOutcome
	colReason
	colAnswerChannel
	colAnswerDocument
)

var table = &projections.Table{
	Name: "requests", Key: 1,
	Columns: []projections.Column{
		{Name: "request", Type: projections.UUID},
		{Name: "kind", Type: projections.Text},
		{Name: "state", Type: projections.Text},
		{Name: "channel", Type: projections.Text},
		{Name: "subject", Type: projections.UUID},
		{Name: "recipient", Type: projections.UUID},
		{Name: "fields", Type: projections.Texts},
		{Name: "warrant", Type: projections.Texts},
		{Name: "document", Type: projections.Text},
		{Name: "received", Type: projections.Time},
		{Name: "recorded", Type: projections.Time},
		{Name: "receiver", Type: projections.Text},
		{Name: "extended", Type: projections.Time},
		{Name: "extend_reason", Type: projections.Text},
		{Name: "extend_document", Type: projections.Text},
		{Name: "answered", Type: projections.Time},
		{Name: "outcome", Type: projections.Text},
		{Name: "reason", Type: projections.Text},
		{Name: "answer_channel", Type: projections.Text},
		{Name: "answer_document", Type: projections.Text},
	},
	Indexes: []projections.Index{
		{Name: "state", Columns: []int{colState, colReceived}},
		{Name: "subject", Columns: []int{colSubject}},
	},
}

// Columns of request_approvals.
const (
	approvalRequest = iota
	approvalPerson
	approvalAt
)

var approvals = &projections.Table{
	Name: "request_approvals", Key: 2,
	Columns: []projections.Column{
		{Name: "request", Type: projections.UUID},
		{Name: "person", Type: projections.Text},
		{Name: "approved", Type: projections.Time},
	},
}
