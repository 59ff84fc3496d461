package law_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain/law"
)

// freeWeekdays lists the days from Monday to Friday of a year on which no work is done.
func freeWeekdays(t testing.TB, c law.Calendar, year string) string {
	t.Helper()
	var free []string
	for d := date(t, year+"-01-01"); strings.HasPrefix(d.String(), year); d = d.AddDays(1) {
		if d.Weekday() != 0 && d.Weekday() != 6 && !c.IsWorkingDay(d) {
			free = append(free, d.String()[5:])
		}
	}
	return strings.Join(free, " ")
}

func TestWorkingDays_HolidaysOfUkraine(t *testing.T) {
	t.Parallel()
	peace := law.UA().Calendar.WithMartialLaw(false)
	for year, want := range map[string]string{
		"2016": "01-01 01-07 03-08 05-02 05-03 05-09 06-20 06-28 08-24 10-14",             // Easter on Labour Day
		"2017": "01-02 01-09 03-08 04-17 05-01 05-02 05-09 06-05 06-28 08-24 10-16 12-25", // the first free 25 December
		"2019": "01-01 01-07 03-08 04-29 05-01 05-09 06-17 06-28 08-26 10-14 12-25",
		"2021": "01-01 01-07 03-08 05-03 05-04 05-10 06-21 06-28 08-24 10-14 12-27", // Labour Day, then Easter
		"2023": "01-02 01-09 03-08 04-17 05-01 05-09 06-05 06-28 07-28 08-24 10-02 12-25",
		"2024": "01-01 03-08 05-01 05-06 05-08 06-24 06-28 07-15 08-26 10-01 12-25", // no 7 January
		"2025": "01-01 03-10 04-21 05-01 05-08 06-09 06-30 07-15 08-25 10-01 12-25",
	} {
		if got := freeWeekdays(t, peace, year); got != want {
			t.Errorf("%s: %s", year, cmp.Diff(want, got))
		}
	}
}

func TestWorkingDays_MartialLaw(t *testing.T) {
	t.Parallel()
	c := law.UA().Calendar
	for day, want := range map[string]bool{
		"2021-12-27": false, // before it
		"2022-02-23": true,
		"2022-08-24": true,                       // Independence Day, worked
		"2026-12-25": true,                       // no end is known
		"2026-12-26": false, "2026-12-27": false, // Saturday and Sunday stay free
	} {
		if got := c.IsWorkingDay(date(t, day)); got != want {
			t.Errorf("%s: working %v, want %v", day, got, want)
		}
	}
	if !c.WithMartialLaw(true).IsWorkingDay(date(t, "2021-12-27")) || c.WithMartialLaw(false).IsWorkingDay(date(t, "2026-12-25")) {
		t.Error("the switch does not overrule the data")
	}
	if !c.HolidaysWorked(date(t, "2026-12-25")) || c.HolidaysWorked(date(t, "2022-02-23")) {
		t.Error("the pack and its calendar were changed by the switch, or the period is wrong")
	}
}

func TestWorkingDays_MartialLawEnds(t *testing.T) {
	t.Parallel()
	src := edited(t, "ua", `until: ""}`, `until: "2027-08-23"}`)
	p, err := law.Load(src)
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]bool{"2027-05-03": true, "2027-06-28": true, "2027-08-23": true, "2027-08-24": false} {
		if got := p.Calendar.IsWorkingDay(date(t, day)); got != want {
			t.Errorf("%s: working %v, want %v", day, got, want)
		}
	}
}

func TestSwitchLeavesThePackAlone(t *testing.T) {
	t.Parallel()
	peace := inPeace()
	if !peace.Calendar.IsWorkingDay(date(t, "2026-12-24")) || peace.Calendar.IsWorkingDay(date(t, "2026-12-25")) {
		t.Error("the copy does not follow the switch")
	}
	if !law.UA().Calendar.IsWorkingDay(date(t, "2026-12-25")) {
		t.Error("the built-in pack was changed")
	}
}

func TestEaster(t *testing.T) {
	t.Parallel()
	west := law.Calendar{Holidays: []law.Holiday{{Day: law.EasterWest}}}
	east := law.Calendar{Holidays: []law.Holiday{{Day: law.EasterOrthodox}}}
	for c, days := range map[*law.Calendar][]string{
		&west: {"2019-04-21", "2024-03-31", "2025-04-20", "2026-04-05", "2038-04-25"},
		&east: {"2019-04-28", "2024-05-05", "2025-04-20", "2026-04-12", "2027-05-02"},
	} {
		for _, day := range days {
			if c.IsWorkingDay(date(t, day)) || !c.IsWorkingDay(date(t, day).AddDays(7)) {
				t.Errorf("%s is not Easter", day)
			}
		}
	}
}

func TestSubstituteCrossesTheYear(t *testing.T) {
	t.Parallel()
	c := law.Calendar{
		Weekend: []string{"saturday", "sunday"}, Substitute: true,
		Holidays: []law.Holiday{{Day: "12-31", Title: "last"}, {Day: "01-01", Title: "first"}},
	}
	// 31 December 2022 is a Saturday, 1 January 2023 a Sunday: Monday and Tuesday stand in for them.
	for day, want := range map[string]bool{"2023-01-02": false, "2023-01-03": false, "2023-01-04": true} {
		if got := c.IsWorkingDay(date(t, day)); got != want {
			t.Errorf("%s: working %v, want %v", day, got, want)
		}
	}
}

func TestAddWorkingDaysIsMonotoneAndNeverLandsOnAFreeDay(t *testing.T) {
	t.Parallel()
	ua := law.UA().Calendar
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom([]law.Calendar{ua, ua.WithMartialLaw(true), ua.WithMartialLaw(false), law.EU().Calendar}).Draw(t, "calendar")
		d := law.Date{Year: 2010, Month: 1, Day: 1}.AddDays(law.CalendarDays(rapid.IntRange(0, 9000).Draw(t, "day")))
		n := law.WorkingDays(rapid.IntRange(0, 40).Draw(t, "n"))
		end := c.AddWorkingDays(d, n)
		if !c.IsWorkingDay(end) {
			t.Fatalf("%d working days from %s end on %s, which is free", n, d, end)
		}
		if next := c.AddWorkingDays(d, n+1); next.Compare(end) < 0 || n > 0 && next == end {
			t.Fatalf("%d working days from %s end on %s, one more on %s", n, d, end, next)
		}
		if later := c.AddWorkingDays(d.AddDays(1), n); later.Compare(end) < 0 {
			t.Fatalf("%d working days from %s end on %s, from the next day on %s", n, d, end, later)
		}
		if counted := countWorkingDays(c, d, end); n > 0 && counted != n {
			t.Fatalf("%d working days lie between %s and %s, want %d", counted, d, end, n)
		}
	})
}

func countWorkingDays(c law.Calendar, after, last law.Date) law.WorkingDays {
	var n law.WorkingDays
	for d := after.AddDays(1); d.Compare(last) <= 0; d = d.AddDays(1) {
		if c.IsWorkingDay(d) {
			n++
		}
	}
	return n
}

func TestDatesInOrder(t *testing.T) {
	t.Parallel()
	days := []law.Date{date(t, "2027-01-01"), date(t, "2026-12-31"), date(t, "2026-11-30"), date(t, "2026-12-01")}
	slices.SortFunc(days, law.Date.Compare)
	want := []law.Date{date(t, "2026-11-30"), date(t, "2026-12-01"), date(t, "2026-12-31"), date(t, "2027-01-01")}
	if diff := cmp.Diff(want, days); diff != "" {
		t.Error(diff)
	}
}
