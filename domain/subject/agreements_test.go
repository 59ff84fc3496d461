package subject_test

import (
	"testing"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
)

func imagine() *policy.Policy { return policy.Imagine() }

func grant(change func(*subject.GrantConsent)) subject.Command {
	c := subject.GrantConsent{About: about(), Consent: consent, Scope: scope(), TextHash: textHash}
	change(&c)
	return c
}

func TestConsentRefusals(t *testing.T) {
	t.Parallel()
	refusals{
		{"without id", past(), grant(func(c *subject.GrantConsent) { c.Consent = domain.ConsentID{} }), "consent.missing", "3.3.1"},
		{"twice", past(granted()), grant(func(*subject.GrantConsent) {}), "consent.exists", "3.3.1"},
		{"to no text", past(), grant(func(c *subject.GrantConsent) { c.TextHash = "" }), "consent.text", "3.3.1"},
		{"ended before it begins", past(), grant(func(c *subject.GrantConsent) { c.Until = noon }), "consent.until", "3.3.1"},
		{"for nothing", past(), grant(func(c *subject.GrantConsent) { c.Scope.Purposes = nil }), "consent.scope", "2.2"},
		{"of nothing", past(), grant(func(c *subject.GrantConsent) { c.Scope.Fields = nil }), "fields.none", ""},
		{"unknown purpose", past(), grant(func(c *subject.GrantConsent) { c.Scope.Purposes = []domain.Purpose{"fun"} }), "scope.purpose", "2.2"},
		{"purpose not of the field", past(), grant(func(c *subject.GrantConsent) { c.Scope.Purposes = []domain.Purpose{"advertising"} }), "field.purpose", "2.2"},
		{"unknown kind", past(), grant(func(c *subject.GrantConsent) { c.Scope.RecipientKinds = []domain.RecipientKind{"spy"} }), "scope.recipient-kind", "3.3"},
		{"nameless recipient", past(), grant(func(c *subject.GrantConsent) { c.Scope.Recipients = make([]domain.RecipientID, 1) }), "consent.scope", "3.3"},
		{"withdraw what was not given", past(), subject.WithdrawConsent{About: about(), Consent: consent}, "consent.unknown", "3.3.1"},
	}.run(t)
}

func TestWithdrawingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	withdrawn := subject.ConsentWithdrawn{Subject: anna, Consent: consent}
	ask(t, past(granted()), subject.WithdrawConsent{About: about(), Consent: consent}).Then(withdrawn)
	ask(t, past(granted(), withdrawn), subject.WithdrawConsent{About: about(), Consent: consent}).ThenNothing()
}

func TestOrderRefusals(t *testing.T) {
	t.Parallel()
	place := subject.PlaceOrder{About: about(), Order: order, Scope: scope()}
	nowhere := place
	nowhere.Scope.Recipients = nil
	done, cancelled := past(placed(), subject.OrderExecuted{Subject: anna, Order: order}), subject.OrderCancelled{Subject: anna, Order: order}
	refusals{
		{"without id", past(), subject.PlaceOrder{About: about(), Scope: scope()}, "order.missing", "3.3.2"},
		{"twice", past(placed()), place, "order.exists", "3.3.2"},
		{"to nobody", past(), nowhere, "order.scope", "3.3.2"},
		{"execute an unknown one", past(), subject.ExecuteOrder{About: about(), Order: order}, "order.unknown", "3.3.2"},
		{"execute twice", done, subject.ExecuteOrder{About: about(), Order: order}, "order.ended", "3.3.2"},
		{"cancel an unknown one", past(), subject.CancelOrder{About: about(), Order: order}, "order.unknown", "3.3.2"},
		{"cancel what was carried out", done, subject.CancelOrder{About: about(), Order: order}, "order.ended", "3.3.2"},
		{"execute a cancelled one", past(placed(), cancelled), subject.ExecuteOrder{About: about(), Order: order}, "order.ended", "3.3.2"},
	}.run(t)
	ask(t, past(placed()), subject.CancelOrder{About: about(), Order: order}).Then(cancelled)
	ask(t, past(placed(), cancelled), subject.CancelOrder{About: about(), Order: order}).ThenNothing()
}

func transferOf(basis subject.Basis, fields ...domain.Field) subject.Transfer {
	return subject.Transfer{About: about(), Recipient: courier, Fields: fields, Basis: basis}
}

func lawful() subject.ByLaw {
	return subject.ByLaw{
		Authority: "tax-service", Act: "TCU", Article: "73.3", Document: "14/02-7",
		Dated: noon.AddDate(0, 0, -3), Approvers: [2]domain.Reference{"e-1", "e-2"},
	}
}

func defence() subject.ByDefence {
	return subject.ByDefence{Evidence: "case-7", Approver: "e-1", Statement: domain.Item{Value: domain.ClearValue("he sells what is not his")}}
}

func TestTransferByConsentRefusals(t *testing.T) {
	t.Parallel()
	by := subject.ByConsent{Consent: consent}
	live := past(granted())
	short := past(subject.ConsentGranted{Subject: anna, Consent: consent, Scope: scope(), TextHash: textHash, Until: noon})
	other := subject.Transfer{About: about(purpose("contact")), Recipient: courier, Fields: []domain.Field{"name"}, Basis: by}
	stranger := transferOf(by, "name")
	stranger.Recipient = domain.RecipientID(order)
	refusals{
		{"never given", past(), transferOf(by, "name"), "transfer.no-consent", "3.3.1"},
		{"withdrawn", past(granted(), subject.ConsentWithdrawn{Subject: anna, Consent: consent}), transferOf(by, "name"), "transfer.no-consent", "3.3.1"},
		{"expired", short, transferOf(by, "name"), "transfer.no-consent", "3.3.1"},
		{"one field too many", live, transferOf(by, "name", "tax_number"), "transfer.no-consent", "3.3.1"},
		{"another purpose", live, other, "transfer.no-consent", "3.3.1"},
		{"another recipient", live, stranger, "transfer.no-consent", "3.3.1"},
		{"what is not held", live, transferOf(by, "phone"), "transfer.not-held", "4.1"},
		{"no basis", live, transferOf(nil, "name"), "transfer.basis", "3.3"},
		{"for statistics", live, subject.Transfer{About: about(purpose("statistics")), Recipient: courier, Fields: []domain.Field{"name"}, Basis: by}, "purpose.depersonalised", "2.2.5"},
	}.run(t)
	askWith(t, live, transferOf(by, "name"), nil).Refused("transfer.unknown-recipient", "3.3")
}

func TestTransferByOrderRefusals(t *testing.T) {
	t.Parallel()
	by := subject.ByOrder{Order: order}
	stranger := transferOf(by, "name")
	stranger.Recipient = domain.RecipientID(order)
	refusals{
		{"never placed", past(), transferOf(by, "name"), "transfer.no-order", "3.3.2"},
		{"executed", past(placed(), subject.OrderExecuted{Subject: anna, Order: order}), transferOf(by, "name"), "transfer.no-order", "3.3.2"},
		{"cancelled", past(placed(), subject.OrderCancelled{Subject: anna, Order: order}), transferOf(by, "name"), "transfer.no-order", "3.3.2"},
		{"not in it", past(placed()), transferOf(by, "tax_number"), "transfer.no-order", "3.3.2"},
		{"another recipient", past(placed()), stranger, "transfer.no-order", "3.3.2"},
	}.run(t)
}

func TestTransferByLawRefusals(t *testing.T) {
	t.Parallel()
	but := func(change func(*subject.ByLaw)) subject.Command {
		b := lawful()
		change(&b)
		return transferOf(b, "name")
	}
	refusals{
		{"no authority", past(), but(func(b *subject.ByLaw) { b.Authority = "" }), "transfer.law-incomplete", "3.3.3"},
		{"no act", past(), but(func(b *subject.ByLaw) { b.Act = "" }), "transfer.law-incomplete", "3.3.3"},
		{"no article", past(), but(func(b *subject.ByLaw) { b.Article = "" }), "transfer.law-incomplete", "3.3.3"},
		{"no document", past(), but(func(b *subject.ByLaw) { b.Document = "" }), "transfer.law-incomplete", "3.3.3"},
		{"no date", past(), but(func(b *subject.ByLaw) { b.Dated = time.Time{} }), "transfer.law-incomplete", "3.3.3"},
		{"dated tomorrow", past(), but(func(b *subject.ByLaw) { b.Dated = noon.AddDate(0, 0, 1) }), "transfer.law-incomplete", "3.3.3"},
		{"one approver", past(), but(func(b *subject.ByLaw) { b.Approvers[1] = "" }), "transfer.two-approvers", "3.3.3"},
		{"the same approver twice", past(), but(func(b *subject.ByLaw) { b.Approvers[1] = b.Approvers[0] }), "transfer.two-approvers", "3.3.3"},
		{"approved by the actor", past(), but(func(b *subject.ByLaw) { b.Approvers[1] = "e-17" }), "transfer.two-approvers", "3.3.3"},
	}.run(t)
}

func TestTransferByDefenceRefusals(t *testing.T) {
	t.Parallel()
	but := func(change func(*subject.ByDefence)) subject.Command {
		b := defence()
		change(&b)
		return transferOf(b, "name")
	}
	refusals{
		{"no evidence", past(), but(func(b *subject.ByDefence) { b.Evidence = "" }), "transfer.defence-incomplete", "3.3.4"},
		{"no grounds", past(), but(func(b *subject.ByDefence) { b.Statement = domain.Item{} }), "transfer.defence-incomplete", "3.3.4"},
		{"empty grounds", past(), but(func(b *subject.ByDefence) { b.Statement.Value = domain.ClearValue("") }), "value.empty", ""},
		{"no approver", past(), but(func(b *subject.ByDefence) { b.Approver = "" }), "transfer.approver", "3.3.4"},
		{"approved by the actor", past(), but(func(b *subject.ByDefence) { b.Approver = "e-17" }), "transfer.approver", "3.3.4"},
	}.run(t)
}

func TestTransferAbroad(t *testing.T) {
	t.Parallel()
	by := subject.ByConsent{Consent: consent}
	to := func(country domain.Country) *recipient.Card {
		return &recipient.Card{Name: "Carrier", Kind: "delivery", Country: country}
	}
	on := func(ground string, basis subject.Basis) subject.Command {
		c := transferOf(basis, "name")
		c.Abroad = ground
		return c
	}
	live := past(granted())
	askWith(t, live, on("", by), to("DE")).Refused("transfer.abroad", "ua.29")
	askWith(t, live, on("because", by), to("DE")).Refused("transfer.abroad", "ua.29")
	askWith(t, live, on("ua.29.3", by), to("US")).Refused("transfer.abroad", "ua.29")
	askWith(t, past(), on("ua.29.4.1", lawful()), to("US")).Refused("transfer.abroad", "ua.29")
	askWith(t, live, on("ua.29.3", by), to("UA")).Refused("transfer.abroad", "ua.29")
	for country, ground := range map[domain.Country]string{"DE": "ua.29.3", "US": "ua.29.4.1"} {
		askWith(t, live, on(ground, by), to(country)).Then(subject.Transferred{
			Subject: anna, Recipient: subject.Recipient{ID: courier, Kind: "delivery", Country: country},
			Values: []domain.FieldEpoch{pointer("name", "1")}, Basis: by, Abroad: ground,
		})
	}
}
