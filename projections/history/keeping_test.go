package history_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/projtest"
)

// kyiv is where the end of a year is reckoned.
func kyiv(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// aged is a person's file of 2020: registered, collected, viewed, edited, transferred, consented, deleted.
func aged(t testing.TB) (*projtest.Log, domain.SubjectID) {
	t.Helper()
	id := domain.SubjectID{UUID: uuid.New()}
	log := projtest.NewLog(identity)
	day := 0
	add := func(stream domain.Stream, e domain.Event) {
		day++
		at := time.Date(2020, 1, day, 12, 0, 0, 0, time.UTC)
		log.Append(domain.Recorded{Stream: stream, Event: e, Meta: domain.Meta{OccurredAt: at, RecordedAt: at, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "x"}}})
	}
	item := func(f domain.Field, e domain.Epoch) domain.Item {
		return domain.Item{Subject: id, Field: f, Epoch: e, Value: domain.SealedValue([]byte{1})}
	}
	email := []domain.FieldEpoch{{Field: "email", Epoch: "1"}}
	file := domain.SubjectStream(id)
	add(file, subject.Registered{Subject: id, Policy: "1", Reference: item("account", "1")})
	add(file, subject.Collected{Subject: id, Source: subject.BySubject, Items: []domain.Item{item("email", "1")}})
	add(file, subject.Collected{Subject: id, Source: subject.BySubject, Items: []domain.Item{item("name", "1"), item("phone", "1")}})
	add(domain.TraceStream(id, "2020-01"), subject.Viewed{Subject: id, Values: email, Role: "support"})
	add(file, subject.Transferred{Subject: id, Values: email, Recipient: subject.Recipient{ID: domain.RecipientID{UUID: uuid.New()}}, Basis: subject.ByConsent{}})
	add(file, subject.ConsentGranted{Subject: id, Consent: domain.ConsentID{UUID: uuid.New()}})
	add(file, subject.Edited{Subject: id, Items: []domain.Item{item("email", "2")}, Superseded: []domain.Fate{{Subject: id, Field: "email", Epoch: "1", Action: domain.Destroy}}})
	add(file, subject.Deleted{Subject: id, Deleted: []domain.Fate{{Subject: id, Field: "name", Epoch: "1", Action: domain.Destroy},
		{Subject: id, Field: "phone", Epoch: "1", Action: domain.Retain, Rule: "limitation", Until: time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)}}})
	return log, id
}

// The record of an operation is told until 31 December of the year after, by the clocks of Kyiv, and not a
// microsecond longer; what proves grounds and how a value came in that is still kept are told for ever.
func TestKeeping(t *testing.T) {
	t.Parallel()
	log, id := aged(t)
	b := backend(t, log)
	end := time.Date(2022, 1, 1, 0, 0, 0, 0, kyiv(t))
	all := []history.Type{history.Registered, history.Collected, history.Collected, history.Viewed, history.Transferred, history.ConsentGranted, history.Edited, history.Deleted}
	for name, c := range map[string]struct {
		keeping history.Keeping
		want    []history.Type
		holds   int
	}{
		"the last moment":  {history.Keeping{Now: end.Add(-time.Microsecond)}, all, 5},
		"the first after":  {history.Keeping{Now: end}, []history.Type{history.Registered, history.Collected, history.ConsentGranted, history.Edited}, 4},
		"asked for":        {history.Keeping{Now: end.AddDate(9, 0, 0), Expired: true}, all, 5},
		"long after, more": {history.Keeping{Now: end.AddDate(9, 0, 0)}, []history.Type{history.Registered, history.Collected, history.ConsentGranted, history.Edited}, 4},
	} {
		c.keeping.Term = law.UA()
		projtest.Look(t, b, func(s projections.Snapshot) {
			got, leftOut := kept(t, s, id, c.keeping, history.Filter{})
			if diff := cmp.Diff(c.want, got); diff != "" || leftOut != len(all)-len(c.want) {
				t.Errorf("%s: left out %d (-want +got):\n%s", name, leftOut, diff)
			}
			if two, _ := kept(t, s, id, c.keeping, history.Filter{Limit: 2}); len(two) != 2 {
				t.Errorf("%s: a limit of 2 gives %d", name, len(two))
			}
			past, err := c.keeping.AsOf(t.Context(), s, id, history.Moment{At: end})
			if err != nil {
				t.Fatal(err)
			}
			seen := len(past.Viewed) + len(past.Transferred)
			if expired := len(c.want) < len(all); expired != (seen == 0) || len(past.Agreements) != 1 || len(past.Holdings) != c.holds || expired != (past.LeftOut > 0) {
				t.Errorf("%s: %d seen, %d agreements, %d values, %d left out", name, seen, len(past.Agreements), len(past.Holdings), past.LeftOut)
			}
		})
	}
}

func kept(t testing.TB, s projections.Snapshot, id domain.SubjectID, k history.Keeping, f history.Filter) (types []history.Type, leftOut int) {
	t.Helper()
	for e, err := range k.Timeline(t.Context(), s, id, f, &leftOut) {
		if err != nil {
			t.Fatal(err)
		}
		if day := k.Until(e).Add(-time.Microsecond).In(kyiv(t)); day.Month() != time.December || day.Day() != 31 || day.Year() != 2021 {
			t.Errorf("a record of 2020 is kept until %s", day)
		}
		types = append(types, e.Type)
	}
	return types, leftOut
}

// A hold changes the end of a term and gives it back; only the end of the term or a destruction ends a value.
func TestHoldsChangeTerms(t *testing.T) {
	t.Parallel()
	log, id := aged(t)
	term := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	phone := func(a domain.FateAction, until time.Time, rule string) []domain.Fate {
		return []domain.Fate{{Subject: id, Field: "phone", Epoch: "1", Action: a, Until: until, Rule: rule}}
	}
	hold := domain.HoldID{UUID: uuid.New()}
	at := time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, e := range []domain.Event{
		subject.HoldPlaced{Subject: id, Hold: hold, Held: phone(domain.Retain, time.Time{}, subject.HoldRule)},
		subject.HoldReleased{Subject: id, Hold: hold, Freed: phone(domain.Retain, term, "limitation")},
		subject.RetentionEnded{Subject: id, Ended: phone(domain.Destroy, time.Time{}, "")},
	} {
		when := at.AddDate(0, i, 0)
		log.Append(domain.Recorded{Stream: domain.SubjectStream(id), Event: e, Meta: domain.Meta{OccurredAt: when, RecordedAt: when}})
	}
	b := backend(t, log)
	for i, want := range []history.Holding{
		{State: history.Retained, Until: term, Rule: "limitation"}, {State: history.Retained, Rule: subject.HoldRule},
		{State: history.Retained, Until: term, Rule: "limitation"}, {State: history.Erased},
	} {
		p := past(t, b, id, history.Moment{At: at.AddDate(0, i-1, 1)})
		for _, h := range p.Holdings {
			if h.Field == "phone" && (h.State != want.State || !h.Until.Equal(want.Until) || h.Rule != want.Rule) {
				t.Errorf("step %d: %s until %s by %q", i, h.State, h.Until, h.Rule)
			}
		}
		if len(p.Other) != i {
			t.Errorf("step %d: %d other entries", i, len(p.Other))
		}
	}
}

// Following gives the very rows of the timeline, those that stand there and those that come, and ends with
// its context or its limit.
func TestFollow(t *testing.T) {
	t.Parallel()
	log, people := crowd(11, 150)
	b := backend(t, log)
	id := people.Subjects()[0]
	var level uint64
	var before []history.Entry
	projtest.Look(t, b, func(s projections.Snapshot) {
		var err error
		if level, err = history.Level(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		before = timeline(t, s, id, history.Filter{})
	})
	if head, _ := log.Head(t.Context()); level != head {
		t.Fatalf("the timelines stand at %d, the log at %d", level, head)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log.Append(people.Some(150)...)
	var want []history.Entry
	projtest.Look(t, backend(t, log), func(s projections.Snapshot) { want = timeline(t, s, id, history.Filter{After: level}) })
	if len(want) < 3 {
		t.Fatalf("only %d entries come", len(want))
	}
	late := people.Some(400) // of whom some are his; they come while he follows
	var got []history.Entry
	for e, err := range history.Follow(ctx, log, id, history.Filter{After: level}) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e); len(got) == len(want) {
			log.Append(late...)
		}
		if len(got) == len(want)+2 {
			cancel()
		}
	}
	if diff := cmp.Diff(want, got[:len(want)]); diff != "" || len(got) != len(want)+2 {
		t.Errorf("%d entries (-timeline +followed):\n%.2000s", len(got), diff)
	}
	n := 0
	for e, err := range history.Follow(t.Context(), log, id, history.Filter{Limit: len(before) + 1}) {
		if err != nil || n < len(before) && e.Event != before[n].Event {
			t.Fatalf("entry %d is %+v, %v", n, e, err)
		}
		n++
	}
	if n != len(before)+1 {
		t.Errorf("a limit of %d gives %d", len(before)+1, n)
	}
}

// What cannot be folded ends the following with its reason.
func TestFollowStops(t *testing.T) {
	t.Parallel()
	log, people := crowd(12, 40)
	broken := context.DeadlineExceeded // any error of the log
	log.Break(log.Events()[30].Position, broken)
	var last error
	for _, err := range history.Follow(t.Context(), log, people.Subjects()[0], history.Filter{}) {
		last = err
	}
	if last == nil {
		t.Error("a broken log passes for an end")
	}
}
