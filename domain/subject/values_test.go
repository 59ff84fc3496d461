package subject_test

import (
	"strings"
	"testing"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// refusals is a table of commands that are refused on a past.
type refusals []struct {
	name   string
	past   []subject.Event
	cmd    subject.Command
	code   string
	clause string
}

func (cases refusals) run(t *testing.T) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ask(t, tc.past, tc.cmd).Refused(tc.code, tc.clause)
		})
	}
}

func collect(source subject.Source, values ...subject.Given) subject.Collect {
	return subject.Collect{About: about(), Source: source, Values: values}
}

func TestRegisterRefusals(t *testing.T) {
	t.Parallel()
	open := []subject.Event{registered()}
	reference := func(f domain.Field, v string) subject.Command {
		return subject.Register{About: about(), Reference: given(f, v)}
	}
	refusals{
		{"twice", open, subject.Register{About: about()}, "subject.registered", "preamble"},
		{"by a field that finds nobody", nil, reference("name", "A"), "register.reference", "preamble"},
		{"by a field nobody knows", nil, reference("shoe_size", "A"), "field.unknown", "2.1"},
		{"by an empty mark", nil, reference("account", ""), "value.empty", ""},
		{"without a subject", nil, subject.Register{About: subject.About{Operation: about().Operation}}, "subject.missing", ""},
		{"without an operation", nil, subject.Register{About: subject.About{Subject: anna}}, "operation.incomplete", "3.4"},
	}.run(t)
}

func TestCollectRefusals(t *testing.T) {
	t.Parallel()
	page := given("page", "/")
	long := strings.Repeat("x", 10<<20)
	refusals{
		{"unknown subject", nil, collect("subject", given("name", "A")), "subject.unknown", "preamble"},
		{"closed account", past(subject.Closed{Subject: anna}), collect("subject", given("phone", "1")), "account.closed", "4.1"},
		{"unknown field", past(), collect("subject", given("shoe_size", "42")), "field.unknown", "2.1"},
		{"10 MiB", past(), collect("subject", given("agreement", long)), "value.too-long", "2.1"},
		{"invalid UTF-8", past(), collect("subject", given("phone", "\xff")), "value.not-utf8", ""},
		{"empty", past(), collect("subject", given("phone", "")), "value.empty", ""},
		{"sealed", past(), collect("subject", subject.Given{Field: "phone", Value: domain.SealedValue([]byte("x"))}), "value.missing", ""},
		{"no value", past(), collect("subject", subject.Given{Field: "phone"}), "value.missing", ""},
		{"nothing", past(), collect("subject"), "fields.none", ""},
		{"twice in one", past(), collect("subject", given("phone", "1"), given("phone", "2")), "fields.repeated", ""},
		{"held", past(), collect("subject", given("email", "a@b")), "collect.held", "1.1.1"},
		{"mixed", past(), collect("automatic", given("preferences", "x"), page), "collect.mixed", "1.1"},
		{"unknown source", past(), collect("neighbour", page), "collect.source", "1.1"},
		{"wrong source", past(), collect("subject", page), "collect.source", "1.1"},
		{"written by the controller", past(), collect("subject", given("defence_statement", "x")), "field.not-collected", "2.1"},
		{"purpose not of the field", past(), subject.Collect{About: about(purpose("improvement")), Source: "subject", Values: []subject.Given{given("phone", "1")}}, "field.purpose", "2.2"},
		{"purpose outside the list", past(), subject.Collect{About: about(purpose("curiosity")), Source: "subject", Values: []subject.Given{given("phone", "1")}}, "operation.purpose", "2.2"},
		{"grounds outside the law", past(), subject.Collect{About: about(grounds("because")), Source: "subject", Values: []subject.Given{given("phone", "1")}}, "operation.grounds", "3.4"},
		{"foreign service", past(), subject.Collect{About: about(service("elsewhere")), Source: "subject", Values: []subject.Given{given("phone", "1")}}, "operation.service", "1.2"},
		{"service without the field", past(), subject.Collect{About: about(service("site")), Source: "subject", Values: []subject.Given{given("tax_number", "1")}}, "field.service", "1.2"},
		{"purpose not of the service", past(), subject.Collect{About: about(service("letters")), Source: "subject", Values: []subject.Given{given("email", "1")}}, "service.purpose", "3.1"},
		{"consent that nobody gave", past(), subject.Collect{About: about(grounds("ua.11.1.1")), Source: "subject", Values: []subject.Given{given("phone", "1")}}, "consent.none-recorded", "preamble"},
	}.run(t)
}

func TestCollectOpensTheNextEpochAfterADeletion(t *testing.T) {
	t.Parallel()
	gone := past(subject.Deleted{Subject: anna, Deleted: []domain.Fate{destroyed("email", "1")}})
	ask(t, gone, collect("subject", given("email", "new@example.com"))).
		Then(subject.Collected{Subject: anna, Source: "subject", Items: []domain.Item{item("email", "2", "new@example.com")}})
}

func TestTracesJoinTheMonthAndStayOutOfDeletedTime(t *testing.T) {
	t.Parallel()
	deleted := past(subject.Deleted{Subject: anna, Deleted: through(destroyed("page", "2024-03"))})
	visit := func(when time.Time) subject.Command {
		return subject.Collect{About: about(at(when)), Source: "automatic", Values: []subject.Given{given("page", "/")}}
	}
	in := func(e domain.Epoch) subject.Event {
		return subject.Collected{Subject: anna, Source: "automatic", Items: []domain.Item{item("page", e, "/")}}
	}
	ask(t, past(), visit(noon)).Then(in("2024-03"))
	ask(t, deleted, visit(noon)).Then(in("2024-03.1"))
	ask(t, deleted, visit(noon.AddDate(0, 1, 0))).Then(in("2024-04"))
	ask(t, deleted, visit(noon.AddDate(0, -1, 0))).Refused("value.deleted", "4.1")
}

func TestEditRefusals(t *testing.T) {
	t.Parallel()
	edit := func(values ...subject.Given) subject.Command { return subject.Edit{About: about(), Values: values} }
	refusals{
		{"not held", past(), edit(given("phone", "1")), "edit.not-held", "4.1"},
		{"a trace", past(), edit(given("page", "/")), "edit.trace", "1.1.2"},
		{"nothing", past(), edit(), "fields.none", ""},
		{"deleted before", past(subject.Deleted{Subject: anna, Deleted: []domain.Fate{destroyed("email", "1")}}), edit(given("email", "x")), "edit.not-held", "4.1"},
		{"too long", past(), edit(given("name", strings.Repeat("x", 257))), "value.too-long", "2.1"},
		{"purpose", past(), subject.Edit{About: about(purpose("advertising")), Values: []subject.Given{given("name", "B")}}, "field.purpose", "2.2"},
		{"the controller's words", past(subject.Transferred{Subject: anna, Basis: subject.ByDefence{Statement: item("defence_statement", "1", "s")}}),
			edit(given("defence_statement", "other")), "field.not-collected", "2.1"},
	}.run(t)
}

func TestDeleteRefusals(t *testing.T) {
	t.Parallel()
	refusals{
		{"nothing", past(), subject.Delete{About: about()}, "delete.which", "4.1"},
		{"all and some", past(), subject.Delete{About: about(), All: true, Fields: []domain.Field{"name"}}, "delete.which", "4.1"},
		{"not held", past(), subject.Delete{About: about(), Fields: []domain.Field{"phone"}}, "delete.not-held", "4.1"},
		{"unknown", past(), subject.Delete{About: about(), Fields: []domain.Field{"shoe_size"}}, "field.unknown", "2.1"},
		{"twice in one", past(), subject.Delete{About: about(), Fields: []domain.Field{"name", "name"}}, "fields.repeated", ""},
	}.run(t)
}

func TestDeleteOfTracesThatAreGoneChangesNothing(t *testing.T) {
	t.Parallel()
	gone := past(subject.Deleted{Subject: anna, Deleted: through(destroyed("page", "2024-03"))})
	ask(t, gone, subject.Delete{About: about(at(noon.AddDate(0, -2, 0))), Fields: []domain.Field{"page"}}).ThenNothing()
	ask(t, gone, subject.Delete{About: about(), Fields: []domain.Field{"page"}}).
		Then(subject.Deleted{Subject: anna, Deleted: through(destroyed("page", "2024-03.1"))})
}

func TestCloseReachesTracesUntilItIsRecorded(t *testing.T) {
	t.Parallel()
	d := subject.Decider()
	state := fold(d.Initial(), registered())
	c := subject.Case{Command: subject.Close{About: about()}, Context: subject.Context{Policy: imagine(), Now: noon.AddDate(0, 2, 0)}}
	events, err := subject.Decide(c, state)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range events[0].Fates() {
		if f.Epoch != "2024-05" || !f.Through {
			t.Errorf("fate of %s reaches %s (through: %v), want through 2024-05", f.Field, f.Epoch, f.Through)
		}
	}
}

func TestDisputeAndRectifyRefusals(t *testing.T) {
	t.Parallel()
	open := past(subject.Disputed{Subject: anna, Value: pointer("name", "1")})
	refusals{
		{"dispute what is not held", past(), subject.Dispute{About: about(), Field: "phone"}, "dispute.not-held", "4.1"},
		{"dispute a trace", past(), subject.Dispute{About: about(), Field: "page"}, "dispute.trace", "1.1.2"},
		{"dispute twice", open, subject.Dispute{About: about(), Field: "name"}, "dispute.open", "1.4-1.5"},
		{"a sentence as document", past(), subject.Dispute{About: about(), Field: "name", Document: "not a number"}, "document.invalid", ""},
		{"rectify without dispute", past(), subject.Rectify{About: about(), Field: "name"}, "rectify.no-dispute", "1.4-1.5"},
		{"rectify with nothing in it", open, subject.Rectify{About: about(), Field: "name", Value: domain.ClearValue("")}, "value.empty", ""},
		{"identify what is disputed", open, subject.Identify{About: about(), Method: "bank-id", Fields: []domain.Field{"name"}}, "identify.disputed", "1.3"},
		{"identify by guessing", past(), subject.Identify{About: about(), Method: "guess", Fields: []domain.Field{"name"}}, "identify.method", "1.3"},
		{"identify what is not held", past(), subject.Identify{About: about(), Method: "bank-id", Fields: []domain.Field{"phone"}}, "identify.not-held", "4.1"},
	}.run(t)
}

func TestUseAndViewRefusals(t *testing.T) {
	t.Parallel()
	view := func(role string, f domain.Field, change ...func(*domain.OperationSpec)) subject.Command {
		return subject.View{About: about(change...), Fields: []domain.Field{f}, Role: role}
	}
	refusals{
		{"use for another purpose", past(), subject.Use{About: about(purpose("advertising")), Fields: []domain.Field{"name"}}, "field.purpose", "2.2"},
		{"use what is not held", past(), subject.Use{About: about(), Fields: []domain.Field{"phone"}}, "use.not-held", "4.1"},
		{"use on no consent", past(), subject.Use{About: about(grounds("ua.11.1.1")), Fields: []domain.Field{"name"}}, "consent.none-recorded", "preamble"},
		{"use traces of the future", past(), subject.Use{About: about(), Fields: []domain.Field{"page"}, Months: []domain.Month{"2024-04"}}, "months.invalid", ""},
		{"use traces of no month", past(), subject.Use{About: about(), Fields: []domain.Field{"page"}, Months: []domain.Month{"2024-1"}}, "months.invalid", ""},
		{"view without a role", past(), view("", "name"), "view.role", "5.1"},
		{"view for another purpose", past(), view("accountant", "name", purpose("contact")), "view.purpose", "5.1"},
		{"view another category", past(), view("accountant", "email"), "view.category", "5.1"},
		{"view what is not held", past(), view("officer", "phone"), "view.not-held", "4.1"},
	}.run(t)
}
