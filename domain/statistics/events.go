package statistics

import (
	"math"
	"strconv"
	"strings"

	"imagine.ua/litopys/domain"
)

// Event is the closed sum of what can happen to the statistics of a month.
//
//sumtype:decl
type Event interface {
	domain.Event
	event()
}

// Published: the month is closed and these figures stand for ever (clauses 2.2.5, 2.2.8, 4.2).
type Published struct {
	domain.NoPersonal
	domain.NoFates
	Period  domain.Month
	Plan    string // version of the plan by which was counted
	Counted uint64 // position in the log up to which was counted
	Tables  []Table
	// Opened says which personal values were opened for counting. It stands here and not as a DataUsed in each
	// person's file, because a list of who was counted would be what subtracts a person from the figures.
	Opened []Opened
	Budget Billionths // of epsilon, for all noised tables together
}

// Opened is how many values of a field were opened for counting. Nothing of them is kept but the labels.
type Opened struct {
	Field  domain.Field
	Values int64
}

// Class says what an output is in law.
type Class string

// The classes.
const (
	// Personal: it names a person or holds his values.
	Personal Class = "personal"
	// Pseudonymous: no names, but single persons can be found in it. It is personal data still.
	Pseudonymous Class = "pseudonymous"
	// Anonymous: published, with the tests that it passed. Only this may be called anonymous.
	Anonymous Class = "published-anonymous"
)

// Method is how the small cells of a table are protected.
type Method string

// The methods.
const (
	Suppression Method = "suppression" // cells below the threshold, and others until they cannot be worked out
	Noise       Method = "noise"       // differential privacy
)

// Test is a property that a published table was checked for.
type Test string

// The tests.
const (
	// Threshold: no published cell counts fewer persons than the threshold.
	Threshold Test = "threshold"
	// Complement: no suppressed cell can be narrowed down, from the total and the other cells, to fewer values
	// than the threshold.
	Complement Test = "complement"
	// Differencing: the period overlaps no other and is published once, so that there is nothing to subtract.
	Differencing Test = "differencing"
	// Private: the noise satisfies differential privacy with the table's epsilon and delta for one person and month.
	Private Test = "differential-privacy"
)

// Table is one table as it is published.
type Table struct {
	ID    string
	Title string
	By    []Dimension
	Cells []Cell // in the order of their labels; those that count nobody are left out
	// Total is the sum of all cells, suppressed ones included; of a noised table the sum of those published.
	Total int64
	// Withheld: no protection was enough, so neither cells nor total are published.
	Withheld bool

	Method   Method
	MaxCells int64 // cells of this table in which one person counts, at most
	// Threshold is the smallest count that is published.
	Threshold int64
	// Rounding is what counts are rounded to; 1: they are exact.
	Rounding int64
	// Epsilon and Delta are what the noise of this table spends; zero under suppression.
	Epsilon, Delta Billionths

	Class Class
	Tests []Test // that it passed
}

// Cell is one cell of a table.
type Cell struct {
	Labels []Label // one for each dimension
	// Persons is how many; 0 when Suppressed.
	Persons    int64
	Suppressed bool
}

// Label is a word of a public list: of the policy, or of the plan. Never a raw value.
type Label string

// Other is the label of what no list names, and of labels too rare to stand alone.
const Other Label = "other"

// Billionths is a decimal number with nine places, so that what is recorded is exact.
type Billionths int64

// one is 1 in billionths.
const one Billionths = 1e9

// BillionthsOf rounds a number to nine places.
func BillionthsOf(x float64) Billionths { return Billionths(math.Round(x * float64(one))) }

// Float is the number.
func (b Billionths) Float() float64 { return float64(b) / float64(one) }

// String is the shortest decimal form.
func (b Billionths) String() string {
	whole, part := b/one, b%one
	if part == 0 {
		return strconv.FormatInt(int64(whole), 10)
	}
	digits := strconv.FormatInt(int64(one+part), 10)[1:]
	return strconv.FormatInt(int64(whole), 10) + "." + strings.TrimRight(digits, "0")
}

func (Published) event() {}
