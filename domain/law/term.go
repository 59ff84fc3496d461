package law

import (
	"strconv"
	"strings"
)

// Unit is what a term counts. Units never stand for one another: a month is not 30 days, and 1095 days are not
// three years when one of them is a leap year.
type Unit string

// The units of terms.
const (
	UnitHours        Unit = "hours"
	UnitCalendarDays Unit = "calendar days"
	UnitWorkingDays  Unit = "working days"
	UnitMonths       Unit = "months"
	UnitYears        Unit = "years"
)

func (u Unit) known() bool {
	switch u {
	case UnitHours, UnitCalendarDays, UnitWorkingDays, UnitMonths, UnitYears:
		return true
	}
	return false
}

// Term is a length of time as law states it: "10 working days", "1 month". The zero Term is "none": at once.
type Term struct {
	N    int
	Unit Unit
}

// maxTerm bounds a term, so that a slip of the pen does not keep data for millennia.
const maxTerm = 100_000

// notATerm is what an unreadable term becomes; the loader reports it with everything else.
var notATerm = Term{N: -1}

// IsZero reports whether there is no term: what it stands for is due at once.
func (t Term) IsZero() bool { return t == Term{} }

func (t Term) valid() bool {
	return t.IsZero() || t.N > 0 && t.N <= maxTerm && t.Unit.known()
}

// String writes the term as it is read: "1 month", "30 calendar days", "none".
func (t Term) String() string {
	if t.IsZero() {
		return "none"
	}
	unit := string(t.Unit)
	if t.N == 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	return strconv.Itoa(t.N) + " " + unit
}

// MarshalText writes the term as it is read.
func (t Term) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what String writes; Load reports anything else together with all other problems.
func (t *Term) UnmarshalText(b []byte) error {
	text := string(b)
	*t = Term{}
	if text == "none" {
		return nil
	}
	count, unit, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(count)
	*t = Term{N: n, Unit: Unit(unit)}
	if n == 1 {
		t.Unit += "s"
	}
	if err != nil || n < 1 || !t.valid() || t.String() != text {
		*t = notATerm
	}
	return nil
}
