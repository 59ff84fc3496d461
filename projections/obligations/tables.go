// Package obligations answers: whom must we tell or answer, of what, by when and by which article; and what is
// late? Transfers, edits, deletions, restrictions, requests and new versions of the policy open duties by the
// terms of a rule pack; notices and answers close them. A row says by which pack and version its time was
// reckoned. Nothing here holds a personal value.
package obligations

import "imagine.ua/litopys/projections"

// Name is the projection's permanent identity.
const Name = "obligations"

const version = 2

// Columns of obligations. A matter is the event that opened the duty, or the request that it answers; with the
// task and the party that is owed it names the row, so that what closes it needs to know nothing else.
const (
	colMatter = iota
	colTask
	colParty
	colDuty
	colState
	colSubject
	colAddressee
	colArticle
	colLaw
	colOpened
	colDue
	colDueExtended
	colExtended
	colFields
	colPolicy
	colExempt
	colClosed
	colClosedBy
	colChannel
	colCause
)

var table = &projections.Table{
	Name: "obligations", Key: 3,
	Columns: []projections.Column{
		{Name: "matter", Type: projections.UUID},
		{Name: "task", Type: projections.Text},
		{Name: "party", Type: projections.UUID},
		{Name: "duty", Type: projections.Text},
		{Name: "state", Type: projections.Text},
		{Name: "subject", Type: projections.UUID},
		{Name: "addressee", Type: projections.Text},
		{Name: "article", Type: projections.Text},
		{Name: "law", Type: projections.Text},
		{Name: "opened", Type: projections.Time},
		{Name: "due", Type: projections.Time},
		{Name: "due_extended", Type: projections.Time},
		{Name: "extended", Type: projections.Time},
		{Name: "fields", Type: projections.Texts},
		{Name: "policy", Type: projections.Text},
		{Name: "exempt", Type: projections.Text},
		{Name: "closed", Type: projections.Time},
		{Name: "closed_by", Type: projections.UUID},
		{Name: "channel", Type: projections.Text},
		{Name: "cause", Type: projections.UUID},
	},
	Indexes: []projections.Index{
		{Name: "due", Columns: []int{colState, colDue}},
		{Name: "subject", Columns: []int{colSubject}},
	},
}

// Tasks that requests open; those of notices are the ids of their deadlines.
const (
	taskAnswer = "request"
	taskStudy  = "request.study"
)
