package statistics

import (
	"time"

	"imagine.ua/litopys/domain"
)

// Span gives the first moment of a month and the first after it, in UTC, and false for what is no month.
func Span(m domain.Month) (from, to time.Time, ok bool) {
	from, err := time.Parse("2006-01", string(m))
	if err != nil || domain.MonthOf(from) != m || from.Year() < 1970 {
		return time.Time{}, time.Time{}, false
	}
	return from, from.AddDate(0, 1, 0), true
}
