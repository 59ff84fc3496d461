// Package retained answers: what is kept of this person beyond deletion, until when, by which rule, and does a
// hold keep it longer? Its readers are the roles that the rules name, and nobody else (clause 4.3).
//
// An attribute is one row from the day it comes in, with its sealed bytes and the address they were sealed for:
// the event that decides to keep it does not repeat it. The row is shown from then on and goes when the value is
// destroyed. Traces are too many for that: a row says which months of a field are kept, and their values are
// fetched from the log when somebody may open them.
package retained

import "imagine.ua/litopys/projections"

// Name is the projection's permanent identity.
const Name = "retained"

const version = 1

// Columns of retained_values. The first three are those of retained_traces too.
const (
	valueSubject = iota
	valueField
	valueEpoch
	valueState
	valueSealed
	valueStream
	valueEvent
	valueSince
	valueEnded
	valueUntil
	valueRule
	valueHeld
)

var values = &projections.Table{
	Name: "retained_values", Key: 3,
	Columns: []projections.Column{
		{Name: "subject", Type: projections.UUID},
		{Name: "field", Type: projections.Text},
		{Name: "epoch", Type: projections.Text},
		{Name: "state", Type: projections.Text},
		{Name: "sealed", Type: projections.Bytes},
		{Name: "stream", Type: projections.Text},
		{Name: "event", Type: projections.UUID},
		{Name: "since", Type: projections.Time},
		{Name: "ended", Type: projections.Time},
		{Name: "until", Type: projections.Time},
		{Name: "rule", Type: projections.Text},
		{Name: "held", Type: projections.Bool},
	},
}

// Columns of retained_traces after the key: the epoch is the last one that the row keeps.
const (
	traceFates = iota + 3 // how often it was decided about
	traceEnded
	traceUntil
	traceRule
	traceHeld
	traceGone // destroyed: the row only says where the next one begins
)

var traces = &projections.Table{
	Name: "retained_traces", Key: 3,
	Columns: []projections.Column{
		{Name: "subject", Type: projections.UUID},
		{Name: "field", Type: projections.Text},
		{Name: "epoch", Type: projections.Text},
		{Name: "fates", Type: projections.Int},
		{Name: "ended", Type: projections.Time},
		{Name: "until", Type: projections.Time},
		{Name: "rule", Type: projections.Text},
		{Name: "held", Type: projections.Bool},
		{Name: "gone", Type: projections.Bool},
	},
}

// Columns of retained_epochs: the months, or parts of them, in which anything was collected of a subject's use.
const (
	epochSubject = iota
	epochEpoch
	epochRank
)

var epochs = &projections.Table{
	Name: "retained_epochs", Key: 2,
	Columns: []projections.Column{
		{Name: "subject", Type: projections.UUID},
		{Name: "epoch", Type: projections.Text},
		{Name: "epoch_rank", Type: projections.Int},
	},
}

// The states of a value.
const (
	live = "live"
	kept = "kept"
)
