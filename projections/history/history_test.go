package history_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/profile"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/projtest/both"
)

var identity = uuid.MustParse("5c4f4f0e-9a3e-4ed2-8c37-8f8b53a4f001")

func crowd(seed uint64, events int) (*projtest.Log, *projtest.Crowd) {
	c := projtest.NewCrowd(rand.New(rand.NewPCG(seed, 3)).IntN)
	c.Newcomers = 5
	log := projtest.NewLog(identity)
	log.Append(c.Recipients()...)
	log.Append(c.Some(events)...)
	return log, c
}

func backend(t testing.TB, log projections.Source) projections.Viewer {
	t.Helper()
	return both.Filled(t, log, history.New(), profile.New())
}

func timeline(t testing.TB, s projections.Snapshot, id domain.SubjectID, f history.Filter) []history.Entry {
	t.Helper()
	var out []history.Entry
	for e, err := range history.Timeline(t.Context(), s, id, f) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// An answer as of a moment is the answer of a ledger that was cut there, on either clock.
func TestAsOfEqualsCutLedger(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1) {
		log, people := crowd(seed, 150)
		whole := backend(t, log)
		for _, at := range []int{60, 120} {
			m := history.Moment{At: log.Events()[at].Meta.RecordedAt}
			for _, m.Clock = range []history.Clock{history.ByRecorded, history.ByOccurred} {
				cut := backend(t, cutAt(log, m))
				for _, id := range people.Subjects() {
					now := history.Moment{At: log.Events()[152].Meta.RecordedAt, Clock: m.Clock}
					want := past(t, cut, id, now)
					want.Moment = m
					if diff := cmp.Diff(want, past(t, whole, id, m), sorted); diff != "" {
						t.Fatalf("seed %d, event %d, clock %d (-cut +as of):\n%.3000s", seed, at, m.Clock, diff)
					}
				}
			}
		}
	}
}

// sorted leaves out where an entry stands in its stream: a cut by the time of happening takes events out of
// the middle of streams, so places shift while contents do not.
var sorted = cmp.Options{
	cmp.FilterPath(func(p cmp.Path) bool {
		last := p.Last().String()
		return last == ".Position" || last == ".Revision" || last == ".settled" || last == ".through"
	}, cmp.Ignore()),
}

func cutAt(log *projtest.Log, m history.Moment) *projtest.Log {
	cut := projtest.NewLog(identity)
	for _, e := range log.Events() {
		at := e.Meta.RecordedAt
		if m.Clock == history.ByOccurred {
			at = e.Meta.OccurredAt
		}
		if !at.After(m.At) {
			cut.Append(e)
		}
	}
	return cut
}

func past(t testing.TB, b projections.Viewer, id domain.SubjectID, m history.Moment) (p history.Past) {
	t.Helper()
	asked := 0
	projtest.Look(t, b, func(s projections.Snapshot) {
		q, err := history.AsOf(t.Context(), s, id, m)
		if err != nil {
			t.Fatal(err)
		}
		if asked++; asked > 1 && !reflect.DeepEqual(p, q) {
			t.Errorf("one backend says %+v, the other %+v", p, q)
		}
		p = q
	})
	return p
}

// The profile and the history are two folds of one truth: every row of a profile is, in the history, a
// value of the same condition, status and visibility.
func TestAgreesWithProfile(t *testing.T) {
	t.Parallel()
	conditions := map[history.State]profile.Condition{history.Held: profile.Held, history.Retained: profile.Retained, history.Erased: profile.Erased}
	seen := map[string]int{}
	for seed := range uint64(6) {
		log, people := crowd(100+seed, 600)
		b := backend(t, log)
		last := history.Moment{At: log.Events()[602].Meta.RecordedAt}
		for _, id := range people.Subjects() {
			now := past(t, b, id, last)
			held := map[domain.FieldEpoch]history.Holding{}
			for _, h := range now.Holdings {
				held[domain.FieldEpoch{Field: h.Field, Epoch: h.Epoch}] = h
			}
			projtest.Look(t, b, func(s projections.Snapshot) {
				p, found, err := profile.Get(t.Context(), s, id)
				if err != nil || !found {
					t.Fatalf("%s: %v", id, err)
				}
				if (p.Account == profile.Closed) != !now.Closed.IsZero() {
					t.Errorf("%s: account %s, closed %s", id, p.Account, now.Closed)
				}
				for _, f := range p.Fields {
					h := held[domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}]
					got := fmt.Sprint(f.Condition, f.Until, f.Rule, f.Ended, f.Event)
					want := fmt.Sprint(conditions[h.State], h.Until, h.Rule, h.Ended, h.Came.Event)
					if f.Condition == profile.Held {
						got += fmt.Sprint(f.Status, f.Public)
						want += fmt.Sprint(h.Status, h.Public)
					}
					if got != want {
						t.Errorf("%s %s/%s: profile says %s, history %s", id, f.Field, f.Epoch, got, want)
					}
					if _, sealed := f.Value.SealedBytes(); sealed == (f.Condition == profile.Erased) {
						t.Errorf("%s %s: %s, and the value is %s", id, f.Field, f.Condition, f.Value)
					}
					seen[string(f.Condition)+string(f.Status)]++
				}
			})
		}
	}
	for _, k := range []string{"helddeclared", "helddisputed", "heldidentified", "retaineddeclared", "eraseddeclared"} {
		if seen[k] == 0 {
			t.Errorf("no history came to %s: %v", k, seen)
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	log, people := crowd(7, 400)
	b := backend(t, log)
	mid := log.Events()[200]
	projtest.Look(t, b, func(s projections.Snapshot) {
		for _, id := range people.Subjects() {
			all := timeline(t, s, id, history.Filter{})
			for name, f := range map[string]struct {
				filter history.Filter
				keep   func(history.Entry) bool
			}{
				"type":     {history.Filter{Type: history.Collected}, func(e history.Entry) bool { return e.Type == history.Collected }},
				"purpose":  {history.Filter{Purpose: "contact"}, func(e history.Entry) bool { return e.Purpose == "contact" }},
				"actor":    {history.Filter{Actor: "E-2"}, func(e history.Entry) bool { return e.Actor.ID == "E-2" }},
				"after":    {history.Filter{After: mid.Position}, func(e history.Entry) bool { return e.Position > mid.Position }},
				"occurred": {history.Filter{OccurredFrom: mid.Meta.RecordedAt}, func(e history.Entry) bool { return !e.Occurred.Before(mid.Meta.RecordedAt) }},
				"recorded": {history.Filter{RecordedTo: mid.Meta.RecordedAt}, func(e history.Entry) bool { return !e.Recorded.After(mid.Meta.RecordedAt) }},
			} {
				var want []history.Entry
				for _, e := range all {
					if f.keep(e) {
						want = append(want, e)
					}
				}
				if diff := cmp.Diff(want, timeline(t, s, id, f.filter)); diff != "" {
					t.Fatalf("%s (-want +got):\n%.2000s", name, diff)
				}
			}
			for _, e := range all {
				if e.Type != history.Transferred {
					continue
				}
				for _, x := range timeline(t, s, id, history.Filter{Recipient: e.Recipient}) {
					if x.Recipient != e.Recipient {
						t.Fatalf("recipient %s in the list of %s", x.Recipient, e.Recipient)
					}
				}
			}
			if two := timeline(t, s, id, history.Filter{Limit: 2}); len(two) != min(2, len(all)) {
				t.Errorf("limit 2 gave %d", len(two))
			}
		}
	})
}

// stand-ins for the journal: a stream is looked up in the log, an opened value tells which it was.
type streams struct{ log *projtest.Log }

func (s streams) Events(_ context.Context, stream domain.Stream, after domain.Revision) iter.Seq2[domain.Recorded, error] {
	return func(yield func(domain.Recorded, error) bool) {
		for _, e := range s.log.Events() {
			if e.Stream == stream && e.Revision > after && !yield(e, nil) {
				return
			}
		}
	}
}

type opener struct{ erased domain.Epoch }

func (o opener) Open(_ context.Context, values []projections.Sealed) ([]domain.Value, error) {
	var out []domain.Value
	for _, v := range values {
		if v.Item.Epoch == o.erased {
			out = append(out, domain.ErasedValue())
			continue
		}
		out = append(out, domain.ClearValue(string(v.Stream)+v.Event.String()+projections.FieldText(v.Item.Field, v.Item.Epoch)))
	}
	return out, nil
}

func TestOpen(t *testing.T) {
	t.Parallel()
	log, people := crowd(9, 200)
	b := backend(t, log)
	projtest.Look(t, b, func(s projections.Snapshot) {
		for _, id := range people.Subjects() {
			entries := timeline(t, s, id, history.Filter{})
			entries = append(entries, entries[:len(entries)/2]...) // one may be asked for twice
			values, err := history.Open(t.Context(), streams{log}, opener{erased: "1"}, entries)
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range entries {
				if len(values[i]) != len(e.Received) {
					t.Fatalf("%d values for %d received", len(values[i]), len(e.Received))
				}
				for j, v := range e.Received {
					want := domain.ClearValue(string(e.Stream) + e.Event.String() + projections.FieldText(v.Field, v.Epoch))
					if v.Epoch == "1" {
						want = domain.ErasedValue()
					}
					if !values[i][j].Value.Equal(want) {
						t.Errorf("%s: another value was opened", projections.FieldText(v.Field, v.Epoch))
					}
				}
			}
		}
	})
}

// One event may name several persons; each finds in his history what concerns him, and no more.
func TestOtherPersonsInOneEvent(t *testing.T) {
	t.Parallel()
	a, b := domain.SubjectID{UUID: uuid.New()}, domain.SubjectID{UUID: uuid.New()}
	log := projtest.NewLog(identity)
	log.Append(domain.Recorded{Stream: domain.SubjectStream(a), Event: subject.Collected{Subject: a, Source: subject.BySubject, Items: []domain.Item{
		{Subject: a, Field: "name", Epoch: "1", Value: domain.SealedValue([]byte{1})},
		{Subject: b, Field: "phone", Epoch: "3", Value: domain.SealedValue([]byte{2})}}}})
	read := backend(t, log)
	projtest.Look(t, read, func(s projections.Snapshot) {
		for id, want := range map[domain.SubjectID]domain.FieldEpoch{a: {Field: "name", Epoch: "1"}, b: {Field: "phone", Epoch: "3"}} {
			entries := timeline(t, s, id, history.Filter{})
			if len(entries) != 1 || !cmp.Equal(entries[0].Received, []domain.FieldEpoch{want}) {
				t.Errorf("%+v", entries)
			}
			p, found, err := profile.Get(t.Context(), s, id)
			if err != nil || !found || len(p.Fields) != 1 || p.Fields[0].Field != want.Field || p.Fields[0].Stream != domain.SubjectStream(a) {
				t.Errorf("%+v, %v", p, err)
			}
		}
	})
}
