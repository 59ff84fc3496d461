package law_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"imagine.ua/litopys/domain/law"
)

func TestDue(t *testing.T) {
	t.Parallel()
	ua, eu := law.UA(), law.EU()
	for name, tc := range map[string]struct {
		pack             *law.Pack
		term, from, want string
	}{
		"the day of the event is not counted":      {ua, "1 calendar day", "2026-06-10 00:00", "2026-06-12 00:00"},
		"nor at its last minute":                   {ua, "1 calendar day", "2026-06-10 23:59", "2026-06-12 00:00"},
		"an hour is left out in spring":            {ua, "30 calendar days", "2026-03-10 10:00", "2026-04-10 00:00"},
		"an hour comes twice in autumn":            {ua, "30 calendar days", "2026-10-20 10:00", "2026-11-20 00:00"},
		"the event in the hour that comes twice":   {ua, "1 calendar day", "2026-10-25 03:30", "2026-10-27 00:00"},
		"the last day has 23 hours":                {ua, "1 calendar day", "2026-03-28 10:00", "2026-03-30 00:00"},
		"over the turn of the year":                {ua, "30 calendar days", "2026-12-31 23:30", "2027-01-31 00:00"},
		"over 29 February":                         {ua, "30 calendar days", "2028-02-10 10:00", "2028-03-12 00:00"},
		"from 29 February":                         {ua, "1 year", "2028-02-29 10:00", "2029-03-01 00:00"},
		"to 29 February":                           {ua, "1 month", "2028-01-31 10:00", "2028-03-01 00:00"},
		"to 28 February":                           {ua, "1 month", "2027-01-31 10:00", "2027-03-01 00:00"},
		"from the end of a short month":            {ua, "1 month", "2027-02-28 10:00", "2027-03-29 00:00"},
		"months over the turn of the year":         {ua, "3 months", "2026-11-30 10:00", "2027-03-01 00:00"},
		"a month in zone's date, not in UTC's":     {ua, "1 month", "2026-04-01 01:00", "2026-05-02 00:00"},
		"a last day that is free stays":            {ua, "1 month", "2026-01-31 10:00", "2026-03-01 00:00"},
		"a last day on Saturday moves":             {eu, "1 month", "2026-01-31 10:00", "2026-03-03 00:00"},
		"a last day on Sunday moves":               {eu, "30 calendar days", "2026-10-09 10:00", "2026-11-10 00:00"},
		"a last day at Christmas moves":            {eu, "1 month", "2026-11-25 10:00", "2026-12-29 00:00"},
		"a last day on a working day stays":        {eu, "1 month", "2026-03-10 09:00", "2026-04-11 00:00"},
		"years that end on New Year":               {eu, "3 years", "2023-01-01 10:00", "2026-01-03 00:00"},
		"working days from Friday":                 {ua, "1 working day", "2026-06-12 10:00", "2026-06-16 00:00"},
		"working days from Saturday":               {ua, "1 working day", "2026-06-13 10:00", "2026-06-16 00:00"},
		"working days over the change of the hour": {ua, "10 working days", "2026-10-16 10:00", "2026-10-31 00:00"},
		"no term": {ua, "none", "2026-06-13 10:17", "2026-06-13 10:17"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantMoment(t, tc.pack, tc.pack.Due(term(t, tc.term), at(t, tc.pack, tc.from)), tc.want)
		})
	}
}

func TestDueDoesNotDependOnTheZoneOfTheMoment(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 3, 31, 22, 30, 0, 0, time.UTC) // 1 April in Kyiv
	for _, name := range []string{"UTC", "Asia/Tokyo", "America/Los_Angeles", "Europe/Kyiv"} {
		wantMoment(t, law.UA(), law.UA().Due(term(t, "1 month"), from.In(zone(t, name))), "2026-05-02 00:00")
	}
}

func TestDueIsMonotone(t *testing.T) {
	t.Parallel()
	var terms []law.Term
	for _, text := range []string{"72 hours", "30 calendar days", "10 working days", "1 month", "3 years", "none"} {
		terms = append(terms, term(t, text))
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom([]*law.Pack{law.UA(), inPeace(), law.EU()}).Draw(t, "pack")
		length := rapid.SampledFrom(terms).Draw(t, "term")
		from := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "from"), 0)
		later := from.Add(time.Duration(rapid.Int64Range(0, 1e6).Draw(t, "seconds")) * time.Second)
		due, dueLater := p.Due(length, from), p.Due(length, later)
		if due.Before(from) || dueLater.Before(due) {
			t.Fatalf("%s from %v is due %v, from %v %v", length, from, due, later, dueLater)
		}
		if again := p.Due(length, from); again != due {
			t.Fatalf("the same term is due %v and %v", due, again)
		}
	})
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestDayBeginsWithItsFirstMoment takes zones that change their clocks at midnight too.
func TestDayBeginsWithItsFirstMoment(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Kyiv", "Europe/Brussels", "Asia/Beirut", "America/Havana", "Atlantic/Azores", "America/Santiago", "Africa/Cairo", "America/Asuncion", "UTC"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := zone(t, name)
			for d := date(t, "1995-01-01"); d.Year < 2030; d = d.AddDays(1) {
				begins := d.Begins(z)
				if law.DateOf(begins, z) != d || law.DateOf(begins.Add(-1), z) != d.AddDays(-1) {
					t.Fatalf("%s does not begin at %v", d, begins.In(z))
				}
			}
		})
	}
}
