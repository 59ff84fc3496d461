package retention_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"imagine.ua/litopys/cmd/internal/retention"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
)

// ending is a value that is deleted at a moment, and the moment at which its term is over: the first of the
// Kyiv day after the last. Both in UTC, reckoned by hand.
type ending struct {
	name         string
	field        domain.Field // tax_number is kept 1095 days; agreement that long or 3 years, whichever is longer
	deleted, due string
}

// All lie in years whose clocks nobody changes any more.
var endings = []ending{
	// The term ends on 29 February, or would if the year had one.
	{"up to a leap day, by years", "agreement", "2021-02-28 12:00", "2024-02-28 22:00"},
	{"through a leap day, by days", "tax_number", "2021-03-01 12:00", "2024-02-29 22:00"},
	{"over a leap day, by days", "tax_number", "2021-03-02 12:00", "2024-03-01 22:00"},
	{"over a leap day, by years", "agreement", "2021-03-01 12:00", "2024-03-01 22:00"},
	{"from a leap day, by years", "agreement", "2020-02-29 12:00", "2023-02-28 22:00"},
	{"from a leap day, by days", "tax_number", "2020-02-29 12:00", "2023-02-28 22:00"},
	// In 2025 Kyiv's clocks went forward on 30 March at 03:00, to UTC+3, and back on 26 October at 04:00.
	{"the day before the clocks go forward", "agreement", "2022-03-29 12:00", "2025-03-29 22:00"},
	{"the day of 23 hours", "agreement", "2022-03-30 12:00", "2025-03-30 21:00"},
	{"the day of 23 hours, by days", "tax_number", "2022-03-31 12:00", "2025-03-30 21:00"},
	{"the day before the clocks go back", "agreement", "2022-10-25 12:00", "2025-10-25 21:00"},
	{"the day of 25 hours", "agreement", "2022-10-26 12:00", "2025-10-26 22:00"},
	// Deleted in such a night. In 2022 they were those of 27 March and of 30 October.
	{"in the minute before the hour that is left out", "agreement", "2022-03-27 00:59", "2025-03-27 22:00"},
	{"in the minute after it", "agreement", "2022-03-27 01:00", "2025-03-27 22:00"},
	{"in the hour that comes twice, the first time", "tax_number", "2022-10-30 00:30", "2025-10-29 22:00"},
	{"in the hour that comes twice, the second time", "tax_number", "2022-10-30 01:30", "2025-10-29 22:00"},
	// A day of Kyiv begins on the day before of UTC.
	{"just before midnight", "agreement", "2022-06-30 20:59", "2025-06-30 21:00"},
	{"at midnight", "agreement", "2022-06-30 21:00", "2025-07-01 21:00"},
	{"at midnight in winter", "tax_number", "2022-11-30 22:00", "2025-11-30 22:00"},
}

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Terms end to the microsecond when the law's days end in Kyiv, over leap days and on the nights when the
// clocks change: from the deletion to the key, the certificate and what readers see.
func TestTermsEndWithTheDaysOfKyiv(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at func(testing.TB) place) {
		h := newHouseAt(t, at(t), policy.Imagine())
		people := map[string][]domain.SubjectID{} // by the moment at which their terms end
		for _, x := range endings {
			h.set(moment(t, "2020-01-10 12:00"))
			who, cmds := h.person(t, 0)
			people[x.due] = append(people[x.due], who)
			h.do(t, cmds...)
			h.do(t, subject.Collect{About: h.about(t, who), Source: subject.BySubject, Values: []subject.Given{given("agreement", "of "+x.name)}})
			h.set(moment(t, x.deleted))
			h.do(t, subject.Delete{About: h.about(t, who), Fields: []domain.Field{x.field}})
			h.requireStates(t, who, 2, 1, 0)
		}
		h.answer(t, set())
		for _, due := range slices.Sorted(maps.Keys(people)) {
			h.set(moment(t, due).Add(-time.Microsecond))
			h.requireEnded(t, people[due], 0)
			h.set(moment(t, due))
			h.requireEnded(t, people[due], len(people[due]))
		}
	})
}

// requireEnded runs the retention: it is to destroy so many values, all or none of which are these people's.
func (h *house) requireEnded(t *testing.T, people []domain.SubjectID, want int) {
	t.Helper()
	for _, who := range people {
		if got := len(h.ask(t, who).seen["retained"]); got != 1 && want == 0 || got != 0 && want > 0 {
			t.Errorf("%d values are to be read at %s", got, h.now())
		}
	}
	cfg := h.config()
	cfg.Operation.Key += h.now().String()
	done, err := retention.Run(t.Context(), cfg)
	if err != nil || retention.Total(done.Destroyed) != want || len(done.Left) > 0 {
		t.Errorf("at %s it has done %+v, %v; want %d", h.now(), done, err, want)
	}
	for _, who := range people {
		gone := min(want, 1)
		h.requireStates(t, who, 2, 1-gone, gone)
		if n := certified(t, h.journal, who); n != gone {
			t.Errorf("%d keys are certified at %s, want %d", n, h.now(), gone)
		}
	}
}
