package subject_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
)

// keeper is the built-in policy with a term after the relation on the name and the taxpayer's number, and one
// from collection on pages.
func keeper() *policy.Policy {
	src := string(policy.ImagineYAML())
	for _, change := range [][2]string{
		{"  - id: limitation\n", "  - id: limitation\n  - id: aml\n  - {id: logs, legal: internal rule 7, start: collection, term: 2 months, action: retain, readers: [security]}\n"},
		{"retention: [at-once], max-bytes: 256,\n     services: [site, account, orders, support]}\n  - {id: birth_date", "retention: [aml], max-bytes: 256,\n     services: [site, account, orders, support]}\n  - {id: birth_date"},
		{"retention: [tax-documents], max-bytes: 32", "retention: [tax-documents, aml], max-bytes: 32"},
		{"retention: [at-once], max-bytes: 4096,\n     services: [site, account, orders, support]}\n  - {id: referrer", "retention: [logs], max-bytes: 4096,\n     services: [site, account, orders, support]}\n  - {id: referrer"},
	} {
		if !strings.Contains(src, change[0]) {
			panic("the built-in policy has no " + change[0])
		}
		src = strings.Replace(src, change[0], change[1], 1)
	}
	p, err := policy.Load([]byte(src))
	if err != nil {
		panic(err)
	}
	return p
}

// rules are the rules of the attributes of the model, written out a second time.
var rules = map[domain.Field][]string{
	"name": {"aml"}, "email": nil, "tax_number": {"tax-documents", "aml"}, "agreement": {"tax-documents", "limitation"},
}

// value is what the model knows of one value of an attribute.
type value struct {
	live bool
	gone time.Time // when it was deleted or replaced
	dead bool
	// ordered: a court has told to destroy it, so no term keeps it any more
	ordered bool
}

// world is the model of one subject: values, holds and the end of the relation; nothing of it is taken from
// the code that decides.
type world struct {
	policy *policy.Policy
	now    time.Time
	state  subject.State
	values map[domain.FieldEpoch]*value
	holds  map[domain.HoldID][]domain.Field
	closed time.Time
}

// end gives the end of the value's own terms, and false when nobody knows it yet.
func (w *world) end(f domain.Field, v *value) (time.Time, bool) {
	end, known := v.gone, true
	if v.ordered {
		return end, known
	}
	for _, id := range rules[f] {
		from := v.gone
		if id == "aml" {
			if from = w.closed; from.IsZero() {
				known = false
				continue
			}
		}
		if e := term(id, from); e.After(end) {
			end = e
		}
	}
	return end, known
}

func (w *world) held(f domain.Field) bool {
	for _, fields := range w.holds {
		if len(fields) == 0 || slices.Contains(fields, f) {
			return true
		}
	}
	return false
}

// do decides a command as the ledger would, and gives what it records.
func (w *world) do(t *rapid.T, c subject.Command) subject.Event {
	card := &recipient.Card{Name: "Tax service", Kind: "authority", Country: "UA"}
	events, err := subject.Decide(subject.Case{Command: c, Context: subject.Context{Policy: w.policy, Recipient: card, Now: w.now}}, w.state)
	if err != nil || len(events) == 0 {
		return nil
	}
	before := w.state.Retained()
	for _, f := range events[0].Fates() {
		if f.Subject != anna {
			t.Fatalf("%s decides the fate of another subject's value", c.Name())
		}
		w.bound(t, c, f)
	}
	w.state = evolve(w.state, events[0])
	w.others(t, events[0], before)
	return events[0]
}

// bound checks that nothing is destroyed while a hold or a term keeps it.
func (w *world) bound(t *rapid.T, c subject.Command, f domain.Fate) {
	v := w.values[domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}]
	if v == nil || f.Action != domain.Destroy {
		return
	}
	copied := *v
	if v.live {
		copied.gone = w.now
	}
	if order, deleting := c.(subject.Delete); deleting {
		copied.ordered = copied.ordered || order.Ground == "court"
	}
	closed := w.closed
	if _, closing := c.(subject.Close); closing {
		w.closed = w.now
	}
	end, known := w.end(f.Field, &copied)
	w.closed = closed
	release, releasing := c.(subject.ReleaseHold)
	fields, mine := w.holds[release.Hold]
	if releasing && mine {
		delete(w.holds, release.Hold)
	}
	held := w.held(f.Field)
	if releasing && mine {
		w.holds[release.Hold] = fields
	}
	if held || !known || end.After(w.now) || v.dead {
		t.Fatalf("%s destroys %s %s: held %v, end known %v: %v, now %v, dead %v", c.Name(), f.Field, f.Epoch, held, known, end, w.now, v.dead)
	}
}

// others checks that what the event does not name is kept as it was.
func (w *world) others(t *rapid.T, e subject.Event, before []subject.Retained) {
	after := w.state.Retained()
	for _, r := range before {
		named := slices.ContainsFunc(e.Fates(), func(f domain.Fate) bool { return f.Field == r.Field && f.Epoch == r.Epoch })
		if !named && !slices.Contains(after, r) {
			t.Fatalf("%T touches %v, which it does not name", e, r)
		}
	}
}

// follow brings the model in line with a command that was recorded.
func (w *world) follow(t *rapid.T, e subject.Event) {
	switch e := e.(type) {
	case subject.HoldPlaced:
		w.holds[e.Hold] = e.Fields
	case subject.HoldReleased:
		fields := w.holds[e.Hold]
		delete(w.holds, e.Hold)
		for at, v := range w.values {
			freed := !v.live && (len(fields) == 0 || slices.Contains(fields, at.Field)) && !w.held(at.Field)
			if end, known := w.end(at.Field, v); freed && known && !end.After(w.now) {
				v.dead = true
			}
		}
	case subject.RetentionEnded:
		for _, f := range e.Ended {
			if v := w.values[domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}]; v != nil { // nil for a trace
				v.dead = true
			}
		}
	case subject.Closed:
		w.closed = w.now
		for at, v := range w.values {
			w.kill(at, v)
		}
	case subject.Deleted:
		for _, f := range e.Deleted {
			at := domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}
			if v := w.values[at]; v != nil && e.Ground == "court" {
				v.ordered = true
				v.dead = v.dead || !v.live && !w.held(at.Field)
			}
			w.kill(at, w.values[at])
		}
	case subject.Edited:
		for _, f := range e.Superseded {
			at := domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}
			w.kill(at, w.values[at])
		}
	}
	for _, it := range e.Personal() {
		w.values[domain.FieldEpoch{Field: it.Field, Epoch: it.Epoch}] = &value{live: true}
	}
}

// kill deletes a live value.
func (w *world) kill(at domain.FieldEpoch, v *value) {
	if v == nil || !v.live {
		return
	}
	v.live, v.gone = false, w.now
	end, known := w.end(at.Field, v)
	v.dead = known && !end.After(w.now) && !w.held(at.Field)
}

// inForce checks the last fate of each value that an event names: it is what holds from then on.
func (w *world) inForce(t *rapid.T, e subject.Event) {
	last := map[domain.FieldEpoch]domain.Fate{}
	for _, f := range e.Fates() {
		last[domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}] = f
	}
	for at, f := range last {
		v := w.values[at]
		if v == nil || v.dead {
			continue // a trace, or bound has checked it
		}
		end, known := w.end(at.Field, v)
		want := domain.Fate{Subject: anna, Field: at.Field, Epoch: at.Epoch, Action: domain.Retain, Rule: f.Rule}
		switch {
		case w.held(at.Field):
			want.Rule = subject.HoldRule
		case known:
			want.Until = end
		}
		if f != want || (f.Rule == subject.HoldRule) != w.held(at.Field) {
			t.Fatalf("%T: the last fate of %v is %+v, want %+v", e, at, f, want)
		}
	}
}

// agree compares the state with the model.
func (w *world) agree(t *rapid.T) {
	for at, v := range w.values {
		h, live := w.state.Held(at.Field)
		if (live && h.At() == at) != v.live {
			t.Fatalf("%v: live %v, want %v", at, live, v.live)
		}
		r, retained := w.state.RetainedAt(at)
		if want := !v.live && !v.dead; retained != want {
			t.Fatalf("%v: retained %v, want %v", at, retained, want)
		}
		if !retained {
			continue
		}
		end, known := w.end(at.Field, v)
		if got, closed := r.Ends(); closed != known || known && end.After(v.gone) && !got.Equal(end) {
			t.Fatalf("%v ends %v (known %v), want %v (known %v)", at, got, closed, end, known)
		}
		if _, held := w.state.HeldBy(at.Field); held != w.held(at.Field) {
			t.Fatalf("%v: held %v", at, held)
		}
	}
}

func (w *world) some(t *rapid.T) subject.Command {
	w.now = w.now.AddDate(0, rapid.IntRange(0, 14).Draw(t, "months"), rapid.IntRange(0, 40).Draw(t, "days"))
	a := about(at(w.now))
	f := pick(t, domain.Field("name"), "email", "tax_number", "agreement")
	id := domain.HoldID{UUID: someID(t)}
	return pick[subject.Command](t,
		subject.Collect{About: a, Source: "subject", Values: []subject.Given{given(f, "v")}},
		subject.Collect{About: a, Source: "subject", Values: []subject.Given{given(f, "v")}},
		subject.Edit{About: a, Values: []subject.Given{given(f, "v")}},
		subject.Delete{About: a, Fields: []domain.Field{f}},
		subject.Delete{About: a, All: true},
		subject.Delete{About: a, Fields: []domain.Field{f}, Ground: "court", Document: "d-1"},
		subject.Delete{About: a, All: true, Ground: "court", Document: "d-1"},
		subject.PlaceHold{About: a, Hold: id, Fields: []domain.Field{f}, Warrant: paper()},
		subject.PlaceHold{About: a, Hold: id, All: true, Warrant: paper()},
		subject.ReleaseHold{About: a, Hold: id},
		subject.EndRetention{About: a},
		subject.EndRetention{About: a, Values: []domain.FieldEpoch{pointer(f, domain.AttributeEpoch(rapid.IntRange(1, 3).Draw(t, "epoch")))}},
		subject.Close{About: a},
	)
}

func TestWhatIsKeptAgreesWithAModelAtEveryStep(t *testing.T) {
	t.Parallel()
	pol := keeper()
	rapid.Check(t, func(t *rapid.T) {
		w := &world{policy: pol, now: noon, values: map[domain.FieldEpoch]*value{}, holds: map[domain.HoldID][]domain.Field{}}
		w.state = evolve(w.state, registered())
		closing := rapid.IntRange(5, 40).Draw(t, "closing")
		for i := range 40 {
			c := w.some(t)
			if _, close := c.(subject.Close); close && i < closing {
				continue
			}
			if e := w.do(t, c); e != nil {
				w.follow(t, e)
				w.inForce(t, e)
			}
			w.agree(t)
		}
		w.finish(t)
	})
}

// finish lifts every hold, closes the account, lets all terms pass and ends them: nothing may be left.
func (w *world) finish(t *rapid.T) {
	for id := range w.holds {
		w.follow(t, w.do(t, subject.ReleaseHold{About: about(at(w.now)), Hold: id}))
	}
	if e := w.do(t, subject.Close{About: about(at(w.now))}); e != nil {
		w.follow(t, e)
	}
	w.agree(t)
	w.now = w.now.AddDate(20, 0, 0)
	if e := w.do(t, subject.EndRetention{About: about(at(w.now))}); e != nil {
		w.follow(t, e)
	}
	w.agree(t)
	for _, r := range w.state.Retained() {
		t.Fatalf("after twenty years %v is still kept", r)
	}
	for at, v := range w.values {
		if !v.dead {
			t.Fatalf("after twenty years %v is not destroyed", at)
		}
	}
}

// TestTracesAreKeptMonthByMonth: with a term from collection each month has its own end, whatever was deleted
// when; the oldest fates come first, and none reaches back over a month that is kept.
func TestTracesAreKeptMonthByMonth(t *testing.T) {
	t.Parallel()
	pol := keeper()
	rapid.Check(t, func(t *rapid.T) {
		state := evolve(subject.State{}, registered())
		now := noon
		ends := map[domain.Month]time.Time{}
		for range rapid.IntRange(1, 8).Draw(t, "deletions") {
			now = now.AddDate(0, 0, rapid.IntRange(0, 100).Draw(t, "days"))
			events, err := subject.Decide(subject.Case{Command: subject.Delete{About: about(at(now)), Fields: []domain.Field{"page"}},
				Context: subject.Context{Policy: pol}}, state)
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range events[0].Fates() {
				month := domain.Month(string(f.Epoch)[:7])
				if !f.Through || i > 0 && string(f.Epoch) <= string(events[0].Fates()[i-1].Epoch) {
					t.Fatalf("fates are out of order: %v", events[0].Fates())
				}
				end, _ := time.Parse("2006-01", string(month))
				due := law.UA().Due(law.Term{N: 2, Unit: law.UnitMonths}, end.AddDate(0, 1, 0).Add(-time.Microsecond))
				if (f.Action == domain.Retain) != due.After(now) || f.Action == domain.Retain && !f.Until.Equal(due) {
					t.Fatalf("%s deleted on %s: %+v, want until %s", month, now, f, due)
				}
				ends[month] = f.Until
			}
			state = evolve(state, events[0])
		}
		if _, live := state.TraceEpoch("page", domain.MonthOf(noon.AddDate(0, -1, 0))); live {
			t.Fatal("an older month lives on")
		}
		for month, end := range ends {
			r, retained := state.RetainedAt(pointer("page", domain.Epoch(month)))
			if retained && !end.IsZero() && !r.Until.Equal(end) && r.Epoch == domain.Epoch(month) {
				t.Fatalf("%s is kept until %s, want %s", month, r.Until, end)
			}
		}
	})
}
