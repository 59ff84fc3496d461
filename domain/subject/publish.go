package subject

import (
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

// publish records that the subject himself made values public (clause 3.2). Values that are public already
// are left out.
func (d *decision) publish(c Publish) (Event, error) {
	if d.op.Actor.Kind != domain.ActorSubject {
		return nil, domain.Refuse("publish.actor", "3.2", "let the subject do it through his account",
			"only the subject himself makes his data public")
	}
	if err := document(c.Place); err != nil {
		return nil, err
	}
	if err := d.personalised(); err != nil {
		return nil, err
	}
	held, err := d.attributes("publish", c.Fields)
	if err != nil {
		return nil, err
	}
	if err := d.unrestricted(c.Fields); err != nil {
		return nil, err
	}
	for _, h := range held {
		f, _ := d.Policy.Field(h.Field) // attributes found it
		if err := d.publishable(f); err != nil {
			return nil, err
		}
	}
	values := pointersWhere(held, false)
	if len(values) == 0 {
		return nil, nil
	}
	return Published{Subject: d.subject, Values: values, Place: c.Place}, nil
}

func (d *decision) publishable(f *policy.Field) error {
	if err := written(f); err != nil {
		return err
	}
	return d.forPurpose(f)
}

// withdrawPublication makes values confidential again. Confidential ones are left out.
func (d *decision) withdrawPublication(c WithdrawPublication) (Event, error) {
	held, err := d.attributes("publish", c.Fields)
	if err != nil {
		return nil, err
	}
	for _, h := range held {
		if h.Public && d.precedes(h.public) {
			return nil, tooEarly("publish", "3.2", "the field "+string(h.Field)+" was made public", h.public.on())
		}
	}
	values := pointersWhere(held, true)
	if len(values) == 0 {
		return nil, nil
	}
	return PublicationWithdrawn{Subject: d.subject, Values: values}, nil
}

func pointersWhere(held []Held, public bool) []domain.FieldEpoch {
	var values []domain.FieldEpoch
	for _, h := range held {
		if h.Public == public {
			values = append(values, h.At())
		}
	}
	return values
}

// personalised refuses purposes that the policy allows on depersonalised data only: personal values never
// leave the ledger for them (clauses 2.2.5, 2.2.8).
func (d *decision) personalised() error {
	if p, ok := d.Policy.Purpose(d.op.Purpose); ok && p.Depersonalised {
		return domain.Refuse("purpose.depersonalised", "2.2.5", "publish or pass on statistics instead of values",
			"the purpose %s is served by depersonalised data only", d.op.Purpose)
	}
	return nil
}
