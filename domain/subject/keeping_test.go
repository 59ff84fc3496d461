package subject_test

import (
	"testing"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/domaintest"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
)

var (
	second = domain.HoldID(order)
	office = &recipient.Card{Name: "Tax service", Kind: "authority", Country: "UA"}
)

func placedHold(held []domain.Fate, late ...domain.FieldEpoch) subject.HoldPlaced {
	return subject.HoldPlaced{Subject: anna, Hold: hold, Warrant: paper(), Held: held, Late: late}
}

func holdAll() subject.PlaceHold {
	return subject.PlaceHold{About: about(), Hold: hold, All: true, Warrant: paper()}
}

// kept is the fate of a value that a hold keeps.
func kept(f domain.Field, e domain.Epoch) domain.Fate {
	return domain.Fate{Subject: anna, Field: f, Epoch: e, Action: domain.Retain, Rule: subject.HoldRule}
}

// taxDeleted: Anna's taxpayer's number was deleted at noon and is kept for its term.
func taxDeleted() subject.Event {
	return subject.Deleted{Subject: anna, Deleted: []domain.Fate{retained("tax_number", "1", "tax-documents", kyiv(2027, 3, 11))}}
}

// when decides under a policy of the test.
func when(t *testing.T, p *policy.Policy, events []subject.Event, c subject.Command) *domaintest.Answer[subject.Event] {
	t.Helper()
	return domaintest.Given(t, decider(), events...).
		When(subject.Case{Command: c, Context: subject.Context{Policy: p, Recipient: office}})
}

func TestAHoldStopsTermsAndSaysWhatIsLate(t *testing.T) {
	t.Parallel()
	edited := subject.Edited{Subject: anna, Items: []domain.Item{item("email", "2", "b")}, Superseded: []domain.Fate{destroyed("email", "1")}}
	pages := subject.Deleted{Subject: anna, Deleted: through(destroyed("page", "2024-02"))}
	ask(t, past(edited, pages, taxDeleted()), holdAll()).Then(
		placedHold([]domain.Fate{kept("tax_number", "1")}, pointer("email", "1"), pointer("page", "2024-02")))
	// A second hold finds the value held already.
	again := holdAll()
	again.Hold = second
	ask(t, past(taxDeleted(), placedHold([]domain.Fate{kept("tax_number", "1")})), again).Then(
		subject.HoldPlaced{Subject: anna, Hold: second, Warrant: paper()})
}

func TestDeletionAndEditUnderAHold(t *testing.T) {
	t.Parallel()
	held := past(placedHold(nil))
	ask(t, held, subject.Delete{About: about(), Fields: []domain.Field{"name", "page"}}).Then(subject.Deleted{
		Subject: anna, Services: []domain.Service{"orders"},
		Deleted: []domain.Fate{kept("name", "1"), through(kept("page", "2024-03"))[0]},
	})
	ask(t, held, subject.Edit{About: about(), Values: []subject.Given{given("tax_number", "2")}}).Then(subject.Edited{
		Subject: anna, Items: []domain.Item{item("tax_number", "2", "2")},
		Superseded: []domain.Fate{retained("tax_number", "1", "tax-documents", kyiv(2027, 3, 11)), kept("tax_number", "1")},
	})
}

func TestReleasingAHold(t *testing.T) {
	t.Parallel()
	deleted := subject.Deleted{Subject: anna, Deleted: []domain.Fate{kept("name", "1"), through(kept("page", "2024-03"))[0],
		retained("tax_number", "1", "tax-documents", kyiv(2027, 3, 11)), kept("tax_number", "1")}}
	held := past(placedHold(nil), deleted)
	free := subject.ReleaseHold{About: about(), Hold: hold, Document: "r-1"}
	freed := subject.HoldReleased{Subject: anna, Hold: hold, Document: "r-1", Freed: []domain.Fate{
		destroyed("name", "1"), through(destroyed("page", "2024-03"))[0], retained("tax_number", "1", "tax-documents", kyiv(2027, 3, 11))}}
	ask(t, held, free).Then(freed)
	ask(t, append(held, freed), free).ThenNothing()
	late := free
	late.About = about(at(kyiv(2027, 3, 11)))
	ask(t, held, late).Then(subject.HoldReleased{Subject: anna, Hold: hold, Document: "r-1", Freed: []domain.Fate{
		destroyed("name", "1"), through(destroyed("page", "2024-03"))[0], destroyed("tax_number", "1")}})
	// Another hold on the name keeps it, and it alone.
	other := subject.HoldPlaced{Subject: anna, Hold: second, Fields: []domain.Field{"name"}, Warrant: paper()}
	ask(t, append(held, other), late).Then(subject.HoldReleased{Subject: anna, Hold: hold, Document: "r-1", Freed: []domain.Fate{
		through(destroyed("page", "2024-03"))[0], destroyed("tax_number", "1")}})
}

func TestHoldRefusals(t *testing.T) {
	t.Parallel()
	but := func(change func(*subject.PlaceHold)) subject.Command {
		c := holdAll()
		change(&c)
		return c
	}
	refusals{
		{"without id", past(), but(func(c *subject.PlaceHold) { c.Hold = domain.HoldID{} }), "hold.missing", "4.3"},
		{"twice", past(placedHold(nil)), holdAll(), "hold.exists", "4.3"},
		{"of nothing", past(), but(func(c *subject.PlaceHold) { c.All = false }), "hold.which", "4.3"},
		{"all and some", past(), but(func(c *subject.PlaceHold) { c.Fields = []domain.Field{"name"} }), "hold.which", "4.3"},
		{"of an unknown field", past(), but(func(c *subject.PlaceHold) { c.All, c.Fields = false, []domain.Field{"shoe_size"} }), "field.unknown", "2.1"},
		{"of a field twice", past(), but(func(c *subject.PlaceHold) { c.All, c.Fields = false, []domain.Field{"name", "name"} }), "fields.repeated", ""},
		{"without a paper", past(), but(func(c *subject.PlaceHold) { c.Warrant.Document = "" }), "hold.warrant", "4.3"},
		{"by a paper of tomorrow", past(), but(func(c *subject.PlaceHold) { c.Warrant.Dated = noon.AddDate(0, 0, 1) }), "hold.warrant", "4.3"},
		{"release of an unknown one", past(), subject.ReleaseHold{About: about(), Hold: hold}, "hold.unknown", "4.3"},
		{"release with a sentence", past(placedHold(nil)), subject.ReleaseHold{About: about(), Hold: hold, Document: "by the court"}, "document.invalid", ""},
	}.run(t)
}

func TestTheEndOfTerms(t *testing.T) {
	t.Parallel()
	end := kyiv(2027, 3, 11)
	deleted := past(taxDeleted())
	due := func(moment time.Time, values ...domain.FieldEpoch) subject.EndRetention {
		return subject.EndRetention{About: about(at(moment)), Values: values}
	}
	tax := pointer("tax_number", "1")
	ended := subject.RetentionEnded{Subject: anna, Ended: []domain.Fate{destroyed("tax_number", "1")}}
	ask(t, deleted, due(end)).Then(ended)
	ask(t, deleted, due(end, tax)).Then(ended)
	ask(t, deleted, due(end.Add(-time.Microsecond))).ThenNothing()
	ask(t, append(deleted, ended), due(end, tax)).ThenNothing()
	refusals{
		{"too early", deleted, due(end.Add(-time.Microsecond), tax), "retention.not-due", "4.3"},
		{"held", append(deleted, placedHold([]domain.Fate{kept("tax_number", "1")})), due(end, tax), "retention.held", "4.3"},
		{"live", past(), due(end, tax), "retention.live", "4.3"},
		{"a live trace", past(), due(end, pointer("page", "2024-03")), "retention.live", "4.3"},
		{"never there", past(), due(end, pointer("tax_number", "2")), "retention.unknown", "4.3"},
		{"of no field", past(), due(end, pointer("shoe_size", "1")), "retention.unknown", "4.3"},
		{"twice in one", deleted, due(end, tax, tax), "values.repeated", ""},
	}.run(t)
	ask(t, append(deleted, placedHold([]domain.Fate{kept("tax_number", "1")})), due(end)).ThenNothing()
}

// A trace that a hold kept is named by its month, since the file does not list months.
func TestMonthsOfATraceAreNamed(t *testing.T) {
	t.Parallel()
	held := past(placedHold(nil), subject.Deleted{Subject: anna, Deleted: []domain.Fate{through(kept("page", "2024-03"))[0]}})
	name := func(values ...domain.FieldEpoch) subject.EndRetention {
		return subject.EndRetention{About: about(), Values: values}
	}
	ask(t, held, name(pointer("page", "2023-11"))).Refused("retention.held", "4.3")
	ask(t, held, name(pointer("page", "2024-03"))).Refused("retention.held", "4.3")
	freed := append(held, subject.HoldReleased{Subject: anna, Hold: hold, Freed: []domain.Fate{through(destroyed("page", "2024-03"))[0]}})
	ask(t, freed, name(pointer("page", "2023-11"), pointer("page", "2024-03"))).Then(subject.RetentionEnded{Subject: anna,
		Ended: []domain.Fate{destroyed("page", "2023-11"), destroyed("page", "2024-03")}})
	ask(t, freed, name(pointer("page", "2024-03.1"))).Refused("retention.live", "4.3")
	ask(t, freed, name(pointer("page", "2024-04"))).Refused("retention.live", "4.3")
}

// A retained range of months ends as one when its own epoch is named, or none is; a month of it ends alone.
func TestARangeOfMonthsEndsAsOne(t *testing.T) {
	t.Parallel()
	end := kyiv(2027, 3, 11)
	ranges := past(subject.Deleted{Subject: anna, Deleted: through(retained("page", "2024-01", "tax-documents", end), retained("page", "2024-03", "limitation", end.AddDate(1, 0, 0)))})
	ask := func(moment time.Time, values ...domain.FieldEpoch) *domaintest.Answer[subject.Event] {
		return ask(t, ranges, subject.EndRetention{About: about(at(moment)), Values: values})
	}
	ended := func(fates ...domain.Fate) subject.RetentionEnded {
		return subject.RetentionEnded{Subject: anna, Ended: fates}
	}
	all := through(destroyed("page", "2024-01"))[0]
	ask(end).Then(ended(all))
	ask(end, pointer("page", "2024-01")).Then(ended(all))
	ask(end, pointer("page", "2023-07")).Then(ended(destroyed("page", "2023-07")))
	ask(end, pointer("page", "2024-02")).Refused("retention.not-due", "4.3")
	ask(end.AddDate(1, 0, 0)).Then(ended(all, through(destroyed("page", "2024-03"))[0]))
}

func TestATermFromCollectionEndsLiveTraces(t *testing.T) {
	t.Parallel()
	p := keeper()
	name := func(e domain.Epoch) subject.EndRetention {
		return subject.EndRetention{About: about(), Values: []domain.FieldEpoch{pointer("page", e)}}
	}
	when(t, p, past(), name("2023-12")).Then(subject.RetentionEnded{Subject: anna, Ended: through(destroyed("page", "2023-12"))})
	when(t, p, past(), name("2024-01")).Refused("retention.not-due", "4.3")
	when(t, p, past(), name("2023-12.1")).Refused("retention.unknown", "4.3")
	when(t, p, past(placedHold(nil)), name("2023-12")).Refused("retention.held", "4.3")
}

// While the account is open nobody knows when a term after the relation ends; closing it gives the end.
func TestATermAfterTheRelation(t *testing.T) {
	t.Parallel()
	p := keeper()
	deleted := subject.Deleted{Subject: anna, Services: []domain.Service{"orders"},
		Deleted: []domain.Fate{{Subject: anna, Field: "name", Epoch: "1", Action: domain.Retain, Rule: "aml"}}}
	when(t, p, past(), subject.Delete{About: about(), Fields: []domain.Field{"name"}}).Then(deleted)
	when(t, p, past(deleted), subject.EndRetention{About: about(at(noon.AddDate(9, 0, 0))), Values: []domain.FieldEpoch{pointer("name", "1")}}).
		Refused("retention.not-due", "4.3")
	leap := time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC)
	closed := when(t, p, past(deleted), subject.Close{About: about(at(leap))}).Events()
	fates := map[domain.FieldEpoch]domain.Fate{}
	for _, f := range closed[0].Fates() {
		fates[domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}] = f
	}
	end := kyiv(2033, 3, 1) // five years later there is no 29 February: the last day is the 28th
	for at, want := range map[domain.FieldEpoch]domain.Fate{
		pointer("name", "1"):       retained("name", "1", "aml", end),
		pointer("tax_number", "1"): retained("tax_number", "1", "aml", end), // longer than 1095 days
		pointer("email", "1"):      destroyed("email", "1"),
	} {
		if fates[at] != want {
			t.Errorf("%v: %+v, want %+v", at, fates[at], want)
		}
	}
	after := past(append([]subject.Event{deleted}, closed...)...)
	when(t, p, after, subject.EndRetention{About: about(at(end))}).Then(subject.RetentionEnded{Subject: anna, Ended: append(
		[]domain.Fate{destroyed("name", "1"), destroyed("tax_number", "1")},
		through(destroyed("page", "2027-12"), destroyed("page", "2028-01"), destroyed("page", "2028-02"))...)})
}

func disclose(values ...domain.FieldEpoch) subject.Disclose {
	return subject.Disclose{About: about(), Recipient: courier, Values: values, Basis: lawful()}
}

func TestDisclosure(t *testing.T) {
	t.Parallel()
	tax := pointer("tax_number", "1")
	ask := func(events []subject.Event, c subject.Command) *domaintest.Answer[subject.Event] {
		t.Helper()
		return askWith(t, events, c, office)
	}
	told := subject.Transferred{Subject: anna, Recipient: subject.Recipient{ID: courier, Kind: "authority", Country: "UA"},
		Values: []domain.FieldEpoch{tax}, Basis: lawful(), Retained: true}
	ask(past(taxDeleted()), disclose(tax)).Then(told)
	exempt := disclose(tax)
	exempt.Exempt, told.Exempt = "authority-task", "authority-task"
	ask(past(taxDeleted()), exempt).Then(told)
	exempt.Exempt = "because"
	ask(past(taxDeleted()), exempt).Refused("transfer.exempt", "ua.21.1")
	exempt.Exempt = "recipient-effort" // of another law
	ask(past(taxDeleted()), exempt).Refused("transfer.exempt", "ua.21.1")
	ask(past(), disclose(tax)).Refused("disclose.not-retained", "4.3")
	ask(past(taxDeleted()), disclose(pointer("email", "1"))).Refused("disclose.not-retained", "4.3")
	ask(past(taxDeleted()), disclose()).Refused("values.none", "")
	alone := disclose(tax)
	alone.Basis.Approvers[1] = "e-17"
	ask(past(taxDeleted()), alone).Refused("transfer.two-approvers", "3.3.3")
	late := disclose(tax)
	late.About = about(at(kyiv(2027, 3, 11)))
	ask(past(taxDeleted()), late).Refused("disclose.term-over", "4.3")
	ask(past(taxDeleted(), placedHold([]domain.Fate{kept("tax_number", "1")})), late).Then(subject.Transferred{Subject: anna,
		Recipient: told.Recipient, Values: told.Values, Basis: lawful(), Retained: true})
	askWith(t, past(taxDeleted()), disclose(tax), local).Refused("disclose.recipient", "4.3")
	askWith(t, past(taxDeleted()), disclose(tax), nil).Refused("transfer.unknown-recipient", "3.3")
	abroad := *office
	abroad.Country = "PL"
	askWith(t, past(taxDeleted()), disclose(tax), &abroad).Refused("transfer.abroad", "ua.29")
}

func TestViewingWhatIsRetained(t *testing.T) {
	t.Parallel()
	tax := pointer("tax_number", "1")
	view := func(role string, p domain.Purpose, values ...domain.FieldEpoch) subject.View {
		return subject.View{About: about(purpose(p)), Role: role, Retained: values, Document: "t-1"}
	}
	seen := subject.Viewed{Subject: anna, Role: "accountant", Values: []domain.FieldEpoch{tax}, Document: "t-1"}
	closed := past(taxDeleted(), subject.Closed{Subject: anna})
	ask(t, past(taxDeleted()), view("accountant", "service", tax)).Then(seen)
	ask(t, closed, view("accountant", "service", tax)).Then(seen)
	held := past(placedHold(nil), subject.Deleted{Subject: anna, Deleted: []domain.Fate{kept("name", "1")}})
	ask(t, held, view("officer", "service", pointer("name", "1"))).Then(subject.Viewed{Subject: anna, Role: "officer",
		Values: []domain.FieldEpoch{pointer("name", "1")}, Document: "t-1"})
	mixed := view("officer", "service", tax)
	mixed.Fields = []domain.Field{"name"}
	refusals{
		{"by another role", past(taxDeleted()), view("support", "service", tax), "view.reader", "4.3"},
		{"for another purpose", past(taxDeleted()), view("accountant", "contact", tax), "view.purpose", "5.1"},
		{"what only a hold keeps", held, view("accountant", "service", pointer("name", "1")), "view.reader", "4.3"},
		{"what is live", past(), view("accountant", "service", tax), "view.not-retained", "4.3"},
		{"with live values", past(taxDeleted()), mixed, "view.mixed", "4.3"},
		{"twice", past(taxDeleted()), view("accountant", "service", tax, tax), "values.repeated", ""},
	}.run(t)
}

func TestWhatOutlivesTheAccount(t *testing.T) {
	t.Parallel()
	closed := past(taxDeleted(), transferred(lawful()), subject.Closed{Subject: anna, Deleted: []domain.Fate{destroyed("name", "1"), destroyed("email", "1")}})
	ask(t, closed, holdAll()).Then(placedHold([]domain.Fate{kept("tax_number", "1")}, pointer("name", "1"), pointer("email", "1")))
	askWith(t, closed, disclose(pointer("tax_number", "1")), office).Events()
	ask(t, closed, subject.EndRetention{About: about(at(kyiv(2027, 3, 11)))}).Events()
	ask(t, closed, notice("notice.recipient", courier)).Events()
	ask(t, append(closed, placedHold(nil)), subject.ReleaseHold{About: about(), Hold: hold}).Events()
	refusals{
		{"restrict", closed, subject.Restrict{About: about(), Fields: []domain.Field{"name"}}, "account.closed", "4.1"},
		{"object", closed, subject.Object{About: about(), Purposes: []domain.Purpose{"service"}}, "account.closed", "4.1"},
		{"view", closed, subject.View{About: about(), Fields: []domain.Field{"name"}, Role: "officer"}, "account.closed", "4.1"},
	}.run(t)
}
