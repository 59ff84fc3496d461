package statistics

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

// Measure is what a table counts persons by: one kind of happening.
type Measure string

// The measures.
const (
	Registrations Measure = "registrations" // a file was opened
	Collections   Measure = "collections"   // data came in
	Consents      Measure = "consents"      // a consent was given
	Transfers     Measure = "transfers"     // data went to a third party
	Visits        Measure = "visits"        // pages were asked for; their values are opened for counting
	Deletions     Measure = "deletions"     // values or the account were deleted
	Requests      Measure = "requests"      // somebody asked something
)

// Survives reports whether persons stay counted after an erasure while the month is open. What the controller did
// at somebody's demand is a fact of the controller's work and would be lost if those who erased did not count.
func (m Measure) Survives() bool { return m == Deletions || m == Requests }

// Dimension is what a table is cut by.
type Dimension string

// The dimensions.
const (
	Day           Dimension = "day"            // on which it happened, in UTC
	Source        Dimension = "source"         // the kind of reference that a file was opened under, or who gave the data
	Category      Dimension = "category"       // of the field, by the catalogue
	Purpose       Dimension = "purpose"        // that consent was given for
	RecipientKind Dimension = "recipient-kind" // by the policy
	Basis         Dimension = "basis"          // of the transfer
	Country       Dimension = "country"        // of the recipient
	Browser       Dimension = "browser"        // family
	Page          Dimension = "page"           // section of the site: the first part of the path
	Deletion      Dimension = "deletion"       // part, account or term
	Delay         Dimension = "delay"          // from the deletion to the destruction of the keys
	Request       Dimension = "request"        // kind
	Channel       Dimension = "channel"        // of the request
)

// maxBy is by how many dimensions a table may be cut: each makes the cells smaller.
const maxBy = 2

// raw are the dimensions that are made of personal values, and the field that each is made of.
func (d Dimension) raw() (domain.Field, bool) {
	switch d {
	case Browser:
		return "browser", true
	case Page:
		return "page", true
	default:
		return "", false
	}
}

// Field gives the field whose values have to be opened to count by this dimension, and false when none has.
func (d Dimension) Field() (domain.Field, bool) { return d.raw() }

// cuts lists by which dimensions each measure may be cut.
func cuts() map[Measure][]Dimension {
	return map[Measure][]Dimension{
		Registrations: {Day, Source},
		Collections:   {Day, Source, Category},
		Consents:      {Day, Purpose},
		Transfers:     {Day, RecipientKind, Basis, Country},
		Visits:        {Day, Browser, Page},
		Deletions:     {Day, Deletion, Delay},
		Requests:      {Day, Request, Channel},
	}
}

func (d Dimension) known() bool {
	for _, list := range cuts() {
		if slices.Contains(list, d) {
			return true
		}
	}
	return false
}

// Plan is what is counted and how it is protected. Builtin and Load make it; treat it as read-only.
type Plan struct {
	Version string
	// MinimumCell is the smallest count that is published, at least Floor.
	MinimumCell int64
	// Rounding is the base of which figures without noise are multiples, at least Floor.
	Rounding int64
	// Budget is the epsilon of all noised tables of one month together; Delta is of each.
	Budget, Delta Billionths
	// OpenTo are the roles that may see a month that is not published.
	OpenTo []string
	Tables []TablePlan

	labels map[Dimension][]Label
}

// TablePlan is one table of a plan.
type TablePlan struct {
	ID       string
	Title    string
	Counts   Measure
	By       []Dimension
	MaxCells int64
	Epsilon  Billionths
	// MergeRare: cells of fewer persons than the minimum are counted together as "other" first.
	MergeRare bool
}

// Rules gives how a table's cells are protected.
func (p *Plan) Rules() Rules { return Rules{Threshold: p.MinimumCell, Rounding: p.Rounding} }

// Keeps refuses a plan that protects less than the ledger's own, so that nothing is counted by it. What is published
// passes Decide all the same.
func (p *Plan) Keeps(own *Plan) error {
	switch {
	case p.MinimumCell < own.MinimumCell:
		return domain.Refuse("statistics.threshold", "2.2.5", "write minimum-cell: "+number(own.MinimumCell)+" or more",
			"the plan %s shows cells of %d persons", p.Version, p.MinimumCell)
	case p.Rounding%own.Rounding != 0:
		return domain.Refuse("statistics.unsafe", "2.2.5", "write rounding: "+number(own.Rounding)+" or a multiple of it",
			"the plan %s rounds to %d", p.Version, p.Rounding)
	case p.Budget > own.Budget:
		return domain.Refuse("statistics.budget", "2.2.5", "write budget: "+own.Budget.String()+" or less",
			"the plan %s has a budget of %s", p.Version, p.Budget)
	case p.Delta > own.Delta:
		return domain.Refuse("statistics.budget", "2.2.5", "write delta: "+own.Delta.String()+" or less",
			"the plan %s has a delta of %s", p.Version, p.Delta)
	}
	return nil
}

// MaySee refuses a role of the policy that the plan does not name: the figures of a month that is not published are
// personal data.
func (p *Plan) MaySee(role string, in *policy.Policy) error {
	if _, known := in.Role(role); known && slices.Contains(p.OpenTo, role) {
		return nil
	}
	return domain.Refuse("statistics.role", "2.2.5", "use --role with one of: "+strings.Join(p.OpenTo, ", "),
		"figures of a month that is not published are personal data, and this role may not see them")
}

// Label coarsens a value to what the plan lets a table show of the dimension.
func (p *Plan) Label(d Dimension, value string) Label {
	l := Label(strings.ToLower(value))
	if list, listed := p.labels[d]; listed {
		if slices.Contains(list, l) {
			return l
		}
		return Other
	}
	if _, raw := d.raw(); raw {
		return Other // no list, so nothing of it may show
	}
	if l := Label(value); l.Valid() {
		return l
	}
	return Other
}

// Table gives the head of a table, without cells.
func (t TablePlan) Table() Table {
	return Table{ID: t.ID, Title: t.Title, By: t.By, MaxCells: t.MaxCells}
}

// Opens lists the fields whose values have to be opened to count by this plan, each once.
func (p *Plan) Opens() []domain.Field {
	var out []domain.Field
	for _, t := range p.Tables {
		for _, d := range t.By {
			if f, ok := d.raw(); ok && !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// DelayLabel gives the label of a time from a deletion to the destruction of the keys: the steps are coarse, so that
// they tell no moment.
func DelayLabel(hours float64) Label {
	switch {
	case hours <= 1:
		return "within-an-hour"
	case hours <= 24:
		return "within-a-day"
	case hours <= 24*7:
		return "within-a-week"
	case hours <= 24*30:
		return "within-30-days"
	}
	return "later"
}

// NotYet is the label of a deletion whose keys no certificate calls destroyed yet.
const NotYet Label = "not-certified-yet"

//go:embed plan.yaml
var planYAML []byte

var builtin = sync.OnceValue(func() *Plan {
	p, err := Load(planYAML)
	if err != nil {
		panic(err) // the file is part of the binary and a test loads it
	}
	return p
})

// Builtin is the plan that is built into Litopys. Every call gives the same one.
func Builtin() *Plan { return builtin() }

// BuiltinYAML gives the built-in file, as a beginning for one's own.
func BuiltinYAML() []byte { return append([]byte(nil), planYAML...) }
