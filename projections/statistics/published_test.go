package statistics_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	counts "imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/projtest/both"
	"imagine.ua/litopys/projections/sqlite"
	"imagine.ua/litopys/projections/statistics"
)

// closing is the operation that closes the month.
func closing(t testing.TB) domain.Operation {
	t.Helper()
	op, err := domain.NewOperation(domain.OperationSpec{Key: "k", Actor: domain.Actor{Kind: domain.ActorEmployee, ID: "e-1"},
		At: time.Date(2015, 7, 1, 9, 0, 0, 0, time.UTC), Purpose: "statistics", Grounds: "ua.11.1.6", Service: "site"})
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// publication is what is published of a count under a secret.
func publication(t testing.TB, c *statistics.Counter, plan *counts.Plan, n statistics.Noiser, secret counts.Secret) counts.Published {
	t.Helper()
	cmd, err := c.Publication(closing(t), n, &secret)
	if err != nil {
		t.Fatal(err)
	}
	events, err := counts.Decide(counts.Case{Command: cmd, Policy: policy.Imagine(), Plan: plan}, counts.State{})
	if err != nil {
		t.Fatal(err)
	}
	return events[0].(counts.Published)
}

// close publishes the month and gives the fact.
func (w *town) close(t testing.TB, n statistics.Noiser) counts.Published {
	t.Helper()
	fact := publication(t, counted(t, w.all()), counts.Builtin(), n, counts.Secret{1})
	w.tell(domain.StatisticsStream(may), closing(t).Spec().At, fact)
	return fact
}

// busy is a town in which enough happens for every table to have something to publish.
func busy(seed uint64, people int) (*town, []domain.SubjectID) {
	w := newTown(rand.New(rand.NewPCG(seed, seed)).IntN)
	var all []domain.SubjectID
	pages := []string{"/", "/blog/a", "/news", "/orders/7", "/~oksana", "/search?q=1", "/files/x"}
	for range people {
		id := w.register(w.dice(4), []domain.Field{"account", "account", "visitor"}[w.dice(3)])
		for range 1 + w.dice(3) {
			w.visit(id, 4+w.dice(20), []string{firefox, chrome, chrome, robot, "Odd/1.0"}[w.dice(5)], pages[w.dice(1+w.dice(len(pages)))])
		}
		if w.dice(2) == 0 {
			w.give(id, 5, "email", "name")
			w.consent(id, 6, []domain.Purpose{"contact", "advertising", "service"}[w.dice(1+w.dice(3))])
			w.transfer(id, 7, []domain.RecipientKind{"delivery", "payment", "partner"}[w.dice(1+w.dice(3))], []domain.Country{"UA", "PL", "DE", "US"}[w.dice(1+w.dice(4))], "email")
		}
		all = append(all, id)
	}
	return w, all
}

// What is published is read back as it was decided, on both backends, with who did it and why.
func TestPublishedIsReadBack(t *testing.T) {
	t.Parallel()
	w, _ := busy(7, 150)
	fact := w.close(t, nil)
	id := domain.SubjectID{UUID: uuid.New()}
	w.file(id, 70, subject.Objected{Subject: id, Purposes: []domain.Purpose{"statistics", "advertising"}})
	w.file(id, 71, subject.Restricted{Subject: id, Fields: []domain.Field{"page", "browser"}})
	w.file(id, 72, subject.RestrictionLifted{Subject: id, Fields: []domain.Field{"page"}})
	other := domain.SubjectID{UUID: uuid.New()}
	w.file(other, 70, subject.Objected{Subject: other, Purposes: []domain.Purpose{"statistics"}})
	w.file(other, 70, subject.ObjectionWithdrawn{Subject: other, Purposes: []domain.Purpose{"statistics"}})
	projtest.Look(t, both.Filled(t, w.log, statistics.New()), func(s projections.Snapshot) {
		got, closed, err := statistics.Get(t.Context(), s, may)
		if err != nil || !closed {
			t.Fatal(closed, err)
		}
		if diff := cmp.Diff(fact, got.Published); diff != "" {
			t.Errorf("(-fact +rows):\n%.3000s", diff)
		}
		if got.Actor.ID != "app" || got.Policy != "2014-01" || got.At.Month() != time.July || got.Event == uuid.Nil {
			t.Errorf("published by %+v", got)
		}
		if _, ok := got.Table("browsers"); !ok {
			t.Error("the table of browsers is not found")
		}
		list, err := statistics.Published(t.Context(), s)
		if err != nil || len(list) != 1 || list[0].Period != may || list[0].Tables != nil {
			t.Errorf("listed %v, %v", list, err)
		}
		if _, closed, err := statistics.Get(t.Context(), s, "2015-06"); closed || err != nil {
			t.Errorf("June: %v %v", closed, err)
		}
		b, err := statistics.WhoIsBarred(t.Context(), s, policy.Imagine())
		want := statistics.Barred{Persons: map[domain.SubjectID]bool{id: true}, Fields: map[domain.SubjectID][]domain.Field{id: {"browser"}}}
		if diff := cmp.Diff(want, b); diff != "" || err != nil {
			t.Errorf("barred: %v\n%s", err, diff)
		}
	})
}

// Published figures are the same before and after the erasure of everybody, and after every rebuild.
func TestClause_2_2_8_PublishedFiguresStandForEver(t *testing.T) {
	t.Parallel()
	w, people := busy(8, 120)
	fact := w.close(t, nil)
	before := both.Filled(t, w.log, statistics.New())
	file, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "read.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	projtest.Filled(t, file, w.log, statistics.New())
	for _, id := range people {
		w.leave(id, 80)
	}
	engine, err := projections.New(projections.Config{Source: w.log, Backend: file, Projections: []*projections.Projection{statistics.New()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	set := []*projections.Projection{statistics.New()}
	live := projtest.Read(t, file, set)
	if err := engine.Rebuild(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(live, projtest.Read(t, file, set)); diff != "" {
		t.Errorf("rebuilt otherwise:\n%.2000s", diff)
	}
	for name, v := range map[string]projections.Viewer{"before": before, "after": both.Filled(t, w.log, statistics.New()), "rebuilt": file} {
		projtest.Look(t, v, func(s projections.Snapshot) {
			got, _, err := statistics.Get(t.Context(), s, may)
			if diff := cmp.Diff(fact, got.Published); diff != "" || err != nil {
				t.Errorf("%s: %v\n%.2000s", name, err, diff)
			}
		})
	}
	if left := shown(counted(t, w.all()).Tables(exact)); len(left) > 0 {
		t.Errorf("a count of today still finds %v", left)
	}
}

// Counting may begin at a place in the log that lies before all that the month recorded.
func TestStartLosesNothing(t *testing.T) {
	t.Parallel()
	w := newTown(rand.New(rand.NewPCG(9, 9)).IntN)
	w.now = mayFirst.AddDate(0, 0, -200)
	for day := -130; day < 60; day += 3 {
		w.visit(w.register(day, "account"), day+1, firefox, "/blog")
	}
	want := shown(counted(t, w.all()).Tables(exact))
	projtest.Look(t, both.Filled(t, w.log, statistics.New()), func(s projections.Snapshot) {
		start, err := statistics.Start(t.Context(), s, may)
		if err != nil || start == 0 {
			t.Fatalf("start %d, %v", start, err)
		}
		got := shown(counted(t, w.log.ReadAll(t.Context(), start)).Tables(exact))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("from %d (-all +rest):\n%s", start, diff)
		}
		if first, err := statistics.Start(t.Context(), s, "2014-01"); first != 0 || err != nil {
			t.Errorf("a month before everything starts at %d, %v", first, err)
		}
		if _, err := statistics.Start(t.Context(), s, "May"); err == nil {
			t.Error("a period that is no month has a start")
		}
	})
}
