package cli

import (
	"context"
	"errors"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// textHash stands for the text that was agreed to: SHA-256 of "I agree to letters with news.".
const demoTextHash = "8b6f1f0d1f0c8f6a6d5d0f3f1a5b7c9e2d4f6a8b0c1e3d5f7a9b1c3d5e7f9a0b"

func (t *tour) send(who person, to domain.RecipientID, purpose domain.Purpose, grounds domain.Grounds, service domain.Service, basis subject.Basis, names ...string) subject.Transfer {
	return subject.Transfer{About: subject.About{Subject: who.id, Operation: t.by("employee", purpose, grounds, service)},
		Recipient: to, Fields: fields(names), Basis: basis}
}

// agree grants a consent, transfers on it, withdraws it, and is refused afterwards (3.3.1).
func (t *tour) agree(ctx context.Context) error {
	who := t.people[0]
	t.leap(8)
	t.title("A transfer by consent, until it is withdrawn (3.3.1)")
	t.consent = domain.ConsentID{UUID: t.id()}
	letters := func() subject.Transfer {
		s := t.send(who, t.partner, "advertising", "ua.11.1.1", "letters", subject.ByConsent{Consent: t.consent}, "email")
		s.Abroad = "ua.29.3"
		return s
	}
	err := t.refused(ctx, "send the email to Example Letters without a consent:", letters())
	return errors.Join(err,
		t.do(ctx, "grant: email to Example Letters for advertising", subject.GrantConsent{About: t.own(who), Consent: t.consent, TextHash: demoTextHash,
			Scope: subject.Scope{Purposes: []domain.Purpose{"advertising"}, Fields: []domain.Field{"email"}, Recipients: []domain.RecipientID{t.partner}}}),
		t.do(ctx, "send the email to Example Letters", letters()),
		t.do(ctx, "withdraw the consent", subject.WithdrawConsent{About: t.own(who), Consent: t.consent}),
		t.refused(ctx, "send the email once more:", letters()),
	)
}

// ordered places an order, transfers on it and carries it out (2.2.6, 3.3.2).
func (t *tour) ordered(ctx context.Context) error {
	who := t.people[0]
	t.title("A transfer that an order needs (2.2.6, 3.3.2)")
	place := func(id domain.OrderID, document domain.Reference) subject.PlaceOrder {
		about := subject.About{Subject: who.id, Operation: t.by("subject", "orders", "ua.11.1.3", "orders")}
		return subject.PlaceOrder{About: about, Order: id, Document: document,
			Scope: subject.Scope{Purposes: []domain.Purpose{"orders"}, Fields: fields([]string{"name", "phone", "city"}), RecipientKinds: []domain.RecipientKind{"delivery"}}}
	}
	t.order = domain.OrderID{UUID: t.id()}
	second := domain.OrderID{UUID: t.id()}
	by := func() subject.About {
		return subject.About{Subject: who.id, Operation: t.by("system", "orders", "ua.11.1.3", "orders")}
	}
	return errors.Join(
		t.do(ctx, "place the order 4711", place(t.order, "order-4711")),
		t.do(ctx, "send name, phone, city to Example Post", t.send(who, t.post, "orders", "ua.11.1.3", "orders", subject.ByOrder{Order: t.order}, "name", "phone", "city")),
		t.do(ctx, "the order is carried out", subject.ExecuteOrder{About: by(), Order: t.order}),
		t.do(ctx, "place the order 4712", place(second, "order-4712")),
		t.do(ctx, "... which is cancelled", subject.CancelOrder{About: by(), Order: second}),
	)
}

// byLaw transfers on the basis of law and in defence of rights (3.3.3, 3.3.4).
func (t *tour) byLaw(ctx context.Context) error {
	who := t.people[0]
	t.title("A transfer by law, and one in defence of rights (3.3.3, 3.3.4)")
	law := subject.ByLaw{Authority: "tax-office", Act: "2755-VI", Article: "73.3", Document: "request-15", Dated: t.at,
		Approvers: [2]domain.Reference{"e-18", "e-19"}}
	defence := subject.ByDefence{Evidence: "file-16", Approver: "e-18",
		Statement: domain.Item{Value: domain.ClearValue("Sells stolen goods through the account.")}}
	return errors.Join(
		t.do(ctx, "name and tax number to Example Tax Office", t.send(who, t.taxes, "service", "ua.11.1.5", "account", law, "name", "tax_number")),
		t.do(ctx, "name to Example Advocates, grounds sealed", t.send(who, t.counsel, "service", "ua.11.1.6", "account", defence, "name")),
	)
}

// shown publishes, uses and views (2.2, 3.2, 5.1).
func (t *tour) shown(ctx context.Context) error {
	who := t.people[0]
	t.title("Values are made public by their owner, used, looked at (3.2, 2.2, 5.1)")
	return errors.Join(
		t.do(ctx, "publish: name and city in the guestbook", subject.Publish{About: t.own(who), Fields: fields([]string{"name", "city"}), Place: "guestbook"}),
		t.do(ctx, "withdraw: the city is confidential again", subject.WithdrawPublication{About: t.own(who), Fields: fields([]string{"city"})}),
		t.do(ctx, "use: email, to send a notice", subject.Use{About: subject.About{Subject: who.id, Operation: t.by("system", "contact", "ua.11.1.3", "letters")}, Fields: fields([]string{"email"})}),
		t.do(ctx, "view: support looks at the phone for a ticket", subject.View{About: subject.About{Subject: who.id, Operation: t.by("employee", "contact", "ua.11.1.3", "support")},
			Fields: fields([]string{"phone"}), Role: "support", Document: "ticket-10"}),
	)
}

// refusals shows what the policy does not allow.
func (t *tour) refusals(ctx context.Context) error {
	who := t.people[0]
	t.title("What the policy does not name is refused (1.2, 2.1, 2.2)")
	about := func(purpose domain.Purpose, service domain.Service) subject.About {
		return subject.About{Subject: who.id, Operation: t.by("employee", purpose, "ua.11.1.3", service)}
	}
	return errors.Join(
		t.refused(ctx, "collect the blood group:", subject.Collect{About: about("service", "account"), Source: subject.BySubject, Values: given("blood_group", "A")}),
		t.refused(ctx, "use the tax number to improve the service:", subject.Use{About: about("improvement", "site"), Fields: fields([]string{"tax_number"})}),
		t.refused(ctx, "an accountant looks at visited pages:", subject.View{About: about("service", "account"), Fields: fields([]string{"page"}), Role: "accountant"}),
	)
}
