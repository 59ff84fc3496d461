package policy

import (
	"strconv"
	"strings"
	"time"
)

// Date is a calendar date, written 2006-01-02; it stands for the first moment of that day in UTC.
type Date struct {
	time.Time
	text string // as written, for the report when it is no date
}

// UnmarshalText keeps what is written; the loader reports what is no date together with everything else.
func (d *Date) UnmarshalText(b []byte) error {
	d.text = string(b)
	d.Time, _ = time.Parse(time.DateOnly, d.text) // zero when it is none; validate says so
	return nil
}

// MarshalText writes the date as it is read.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.Format(time.DateOnly)), nil }

// Unit is what a term counts. Days, months and years never stand for one another: 1095 days are not three
// years when one of them is a leap year.
type Unit string

// The units of terms. Working days are counted by the calendar of a rule pack, not here.
const (
	Days   Unit = "days"
	Months Unit = "months"
	Years  Unit = "years"
)

// Term is a length of time as law states it: "1095 days", "6 months", "3 years".
type Term struct {
	Count int
	Unit  Unit
	text  string
}

// maxTerm bounds a term, so that a slip of the pen does not keep data for millennia.
const maxTerm = 100_000

// UnmarshalText keeps what is written; the loader reports what is no term together with everything else.
func (t *Term) UnmarshalText(b []byte) error {
	*t = Term{text: string(b)}
	count, unit, _ := strings.Cut(t.text, " ")
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > maxTerm {
		return nil
	}
	switch Unit(unit) {
	case Days, Months, Years:
		t.Count, t.Unit = n, Unit(unit)
	}
	return nil
}

// MarshalText writes the term as it is read.
func (t Term) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// String writes the term as it is read: "1095 days". A zero term is "none".
func (t Term) String() string {
	if t.Unit == "" {
		return "none"
	}
	return strconv.Itoa(t.Count) + " " + string(t.Unit)
}

// After gives the moment at which a term that begins at t has ended, in UTC. A month that is too short for
// the day ends the term on its last day (Civil Code of Ukraine, art. 254).
func (t Term) After(from time.Time) time.Time {
	from = from.UTC()
	switch t.Unit {
	case Days:
		return from.AddDate(0, 0, t.Count)
	case Months:
		return addMonths(from, t.Count)
	case Years:
		return addMonths(from, 12*t.Count)
	}
	return from
}

func addMonths(t time.Time, n int) time.Time {
	day := t.Day()
	first := t.AddDate(0, 0, 1-day)
	target := first.AddDate(0, n, 0)
	last := target.AddDate(0, 1, -1).Day()
	return target.AddDate(0, 0, min(day, last)-1)
}

// Form says how values of a findable field are made equal before they are looked up.
type Form string

// The forms.
const (
	Exact Form = "exact" // surrounding space goes; the rest counts
	Email Form = "email" // lower case as well
	Phone Form = "phone" // digits only; a leading 00 goes
)

// Normal gives the form of the value under which it is indexed and looked up. It is pure and idempotent,
// and part of the index's meaning: changing it needs the index to be rebuilt.
func (f Form) Normal(value string) string {
	switch f {
	case Exact:
		return strings.TrimSpace(value)
	case Email:
		return lower(strings.TrimSpace(value))
	case Phone:
		number := digits(value)
		if strings.HasPrefix(number, "00") {
			return strings.TrimLeft(number, "0")
		}
		return number
	}
	return value
}

func lower(s string) string {
	// Twice, since for a few letters the lower case of the lower case differs from it.
	return strings.ToLower(strings.ToLower(s))
}

// digits keeps the ASCII digits.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}
