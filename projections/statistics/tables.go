package statistics

import "imagine.ua/litopys/projections"

// Name is the projection's permanent identity.
const Name = "statistics"

const version = 2

// Columns of statistic_periods.
const (
	periodMonth = iota
	periodPlan
	periodPublished
	periodRecorded
	periodActorKind
	periodActor
	periodPurpose
	periodGrounds
	periodService
	periodPolicy
	periodBudget
	periodOpened
	periodEvent
)

var periods = &projections.Table{
	Name: "statistic_periods", Key: 1,
	Columns: []projections.Column{
		{Name: "period", Type: projections.Text},
		{Name: "plan", Type: projections.Text},
		{Name: "published", Type: projections.Time},
		{Name: "recorded", Type: projections.Time},
		{Name: "actor_kind", Type: projections.Text},
		{Name: "actor", Type: projections.Text},
		{Name: "purpose", Type: projections.Text},
		{Name: "grounds", Type: projections.Text},
		{Name: "service", Type: projections.Text},
		{Name: "policy", Type: projections.Text},
		{Name: "budget", Type: projections.Int},
		{Name: "opened", Type: projections.Texts},
		{Name: "event", Type: projections.UUID},
	},
}

// Columns of statistic_tables.
const (
	tablePeriod = iota
	tableOrdinal
	tableID
	tableTitle
	tableBy
	tableTotal
	tableWithheld
	tableMethod
	tableMaxCells
	tableThreshold
	tableRounding
	tableEpsilon
	tableDelta
	tableClass
	tableTests
)

var figures = &projections.Table{
	Name: "statistic_tables", Key: 2,
	Columns: []projections.Column{
		{Name: "period", Type: projections.Text},
		{Name: "ordinal", Type: projections.Int},
		{Name: "id", Type: projections.Text},
		{Name: "title", Type: projections.Text},
		{Name: "dimensions", Type: projections.Texts},
		{Name: "total", Type: projections.Int},
		{Name: "withheld", Type: projections.Bool},
		{Name: "method", Type: projections.Text},
		{Name: "max_cells", Type: projections.Int},
		{Name: "threshold", Type: projections.Int},
		{Name: "rounding", Type: projections.Int},
		{Name: "epsilon", Type: projections.Int},
		{Name: "delta", Type: projections.Int},
		{Name: "class", Type: projections.Text},
		{Name: "tests", Type: projections.Texts},
	},
}

// Columns of statistic_cells.
const (
	cellPeriod = iota
	cellTable
	cellOrdinal
	cellLabels
	cellPersons // NULL: marked as suppressed
)

var cells = &projections.Table{
	Name: "statistic_cells", Key: 3,
	Columns: []projections.Column{
		{Name: "period", Type: projections.Text},
		{Name: "table_ordinal", Type: projections.Int},
		{Name: "ordinal", Type: projections.Int},
		{Name: "labels", Type: projections.Texts},
		{Name: "persons", Type: projections.Int},
	},
}

// Columns of statistic_barred.
const (
	barredSubject = iota
	barredKind
	barredWhat
)

// barred says which persons must not be counted: by purpose, for those who object to it, or by field, for those
// whose field is restricted.
var barred = &projections.Table{
	Name: "statistic_barred", Key: 3,
	Columns: []projections.Column{
		{Name: "subject", Type: projections.UUID},
		{Name: "kind", Type: projections.Text},
		{Name: "what", Type: projections.Text},
	},
}

const (
	byPurpose = "purpose"
	byField   = "field"
)

// Columns of statistic_marks.
const (
	markMonth = iota
	markPosition
)

// marks has for every month a place in the log before which nothing of later months is recorded, so that counting
// a month need not begin at the beginning.
var marks = &projections.Table{
	Name: "statistic_marks", Key: 1,
	Columns: []projections.Column{
		{Name: "month", Type: projections.Text},
		{Name: "position", Type: projections.Int},
	},
}
