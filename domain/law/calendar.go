package law

import (
	"slices"
	"strings"
	"time"

	"github.com/rickar/cal/v2"
)

// Calendar tells working days from free ones. Load makes it; treat its lists as read-only.
type Calendar struct {
	// Article is the act that says which days are free.
	Article string `yaml:"article"`
	Mark    Mark   `yaml:"mark"`
	// Weekend lists the days of the week that are free, in small letters: "saturday".
	Weekend []string `yaml:"weekend"`
	// Substitute: a holiday that falls on the weekend frees the next day that is not free already.
	Substitute bool      `yaml:"substitute,omitempty"`
	Holidays   []Holiday `yaml:"holidays"`
	// MartialLaw lists the periods in which public holidays are worked. The weekend stays free.
	MartialLaw []Period `yaml:"martial-law,omitempty"`

	overruled, martial bool
}

// Holiday is a day that is free every year. 29 February stands for 1 March in years that lack it. Orthodox Easter
// is computed by the Julian calendar, 13 days behind: right from 1900 to 2099.
type Holiday struct {
	// Day is "12-25" (month and day), EasterWest or EasterOrthodox.
	Day   string `yaml:"day"`
	Title string `yaml:"title"`
	// Plus is added to the day: Trinity is 49 days after Easter.
	Plus CalendarDays `yaml:"plus,omitempty"`
	// From and Until are the first and the last year in which it is free; 0 leaves that side open.
	From  int `yaml:"from,omitempty"`
	Until int `yaml:"until,omitempty"`
}

// The movable days that a Holiday may begin from.
const (
	EasterWest     = "easter"
	EasterOrthodox = "orthodox-easter"
)

// Period is a span of days, both ends included.
type Period struct {
	From Date `yaml:"from"`
	// Until is the last day; the zero Date means that no end is known.
	Until Date `yaml:"until,omitempty"`
}

func (p Period) holds(d Date) bool {
	return d.Compare(p.From) >= 0 && (p.Until.IsZero() || d.Compare(p.Until) <= 0)
}

// WithMartialLaw gives a calendar in which martial law is in force on every day, or on none, whatever the
// periods of the data say.
func (c Calendar) WithMartialLaw(inForce bool) Calendar {
	c.overruled, c.martial = true, inForce
	return c
}

// HolidaysWorked reports whether public holidays are worked on the day, because martial law is in force.
func (c Calendar) HolidaysWorked(d Date) bool {
	if c.overruled {
		return c.martial
	}
	return slices.ContainsFunc(c.MartialLaw, func(p Period) bool { return p.holds(d) })
}

// IsWorkingDay reports whether work is done on the day.
func (c Calendar) IsWorkingDay(d Date) bool {
	return !c.isWeekend(d) && (c.HolidaysWorked(d) || !slices.Contains(c.freeDays(d.Year), d))
}

// AddWorkingDays gives the n-th working day after d. For n = 0 (and less) it is d itself, or the first working
// day after it when d is free.
func (c Calendar) AddWorkingDays(d Date, n WorkingDays) Date {
	if n > 0 {
		d = d.AddDays(1)
	}
	year, free := d.Year, c.freeDays(d.Year)
	for ; ; d = d.AddDays(1) {
		if d.Year != year {
			year, free = d.Year, c.freeDays(d.Year)
		}
		if c.isWeekend(d) || !c.HolidaysWorked(d) && slices.Contains(free, d) {
			continue
		}
		if n--; n <= 0 {
			return d
		}
	}
}

func (c Calendar) isWeekend(d Date) bool {
	return slices.Contains(c.Weekend, strings.ToLower(d.Weekday().String()))
}

// freeDays lists the public holidays of a year and the days that stand in for those on a weekend. The year
// before counts too: a holiday at its very end may free a day of this one.
func (c Calendar) freeDays(year int) []Date {
	free := make([]Date, 0, 2*len(c.Holidays))
	for y := year - 1; y <= year; y++ {
		var days []Date
		for _, h := range c.Holidays {
			if day, ok := h.in(y); ok {
				days = append(days, day)
			}
		}
		// Two holidays on one day free one day: Easter and Labour Day of 2016 were that.
		slices.SortFunc(days, Date.Compare)
		days = slices.Compact(days)
		free = append(free, days...)
		if c.Substitute {
			free = c.substitutes(days, free)
		}
	}
	return free
}

// substitutes adds the day that each holiday on a weekend frees: the first after it that is not free yet.
func (c Calendar) substitutes(days, free []Date) []Date {
	for _, day := range days {
		if !c.isWeekend(day) {
			continue
		}
		for c.isWeekend(day) || slices.Contains(free, day) {
			day = day.AddDays(1)
		}
		free = append(free, day)
	}
	return free
}

// in gives the date of the holiday in a year, and false when it is not free in that year.
func (h Holiday) in(year int) (Date, bool) {
	rule, ok := h.rule()
	if !ok || h.From > 0 && year < h.From || h.Until > 0 && year > h.Until {
		return Date{}, false
	}
	actual, _ := rule.Calc(year)
	y, m, d := actual.Date() // the library works in the machine's zone; only its date counts
	return Date{y, m, d}.AddDays(h.Plus), true
}

func (h Holiday) rule() (*cal.Holiday, bool) {
	switch h.Day {
	case EasterWest, EasterOrthodox:
		return &cal.Holiday{Func: cal.CalcEasterOffset, Julian: h.Day == EasterOrthodox}, true
	}
	// A leap year, so that 29 February is a day.
	t, err := time.Parse(time.DateOnly, "2000-"+h.Day)
	if err != nil {
		return nil, false
	}
	return &cal.Holiday{Func: cal.CalcDayOfMonth, Month: t.Month(), Day: t.Day()}, true
}
