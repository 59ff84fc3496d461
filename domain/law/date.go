package law

import (
	"cmp"
	"time"
)

// CalendarDays counts days of the calendar, free or not. It never stands for WorkingDays.
type CalendarDays int

// WorkingDays counts days on which work is done by a Calendar. It never stands for CalendarDays.
type WorkingDays int

// Date is a civil date without zone or hour. The zero Date stands for "none".
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// notADate is what an unreadable date becomes; the loader reports it with everything else.
var notADate = Date{Day: -1}

// DateOf gives the civil date of a moment in a zone.
func DateOf(t time.Time, zone *time.Location) Date {
	y, m, d := t.In(zone).Date()
	return Date{y, m, d}
}

// noon is a moment of the date that no arithmetic on whole days can push over its edge.
func (d Date) noon() time.Time { return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC) }

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Weekday gives the day of the week.
func (d Date) Weekday() time.Weekday { return d.noon().Weekday() }

// Compare gives -1, 0 or 1 as d lies before, on or after the other date.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.Year, other.Year), cmp.Compare(d.Month, other.Month), cmp.Compare(d.Day, other.Day))
}

// AddDays gives the date n days later, or earlier when n is negative.
func (d Date) AddDays(n CalendarDays) Date { return DateOf(d.noon().AddDate(0, 0, int(n)), time.UTC) }

// AddMonths gives the same day n months later, or the last day of a month that is too short for it (Civil Code
// of Ukraine, art. 254; Regulation 1182/71, art. 3).
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 12, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}

// Begins gives the first moment of the date in a zone, in UTC. Some zones change their clocks at midnight: where
// the hour 00:00 is left out the day begins at 01:00, and where it comes twice it begins with the first.
func (d Date) Begins(zone *time.Location) time.Time {
	before := time.Date(d.Year, d.Month, d.Day-1, 12, 0, 0, 0, zone)
	_, offset := before.Zone()
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Add(-time.Duration(offset) * time.Second)
	if DateOf(t, zone) == d && DateOf(t.Add(-1), zone) != d {
		return t
	}
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone).UTC() // the clocks changed between that noon and midnight
}

// String writes the date as 2006-01-02; the zero Date is empty.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.noon().Format(time.DateOnly)
}

// MarshalText writes the date as it is read.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 2006-01-02 or nothing at all; Load reports what is neither together with everything else.
func (d *Date) UnmarshalText(b []byte) error {
	*d = Date{}
	if len(b) == 0 {
		return nil
	}
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil {
		*d = notADate
		return nil // validate says so, with its line
	}
	*d = DateOf(t, time.UTC)
	return nil
}
