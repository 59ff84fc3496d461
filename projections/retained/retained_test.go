package retained_test

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/projtest/both"
	"imagine.ua/litopys/projections/retained"
)

var (
	anna    = domain.SubjectID{UUID: uuid.MustParse("0b6f1a52-3c1d-4f7e-9a70-5f1d2c3b4a59")}
	boris   = domain.SubjectID{UUID: uuid.MustParse("0b6f1a52-3c1d-4f7e-9a70-5f1d2c3b4a60")}
	noon    = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	until   = noon.AddDate(3, 0, 0)
	officer = retained.Reader{Policy: policy.Imagine(), Role: "officer"}
)

// row is what a model and the projection both say of a kept value.
type row struct {
	At          domain.FieldEpoch
	Ended, Till time.Time
	Rule        string
	Held        bool
}

// model follows the log in the simplest words.
type model map[domain.SubjectID]map[domain.FieldEpoch]*row

func (m model) follow(r domain.Recorded, came map[domain.SubjectID]map[domain.FieldEpoch]bool) {
	e, ok := r.Event.(subject.Event)
	if !ok {
		return
	}
	for _, f := range e.Fates() {
		at := domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}
		if f.Action == domain.Destroy {
			delete(m[f.Subject], at)
			delete(came[f.Subject], at)
			continue
		}
		if !came[f.Subject][at] && len(f.Epoch) < 7 {
			continue // an attribute that is not there
		}
		k := m[f.Subject][at]
		if k == nil {
			k = &row{At: at, Ended: r.Meta.OccurredAt, Rule: subject.HoldRule}
			put(m, f.Subject)[at] = k
		}
		if k.Held = f.Rule == subject.HoldRule; !k.Held {
			k.Till, k.Rule = f.Until, f.Rule
		}
	}
	for _, i := range e.Personal() {
		at := domain.FieldEpoch{Field: i.Field, Epoch: i.Epoch}
		put(came, i.Subject)[at] = true
		if len(i.Epoch) < 7 {
			delete(m[i.Subject], at) // brought in anew
		}
	}
}

func put[V any](m map[domain.SubjectID]map[domain.FieldEpoch]V, s domain.SubjectID) map[domain.FieldEpoch]V {
	if m[s] == nil {
		m[s] = map[domain.FieldEpoch]V{}
	}
	return m[s]
}

// Whatever a crowd does, with holds placed and released on some, the rows say what the fates say.
func TestEqualsLog(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(7, 7))
	c := projtest.NewCrowd(dice.IntN)
	c.Visits = 10
	log := projtest.NewLog(uuid.New())
	want, came := model{}, map[domain.SubjectID]map[domain.FieldEpoch]bool{}
	add := func(r domain.Recorded) {
		log.Append(r)
		want.follow(r, came)
	}
	for range 1200 {
		r := c.Next()
		add(r)
		if dice.IntN(4) > 0 {
			continue
		}
		people := c.Subjects()
		id := people[dice.IntN(len(people))]
		if e := said(want[id], id, dice.IntN(3)); e != nil {
			add(domain.Recorded{Stream: domain.SubjectStream(id), Event: e, Meta: r.Meta})
		}
	}
	b := both.Filled(t, log, retained.New())
	kept := 0
	projtest.Look(t, b, func(s projections.Snapshot) {
		for _, id := range c.Subjects() {
			got, leftOut, err := officer.Of(t.Context(), s, id)
			if err != nil || leftOut != 0 {
				t.Fatalf("%d left out, %v", leftOut, err)
			}
			have := map[domain.FieldEpoch]*row{}
			for _, r := range got {
				at := domain.FieldEpoch{Field: r.Field, Epoch: r.Epoch}
				have[at] = &row{At: at, Ended: r.Ended, Till: r.Until, Rule: r.Rule, Held: r.Held}
				kept++
			}
			if diff := cmp.Diff(put(want, id), have); diff != "" {
				t.Fatalf("%s (-log +rows):\n%.2000s", id, diff)
			}
		}
	})
	if kept < 20 {
		t.Errorf("%d values are kept: the log says too little", kept)
	}
}

// said speaks once more of what is kept of a subject: a hold comes, goes, or the term ends.
func said(kept map[domain.FieldEpoch]*row, id domain.SubjectID, what int) domain.Event {
	var fates []domain.Fate
	for at, k := range kept {
		f := domain.Fate{Subject: id, Field: at.Field, Epoch: at.Epoch, Action: domain.Retain, Rule: k.Rule, Until: k.Till}
		switch {
		case what == 0:
			f.Rule, f.Until = subject.HoldRule, time.Time{}
		case what == 2 || k.Rule == subject.HoldRule:
			f.Action, f.Rule, f.Until = domain.Destroy, "", time.Time{}
		}
		fates = append(fates, f)
	}
	if len(fates) == 0 {
		return nil
	}
	return []domain.Event{subject.HoldPlaced{Subject: id, Held: fates}, subject.HoldReleased{Subject: id, Freed: fates},
		subject.RetentionEnded{Subject: id, Ended: fates}}[what]
}

func item(f domain.Field, e domain.Epoch, value string) domain.Item {
	return domain.Item{Subject: anna, Field: f, Epoch: e, Value: domain.SealedValue([]byte(value))}
}

func fate(f domain.Field, e domain.Epoch, rule string) domain.Fate {
	return domain.Fate{Subject: anna, Field: f, Epoch: e, Action: domain.Retain, Rule: rule, Until: until}
}

func held(f domain.Field, e domain.Epoch) domain.Fate {
	return domain.Fate{Subject: anna, Field: f, Epoch: e, Action: domain.Retain, Rule: subject.HoldRule}
}

func through(f domain.Fate) domain.Fate { f.Through = true; return f }

// told gives the log of Anna, with Boris beside her.
func told(events ...domain.Event) *projtest.Log {
	log := projtest.NewLog(uuid.New())
	other := item("email", "1", "b")
	other.Subject = boris
	log.Append(domain.Recorded{Stream: domain.SubjectStream(boris), Event: subject.Collected{Subject: boris, Items: []domain.Item{other}}, Meta: domain.Meta{OccurredAt: noon}})
	for _, e := range events {
		stream := domain.SubjectStream(anna)
		if c, ok := e.(subject.Collected); ok && len(c.Items[0].Epoch) >= 7 {
			stream = domain.TraceStream(anna, domain.Month(c.Items[0].Epoch[:7]))
		}
		log.Append(domain.Recorded{ID: uuid.New(), Stream: stream, Event: e, Meta: domain.Meta{OccurredAt: noon}})
	}
	return log
}

func collected(items ...domain.Item) domain.Event {
	return subject.Collected{Subject: anna, Source: subject.BySubject, Items: items}
}

func deleted(fates ...domain.Fate) domain.Event {
	return subject.Deleted{Subject: anna, Deleted: fates}
}

func TestOnlyTheRulesReadersRead(t *testing.T) {
	t.Parallel()
	log := told(collected(item("tax_number", "1", "t"), item("email", "1", "e"), item("name", "1", "n")),
		deleted(fate("tax_number", "1", "tax-documents"), fate("email", "1", "limitation"), held("name", "1")))
	b := both.Filled(t, log, retained.New())
	projtest.Look(t, b, func(s projections.Snapshot) {
		for role, want := range map[string][]domain.Field{"accountant": {"tax_number"}, "officer": {"email", "name", "tax_number"}, "support": nil, "": nil} {
			got, leftOut, err := retained.Reader{Policy: policy.Imagine(), Role: role}.Of(t.Context(), s, anna)
			if err != nil || len(got)+leftOut != 3 {
				t.Fatalf("%s: %d and %d left out, %v", role, len(got), leftOut, err)
			}
			var fields []domain.Field
			for _, r := range got {
				fields = append(fields, r.Field)
				if r.Legal == "" || !r.Ended.Equal(noon) || r.Held != (r.Field == "name") || r.Until.IsZero() == (r.Field != "name") {
					t.Errorf("%+v", r)
				}
			}
			if diff := cmp.Diff(want, fields); diff != "" {
				t.Errorf("%s (-want +got):\n%s", role, diff)
			}
		}
		if got, leftOut, err := officer.Of(t.Context(), s, boris); err != nil || len(got)+leftOut != 0 {
			t.Errorf("the neighbour: %v, %d left out, %v", got, leftOut, err)
		}
	})
}

// streams reads single streams of a log.
type streams struct{ *projtest.Log }

func (l streams) Events(_ context.Context, stream domain.Stream, _ domain.Revision) iter.Seq2[domain.Recorded, error] {
	return func(yield func(domain.Recorded, error) bool) {
		for _, r := range l.Log.Events() {
			if r.Stream == stream && !yield(r, nil) {
				return
			}
		}
	}
}

// opener opens what it is given, and checks that the address is whole.
type opener struct{ t testing.TB }

func (o opener) Open(_ context.Context, values []projections.Sealed) ([]domain.Value, error) {
	out := make([]domain.Value, len(values))
	for i, v := range values {
		b, ok := v.Item.Value.SealedBytes()
		if !ok || v.Stream == "" || v.Event == uuid.Nil || v.Item.Subject != anna {
			o.t.Errorf("opened at %+v", v)
		}
		if out[i] = domain.ClearValue(string(b)); string(b) == "gone" {
			out[i] = domain.ErasedValue()
		}
	}
	return out, nil
}

type broken struct{}

func (broken) Open(context.Context, []projections.Sealed) ([]domain.Value, error) {
	return nil, errors.ErrUnsupported
}

// Values of traces come from the log, each record with the months that it keeps and no others.
func TestOpen(t *testing.T) {
	t.Parallel()
	log := told(
		collected(item("name", "1", "Anna"), item("email", "1", "gone")),
		collected(item("page", "2023-12", "/old"), item("address", "2023-12", "192.0.2.7")),
		collected(item("page", "2024-01", "/a")), collected(item("page", "2024-03", "/b")),
		deleted(held("name", "1"), held("email", "1"), domain.Fate{Subject: anna, Field: "page", Epoch: "2023-12", Through: true, Action: domain.Destroy},
			through(fate("page", "2024-01", "limitation")), through(fate("page", "2024-03", "limitation"))),
		collected(item("page", "2024-03.1", "/c")), collected(item("page", "2024-04", "/d")), collected(item("page", "2024-05", "/live")),
		deleted(through(held("page", "2024-04"))),
	)
	b := both.Filled(t, log, retained.New())
	want := map[domain.FieldEpoch]string{
		{Field: "email", Epoch: "1"}: "[erased]", {Field: "name", Epoch: "1"}: "Anna",
		{Field: "page", Epoch: "2024-01"}: "/a", {Field: "page", Epoch: "2024-03"}: "/b", {Field: "page", Epoch: "2024-03.1"}: "/c", {Field: "page", Epoch: "2024-04"}: "/d",
	}
	projtest.Look(t, b, func(s projections.Snapshot) {
		records, _, err := officer.Of(t.Context(), s, anna)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := retained.Open(t.Context(), s, streams{log}, opener{t}, records)
		if err != nil {
			t.Fatal(err)
		}
		got := map[domain.FieldEpoch]string{}
		for _, v := range opened {
			if got[v.At()] = v.Item.Value.String(); v.Item.Value.Condition() == domain.Clear {
				got[v.At()], _ = v.Item.Value.Reveal()
			}
			if records[v.Record].Field != v.Item.Field || !v.Came.Equal(noon) {
				t.Errorf("%+v belongs to %+v", v, records[v.Record])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		epochs, err := retained.Epochs(t.Context(), s, records)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range epochs {
			delete(got, e)
		}
		if len(got) != 0 || len(epochs) != 6 {
			t.Errorf("%v are not named by %v", got, epochs)
		}
		if _, err := retained.Open(t.Context(), s, streams{log}, broken{}, records); !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
	})
}

func TestOver(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		record retained.Record
		want   bool
	}{
		"before its end": {retained.Record{Until: until.Add(1)}, false},
		"at its end":     {retained.Record{Until: until}, true},
		"held":           {retained.Record{Until: until, Held: true}, false},
		"no known end":   {retained.Record{}, false},
	} {
		if got := x.record.Over(until); got != x.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A value in clear must never reach a file, whoever hands it to the fold.
func TestRefusesClearValues(t *testing.T) {
	t.Parallel()
	b := projections.NewBatch(retained.New(), projections.Mark{})
	err := b.Apply(domain.Recorded{Position: 1, Event: collected(domain.Item{Subject: anna, Field: "email", Epoch: "1", Value: domain.ClearValue("anna@example.org")})})
	if !errors.Is(err, projections.ErrFailed) || len(b.Changes()) != 0 {
		t.Errorf("%v", err)
	}
}
