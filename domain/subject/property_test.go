package subject_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// compareState looks into states, which have hardly an exported part.
var compareState = cmp.Options{cmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.EquateEmpty()}

func pick[T any](t *rapid.T, list ...T) T { return rapid.SampledFrom(list).Draw(t, "pick") }

func someFields(t *rapid.T) []domain.Field {
	all := []domain.Field{"name", "email", "phone", "tax_number", "agreement", "page", "address", "shoe_size"}
	return rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 3, rapid.ID).Draw(t, "fields")
}

func someValues(t *rapid.T) []subject.Given {
	var values []subject.Given
	for _, f := range someFields(t) {
		values = append(values, given(f, rapid.StringN(0, 8, -1).Draw(t, "value")))
	}
	return values
}

func someID(t *rapid.T) uuid.UUID { return uuid.UUID{15: rapid.ByteRange(1, 3).Draw(t, "id")} }

func someScope(t *rapid.T) subject.Scope {
	return subject.Scope{Purposes: []domain.Purpose{"service"}, Fields: someFields(t), RecipientKinds: []domain.RecipientKind{"delivery"}}
}

func someAbout(t *rapid.T) subject.About {
	days := rapid.IntRange(0, 90).Draw(t, "day")
	actor := pick(t, func(*domain.OperationSpec) {}, bySubject)
	return about(at(noon.AddDate(0, 0, days)), actor, grounds(pick(t, domain.Grounds("ua.11.1.3"), "ua.11.1.1")))
}

// someCommand draws commands of every type, sensible and not.
func someCommand(t *rapid.T) subject.Command {
	a := someAbout(t)
	fields := someFields(t)
	consent, order := domain.ConsentID{UUID: someID(t)}, domain.OrderID{UUID: someID(t)}
	bases := []subject.Basis{subject.ByConsent{Consent: consent}, subject.ByOrder{Order: order}, lawful(), defence()}
	return pick[subject.Command](t,
		subject.Register{About: a, Reference: given("account", "a")},
		subject.Collect{About: a, Source: pick(t, subject.BySubject, subject.Automatic), Values: someValues(t)},
		subject.Collect{About: a, Source: subject.BySubject, Values: []subject.Given{given(fields[0], "v")}},
		subject.Edit{About: a, Values: someValues(t)},
		subject.Delete{About: a, Fields: fields},
		subject.Delete{About: a, All: true},
		subject.Delete{About: a, All: rapid.Bool().Draw(t, "all"), Ground: pick(t, "court", "unlawful", "term-over"), Document: "d-1"},
		subject.Delete{About: a, Fields: append(fields, subject.RequestTextField), Ground: "court", Document: "d-1"},
		someText(t, a),
		subject.Dispute{About: a, Field: fields[0]},
		subject.Rectify{About: a, Field: fields[0], Value: domain.ClearValue("r")},
		subject.Identify{About: a, Method: "code", Fields: fields},
		subject.GrantConsent{About: a, Consent: consent, Scope: someScope(t), TextHash: textHash},
		subject.WithdrawConsent{About: a, Consent: consent},
		subject.PlaceOrder{About: a, Order: order, Scope: someScope(t)},
		subject.ExecuteOrder{About: a, Order: order},
		subject.CancelOrder{About: a, Order: order},
		subject.Publish{About: a, Fields: fields},
		subject.WithdrawPublication{About: a, Fields: fields},
		subject.Use{About: a, Fields: fields},
		subject.View{About: a, Fields: fields, Role: "officer"},
		subject.Transfer{About: a, Recipient: courier, Fields: fields, Basis: pick(t, bases...)},
		someDuty(t, a, fields),
	)
}

// someText draws words of a request, of the only purpose that its field has.
func someText(t *rapid.T, a subject.About) subject.AddText {
	s := a.Operation.Spec()
	s.Purpose, s.Service = "contact", "support"
	op, err := domain.NewOperation(s)
	if err != nil {
		t.Fatal(err)
	}
	a.Operation = op
	return subject.AddText{About: a, Request: domain.RequestID{UUID: someID(t)}, Text: domain.ClearValue(rapid.StringN(0, 8, -1).Draw(t, "text"))}
}

// life is a random history: what was decided, and what the test knows of it by its own bookkeeping.
type life struct {
	state  subject.State
	events []subject.Event
	born   map[domain.FieldEpoch]bool // attribute values that came into being
	gone   map[domain.FieldEpoch]bool // those that met a fate
	dead   map[domain.FieldEpoch]bool // those that were destroyed
	edited map[domain.FieldEpoch]bool // those that another value replaced
	began  map[any]time.Time          // when values came, consents were given, orders and holds placed
}

func newLife() *life {
	return &life{born: map[domain.FieldEpoch]bool{}, gone: map[domain.FieldEpoch]bool{}, dead: map[domain.FieldEpoch]bool{},
		edited: map[domain.FieldEpoch]bool{}, began: map[any]time.Time{}}
}

// someDuty draws a command about keeping, rights or notices.
func someDuty(t *rapid.T, a subject.About, fields []domain.Field) subject.Command {
	hold := domain.HoldID{UUID: someID(t)}
	values := []domain.FieldEpoch{pointer(fields[0], domain.AttributeEpoch(rapid.IntRange(1, 3).Draw(t, "epoch")))}
	purposes := []domain.Purpose{pick(t, domain.Purpose("service"), "advertising")}
	return pick[subject.Command](t,
		subject.PlaceHold{About: a, Hold: hold, Fields: fields, Warrant: paper()},
		subject.PlaceHold{About: a, Hold: hold, All: true, Warrant: paper()},
		subject.ReleaseHold{About: a, Hold: hold},
		subject.EndRetention{About: a},
		subject.EndRetention{About: a, Values: values},
		subject.Disclose{About: a, Recipient: courier, Values: values, Basis: lawful()},
		subject.View{About: a, Retained: values, Role: "officer"},
		subject.Restrict{About: a, Fields: fields}, subject.LiftRestriction{About: a, Fields: fields},
		subject.Object{About: a, Purposes: purposes}, subject.WithdrawObjection{About: a, Purposes: purposes},
		subject.GiveNotice{About: a, Cause: someID(t), Duty: "notice.recipient", Recipient: courier, Channel: subject.ByPost},
	)
}

func (l *life) step(t *rapid.T, c subject.Command) {
	before := fmt.Sprintf("%+v", l.state)
	events, err := subject.Decide(subject.Case{Command: c, Context: subject.Context{Policy: imagine(), Recipient: local}}, l.state)
	if err != nil && len(events) > 0 {
		t.Fatalf("events and a refusal: %v", err)
	}
	for _, e := range events {
		e = dated{e, c.By().Spec().At}
		l.check(t, e)
		l.inTime(t, e.(dated))
		l.state = evolve(l.state, e)
		l.events = append(l.events, e)
	}
	if len(events) > 0 {
		return
	}
	if after := fmt.Sprintf("%+v", l.state); after != before {
		t.Fatalf("%s changed the state that it was given", c.Name())
	}
}

func (l *life) check(t *rapid.T, e subject.Event) {
	for _, f := range e.Fates() {
		at := domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}
		if imagine().IsTrace(f.Field) {
			continue
		}
		if !l.born[at] || l.dead[at] {
			t.Fatalf("%T decides the fate of %v (born %v, dead %v)", e, at, l.born[at], l.dead[at])
		}
		l.gone[at], l.dead[at] = true, f.Action == domain.Destroy
	}
	for _, it := range e.Personal() {
		at := domain.FieldEpoch{Field: it.Field, Epoch: it.Epoch}
		if imagine().IsTrace(it.Field) {
			continue
		}
		if l.born[at] {
			t.Fatalf("%T brings %v a second time", e, at)
		}
		l.born[at] = true
	}
	if tr, ok := e.(dated).Event.(subject.Transferred); ok {
		for _, v := range tr.Values {
			if l.edited[v] && !tr.Retained {
				continue // a late record of what went before the edit
			}
			if l.dead[v] || l.gone[v] != tr.Retained {
				t.Fatalf("a value is transferred (retained: %v) that is gone: %v, dead: %v: %v", tr.Retained, l.gone[v], l.dead[v], v)
			}
		}
	}
}

// inTime checks that what the event rests on had begun when it happened, in whatever order things are recorded.
func (l *life) inTime(t *rapid.T, e dated) {
	for _, it := range restsOn(e.Event) {
		if began, known := l.began[it]; known && e.at.Before(began) {
			t.Fatalf("%T of %s rests on %v, which began on %s", e.Event, e.at, it, began)
		}
	}
	for _, it := range e.Personal() {
		l.began[domain.FieldEpoch{Field: it.Field, Epoch: it.Epoch}] = e.at
	}
	switch e, at := e.Event, e.at; e := e.(type) {
	case subject.ConsentGranted:
		l.began[e.Consent] = at
	case subject.OrderPlaced:
		l.began[e.Order] = at
	case subject.HoldPlaced:
		l.began[e.Hold] = at
	case subject.Edited:
		l.replaced(e.Superseded)
	case subject.Rectified:
		l.replaced(e.Superseded)
	default: // the others begin nothing
	}
}

// restsOn lists the values, consents, orders and holds without which the event would be untrue.
func restsOn(e subject.Event) []any {
	switch e := e.(type) {
	case subject.ConsentWithdrawn:
		return []any{e.Consent}
	case subject.OrderExecuted:
		return []any{e.Order}
	case subject.OrderCancelled:
		return []any{e.Order}
	case subject.HoldReleased:
		return []any{e.Hold}
	case subject.Disputed:
		return []any{e.Value}
	case subject.Rectified:
		return []any{e.Value}
	case subject.Identified:
		return each(e.Values)
	case subject.Published:
		return each(e.Values)
	case subject.PublicationWithdrawn:
		return each(e.Values)
	case subject.Used:
		return each(e.Values)
	case subject.Viewed:
		return each(e.Values)
	case subject.Transferred:
		switch b := e.Basis.(type) {
		case subject.ByConsent:
			return each(e.Values, b.Consent)
		case subject.ByOrder:
			return each(e.Values, b.Order)
		default: // a paper is no part of the file
			return each(e.Values)
		}
	default:
		return nil
	}
}

func each(values []domain.FieldEpoch, more ...any) []any {
	for _, v := range values {
		more = append(more, v)
	}
	return more
}

func (l *life) replaced(fates []domain.Fate) {
	for _, f := range fates {
		l.edited[domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}] = true
	}
}

func TestRandomLivesKeepTheInvariants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLife()
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			l.step(t, someCommand(t))
		}
		for _, h := range l.state.Attributes() {
			if !l.born[h.At()] || l.gone[h.At()] {
				t.Fatalf("the state holds %v, which is not alive", h.At())
			}
		}
		folded := fold(subject.State{}, l.events...)
		if diff := cmp.Diff(l.state, folded, compareState); diff != "" {
			t.Fatalf("one fold differs from many steps:\n%s", diff)
		}
		if slices.ContainsFunc(l.events, func(e subject.Event) bool { _, ok := e.(dated).Event.(subject.Closed); return ok }) {
			t.Fatal("nobody closed the account")
		}
	})
}

func TestEvolveLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLife()
		var states []subject.State
		var prints []string
		for range 25 {
			states, prints = append(states, l.state), append(prints, fmt.Sprintf("%+v", l.state))
			l.step(t, someCommand(t))
		}
		for i, s := range states {
			if now := fmt.Sprintf("%+v", s); now != prints[i] {
				t.Fatalf("state %d changed after it was handed out:\n%s\n%s", i, prints[i], now)
			}
		}
	})
}

func TestDigestIgnoresValuesTimeAndKeyOnly(t *testing.T) {
	t.Parallel()
	base := collect("subject", given("phone", "1"))
	digest := func(c subject.Command) string { d, _ := subject.Digest(c, nil); return d }
	same := base
	same.About = about(at(noon.Add(time.Hour)), func(s *domain.OperationSpec) { s.Key, s.Correlation = "other", uuid.New() })
	same.Values = []subject.Given{given("phone", "2")}
	if digest(same) != digest(base) {
		t.Error("value, time, key or correlation changes the digest")
	}
	for name, other := range map[string]subject.Command{
		"source":  collect("automatic", given("phone", "1")),
		"field":   collect("subject", given("email", "1")),
		"purpose": subject.Collect{About: about(purpose("contact")), Source: "subject", Values: base.Values},
		"actor":   subject.Collect{About: about(bySubject), Source: "subject", Values: base.Values},
		"name":    subject.Edit{About: about(), Values: base.Values},
	} {
		if digest(other) == digest(base) {
			t.Errorf("another %s leaves the digest as it is", name)
		}
	}
	if got := digest(base); len(got) != 32 {
		t.Errorf("the digest has %d digits, want 32", len(got))
	}
}
