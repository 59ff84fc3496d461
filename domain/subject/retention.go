package subject

import (
	"slices"
	"time"

	"imagine.ua/litopys/domain"
)

// endRetention destroys values whose terms are over and that no hold keeps (clause 4.3). Values that are named
// must be due, or be destroyed already; without names what is not due is left out.
func (d *decision) endRetention(c EndRetention) (Event, error) {
	if err := distinctValues(c.Values); err != nil && len(c.Values) > 0 {
		return nil, err
	}
	e := RetentionEnded{Subject: d.subject}
	for _, r := range d.state.retained {
		if len(c.Values) == 0 && d.due(r) == nil {
			e.Ended = append(e.Ended, domain.Fate{Subject: d.subject, Field: r.Field, Epoch: r.Epoch, Through: r.Through, Action: domain.Destroy})
		}
	}
	for _, v := range c.Values {
		fate, err := d.ended(v)
		if err != nil {
			return nil, err
		}
		if fate.Action != "" {
			e.Ended = append(e.Ended, fate)
		}
	}
	if len(e.Ended) == 0 {
		return nil, nil
	}
	e.Tell = d.tell(e.Ended)
	return e, nil
}

func distinctValues(values []domain.FieldEpoch) error {
	if len(values) == 0 {
		return input("values.none", "", "name at least one value: field and epoch", "the command names no value")
	}
	for i, v := range values {
		if slices.Contains(values[:i], v) {
			return input("values.repeated", "", "name it once", "a value of %s is named twice", called("field", v.Field))
		}
	}
	return nil
}

// ended decides one value that is named. A fate without an action means that it is gone already.
func (d *decision) ended(v domain.FieldEpoch) (domain.Fate, error) {
	fate := domain.Fate{Subject: d.subject, Field: v.Field, Epoch: v.Epoch, Action: domain.Destroy}
	if month, generation, ok := traceParts(v.Epoch); ok && d.knownTrace(v.Field) {
		epoch, live := d.state.TraceEpoch(v.Field, month)
		if _, g, _ := traceParts(epoch); live && generation >= g {
			fate.Through = true
			return fate, d.collectedLongAgo(v, epoch)
		}
		if r, retained := d.state.RetainedAt(v); retained {
			fate.Through = r.Through && r.Epoch == v.Epoch // all that the entry keeps, or one month of it
			return fate, d.due(r)
		}
		return fate, nil // the file has let go of it; its key may remain
	}
	if r, retained := d.state.RetainedAt(v); retained {
		return fate, d.due(r)
	}
	i, n := d.state.fieldAt(v.Field), attributeNumber(v.Epoch)
	switch {
	case i < 0 || n < 1 || n > d.state.fields[i].Current:
		return domain.Fate{}, domain.Refuse("retention.unknown", "4.3", "name values that the ledger keeps",
			"the subject never had this value of %s", called("field", v.Field)).WithKind(domain.Unknown)
	case d.state.fields[i].Live && n >= d.state.fields[i].Since:
		return domain.Fate{}, domain.Refuse("retention.live", "4.3", "delete it", "the field %s is held, so no term ends it", v.Field)
	}
	return domain.Fate{}, nil
}

func (d *decision) knownTrace(f domain.Field) bool {
	return d.Policy.IsTrace(f) || d.state.traceAt(f) >= 0
}

// collectedLongAgo checks that a live trace may go because its term from collection is over.
func (d *decision) collectedLongAgo(v domain.FieldEpoch, live domain.Epoch) error {
	if v.Epoch != live {
		return domain.Refuse("retention.unknown", "4.3", "name values that the ledger keeps",
			"the field %s has no such part of the month", v.Field).WithKind(domain.Unknown)
	}
	if !d.Policy.FromCollection(v.Field) {
		return domain.Refuse("retention.live", "4.3", "delete it", "the field %s is held, and no rule counts its term from the collection", v.Field)
	}
	if err := d.unrestricted([]domain.Field{v.Field}); err != nil {
		return err // the subject may need it longer than the controller does (GDPR art. 18(1)(c))
	}
	k := d.Policy.Keeping(v.Field, v.Epoch, d.op.At, d.relation)
	return d.due(Retained{Field: v.Field, Epoch: v.Epoch, Until: k.Until, Rule: k.Rule, Open: k.Open})
}

// due refuses to destroy what a hold or a term keeps, and says which.
func (d *decision) due(r Retained) error {
	if hold, held := d.state.HeldBy(r.Field); held {
		return domain.Refuse("retention.held", "4.3", "release the hold first, or leave the value out",
			"the field %s (epoch %s) is kept by the hold %s", r.Field, r.Epoch, hold)
	}
	const remedy = "wait for the end of the term, or leave the value out"
	if r.Open != "" {
		return domain.Refuse("retention.not-due", "4.3", remedy, "the field %s (epoch %s) is kept by the rule %s (%s), whose term begins when the account is closed",
			r.Field, r.Epoch, r.Open, d.Policy.LegalOf(r.Open))
	}
	if r.Until.After(d.op.At) {
		return domain.Refuse("retention.not-due", "4.3", remedy, "the field %s (epoch %s) is kept until %s by the rule %s (%s)",
			r.Field, r.Epoch, r.Until.Format(time.RFC3339), r.Rule, d.Policy.LegalOf(r.Rule))
	}
	return nil
}

// disclose hands retained values to an authority by the procedure of the law (clauses 3.3.3, 4.3).
func (d *decision) disclose(c Disclose) (Event, error) {
	to, err := d.recipient(c.Recipient)
	if err != nil {
		return nil, err
	}
	if kind, _ := d.Policy.RecipientKind(to.Kind); !kind.Public {
		return nil, domain.Refuse("disclose.recipient", "4.3", "name a state body or a court", "what is kept by law goes to state bodies and courts only")
	}
	if err := d.personalised(); err != nil {
		return nil, err
	}
	if err := distinctValues(c.Values); err != nil {
		return nil, err
	}
	var fields []domain.Field
	for _, v := range c.Values {
		if err := d.disclosable("disclose", v); err != nil {
			return nil, err
		}
		fields = append(fields, v.Field)
	}
	c.Basis.Dated = c.Basis.Dated.UTC()
	if err := d.byLaw(c.Basis, fields); err != nil {
		return nil, err
	}
	if err := d.abroad(fields, c.Abroad, to); err != nil {
		return nil, err
	}
	if err := d.exempt(c.Exempt); err != nil {
		return nil, err
	}
	return Transferred{Subject: d.subject, Recipient: to, Values: slices.Clone(c.Values), Basis: c.Basis, Abroad: c.Abroad,
		Retained: true, Exempt: c.Exempt, Request: c.Request}, nil
}

// disclosable checks that a value is retained and that something still keeps it.
func (d *decision) disclosable(word string, v domain.FieldEpoch) error {
	r, retained := d.state.RetainedAt(v)
	if !retained {
		return domain.Refuse(word+".not-retained", "4.3", "name values that are kept; live ones are viewed and transferred as such",
			"no value of %s with this epoch is retained", called("field", v.Field)).WithKind(domain.Unknown)
	}
	if d.before(r.From) {
		return domain.Refuse(word+".not-retained", "4.3", "give a time at which it was kept, or leave it out",
			"the value of the field %s (epoch %s) is kept since a later time: %s", r.Field, r.Epoch, on(r.From)).WithKind(domain.Unknown)
	}
	if _, held := d.state.HeldBy(r.Field); !held && r.Open == "" && !r.Until.After(d.op.At) {
		return domain.Refuse(word+".term-over", "4.3", "end its retention", "the term of the field %s (epoch %s) is over, so it is only to be destroyed", r.Field, r.Epoch)
	}
	return nil
}
