// Package history answers: what happened to this person's data, and what did we know and hold on day D?
//
// The timeline is one row for every event that concerns a subject, in the order of the log, with both times:
// when it happened and when it was recorded. Rows point at values (field and epoch) and never copy them;
// who may see a value fetches it from the stream that the row names (Open).
package history

import "imagine.ua/litopys/projections"

// Name is the projection's permanent identity.
const Name = "history"

const version = 1

// Columns of history.
const (
	colPosition = iota
	colOrdinal
	colSubject
	colEvent
	colStream
	colRevision
	colType
	colOccurred
	colRecorded
	colActorKind
	colActor
	colPurpose
	colGrounds
	colService
	colPolicy
	colCommand
	colReceived
	colReferred
	colFates
	colRecipient
	colDetails
)

var table = &projections.Table{
	Name: "history", Key: 2, Log: true,
	Columns: []projections.Column{
		{Name: "position", Type: projections.Int},
		{Name: "ordinal", Type: projections.Int},
		{Name: "subject", Type: projections.UUID},
		{Name: "event", Type: projections.UUID},
		{Name: "stream", Type: projections.Text},
		{Name: "revision", Type: projections.Int},
		{Name: "type", Type: projections.Text},
		{Name: "occurred", Type: projections.Time},
		{Name: "recorded", Type: projections.Time},
		{Name: "actor_kind", Type: projections.Text},
		{Name: "actor", Type: projections.Text},
		{Name: "purpose", Type: projections.Text},
		{Name: "grounds", Type: projections.Text},
		{Name: "service", Type: projections.Text},
		{Name: "policy", Type: projections.Text},
		{Name: "command", Type: projections.Text},
		{Name: "received", Type: projections.Texts},
		{Name: "referred", Type: projections.Texts},
		{Name: "fates", Type: projections.Texts},
		{Name: "recipient", Type: projections.UUID},
		{Name: "details", Type: projections.Texts},
	},
	Indexes: []projections.Index{{Name: "subject", Columns: []int{colSubject, colPosition, colOrdinal}}},
}
