package statistics_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/request"
	counts "imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/statistics"
)

// Every dimension counts persons, each once a cell; what lies outside the month does not count.
func TestCountsPersons(t *testing.T) {
	t.Parallel()
	w := newTown(rand.New(rand.NewPCG(1, 1)).IntN)
	anna, petro := w.register(0, "account"), w.register(1, "visitor")
	w.register(31, "account") // June
	for range 3 {
		w.visit(anna, 2, firefox, "/blog/2015/05/one?x=1")
	}
	w.visit(anna, 3, robot, "/~anna")
	w.visit(petro, 3, chrome, "https://imagine.ua/")
	w.visit(petro, 40, firefox, "/news")
	w.give(anna, 2, "email", "phone", "name")
	w.consent(anna, 4, "contact", "advertising")
	w.transfer(petro, 5, "delivery", "UA", "visitor")
	w.transfer(petro, 6, "delivery", "PL", "visitor")
	w.ask(anna, 7, request.Access)
	w.ask(anna, 8, request.Access)
	for range 20 {
		w.ask(domain.SubjectID{}, 8, request.Question) // of nobody knows how many persons: counts nobody
	}
	w.remove(anna, 9, "phone")
	w.certify(anna, mayFirst.AddDate(0, 0, 9).Add(3*time.Hour))
	got := shown(counted(t, w.all()).Tables(exact))
	want := map[string]int64{
		"subjects-by-day: [2015-05-01 account]": 1, "subjects-by-day: [2015-05-02 visitor]": 1,
		"fields-by-category: [contact]": 1, "fields-by-category: [identity]": 1, "fields-by-category: [technical]": 2,
		"consents-by-purpose: [contact]": 1, "consents-by-purpose: [advertising]": 1,
		"transfers-by-recipient: [delivery order]": 1, "transfers-by-country: [UA]": 1, "transfers-by-country: [PL]": 1,
		"browsers: [firefox]": 1, "browsers: [bot]": 1, "browsers: [chrome]": 1,
		"pages: [blog]": 1, "pages: [other]": 1, "pages: [home]": 1,
		"deletions: [part]": 1, "time-to-erase: [within-a-day]": 1,
		"requests-by-kind: [access]": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// While the month is open an erased person leaves it; what was done at his demand stays counted, and so does
// everybody else.
func TestClause_4_2_ErasedPersonsLeaveTheOpenMonth(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(2, 2)).IntN
	w := newTown(dice)
	var people []domain.SubjectID
	for range 12 {
		id := w.register(dice(5), "account")
		w.visit(id, 6, firefox, "/blog")
		w.give(id, 6, "email")
		w.transfer(id, 7, "delivery", "UA", "email")
		w.consent(id, 7, "contact")
		people = append(people, id)
	}
	before := shown(counted(t, w.all()).Tables(exact))
	w.remove(people[0], 8, "email")
	w.leave(people[1], 9)
	w.leave(people[2], 45) // after the month, before it is closed
	after := shown(counted(t, w.all()).Tables(exact))
	for cell, was := range map[string]int64{"browsers: [firefox]": 12, "pages: [blog]": 12, "fields-by-category: [contact]": 12,
		"consents-by-purpose: [contact]": 12, "transfers-by-recipient: [delivery order]": 12} {
		gone := int64(2)
		if cell == "fields-by-category: [contact]" || cell == "transfers-by-recipient: [delivery order]" {
			gone = 3
		}
		if before[cell] != was || after[cell] != was-gone {
			t.Errorf("%s: %d before, %d after", cell, before[cell], after[cell])
		}
	}
	if after["deletions: [part]"] != 1 || after["deletions: [account]"] != 1 || after["time-to-erase: [not-certified-yet]"] != 2 {
		t.Errorf("deletions: %v", after)
	}
}

// Whoever objects to statistics, and restricted fields, are not counted, and their values are not opened.
func TestBarredAreNotCounted(t *testing.T) {
	t.Parallel()
	w := newTown(rand.New(rand.NewPCG(3, 3)).IntN)
	var people []domain.SubjectID
	for range 3 {
		id := w.register(0, "account")
		w.visit(id, 1, firefox, "/blog")
		w.ask(id, 2, request.Objection)
		people = append(people, id)
	}
	c := counted(t, w.all(), func(c *statistics.Counting) {
		c.Barred = statistics.Barred{Persons: map[domain.SubjectID]bool{people[0]: true}, Fields: map[domain.SubjectID][]domain.Field{people[1]: {"browser"}}}
	})
	got := shown(c.Tables(exact))
	if got["browsers: [firefox]"] != 1 || got["pages: [blog]"] != 2 || got["subjects-by-day: [2015-05-01 account]"] != 2 || got["requests-by-kind: [objection]"] != 3 {
		t.Errorf("counted %v", got)
	}
	if diff := cmp.Diff([]counts.Opened{{Field: "browser", Values: 1}, {Field: "page", Values: 2}}, c.Opened()); diff != "" {
		t.Errorf("opened:\n%s", diff)
	}
}

// Without an opener nothing is opened, and the tables that would need it are left out.
func TestClosedEyes(t *testing.T) {
	t.Parallel()
	w := newTown(rand.New(rand.NewPCG(4, 4)).IntN)
	w.visit(w.register(0, "account"), 1, firefox, "/blog")
	c := counted(t, w.all(), func(c *statistics.Counting) { c.Opener = nil })
	for _, table := range c.OpenTables() {
		if table.ID == "browsers" || table.ID == "pages" {
			t.Errorf("table %s is counted", table.ID)
		}
		if table.Class != counts.Pseudonymous || len(table.Tests) > 0 {
			t.Errorf("table %s of an open month is called %s %v", table.ID, table.Class, table.Tests)
		}
	}
	if len(c.Opened()) > 0 {
		t.Errorf("opened %v", c.Opened())
	}
}

// A person counts in no more cells of a table than the plan says, and rare labels are counted together.
func TestBoundedAndMerged(t *testing.T) {
	t.Parallel()
	w := newTown(rand.New(rand.NewPCG(5, 5)).IntN)
	sections := []string{"/home", "/about", "/account", "/articles", "/blog", "/news", "/orders", "/search"}
	for range 20 {
		id := w.register(0, "account")
		for _, s := range sections {
			w.visit(id, 1, firefox, s)
		}
	}
	for i, country := range []domain.Country{"DE", "DE", "PL", "FR", "IT", "ES", "AT", "BE", "BG", "CZ", "DK", "EE"} {
		id := w.register(0, "account")
		w.transfer(id, i, "delivery", country, "account")
		w.transfer(id, i, "delivery", "UA", "account")
	}
	c := counted(t, w.all())
	sum := int64(0)
	for cell, n := range shown(c.Tables(exact)) {
		if len(cell) > 5 && cell[:5] == "pages" {
			sum += n
		}
	}
	if sum != 20*5 {
		t.Errorf("20 persons add %d cells, want 5 each", sum)
	}
	published := shown(c.OpenTables())
	if published["transfers-by-country: [other]"] != 12 || published["transfers-by-country: [UA]"] != 12 {
		t.Errorf("countries: %v", published)
	}
}

// recount is the slow and simple count of what a town did, for comparison.
type recount map[string]map[domain.SubjectID]bool

func (r recount) add(cell string, id domain.SubjectID) {
	if r[cell] == nil {
		r[cell] = map[domain.SubjectID]bool{}
	}
	r[cell][id] = true
}

func (r recount) numbers(gone ...domain.SubjectID) map[string]int64 {
	out := map[string]int64{}
	for cell, who := range r {
		who = maps.Clone(who)
		for _, id := range gone {
			delete(who, id)
		}
		if len(who) > 0 {
			out[cell] = int64(len(who))
		}
	}
	return out
}

// The counts are those of a simple recount; at an erasure exactly the erased person's leave, and every cell of his
// neighbours stays. What is published of them is a multiple next to the same numbers, or nothing.
func TestEqualsRecountAndSparesNeighbours(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newTown(func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "dice") })
		truth := recount{}
		var people []domain.SubjectID
		for range rapid.IntRange(1, 25).Draw(rt, "people") {
			id := w.register(w.dice(3), "account")
			truth.add("subjects-by-day: ["+[]string{"2015-05-01", "2015-05-02", "2015-05-03"}[w.dayOf(id)]+" account]", id)
			people = append(people, id)
			if w.dice(2) == 0 {
				w.give(id, 4, "email")
				truth.add("fields-by-category: [contact]", id)
			}
			if w.dice(2) == 0 {
				w.consent(id, 5, "contact")
				truth.add("consents-by-purpose: [contact]", id)
			}
			if w.dice(3) == 0 {
				w.transfer(id, 6, "payment", "UA", "account")
				truth.add("transfers-by-recipient: [payment order]", id)
				truth.add("transfers-by-country: [UA]", id)
			}
		}
		before := counted(t, w.all())
		if diff := cmp.Diff(truth.numbers(), shown(before.Tables(exact))); diff != "" {
			rt.Fatalf("counted otherwise than by hand:\n%s", diff)
		}
		for _, table := range before.Tables(counts.Builtin().Rules()) {
			for _, c := range table.Cells {
				if n := truth.numbers()[cellName(table, c)]; n < 10 || c.Persons%5 != 0 || c.Persons <= n-5 || c.Persons >= n+5 {
					rt.Fatalf("%s: published %d of %d", table.ID, c.Persons, n)
				}
			}
		}
		gone := people[w.dice(len(people))]
		w.leave(gone, 20)
		after := shown(counted(t, w.all()).Tables(exact))
		delete(after, "deletions: [account]")
		delete(after, "time-to-erase: [not-certified-yet]")
		if diff := cmp.Diff(truth.numbers(gone), after); diff != "" {
			rt.Fatalf("after the erasure of one person:\n%s", diff)
		}
	})
}

func cellName(t counts.Table, c counts.Cell) string {
	for name := range shown([]counts.Table{{ID: t.ID, Cells: []counts.Cell{c}}}) {
		return name
	}
	return ""
}

// dayOf is the day of May, from 0, on which the person registered.
func (w *town) dayOf(id domain.SubjectID) int {
	for _, r := range w.log.Events() {
		if e, ok := r.Event.(subject.Registered); ok && e.Subject == id {
			return r.Meta.OccurredAt.Day() - 1
		}
	}
	return 0
}

type oddEvent struct{ domain.Event }

// A log that cannot be read, or an event that nobody knows, stops the count: half a count is no figure.
func TestStopsAtWhatItCannotRead(t *testing.T) {
	t.Parallel()
	w := newTown(rand.New(rand.NewPCG(6, 6)).IntN)
	w.register(0, "account")
	broken := errors.New("broken")
	w.log.Break(7, broken)
	cfg := statistics.Counting{Period: may, Plan: counts.Builtin(), Policy: policy.Imagine()}
	c, err := statistics.NewCounter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Count(t.Context(), w.all()); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	w.log.Break(7, nil)
	w.tell("subject-x", mayFirst, oddEvent{})
	if err := c.Count(t.Context(), w.all()); err == nil || !errors.Is(err, projections.ErrUnknownEvent) {
		t.Errorf("got %v", err)
	}
	if _, err := statistics.NewCounter(statistics.Counting{Period: "May", Plan: counts.Builtin()}); err == nil {
		t.Error("a period that is no month is counted")
	}
}
