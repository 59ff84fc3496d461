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
	Period domain.Month
	Plan   string // version of the plan by which was counted
	// Counted is the position in the log up to which was counted. Nothing writes it: no table would protect it.
	Counted uint64
	Tables  []Table
	// Opened says of which fields personal values were opened for counting. It stands here and not as a DataUsed in
	// each person's file, because a list of who was counted would be what subtracts a person from the figures.
	Opened []Opened
	Budget Billionths // of epsilon, for all noised tables together
}

// Opened is a field of which values were opened for counting. Nothing of them is kept but the labels.
type Opened struct {
	Field domain.Field
	// Values is how many. Decide lets none be published: an exact count beside the tables undoes their protection.
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
	Suppression Method = "suppression" // cells below the threshold and others are left out, figures are rounded
	Noise       Method = "noise"       // differential privacy
)

// Test is a property that a published table was checked for.
type Test string

// The tests.
const (
	// Threshold: no published cell counts fewer persons than the threshold.
	Threshold Test = "threshold"
	// Complement: the total and the cells cannot be subtracted to somebody in a crowd below the threshold.
	Complement Test = "complement"
	// Rounded: every figure is one of the two multiples of the base next to the count, drawn by the month's secret,
	// so that figures of whatever tables subtract to no exact count.
	Rounded Test = "rounding"
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
	Cells []Cell // in the order of their labels; which ones are left out, or count nobody, is not told
	// Total is how many persons the table counts, each once, those in cells left out included, and rounded by itself:
	// cells need not add up to it. Of a noised table it is the sum of the cells published.
	Total int64
	// Withheld: too few persons for any cell, or none at all, so neither cells nor total are published.
	Withheld bool

	Method   Method
	MaxCells int64 // cells of this table in which one person counts, at most
	// Threshold is the smallest count that is published.
	Threshold int64
	// Rounding is the base of which figures are multiples; 1: they are not rounded.
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
	Persons int64
	// Suppressed marks a cell that is left out. Only figures of a month that is not published have marks.
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
