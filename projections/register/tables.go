package register

import "imagine.ua/litopys/projections"

// Name is the projection's permanent identity.
const Name = "register"

const version = 1

// Columns of register_held.
const (
	heldRecipient = iota
	heldSubject
	heldField
	heldEpoch
	heldRank
	heldSince
	heldTransfer
	heldBasis
	heldPurpose
	heldGrounds
	heldAbroad
	heldCountry
	heldRetained
	heldState
	heldChanged
	heldCause
)

// held has what recipients have: one row a recipient, person and field.
var held = &projections.Table{
	Name: "register_held", Key: 3,
	Columns: []projections.Column{
		{Name: "recipient", Type: projections.UUID},
		{Name: "subject", Type: projections.UUID},
		{Name: "field", Type: projections.Text},
		{Name: "epoch", Type: projections.Text},
		{Name: "epoch_rank", Type: projections.Int},
		{Name: "since", Type: projections.Time},
		{Name: "transfer", Type: projections.UUID},
		{Name: "basis", Type: projections.Text},
		{Name: "purpose", Type: projections.Text},
		{Name: "grounds", Type: projections.Text},
		{Name: "abroad", Type: projections.Text},
		{Name: "country", Type: projections.Text},
		{Name: "retained", Type: projections.Bool},
		{Name: "state", Type: projections.Text},
		{Name: "changed", Type: projections.Time},
		{Name: "cause", Type: projections.UUID},
	},
}

// Columns of register_told.
const (
	toldRecipient = iota
	toldSubject
	toldCause
	toldAt
	toldChannel
	toldDocument
)

// told has which recipients were told of which edit or deletion.
var told = &projections.Table{
	Name: "register_told", Key: 3,
	Columns: []projections.Column{
		{Name: "recipient", Type: projections.UUID},
		{Name: "subject", Type: projections.UUID},
		{Name: "cause", Type: projections.UUID},
		{Name: "at", Type: projections.Time},
		{Name: "channel", Type: projections.Text},
		{Name: "document", Type: projections.Text},
	},
}

// Columns of register_flows.
const (
	flowRecipient = iota
	flowField
	flowCountry
	flowBasis
	flowAbroad
	flowPurpose
	flowValues
)

// flows counts the values that were ever passed on.
var flows = &projections.Table{
	Name: "register_flows", Key: 6,
	Columns: []projections.Column{
		{Name: "recipient", Type: projections.UUID},
		{Name: "field", Type: projections.Text},
		{Name: "country", Type: projections.Text},
		{Name: "basis", Type: projections.Text},
		{Name: "abroad", Type: projections.Text},
		{Name: "purpose", Type: projections.Text},
		{Name: "passed", Type: projections.Int},
	},
}

// Columns of register_activities.
const (
	activityPurpose = iota
	activityService
	activityGrounds
	activityKind
	activityTimes
)

// activities counts the recorded operations.
var activities = &projections.Table{
	Name: "register_activities", Key: 4,
	Columns: []projections.Column{
		{Name: "purpose", Type: projections.Text},
		{Name: "service", Type: projections.Text},
		{Name: "grounds", Type: projections.Text},
		{Name: "kind", Type: projections.Text},
		{Name: "times", Type: projections.Int},
	},
}

// Columns of register_subjects.
const (
	subjectsKind = iota
	subjectsPersons
)

// subjects counts files by the field under which they were opened, and those that were closed.
var subjects = &projections.Table{
	Name: "register_subjects", Key: 1,
	Columns: []projections.Column{
		{Name: "kind", Type: projections.Text},
		{Name: "persons", Type: projections.Int},
	},
}

// closedFiles is the kind under which closed files are counted.
const closedFiles = "-closed"
