// Package transfers answers: to whom did data go, whose, which fields, on what basis and for what purpose?
// One row a transferred (transfer, field); rows are only ever added, because what was passed on was passed
// on. Beside them stand the recipients' cards as they are now.
package transfers

import "imagine.ua/litopys/projections"

// Name is the projection's permanent identity.
const Name = "transfers"

const version = 1

// Columns of transfers.
const (
	colPosition = iota
	colOrdinal
	colTransfer
	colSubject
	colField
	colEpoch
	colOccurred
	colRecorded
	colRecipient
	colKind
	colCountry
	colBasis
	colBasisID
	colDetails
	colAbroad
	colPurpose
	colGrounds
	colService
	colPolicy
	colActorKind
	colActor
)

var table = &projections.Table{
	Name: "transfers", Key: 2, Log: true,
	Columns: []projections.Column{
		{Name: "position", Type: projections.Int},
		{Name: "ordinal", Type: projections.Int},
		{Name: "transfer", Type: projections.UUID},
		{Name: "subject", Type: projections.UUID},
		{Name: "field", Type: projections.Text},
		{Name: "epoch", Type: projections.Text},
		{Name: "occurred", Type: projections.Time},
		{Name: "recorded", Type: projections.Time},
		{Name: "recipient", Type: projections.UUID},
		{Name: "recipient_kind", Type: projections.Text},
		{Name: "country", Type: projections.Text},
		{Name: "basis", Type: projections.Text},
		{Name: "basis_id", Type: projections.UUID},
		{Name: "details", Type: projections.Texts},
		{Name: "abroad", Type: projections.Text},
		{Name: "purpose", Type: projections.Text},
		{Name: "grounds", Type: projections.Text},
		{Name: "service", Type: projections.Text},
		{Name: "policy", Type: projections.Text},
		{Name: "actor_kind", Type: projections.Text},
		{Name: "actor", Type: projections.Text},
	},
	Indexes: []projections.Index{
		{Name: "subject", Columns: []int{colSubject, colPosition, colOrdinal}},
		{Name: "recipient", Columns: []int{colRecipient, colPosition, colOrdinal}},
	},
}

// Columns of recipients.
const (
	cardID = iota
	cardName
	cardKind
	cardCountry
	cardContract
	cardAdded
	cardChanged
)

var cards = &projections.Table{
	Name: "recipients", Key: 1,
	Columns: []projections.Column{
		{Name: "recipient", Type: projections.UUID},
		{Name: "name", Type: projections.Text},
		{Name: "kind", Type: projections.Text},
		{Name: "country", Type: projections.Text},
		{Name: "contract", Type: projections.Text},
		{Name: "added", Type: projections.Time},
		{Name: "changed", Type: projections.Time},
	},
}
