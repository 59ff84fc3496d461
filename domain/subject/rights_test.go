package subject_test

import (
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

var (
	restricted = subject.Restricted{Subject: anna, Fields: []domain.Field{"name", "page"}, Document: "s-1"}
	cause      = order.UUID
)

func objected(p domain.Purpose) subject.Event {
	return subject.Objected{Subject: anna, Purposes: []domain.Purpose{p}}
}

func notice(duty string, to domain.RecipientID) subject.GiveNotice {
	return subject.GiveNotice{About: about(), Cause: cause, Duty: duty, Recipient: to, Channel: subject.ByPost, Document: "n-1"}
}

func TestRestrictionLeavesStorageOnly(t *testing.T) {
	t.Parallel()
	fields := []domain.Field{"name", "page"}
	restrict := subject.Restrict{About: about(), Fields: fields, Document: "s-1"}
	ask(t, past(), restrict).Then(restricted)
	ask(t, past(restricted), restrict).ThenNothing()
	told := restricted
	told.Tell = []domain.RecipientID{courier}
	ask(t, past(transferred(lawful())), restrict).Then(told)
	live := past(granted(), restricted)
	name := []domain.Field{"name"}
	refusals{
		{"use", live, subject.Use{About: about(), Fields: name}, "data.restricted", "ua.8.2.10"},
		{"publish", live, subject.Publish{About: about(bySubject), Fields: name}, "data.restricted", "ua.8.2.10"},
		{"transfer", live, transferOf(subject.ByConsent{Consent: consent}, "name"), "data.restricted", "ua.8.2.10"},
		{"view", live, subject.View{About: about(), Fields: name, Role: "officer"}, "data.restricted", "ua.8.2.10"},
		{"restrict what is not held", past(), subject.Restrict{About: about(), Fields: []domain.Field{"phone"}}, "restrict.not-held", "4.1"},
		{"restrict nothing", past(), subject.Restrict{About: about()}, "fields.none", ""},
		{"lift nothing", past(), subject.LiftRestriction{About: about()}, "fields.none", ""},
	}.run(t)
	ask(t, live, subject.View{About: about(purpose("contact")), Fields: name, Role: "officer"}).Events() // a request is answered
	ask(t, live, transferOf(lawful(), "name")).Events()
	ask(t, live, transferOf(defence(), "name")).Events()
	ask(t, live, subject.Delete{About: about(), Fields: name}).Events()
	ask(t, live, subject.Use{About: about(), Fields: []domain.Field{"email"}}).Events()
	lift := subject.LiftRestriction{About: about(), Fields: []domain.Field{"name", "email"}, Document: "s-2"}
	lifted := subject.RestrictionLifted{Subject: anna, Fields: name, Document: "s-2"}
	ask(t, live, lift).Then(lifted)
	ask(t, append(live, lifted), lift).ThenNothing()
	ask(t, append(live, lifted), subject.Use{About: about(), Fields: name}).Events()
}

func TestObjectionEndsProcessingForAPurpose(t *testing.T) {
	t.Parallel()
	object := subject.Object{About: about(), Purposes: []domain.Purpose{"advertising", "service"}, Document: "s-1"}
	ask(t, past(), object).Then(subject.Objected{Subject: anna, Purposes: object.Purposes, Document: "s-1"})
	ask(t, past(objected("service"), objected("advertising")), object).ThenNothing()
	live := past(granted(), objected("service"), objected("advertising"))
	name := []domain.Field{"name"}
	by := subject.ByConsent{Consent: consent}
	ads := transferOf(lawful(), "name")
	ads.About = about(purpose("advertising"), service("letters"))
	refusals{
		{"use", live, subject.Use{About: about(), Fields: name}, "purpose.objected", "ua.8.2.5"},
		{"transfer", live, transferOf(by, "name"), "purpose.objected", "ua.8.2.5"},
		{"direct marketing, even by law", live, ads, "purpose.objected", "ua.8.2.5"},
		{"direct marketing, even by duty", live, subject.Use{About: about(purpose("advertising"), service("letters"), grounds("ua.11.1.5")),
			Fields: []domain.Field{"email"}}, "purpose.objected", "ua.8.2.5"},
		{"object to nothing", past(), subject.Object{About: about()}, "object.purposes", "2.2"},
		{"object twice in one", past(), subject.Object{About: about(), Purposes: []domain.Purpose{"service", "service"}}, "object.purposes", "2.2"},
		{"object to what is not done", past(), subject.Object{About: about(), Purposes: []domain.Purpose{"gossip"}}, "object.purpose", "2.2"},
	}.run(t)
	ask(t, live, transferOf(lawful(), "name")).Events()
	ask(t, live, subject.Use{About: about(grounds("ua.11.1.5")), Fields: name}).Events() // a duty that a law imposes
	ask(t, live, subject.Use{About: about(purpose("contact")), Fields: name}).Events()
	back := subject.WithdrawObjection{About: about(), Purposes: []domain.Purpose{"service", "contact"}}
	withdrawn := subject.ObjectionWithdrawn{Subject: anna, Purposes: []domain.Purpose{"service"}}
	ask(t, live, back).Then(withdrawn)
	ask(t, append(live, withdrawn), back).ThenNothing()
	ask(t, append(live, withdrawn), subject.Use{About: about(), Fields: name}).Events()
}

// Whoever got values is told of their change and deletion once, until he gets some again.
func TestRecipientsAreTold(t *testing.T) {
	t.Parallel()
	got := past(transferred(lawful()))
	edit := subject.Edit{About: about(), Values: []subject.Given{given("email", "b"), given("tax_number", "2")}}
	e := ask(t, got, edit).Events()[0].(subject.Edited)
	if len(e.Tell) != 1 || e.Tell[0] != courier {
		t.Errorf("told of the edit: %v, want the courier", e.Tell)
	}
	if e := ask(t, got, subject.Edit{About: about(), Values: []subject.Given{given("tax_number", "2")}}).Events()[0].(subject.Edited); len(e.Tell) != 0 {
		t.Errorf("told of a field that went to nobody: %v", e.Tell)
	}
	deleted := ask(t, append(got, e), subject.Delete{About: about(), Fields: []domain.Field{"email"}}).Events()[0].(subject.Deleted)
	if len(deleted.Tell) != 1 {
		t.Errorf("told of the deletion: %v", deleted.Tell)
	}
	anew := subject.Collected{Subject: anna, Items: []domain.Item{item("email", "3", "c")}}
	if e := ask(t, append(got, e, deleted, anew), subject.Delete{About: about(), Fields: []domain.Field{"email"}}).Events()[0].(subject.Deleted); len(e.Tell) != 0 {
		t.Errorf("told of a value that came after the deletion: %v", e.Tell)
	}
	closed := ask(t, append(got, e, deleted), subject.Close{About: about()}).Events()[0].(subject.Closed)
	if len(closed.Tell) != 1 {
		t.Errorf("told of the closing: %v, for the name was not deleted before", closed.Tell)
	}
	disputed := subject.Disputed{Subject: anna, Value: pointer("name", "1")}
	rectify := subject.Rectify{About: about(), Field: "name", Value: domain.ClearValue("B")}
	if e := ask(t, append(got, disputed), rectify).Events()[0].(subject.Rectified); len(e.Tell) != 1 {
		t.Errorf("told of the correction: %v", e.Tell)
	}
}

func TestNotices(t *testing.T) {
	t.Parallel()
	got := past(transferred(lawful()))
	nobody := domain.RecipientID{}
	ask(t, past(), notice("notice.transfer", nobody)).Then(subject.NoticeGiven{Subject: anna, Cause: cause, Duty: "notice.transfer", Channel: subject.ByPost, Document: "n-1"})
	ask(t, got, notice("notice.recipient", courier)).Then(subject.NoticeGiven{Subject: anna, Cause: cause, Duty: "notice.recipient", Recipient: courier, Channel: subject.ByPost, Document: "n-1"})
	version := subject.GiveNotice{About: about(), Duty: "policy.notice", Policy: "2026-01", Channel: subject.BySite}
	ask(t, past(), version).Then(subject.NoticeGiven{Subject: anna, Duty: "policy.notice", Policy: "2026-01", Channel: subject.BySite})
	but := func(c subject.GiveNotice, change func(*subject.GiveNotice)) subject.Command {
		change(&c)
		return c
	}
	refusals{
		{"of an unknown duty", past(), notice("notice.birthday", nobody), "notice.duty", "3.4"},
		{"of a duty to answer", past(), notice("request.access", nobody), "notice.duty", "3.4"},
		{"without a cause", past(), but(notice("notice.change", nobody), func(c *subject.GiveNotice) { c.Cause = domain.RequestID{}.UUID }), "notice.cause", "3.4"},
		{"a version with a cause", past(), but(version, func(c *subject.GiveNotice) { c.Cause = cause }), "notice.cause", "3.4"},
		{"no version", past(), but(version, func(c *subject.GiveNotice) { c.Policy = "" }), "notice.policy", "6.1"},
		{"a version of another duty", past(), but(notice("notice.change", nobody), func(c *subject.GiveNotice) { c.Policy = "2026-01" }), "notice.policy", "6.1"},
		{"to a stranger", past(), notice("notice.recipient", courier), "notice.recipient", "ua.21.3"},
		{"to nobody", past(), notice("notice.recipient", nobody), "notice.recipient", "ua.21.3"},
		{"to a third party instead", got, notice("notice.change", courier), "notice.recipient", "3.4"},
		{"by pigeon", past(), but(notice("notice.change", nobody), func(c *subject.GiveNotice) { c.Channel = "pigeon" }), "notice.channel", "6.1"},
		{"by a sentence", past(), but(notice("notice.change", nobody), func(c *subject.GiveNotice) { c.Document = "a letter" }), "document.invalid", ""},
		{"before he is known", nil, notice("notice.change", nobody), "subject.unknown", "preamble"},
	}.run(t)
}

func TestGroundsOfDeletion(t *testing.T) {
	t.Parallel()
	name := []domain.Field{"name"}
	ask(t, past(), subject.Delete{About: about(), Fields: name, Ground: "term-over", Document: "act-1"}).Then(subject.Deleted{
		Subject: anna, Deleted: []domain.Fate{destroyed("name", "1")}, Services: []domain.Service{"orders"}, Ground: "term-over", Document: "act-1"})
	ask(t, past(), subject.Delete{About: about(), Fields: name, Ground: "whim"}).Refused("delete.ground", "4.2")
}

func TestTransfersNameExemptionAndRequest(t *testing.T) {
	t.Parallel()
	c := transferOf(lawful(), "name", "email")
	c.Exempt, c.Request = "told-at-collection", domain.RequestID(order)
	want := transferred(lawful()).(subject.Transferred)
	want.Exempt, want.Request = c.Exempt, c.Request
	ask(t, past(), c).Then(want)
	c.Exempt = "whim"
	ask(t, past(), c).Refused("transfer.exempt", "ua.21.1")
}
