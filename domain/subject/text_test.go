package subject_test

import (
	"strings"
	"testing"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

var asked = domain.RequestID(order)

// written is the n-th text that Anna wrote in a request.
func written(n int, text string) subject.Collected {
	return subject.Collected{Subject: anna, Source: subject.BySubject, Request: asked,
		Items: []domain.Item{item(subject.RequestTextField, domain.AttributeEpoch(n), text)}}
}

func writes(text string, change ...func(*domain.OperationSpec)) subject.AddText {
	return subject.AddText{About: about(append(change, purpose("contact"), service("support"))...), Request: asked, Text: domain.ClearValue(text)}
}

// Given a person who writes; when his words are recorded; then each text is a personal value of its own, beside
// the earlier ones, that only its operation brings and nobody edits.
func TestClause_7_1_WordsOfARequestAreSealedValues(t *testing.T) {
	t.Parallel()
	ask(t, past(), writes("What do you hold?")).Then(written(1, "What do you hold?"))
	ask(t, past(written(1, "a")), writes("And why?")).Then(written(2, "And why?"))
	ask(t, past(restricted), writes("Why is it restricted?")).Events()
	both := past(written(1, "a"), written(2, "b"))
	state := fold(subject.State{}, both...)
	for epoch, lives := range map[domain.Epoch]bool{"1": true, "2": true, "3": false, "0": false, "2024-03": false} {
		if state.Lives(pointer(subject.RequestTextField, epoch)) != lives {
			t.Errorf("epoch %s lives: %v", epoch, !lives)
		}
	}
	unnamed := writes("a")
	unnamed.Request = domain.RequestID{}
	forService, elsewhere := writes("a"), writes("a")
	forService.About = about()
	elsewhere.About = about(purpose("contact"), service("unknown"))
	refusals{
		{"of no request", past(), unnamed, "request.missing", "7.1"},
		{"for another purpose", past(), forService, "field.purpose", "2.2"},
		{"nothing", past(), writes(""), "value.empty", ""},
		{"a book", past(), writes(strings.Repeat("a", 16385)), "value.too-long", "2.1"},
		{"by nobody known", nil, writes("a"), "subject.unknown", "preamble"},
		{"after the account is closed", past(subject.Closed{Subject: anna}), writes("a"), "account.closed", "4.1"},
		{"on consent that was not given", past(), writes("a", grounds("ua.11.1.1")), "consent.none-recorded", "preamble"},
		{"by collecting", past(), collect("subject", given(subject.RequestTextField, "a")), "field.of-request", "7.1"},
		{"by editing", both, subject.Edit{About: about(purpose("contact")), Values: []subject.Given{given(subject.RequestTextField, "c")}}, "field.of-request", "7.1"},
		{"by publishing", both, subject.Publish{About: about(bySubject, purpose("contact")), Fields: []domain.Field{subject.RequestTextField}}, "field.of-request", "7.1"},
		{"by a service that is none", past(), elsewhere, "operation.service", "1.2"},
	}.run(t)
}

// Given texts of two requests; when the person deletes everything, or closes his account; then every text leaves
// his file and is kept for the time in which claims can be brought, as the written grounds of transfers are.
func TestWordsOfRequestsGoWithTheErasure(t *testing.T) {
	t.Parallel()
	both := past(written(1, "a"), written(2, "b"))
	until := term("limitation", noon)
	for _, c := range []subject.Command{subject.Delete{About: about(), All: true}, subject.Close{About: about()}} {
		fates := map[domain.FieldEpoch]domain.Fate{}
		for _, f := range ask(t, both, c).Events()[0].Fates() {
			fates[pointer(f.Field, f.Epoch)] = f
		}
		for _, e := range []domain.Epoch{"1", "2"} {
			if got := fates[pointer(subject.RequestTextField, e)]; got != retained(subject.RequestTextField, e, "limitation", until) {
				t.Errorf("%s: text %s: %+v", c.Name(), e, got)
			}
		}
	}
	order := ordered(subject.RequestTextField)
	ask(t, both, order).Then(subject.Deleted{Subject: anna, Ground: "court", Document: "757/1-k",
		Deleted: []domain.Fate{destroyed(subject.RequestTextField, "1"), destroyed(subject.RequestTextField, "2")}})
}

// Values that stand beside each other are viewed by their epochs, under the same rules as others.
func TestViewingOneOfSeveralValues(t *testing.T) {
	t.Parallel()
	both := past(written(1, "a"), written(2, "b"))
	view := func(role string, p domain.Purpose, values ...domain.FieldEpoch) subject.View {
		return subject.View{About: about(purpose(p)), Role: role, Values: values, Document: "m-1"}
	}
	first := pointer(subject.RequestTextField, "1")
	seen := subject.Viewed{Subject: anna, Role: "support", Values: []domain.FieldEpoch{first}, Document: "m-1"}
	ask(t, both, view("support", "contact", first)).Then(seen)
	mixed, kept := view("support", "contact", first), view("officer", "contact", first)
	mixed.Fields, kept.Retained = []domain.Field{"name"}, []domain.FieldEpoch{first}
	gone := subject.Deleted{Subject: anna, Deleted: []domain.Fate{retained(subject.RequestTextField, "1", "limitation", noon.Add(time.Hour)), destroyed(subject.RequestTextField, "2")}}
	limited := subject.Restricted{Subject: anna, Fields: []domain.Field{subject.RequestTextField}}
	refusals{
		{"by a role that may not", both, view("accountant", "service", first), "view.category", "5.1"},
		{"that is not there", both, view("support", "contact", pointer(subject.RequestTextField, "3")), "view.not-held", "4.1"},
		{"of a field that is not there", both, view("support", "contact", pointer("phone", "1")), "view.not-held", "4.1"},
		{"twice", both, view("support", "contact", first, first), "values.repeated", ""},
		{"with fields", both, mixed, "view.mixed", "5.1"},
		{"with what is retained", both, kept, "view.mixed", "4.3"},
		{"that was deleted", append(both, gone), view("support", "contact", first), "view.not-held", "4.1"},
		{"that is restricted", append(both, limited), view("officer", "service", first), "data.restricted", "ua.8.2.10"},
		{"a trace", both, view("officer", "contact", pointer("page", "2024-03")), "view.trace", "1.1.2"},
	}.run(t)
	ask(t, append(both, limited), view("officer", "contact", first)).Events() // the request is answered
}
