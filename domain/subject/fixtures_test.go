package subject_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/domaintest"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
)

var (
	anna     = domain.SubjectID{UUID: uuid.MustParse("a0000000-0000-4000-8000-000000000001")}
	courier  = domain.RecipientID{UUID: uuid.MustParse("b0000000-0000-4000-8000-000000000001")}
	consent  = domain.ConsentID{UUID: uuid.MustParse("c0000000-0000-4000-8000-000000000001")}
	order    = domain.OrderID{UUID: uuid.MustParse("d0000000-0000-4000-8000-000000000001")}
	hold     = domain.HoldID{UUID: uuid.MustParse("e0000000-0000-4000-8000-000000000001")}
	noon     = time.Date(2024, 3, 10, 12, 0, 0, 0, time.UTC)
	march    = domain.Month("2024-03")
	textHash = strings.Repeat("ab", 32)
	local    = &recipient.Card{Name: "Courier", Kind: "delivery", Country: "UA"}
)

// spec is the operation of most tests; they change what they are about.
func spec() domain.OperationSpec {
	return domain.OperationSpec{
		Key: "k", Actor: domain.Actor{Kind: domain.ActorEmployee, ID: "e-17"}, At: noon,
		Purpose: "service", Grounds: "ua.11.1.3", Service: "account",
	}
}

func about(change ...func(*domain.OperationSpec)) subject.About {
	s := spec()
	for _, f := range change {
		f(&s)
	}
	op, err := domain.NewOperation(s)
	if err != nil {
		panic(err)
	}
	return subject.About{Subject: anna, Operation: op}
}

func purpose(p domain.Purpose) func(*domain.OperationSpec) {
	return func(s *domain.OperationSpec) { s.Purpose = p }
}

func grounds(g domain.Grounds) func(*domain.OperationSpec) {
	return func(s *domain.OperationSpec) { s.Grounds = g }
}

func service(n domain.Service) func(*domain.OperationSpec) {
	return func(s *domain.OperationSpec) { s.Service = n }
}

func at(t time.Time) func(*domain.OperationSpec) {
	return func(s *domain.OperationSpec) { s.At = t }
}

func bySubject(s *domain.OperationSpec) {
	s.Actor = domain.Actor{Kind: domain.ActorSubject, ID: "self"}
}

// past is what has happened to Anna: registered, with name, e-mail and taxpayer's number.
func past(more ...subject.Event) []subject.Event {
	return append([]subject.Event{registered(), collected("name", "email", "tax_number")}, more...)
}

func registered() subject.Event {
	p := policy.Imagine()
	return subject.Registered{Subject: anna, Policy: p.Version, TextHash: p.TextHash}
}

func collected(fields ...domain.Field) subject.Event {
	e := subject.Collected{Subject: anna, Source: subject.BySubject}
	for _, f := range fields {
		e.Items = append(e.Items, item(f, "1", "value of "+string(f)))
	}
	return e
}

func item(f domain.Field, e domain.Epoch, value string) domain.Item {
	return domain.Item{Subject: anna, Field: f, Epoch: e, Value: domain.ClearValue(value)}
}

func given(f domain.Field, value string) subject.Given {
	return subject.Given{Field: f, Value: domain.ClearValue(value)}
}

func pointer(f domain.Field, e domain.Epoch) domain.FieldEpoch {
	return domain.FieldEpoch{Field: f, Epoch: e}
}

func destroyed(f domain.Field, e domain.Epoch) domain.Fate {
	return domain.Fate{Subject: anna, Field: f, Epoch: e, Action: domain.Destroy}
}

func retained(f domain.Field, e domain.Epoch, rule string, until time.Time) domain.Fate {
	return domain.Fate{Subject: anna, Field: f, Epoch: e, Action: domain.Retain, Rule: rule, Until: until}
}

// term is the end of a rule's term that begins at a time: the first moment after its last day in Kyiv.
func term(rule string, from time.Time) time.Time {
	r, ok := law.UA().Rule(rule)
	if !ok {
		panic("no rule " + rule)
	}
	return law.UA().Due(r.Term, from)
}

func kyiv(year int, month time.Month, day int) time.Time {
	return law.Date{Year: year, Month: month, Day: day}.Begins(law.UA().Location())
}

func through(fates ...domain.Fate) []domain.Fate {
	for i := range fates {
		fates[i].Through = true
	}
	return fates
}

// allTraces are the fates of every trace of the catalogue.
func allTraces(e domain.Epoch) []domain.Fate {
	var fates []domain.Fate
	for _, f := range policy.Imagine().Traces() {
		fates = append(fates, destroyed(f, e))
	}
	return through(fates...)
}

func scope() subject.Scope {
	return subject.Scope{
		Purposes: []domain.Purpose{"service"}, Fields: []domain.Field{"name", "email"},
		Recipients: []domain.RecipientID{courier},
	}
}

func paper() subject.Warrant {
	return subject.Warrant{Authority: "court-7", Act: "CPC", Article: "170", Document: "757/1-k", Dated: noon.AddDate(0, 0, -3)}
}

func granted() subject.Event {
	return subject.ConsentGranted{Subject: anna, Consent: consent, Scope: scope(), TextHash: textHash}
}

func placed() subject.Event {
	return subject.OrderPlaced{Subject: anna, Order: order, Scope: scope()}
}

// dated is an event that did not happen at noon, like the others of the tests.
type dated struct {
	subject.Event
	at time.Time
}

func factOf(e subject.Event) subject.Fact {
	if d, ok := e.(dated); ok {
		return subject.Fact{Event: d.Event, At: d.at}
	}
	return subject.Fact{Event: e, At: noon}
}

func evolve(s subject.State, e subject.Event) subject.State { return subject.Evolve(s, factOf(e)) }

func fold(s subject.State, events ...subject.Event) subject.State {
	facts := make([]subject.Fact, len(events))
	for i, e := range events {
		facts[i] = factOf(e)
	}
	return subject.Fold(s, facts...)
}

// decider is the aggregate's, for events that happened at noon unless they are dated.
func decider() domain.Decider[subject.Case, subject.State, subject.Event] {
	return domain.Decider[subject.Case, subject.State, subject.Event]{
		Initial: subject.Decider().Initial, Decide: subject.Decide, Evolve: evolve,
	}
}

// ask decides one command on Anna's past.
func ask(t *testing.T, events []subject.Event, c subject.Command) *domaintest.Answer[subject.Event] {
	t.Helper()
	return askWith(t, events, c, local)
}

func askWith(t *testing.T, events []subject.Event, c subject.Command, card *recipient.Card) *domaintest.Answer[subject.Event] {
	t.Helper()
	return domaintest.Given(t, decider(), events...).
		When(subject.Case{Command: c, Context: subject.Context{Policy: policy.Imagine(), Recipient: card}})
}
