package subject_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
)

// ordered is a deletion that a court orders, whatever a term would keep.
func ordered(fields ...domain.Field) subject.Delete {
	return subject.Delete{About: about(), Fields: fields, Ground: "court", Document: "757/1-k"}
}

// Given values that a tax rule keeps, live and deleted before; when a court, the Ombudsman or a finding that they
// were got unlawfully tells to destroy them; then no term keeps them. A ground that is the controller's own leaves
// the terms in force.
func TestAnOrderOverrulesTerms(t *testing.T) {
	t.Parallel()
	live := subject.Deleted{Subject: anna, Deleted: []domain.Fate{destroyed("tax_number", "1")}, Ground: "court", Document: "757/1-k"}
	ask(t, past(), ordered("tax_number")).Then(live)
	ask(t, past(taxDeleted()), ordered("tax_number")).Then(live)
	ask(t, past(taxDeleted(), live), ordered("tax_number")).Refused("delete.not-held", "4.1")
	again := subject.Collected{Subject: anna, Items: []domain.Item{item("tax_number", "2", "2")}}
	ask(t, past(taxDeleted(), again), ordered("tax_number")).Then(subject.Deleted{Subject: anna, Ground: "court", Document: "757/1-k",
		Deleted: []domain.Fate{destroyed("tax_number", "1"), destroyed("tax_number", "2")}})
	for ground, destroys := range map[string]bool{"court": true, "ombudsman": true, "unlawful": true, "term-over": false, "relation-over": false, "": false} {
		c := ordered("tax_number")
		c.Ground = ground
		want := retained("tax_number", "1", "tax-documents", kyiv(2027, 3, 11))
		if destroys {
			want = destroyed("tax_number", "1")
		}
		ask(t, past(), c).Then(subject.Deleted{Subject: anna, Deleted: []domain.Fate{want}, Ground: ground, Document: "757/1-k"})
	}
	eu := imagine().Under(law.EU())
	for ground, destroys := range map[string]bool{"unlawful": true, "legal-duty": true, "not-needed": false, "consent-withdrawn": false, "objection": false, "child": false} {
		c := ordered("tax_number")
		c.Ground = ground
		fates := when(t, eu, past(), c).Events()[0].Fates()
		if (fates[0].Action == domain.Destroy) != destroys {
			t.Errorf("eu, %s: %+v", ground, fates)
		}
	}
}

func TestAnOrderNamesItsPaper(t *testing.T) {
	t.Parallel()
	c := ordered("tax_number")
	c.Document = ""
	ask(t, past(), c).Refused("delete.document", "ua.15.2.4")
	c.Document = "by the court"
	ask(t, past(), c).Refused("document.invalid", "")
}

// Given a legal hold; when an order tells to destroy what it keeps; then nothing is destroyed while the hold lasts,
// and everything at once when it is released: the value's own term is gone.
func TestAHoldStopsEvenAnOrder(t *testing.T) {
	t.Parallel()
	was := past(taxDeleted(), placedHold([]domain.Fate{kept("tax_number", "1")}))
	told := subject.Deleted{Subject: anna, Ground: "court", Document: "757/1-k", Services: []domain.Service{"orders"}, Deleted: []domain.Fate{
		retained("tax_number", "1", "tax-documents", noon), kept("tax_number", "1"), kept("name", "1")}}
	ask(t, was, ordered("name", "tax_number")).Then(told)
	ask(t, append(was, told), ordered("tax_number")).Refused("delete.held", "4.3") // it is decided already
	after := append(was, told)
	ask(t, after, subject.EndRetention{About: about(), Values: []domain.FieldEpoch{pointer("tax_number", "1")}}).Refused("retention.held", "4.3")
	ask(t, after, subject.ReleaseHold{About: about(), Hold: hold}).Then(subject.HoldReleased{Subject: anna, Hold: hold,
		Freed: []domain.Fate{destroyed("tax_number", "1"), destroyed("name", "1")}})
}

// What is kept after the account is closed is still within reach of an order, and of nothing else.
func TestAnOrderReachesAClosedAccount(t *testing.T) {
	t.Parallel()
	closed := past(ask(t, past(), subject.Close{About: about()}).Events()...)
	gone := subject.Deleted{Subject: anna, Deleted: []domain.Fate{destroyed("tax_number", "1")}, Ground: "court", Document: "757/1-k"}
	all := subject.Delete{About: about(at(noon.AddDate(0, 5, 0))), All: true, Ground: "court", Document: "757/1-k"}
	ask(t, closed, all).Then(gone)
	ask(t, append(closed, gone), all).ThenNothing()
	ask(t, closed, ordered("tax_number", "page")).Then(gone)
	ask(t, closed, ordered("email")).Refused("delete.not-held", "4.1")
	ask(t, closed, subject.Delete{About: about(), All: true, Ground: "term-over"}).Refused("account.closed", "4.1")
	ask(t, closed, subject.Delete{About: about(), All: true}).Refused("account.closed", "4.1")
}

// Months of a trace that are kept from collection go with the rest of it.
func TestAnOrderReachesEveryMonth(t *testing.T) {
	t.Parallel()
	pol := keeper()
	first := when(t, pol, past(), subject.Delete{About: about(), Fields: []domain.Field{"page"}}).Events()
	state := fold(subject.State{}, past(first...)...)
	if len(state.Retained()) < 2 {
		t.Fatalf("only %v is kept", state.Retained())
	}
	events := when(t, pol, past(first...), ordered("page")).Events()
	if left := fold(state, events...).Retained(); len(left) > 0 {
		t.Errorf("still kept: %v", left)
	}
}

// Given third parties that got a value before it was deleted, and an authority to which it was disclosed since;
// when it is destroyed at the end of its term, by the end of a hold or by an order; then all are to be told, once
// (ua art. 21(3) names destruction beside deletion).
func TestDestructionIsToldToWhoGotTheValue(t *testing.T) {
	t.Parallel()
	toTax := transferred(lawful()).(subject.Transferred)
	toTax.Values = []domain.FieldEpoch{pointer("tax_number", "1")}
	court := domain.RecipientID(order)
	disclosed := subject.Transferred{Subject: anna, Recipient: subject.Recipient{ID: court, Kind: "court", Country: "UA"},
		Values: toTax.Values, Basis: lawful(), Retained: true}
	deleted := taxDeleted().(subject.Deleted)
	deleted.Tell = []domain.RecipientID{courier}
	was := past(toTax, deleted, disclosed)
	both := []domain.RecipientID{courier, court}
	end := about(at(kyiv(2027, 3, 11)))
	ended := subject.RetentionEnded{Subject: anna, Ended: []domain.Fate{destroyed("tax_number", "1")}, Tell: both}
	ask(t, was, subject.EndRetention{About: end}).Then(ended)
	ask(t, was, ordered("tax_number")).Then(subject.Deleted{Subject: anna, Deleted: ended.Ended, Ground: "court", Document: "757/1-k", Tell: both})
	held := append(was, placedHold([]domain.Fate{kept("tax_number", "1")}))
	ask(t, held, subject.ReleaseHold{About: about(), Hold: hold}).Then(subject.HoldReleased{Subject: anna, Hold: hold,
		Freed: []domain.Fate{retained("tax_number", "1", "tax-documents", kyiv(2027, 3, 11))}}) // nothing is destroyed yet
	ask(t, held, subject.ReleaseHold{About: end, Hold: hold}).Then(subject.HoldReleased{Subject: anna, Hold: hold,
		Freed: ended.Ended, Tell: both})
	state := fold(subject.State{}, append(was, ended)...)
	if left := append(state.Keepers(pointer("tax_number", "1")), state.Recipients("tax_number")...); len(left) > 0 {
		t.Errorf("would be told again: %v", left)
	}
	if !state.GotData(courier) || !state.GotData(court) {
		t.Error("who got data is forgotten, so no notice to him could be recorded")
	}
	// Who got the next value only is not told of this one.
	later := subject.Transferred{Subject: anna, Recipient: subject.Recipient{ID: domain.RecipientID(second), Kind: "court", Country: "UA"},
		Values: []domain.FieldEpoch{pointer("tax_number", "2")}, Basis: lawful()}
	again := subject.Collected{Subject: anna, Items: []domain.Item{item("tax_number", "2", "2")}}
	ask(t, append(was, again, later), subject.EndRetention{About: end}).Then(ended)
}

// Given months of a trace that are kept as one, and somebody who got one of them before; when one month ends
// alone, as the keys of values do; then he is told, and again of the rest.
func TestTheEndOfAMonthIsTold(t *testing.T) {
	t.Parallel()
	end := kyiv(2027, 3, 11)
	got := transferred(lawful()).(subject.Transferred)
	got.Values = []domain.FieldEpoch{pointer("page", "2023-07")}
	was := past(got, subject.Deleted{Subject: anna, Tell: []domain.RecipientID{courier},
		Deleted: through(retained("page", "2024-01", "tax-documents", end))})
	told := func(fates ...domain.Fate) subject.RetentionEnded {
		return subject.RetentionEnded{Subject: anna, Ended: fates, Tell: []domain.RecipientID{courier}}
	}
	month := told(destroyed("page", "2023-07"))
	ask(t, was, subject.EndRetention{About: about(at(end)), Values: []domain.FieldEpoch{pointer("page", "2023-07")}}).Then(month)
	ask(t, append(was, month), subject.EndRetention{About: about(at(end))}).Then(told(through(destroyed("page", "2024-01"))...))
}

// Given a restricted field; when anybody but the subject himself collects or changes it, or deletes it without an
// order; then that is refused, with the article of the restriction.
func TestRestrictionStopsCollectingChangingAndDeleting(t *testing.T) {
	t.Parallel()
	live := past(restricted)
	gone := past(subject.Deleted{Subject: anna, Deleted: []domain.Fate{destroyed("name", "1")}}, restricted)
	edit := func(change ...func(*domain.OperationSpec)) subject.Command {
		return subject.Edit{About: about(change...), Values: []subject.Given{given("name", "B")}}
	}
	page := subject.Collect{About: about(bySubject, purpose("improvement"), service("site")), Source: subject.Automatic, Values: []subject.Given{given("page", "/")}}
	del := func(ground string) subject.Command {
		return subject.Delete{About: about(), Fields: []domain.Field{"name", "email"}, Ground: ground, Document: "p-1"}
	}
	refusals{
		{"collect a trace", live, page, "data.restricted", "ua.8.2.10"},
		{"collect a value for him", gone, collect("subject", given("name", "B")), "data.restricted", "ua.8.2.10"},
		{"edit", live, edit(), "data.restricted", "ua.8.2.10"},
		{"delete on the controller's own ground", live, del("term-over"), "data.restricted", "ua.8.2.10"},
		{"delete what was got unlawfully", live, del("unlawful"), "data.restricted", "ua.8.2.10"},
		{"delete all", live, subject.Delete{About: about(), All: true, Ground: "relation-over"}, "data.restricted", "ua.8.2.10"},
	}.run(t)
	end := subject.EndRetention{About: about(at(noon.AddDate(1, 0, 0))), Values: []domain.FieldEpoch{pointer("page", "2024-03")}}
	when(t, keeper(), live, end).Refused("data.restricted", "ua.8.2.10") // a live trace whose term from collection is over
	when(t, keeper(), past(), end).Events()
	own := collect("subject", given("name", "B"))
	own.About = about(bySubject)
	ask(t, gone, own).Events()
	ask(t, live, edit(bySubject)).Events()
	ask(t, live, edit(purpose("contact"))).Events() // a request is answered
	ask(t, live, del("")).Events()
	ask(t, live, del("court")).Events()
	ask(t, live, subject.Close{About: about()}).Events()
	disputed := subject.Disputed{Subject: anna, Value: pointer("name", "1")}
	ask(t, live, subject.Dispute{About: about(), Field: "name"}).Then(disputed)
	ask(t, append(live, disputed), subject.Rectify{About: about(), Field: "name", Value: domain.ClearValue("B")}).Events()
	ask(t, live, subject.Identify{About: about(), Method: "document", Fields: []domain.Field{"name"}}).Events()
	ask(t, live, collect("subject", given("phone", "1"))).Events()
}

// Whatever fields are restricted: a command that touches a restricted one is refused as such, and the same command
// passes when the restriction is lifted; one that touches none is not hindered.
func TestRestrictionIsExactlyAboutItsFields(t *testing.T) {
	t.Parallel()
	pol := policy.Imagine()
	fields := []domain.Field{"name", "email", "tax_number"}
	rapid.Check(t, func(t *rapid.T) {
		var only, touched []domain.Field
		for _, f := range fields {
			if rapid.Bool().Draw(t, "restricted "+string(f)) {
				only = append(only, f)
			}
		}
		touched = []domain.Field{pick(t, fields...)}
		hit := false
		for _, f := range only {
			hit = hit || f == touched[0]
		}
		state := fold(subject.State{}, past(granted())...)
		if len(only) > 0 {
			state = evolve(state, subject.Restricted{Subject: anna, Fields: only})
		}
		command := pick[subject.Command](t,
			subject.Use{About: about(), Fields: touched},
			subject.Publish{About: about(bySubject), Fields: touched},
			subject.View{About: about(), Fields: touched, Role: "officer"},
			subject.Edit{About: about(), Values: []subject.Given{given(touched[0], "B")}},
			subject.Delete{About: about(), Fields: touched, Ground: "term-over"},
		)
		is := subject.Case{Command: command, Context: subject.Context{Policy: pol, Now: noon.Add(time.Hour)}}
		_, err := subject.Decide(is, state)
		if refused := restrictedBy(err); refused != hit {
			t.Fatalf("%s of %v, restricted %v: %v", command.Name(), touched, only, err)
		}
		state = evolve(state, subject.RestrictionLifted{Subject: anna, Fields: only})
		if _, err := subject.Decide(is, state); err != nil {
			t.Fatalf("%s after the restriction was lifted: %v", command.Name(), err)
		}
	})
}

func restrictedBy(err error) bool {
	return errors.Is(err, &domain.Refusal{Code: "data.restricted"})
}
