// Package history answers: what happened to this person's data, and what did we know and hold on day D?
//
// The timeline is one row for every event that concerns a subject, in the order of the log, with both times:
// when it happened and when it was recorded. Rows point at values (field and epoch) and never copy them;
// who may see a value fetches it from the stream that the row names (Open).
package history

import "imagine.ua/litopys/projections"

// Name is the projection's permanent identity.
const Name = "history"

const version = 4

// Columns of history.
const (
	colPosition = iota
	colOrdinal
	colSubject
	colEvent
	colType
	colOccurred
	colRecorded
	colActor
	colPurpose
	colRecipient
	colOperation
	colSaid
)

var table = &projections.Table{
	Name: "history", Key: 2, Log: true,
	Columns: []projections.Column{
		{Name: "position", Type: projections.Int},
		{Name: "ordinal", Type: projections.Int},
		{Name: "subject", Type: projections.UUID},
		{Name: "event", Type: projections.UUID},
		{Name: "type", Type: projections.Text},
		{Name: "occurred", Type: projections.Time},
		{Name: "recorded", Type: projections.Time},
		{Name: "actor", Type: projections.Text},
		{Name: "purpose", Type: projections.Text},
		{Name: "recipient", Type: projections.UUID},
		{Name: "operation", Type: projections.Texts},
		{Name: "said", Type: projections.Texts},
	},
	Indexes: []projections.Index{{Name: "subject", Columns: []int{colSubject, colPosition, colOrdinal}}},
}

// Parts of the operation: what is shown of it but never searched by.
const (
	operationStream = iota // as projections.StreamText writes it
	operationRevision
	operationActorKind
	operationGrounds
	operationService
	operationPolicy
	operationCommand
	operationParts
)

// What an event says, one string a particular, told apart by its first byte.
const (
	saidReceived = "+" // a value that came in: "+email/2", or "+email" of the epoch of the one before
	saidReferred = "@" // a value that it speaks of: "@email/2"
	saidFate     = "-" // a value that it ended: "-email/1|retain||2027-01-01T00:00:00.000000Z|tax-documents"
	saidDetail   = "=" // anything else: "=method=bank-id"
)
