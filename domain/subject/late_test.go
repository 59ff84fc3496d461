package subject_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
)

// later is when things begin in these tests; everything of past happened at noon.
var later = noon.AddDate(0, 0, 10)

const tick = time.Microsecond // operations are no more exact than this

func on(t time.Time, e subject.Event) subject.Event { return dated{e, t} }

// why asks and gives the refusal.
func why(t *testing.T, events []subject.Event, c subject.Command) *domain.Refusal {
	t.Helper()
	var r *domain.Refusal
	_, err := subject.Decide(subject.Case{Command: c, Context: subject.Context{Policy: policy.Imagine(), Recipient: local}}, fold(subject.State{}, events...))
	if !errors.As(err, &r) {
		t.Fatalf("not refused: %v", err)
	}
	return r
}

// Given a consent; when a transfer or a use that rests on it is dated before it was given, by however little; then it
// is refused, whenever it is recorded, and the refusal says when it was given. From that instant on it is recorded,
// late or not.
func TestClause_3_3_1_NothingRestsOnAConsentBeforeItWasGiven(t *testing.T) {
	t.Parallel()
	live := past(on(later, granted()))
	by := subject.ByConsent{Consent: consent}
	send := func(when time.Time) subject.Command {
		return subject.Transfer{About: about(at(when)), Recipient: courier, Fields: []domain.Field{"name"}, Basis: by}
	}
	use := func(when time.Time) subject.Command {
		return subject.Use{About: about(at(when), grounds("ua.11.1.1")), Fields: []domain.Field{"name"}}
	}
	refusals{
		{"sent days before", live, send(noon), "transfer.no-consent", "3.3.1"},
		{"sent just before", live, send(later.Add(-tick)), "transfer.no-consent", "3.3.1"},
		{"used days before", live, use(noon), "consent.none-recorded", "preamble"},
		{"used just before", live, use(later.Add(-tick)), "consent.none-recorded", "preamble"},
	}.run(t)
	for _, c := range []subject.Command{send(noon), use(noon)} {
		if r := why(t, live, c); !strings.Contains(r.Message, "given later: on 2024-03-20T12:00:00Z") {
			t.Errorf("%s: the refusal does not say when the consent was given: %v", c.Name(), r)
		}
	}
	for _, when := range []time.Time{later, later.Add(tick), later.AddDate(1, 0, 0)} {
		ask(t, live, send(when)).Events()
		ask(t, live, use(when)).Events()
	}
}

// A transfer abroad that needs a consent of its own looks for one that had been given by then.
func TestClause_3_3_1_TransferAbroadBeforeTheConsent(t *testing.T) {
	t.Parallel()
	us := &recipient.Card{Name: "Carrier", Kind: "delivery", Country: "US"}
	c := subject.Transfer{About: about(at(later.Add(-tick))), Recipient: courier, Fields: []domain.Field{"name"}, Basis: lawful(), Abroad: "ua.29.4.1"}
	live := past(on(later, granted()))
	askWith(t, live, c, us).Refused("transfer.abroad", "ua.29")
	c.About = about(at(later))
	askWith(t, live, c, us).Events()
}

// Given a consent with a time to end, and its withdrawal that is recorded late; then the withdrawal is recorded, and
// nothing more rests on the consent, however early it is dated: what was to be recorded of its time had to be
// recorded in its time. A withdrawal before the consent is no withdrawal of it.
func TestClause_3_3_1_WithdrawalRecordedLate(t *testing.T) {
	t.Parallel()
	send := func(when time.Time) subject.Command {
		return subject.Transfer{About: about(at(when)), Recipient: courier, Fields: []domain.Field{"name"}, Basis: subject.ByConsent{Consent: consent}}
	}
	withdraw := func(when time.Time) subject.Command {
		return subject.WithdrawConsent{About: about(at(when)), Consent: consent}
	}
	ended := later.AddDate(0, 1, 0)
	sent := ask(t, past(on(later, granted())), send(ended.AddDate(0, 0, 3))).Events()[0]
	live := past(on(later, granted()), on(ended.AddDate(0, 0, 3), sent))
	ask(t, live, withdraw(later.Add(-tick))).Refused("consent.too-early", "3.3.1")
	withdrawn := ask(t, live, withdraw(ended)).Events()[0] // three days before what went out in good faith
	ask(t, live, withdraw(later)).Then(withdrawn)
	gone := append(live, on(ended, withdrawn))
	for _, when := range []time.Time{later, ended.Add(-tick), ended, ended.AddDate(0, 0, 3)} {
		ask(t, gone, send(when)).Refused("transfer.no-consent", "3.3.1")
	}
	ask(t, gone, withdraw(noon)).ThenNothing()
	short := past(on(later, subject.ConsentGranted{Subject: anna, Consent: consent, Scope: scope(), TextHash: textHash, Until: ended}))
	ask(t, short, send(ended.Add(-tick))).Events() // recorded when the consent had run out, but it had not when it happened
	ask(t, short, send(ended)).Refused("transfer.no-consent", "3.3.1")
}

// Given an order; then nothing goes out for it, and it is neither carried out nor cancelled, before it was placed.
func TestClause_3_3_2_NothingRestsOnAnOrderBeforeItWasPlaced(t *testing.T) {
	t.Parallel()
	open := past(on(later, placed()))
	commands := func(when time.Time) (subject.Transfer, subject.ExecuteOrder, subject.CancelOrder) {
		a := about(at(when))
		return subject.Transfer{About: a, Recipient: courier, Fields: []domain.Field{"name"}, Basis: subject.ByOrder{Order: order}},
			subject.ExecuteOrder{About: a, Order: order}, subject.CancelOrder{About: a, Order: order}
	}
	send, execute, cancel := commands(later.Add(-tick))
	refusals{
		{"send", open, send, "transfer.no-order", "3.3.2"},
		{"execute", open, execute, "order.too-early", "3.3.2"},
		{"cancel", open, cancel, "order.too-early", "3.3.2"},
	}.run(t)
	if r := why(t, open, send); r.Message != "the order was placed later: on 2024-03-20T12:00:00Z" {
		t.Error(r)
	}
	send, execute, cancel = commands(later)
	ask(t, open, send).Events()
	ask(t, open, execute).Events()
	ask(t, open, cancel).Events()
}

// Given a value that came; then nothing happened to it before, and everything may have since, the same instant
// included.
func TestNothingHappensToAValueBeforeItCame(t *testing.T) {
	t.Parallel()
	came := []subject.Event{registered(), on(later, collected("name"))}
	name := []domain.Field{"name"}
	commands := func(when time.Time) []subject.Command {
		a := about(at(when))
		return []subject.Command{
			subject.Use{About: a, Fields: name},
			subject.View{About: a, Fields: name, Role: "officer"},
			subject.View{About: a, Values: []domain.FieldEpoch{pointer("name", "1")}, Role: "officer"},
			subject.Transfer{About: a, Recipient: courier, Fields: name, Basis: lawful()},
			subject.Transfer{About: a, Recipient: courier, Fields: name, Basis: defence()},
			subject.Publish{About: about(at(when), bySubject), Fields: name},
			subject.WithdrawPublication{About: a, Fields: name},
			subject.Identify{About: a, Method: "document", Fields: name},
			subject.Dispute{About: a, Field: "name"},
			subject.Edit{About: a, Values: []subject.Given{given("name", "B")}},
			subject.Restrict{About: a, Fields: name},
			subject.Delete{About: a, Fields: name},
			subject.Delete{About: a, All: true},
		}
	}
	for _, c := range commands(later.Add(-tick)) {
		r := why(t, came, c)
		if !strings.HasSuffix(r.Code, ".not-held") || !strings.Contains(r.Message, "came later: on 2024-03-20T12:00:00Z") {
			t.Errorf("%s: %v", c.Name(), r)
		}
	}
	for _, c := range commands(later) {
		ask(t, came, c).Events()
	}
	ask(t, came, subject.Close{About: about()}).Events() // whose end is the end of everything
}

// Of traces the file knows no more than that there are none before the person was registered.
func TestNobodyLooksAtTracesBeforeRegistration(t *testing.T) {
	t.Parallel()
	was := []subject.Event{on(later, registered())}
	page := []domain.Field{"page"}
	commands := func(when time.Time) map[string]subject.Command {
		a := about(at(when), purpose("improvement"))
		return map[string]subject.Command{
			"use": subject.Use{About: a, Fields: page}, "view": subject.View{About: a, Fields: page, Role: "officer"},
			"transfer": subject.Transfer{About: a, Recipient: courier, Fields: page, Basis: lawful()},
		}
	}
	for word, c := range commands(later.Add(-tick)) {
		ask(t, was, c).Refused(word+".too-early", "preamble")
	}
	for _, c := range commands(later) {
		ask(t, was, c).Events()
	}
}

// Given a value that was edited; when what happened before the edit is recorded late; then a use and a transfer speak
// of the value that was held then, and what shows or changes the present value is refused: it was not there.
func TestLateRecordsSpeakOfTheValueOfTheirTime(t *testing.T) {
	t.Parallel()
	edit := func(n domain.Epoch) subject.Event {
		return subject.Edited{Subject: anna, Items: []domain.Item{item("name", n, "N")}, Superseded: []domain.Fate{destroyed("name", "1")}}
	}
	second := subject.Edited{Subject: anna, Items: []domain.Item{item("name", "3", "N")}, Superseded: []domain.Fate{destroyed("name", "2")}}
	was := past(granted(), on(later, edit("2")), on(later.AddDate(0, 1, 0), second))
	name := []domain.Field{"name"}
	for when, epoch := range map[time.Time]domain.Epoch{
		noon: "1", later.Add(-tick): "1", later: "2", later.AddDate(0, 1, 0).Add(-tick): "2", later.AddDate(0, 1, 0): "3",
	} {
		a := about(at(when))
		ask(t, was, subject.Use{About: a, Fields: name}).Then(subject.Used{Subject: anna, Values: []domain.FieldEpoch{pointer("name", epoch)}})
		sent := ask(t, was, subject.Transfer{About: a, Recipient: courier, Fields: name, Basis: subject.ByConsent{Consent: consent}}).Events()[0]
		if got := sent.(subject.Transferred).Values[0].Epoch; got != epoch {
			t.Errorf("on %s went epoch %s, want %s", when, got, epoch)
		}
		present := map[string]subject.Command{
			"view":     subject.View{About: a, Fields: name, Role: "officer"},
			"identify": subject.Identify{About: a, Method: "document", Fields: name},
			"publish":  subject.Publish{About: about(at(when), bySubject), Fields: name},
			"dispute":  subject.Dispute{About: a, Field: "name"},
		}
		for word, c := range present {
			if epoch == "3" {
				ask(t, was, c).Events()
				continue
			}
			ask(t, was, c).Refused(word+".not-held", "4.1")
		}
	}
	ask(t, was, subject.Use{About: about(at(noon.Add(-tick))), Fields: name}).Refused("use.not-held", "4.1")
}

// A file does not grow with every edit: of the values that are long replaced it is forgotten when they came, and what
// speaks of that time is refused rather than said of another value.
func TestLongReplacedValuesAreForgotten(t *testing.T) {
	t.Parallel()
	was, light := past(), 0
	for n := 2; n <= 60; n++ {
		was = append(was, on(noon.AddDate(0, 0, n), subject.Edited{Subject: anna, Items: []domain.Item{item("name", domain.AttributeEpoch(n), "N")},
			Superseded: []domain.Fate{destroyed("name", domain.AttributeEpoch(n-1))}}))
		if n == 40 {
			light = fold(subject.State{}, was...).Weight()
		}
	}
	if heavy := fold(subject.State{}, was...).Weight(); heavy != light {
		t.Errorf("after 60 edits the file weighs %d, after 40 %d", heavy, light)
	}
	use := func(day int) subject.Command {
		return subject.Use{About: about(at(noon.AddDate(0, 0, day))), Fields: []domain.Field{"name"}}
	}
	for _, day := range []int{28, 40, 60} {
		ask(t, was, use(day)).Then(subject.Used{Subject: anna, Values: []domain.FieldEpoch{pointer("name", domain.AttributeEpoch(day))}})
	}
	ask(t, was, use(27)).Refused("use.not-held", "4.1")
	ask(t, was, subject.Edit{About: about(at(noon)), Values: []subject.Given{given("name", "B")}}).Events()
}

// What ends something does not come before its beginning.
func TestNothingEndsBeforeItBegan(t *testing.T) {
	t.Parallel()
	name := []domain.Field{"name"}
	service := []domain.Purpose{"service"}
	for word, c := range map[string]struct {
		begun  subject.Event
		clause string
		end    func(subject.About) subject.Command
	}{
		"hold": {placedHold(nil), "4.3", func(a subject.About) subject.Command { return subject.ReleaseHold{About: a, Hold: hold} }},
		"restriction": {subject.Restricted{Subject: anna, Fields: name}, "ua.8.2.10",
			func(a subject.About) subject.Command { return subject.LiftRestriction{About: a, Fields: name} }},
		"objection": {subject.Objected{Subject: anna, Purposes: service}, "ua.8.2.5",
			func(a subject.About) subject.Command { return subject.WithdrawObjection{About: a, Purposes: service} }},
		"rectify": {subject.Disputed{Subject: anna, Value: pointer("name", "1")}, "1.4-1.5",
			func(a subject.About) subject.Command { return subject.Rectify{About: a, Field: "name"} }},
		"publish": {subject.Published{Subject: anna, Values: []domain.FieldEpoch{pointer("name", "1")}}, "3.2",
			func(a subject.About) subject.Command { return subject.WithdrawPublication{About: a, Fields: name} }},
	} {
		was := past(on(later, c.begun))
		ask(t, was, c.end(about(at(later.Add(-tick))))).Refused(word+".too-early", c.clause)
		ask(t, was, c.end(about(at(later)))).Events()
	}
}

// What is kept after a deletion is neither shown nor disclosed as such before it was deleted.
func TestClause_4_3_NothingIsKeptBeforeItWasDeleted(t *testing.T) {
	t.Parallel()
	was := past(on(later, taxDeleted()))
	values := []domain.FieldEpoch{pointer("tax_number", "1")}
	commands := func(when time.Time) (subject.View, subject.Disclose) {
		return subject.View{About: about(at(when)), Retained: values, Role: "accountant"},
			subject.Disclose{About: about(at(when)), Recipient: courier, Values: values, Basis: lawful()}
	}
	tax := &recipient.Card{Name: "Tax service", Kind: "authority", Country: "UA"}
	view, disclose := commands(later.Add(-tick))
	askWith(t, was, view, tax).Refused("view.not-retained", "4.3")
	askWith(t, was, disclose, tax).Refused("disclose.not-retained", "4.3")
	view, disclose = commands(later)
	askWith(t, was, view, tax).Events()
	askWith(t, was, disclose, tax).Events()
}
