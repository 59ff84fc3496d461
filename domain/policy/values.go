package policy

import (
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
