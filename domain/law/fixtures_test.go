package law_test

import (
	"testing"
	"time"

	"imagine.ua/litopys/domain/law"
)

// at reads a moment: "2026-10-20 10:00" in the pack's zone.
func at(t testing.TB, p *law.Pack, s string) time.Time {
	t.Helper()
	moment, err := time.ParseInLocation("2006-01-02 15:04", s, p.Location())
	if err != nil {
		t.Fatal(err)
	}
	return moment.UTC()
}

// date reads a civil date.
func date(t testing.TB, s string) law.Date {
	t.Helper()
	var d law.Date
	if err := d.UnmarshalText([]byte(s)); err != nil || d.String() != s {
		t.Fatalf("%q is not a date", s)
	}
	return d
}

func term(t testing.TB, s string) law.Term {
	t.Helper()
	var x law.Term
	if err := x.UnmarshalText([]byte(s)); err != nil || x.String() != s {
		t.Fatalf("%q is not a term", s)
	}
	return x
}

func deadline(t testing.TB, p *law.Pack, id law.DeadlineID) law.Deadline {
	t.Helper()
	d, ok := p.Deadline(id)
	if !ok {
		t.Fatalf("the pack %s lacks %s", p.ID, id)
	}
	return d
}

// wantDue checks when a duty is due that begins at from; both are read in the pack's zone.
func wantDue(t testing.TB, p *law.Pack, id law.DeadlineID, from, want string) {
	t.Helper()
	wantMoment(t, p, p.Due(deadline(t, p, id).Term, at(t, p, from)), want)
}

func wantMoment(t testing.TB, p *law.Pack, got time.Time, want string) {
	t.Helper()
	if got.Location() != time.UTC {
		t.Errorf("%v is not in UTC", got)
	}
	if !got.Equal(at(t, p, want)) {
		t.Errorf("got %s, want %s", got.In(p.Location()).Format("2006-01-02 15:04 MST"), want)
	}
}

// inPeace is the pack of Ukraine when public holidays are free.
func inPeace() *law.Pack {
	p := law.UA()
	return p.WithCalendar(p.Calendar.WithMartialLaw(false))
}

// wantRow checks article, mark, term and addressee of a deadline.
func wantRow(t testing.TB, p *law.Pack, id law.DeadlineID, article string, mark law.Mark, length string, to law.Addressee) {
	t.Helper()
	d := deadline(t, p, id)
	if d.Article != article || d.Mark != mark || d.Term != term(t, length) || d.Addressee != to {
		t.Errorf("%s: %s %s, %s, to the %s; want %s %s, %s, to the %s", id, d.Article, d.Mark, d.Term, d.Addressee, article, mark, length, to)
	}
}
