package register

import "imagine.ua/litopys/projections"

// Name is the projection's permanent identity.
const Name = "register"

const version = 2

// Columns of register_held.
const (
	heldRecipient = iota
	heldSubject
	heldField
	heldEpoch
	heldPosition
	heldSince
	heldTransfer
	heldBasis
	heldPurpose
	heldGrounds
	heldAbroad
	heldCountry
	heldRetained
)

// held has what was passed on: one row a recipient, person, field and epoch, of the last time that it was. What
// became of the value since is for the changes to say, which are compared with it by time and place in the log.
var held = &projections.Table{
	Name: "register_held", Key: 4,
	Columns: []projections.Column{
		{Name: "recipient", Type: projections.UUID},
		{Name: "subject", Type: projections.UUID},
		{Name: "field", Type: projections.Text},
		{Name: "epoch", Type: projections.Text},
		{Name: "position", Type: projections.Int},
		{Name: "since", Type: projections.Time},
		{Name: "transfer", Type: projections.UUID},
		{Name: "basis", Type: projections.Text},
		{Name: "purpose", Type: projections.Text},
		{Name: "grounds", Type: projections.Text},
		{Name: "abroad", Type: projections.Text},
		{Name: "country", Type: projections.Text},
		{Name: "retained", Type: projections.Bool},
	},
}

// Columns of register_changes.
const (
	changeRecipient = iota
	changeSubject
	changeCause
	changePosition
	changeAt
	changeKind
	changeGone
	changeKept
	changeUntold
	changeTold
)

// changes has what recipients must be told of, and since when they know: one row a recipient and event. The
// values that the event ended stand as "email/1", and as "page/<2015-05" where it reached the earlier months too:
// those that were destroyed apart from those that are kept. Of a restriction they are names of fields.
//
// One event may end the values of any number of months, so rows of values cannot be marked by it one by one.
var changes = &projections.Table{
	Name: "register_changes", Key: 3,
	Columns: []projections.Column{
		{Name: "recipient", Type: projections.UUID},
		{Name: "subject", Type: projections.UUID},
		{Name: "cause", Type: projections.UUID},
		{Name: "position", Type: projections.Int},
		{Name: "at", Type: projections.Time},
		{Name: "kind", Type: projections.Text},
		{Name: "gone", Type: projections.Texts},
		{Name: "kept", Type: projections.Texts},
		{Name: "untold", Type: projections.Bool},
		{Name: "told", Type: projections.Time},
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
