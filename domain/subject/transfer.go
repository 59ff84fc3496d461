package subject

import (
	"slices"

	"imagine.ua/litopys/domain"
)

// StatementField is the field that holds the written grounds of a transfer in defence of rights.
const StatementField domain.Field = "defence_statement"

// transfer records that values go to a third party, on one of the four bases of clause 3.3.
func (d *decision) transfer(c Transfer) (Event, error) {
	to, err := d.recipient(c.Recipient)
	if err != nil {
		return nil, err
	}
	if err := d.personalised(); err != nil {
		return nil, err
	}
	values, err := d.pointers("transfer", c.Fields, c.Months)
	if err != nil {
		return nil, err
	}
	basis, err := d.basis(c, to)
	if err != nil {
		return nil, err
	}
	if err := d.allowed(c.Fields, basis); err != nil {
		return nil, err
	}
	if err := d.abroad(c.Fields, c.Abroad, to); err != nil {
		return nil, err
	}
	if err := d.exempt(c.Exempt); err != nil {
		return nil, err
	}
	return Transferred{Subject: d.subject, Recipient: to, Values: values, Basis: basis, Abroad: c.Abroad, Exempt: c.Exempt, Request: c.Request}, nil
}

// allowed checks what the subject's rights leave of transfers: a law and the defence of rights stand above a
// restriction, and above an objection to anything but direct marketing.
func (d *decision) allowed(fields []domain.Field, b Basis) error {
	demanded := false
	switch b.(type) {
	case ByLaw, ByDefence:
		demanded = true
	case ByConsent, ByOrder:
		if err := d.unrestricted(fields); err != nil {
			return err
		}
	}
	return d.unopposed(demanded)
}

func (d *decision) recipient(id domain.RecipientID) (Recipient, error) {
	if id.IsZero() || d.Recipient == nil {
		return Recipient{}, domain.Refuse("transfer.unknown-recipient", "3.3", "add the recipient first", "the ledger does not know this recipient").WithKind(domain.Unknown)
	}
	if _, ok := d.Policy.RecipientKind(d.Recipient.Kind); !ok {
		return Recipient{}, domain.Refuse("transfer.recipient-kind", "3.3", "change the recipient's card", "the policy does not name %s as a kind of recipient", shown(d.Recipient.Kind))
	}
	return Recipient{ID: id, Kind: d.Recipient.Kind, Country: d.Recipient.Country}, nil
}

// basis checks the ground of the transfer and gives it as it is recorded. Consent and order stay within
// the purposes of each field; a law and the defence of rights stand beside them, and are bound by their
// procedure instead.
func (d *decision) basis(c Transfer, to Recipient) (Basis, error) {
	switch b := c.Basis.(type) {
	case ByConsent:
		return b, d.byConsent(b, c.Fields, to)
	case ByOrder:
		return b, d.byOrder(b, c.Fields, to)
	case ByLaw:
		b.Dated = b.Dated.UTC()
		return b, d.byLaw(b, c.Fields)
	case ByDefence:
		return d.byDefence(b, c.Fields)
	}
	return nil, input("transfer.basis", "3.3", "name a consent, an order, a law or the defence of rights", "the transfer names no basis")
}

func (d *decision) byConsent(b ByConsent, fields []domain.Field, to Recipient) error {
	if err := d.permitted(fields); err != nil {
		return err
	}
	const remedy = "record a consent that covers the recipient, the purpose and every field, or name another basis"
	consent, known := d.state.Consent(b.Consent)
	switch {
	case !known:
		return domain.Refuse("transfer.no-consent", "3.3.1", remedy, "no valid consent recorded: this subject has given none with this id")
	case consent.Withdrawn:
		return domain.Refuse("transfer.no-consent", "3.3.1", remedy, "no valid consent recorded: it was withdrawn")
	case d.before(consent.From):
		return domain.Refuse("transfer.no-consent", "3.3.1", "wait for the consent, or name one that had been given by then, or another basis",
			"no valid consent recorded: it was given later: on %s", on(consent.From))
	case !consent.Live(d.op.At):
		return domain.Refuse("transfer.no-consent", "3.3.1", remedy, "no valid consent recorded: it has expired")
	case !consent.Scope.names(to):
		return domain.Refuse("transfer.no-consent", "3.3.1", remedy, "no valid consent recorded: it does not cover this recipient")
	case !consent.Scope.reaches(d.op.Purpose, nil):
		return domain.Refuse("transfer.no-consent", "3.3.1", remedy, "no valid consent recorded: it does not cover the purpose %s", d.op.Purpose)
	case !consent.Scope.reaches(d.op.Purpose, fields):
		return domain.Refuse("transfer.no-consent", "3.3.1", remedy, "no valid consent recorded: it does not cover every field")
	}
	return nil
}

func (d *decision) byOrder(b ByOrder, fields []domain.Field, to Recipient) error {
	if err := d.permitted(fields); err != nil {
		return err
	}
	const remedy = "place an order that names the recipient, the purpose and every field, or name another basis"
	order, known := d.state.Order(b.Order)
	switch {
	case !known:
		return domain.Refuse("transfer.no-order", "3.3.2", remedy, "this subject has placed no order with this id")
	case order.Ended:
		return domain.Refuse("transfer.no-order", "3.3.2", remedy, "the order was carried out or cancelled")
	case d.before(order.From):
		return domain.Refuse("transfer.no-order", "3.3.2", "wait for the order, or name one that had been placed by then, or another basis",
			"the order was placed later: on %s", on(order.From))
	case !order.Scope.names(to):
		return domain.Refuse("transfer.no-order", "3.3.2", remedy, "the order does not name this recipient")
	case !order.Scope.reaches(d.op.Purpose, fields):
		return domain.Refuse("transfer.no-order", "3.3.2", remedy, "the order does not cover the purpose and every field")
	}
	return nil
}

// byLaw checks the procedure. Whoever gets the data need not be a state body: clause 3.3.3 speaks of third parties,
// and a law may name others, as article 16 does. Only what is kept by law alone goes to nobody else (clause 4.3).
func (d *decision) byLaw(b ByLaw, fields []domain.Field) error {
	paper := Warrant{Authority: b.Authority, Act: b.Act, Article: b.Article, Document: b.Document}
	if what, remedy := paper.unnamed(); what != "" {
		return input("transfer.law-incomplete", "3.3.3", remedy, "the procedure of the law is not documented: %s", what)
	}
	if b.Dated.IsZero() || b.Dated.After(d.op.At) {
		return input("transfer.law-incomplete", "3.3.3", "give the date of the authority's document, not after the transfer",
			"the authority's document has no date, or one in the future")
	}
	one, two := b.Approvers[0], b.Approvers[1]
	if !one.Valid() || !two.Valid() || one == two || slices.Contains(b.Approvers[:], d.op.Actor.ID) {
		return domain.Refuse("transfer.two-approvers", "3.3.3", "have two persons approve it, neither of them the one who carries it out",
			"two persons must approve a transfer by law")
	}
	return d.consented(fields)
}

// byDefence checks the procedure and gives the written grounds an epoch of their own: they speak of the
// person, so they are sealed like every other value, and stand beside earlier ones.
func (d *decision) byDefence(b ByDefence, fields []domain.Field) (Basis, error) {
	if !b.Evidence.Valid() {
		return nil, input("transfer.defence-incomplete", "3.3.4", "refer to the evidence by its number", "the evidence is not named")
	}
	if !b.Approver.Valid() || b.Approver == d.op.Actor.ID {
		return nil, domain.Refuse("transfer.approver", "3.3.4", "have another person approve it", "a person other than the one who carries it out must approve the transfer")
	}
	f, err := d.field(StatementField)
	if err != nil {
		return nil, err
	}
	if b.Statement.Value.Condition() == domain.Absent {
		return nil, input("transfer.defence-incomplete", "3.3.4", "write down the grounds to believe that the user breaks the agreement or the law",
			"the written grounds are missing")
	}
	if err := d.value(f, b.Statement.Value); err != nil {
		return nil, err
	}
	b.Statement = domain.Item{Subject: d.subject, Field: f.ID, Epoch: d.nextEpoch(f.ID), Value: b.Statement.Value}
	return b, d.consented(fields)
}

// abroad checks the ground of a transfer to another country (art. 29).
func (d *decision) abroad(fields []domain.Field, named string, to Recipient) error {
	if to.Country == d.Policy.Controller.Country {
		if named != "" {
			return input("transfer.abroad", "ua.29", "leave the ground out", "the recipient is in the country, so no ground of article 29 applies")
		}
		return nil
	}
	const remedy = "name a ground of article 29 from the policy that holds for this country"
	ground, ok := d.Policy.AbroadGround(named)
	switch {
	case !ok:
		return domain.Refuse("transfer.abroad", "ua.29", remedy, "a transfer to %s names no ground of article 29", to.Country)
	case len(ground.Countries) > 0 && !slices.Contains(ground.Countries, to.Country):
		return domain.Refuse("transfer.abroad", "ua.29", remedy, "the ground %s does not hold for %s", ground.ID, to.Country)
	case ground.NeedsConsent && !d.agreedTo(fields, to):
		return domain.Refuse("transfer.abroad", "ua.29", "record a consent that covers the recipient, the purpose and every field",
			"no valid consent recorded for a transfer to %s", to.Country)
	}
	return nil
}

// agreedTo reports whether any live consent covers the recipient, the purpose and every field.
func (d *decision) agreedTo(fields []domain.Field, to Recipient) bool {
	return slices.ContainsFunc(d.state.consents, func(c Consent) bool {
		return c.Live(d.op.At) && c.Scope.names(to) && c.Scope.reaches(d.op.Purpose, fields)
	})
}
