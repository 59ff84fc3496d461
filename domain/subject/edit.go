package subject

import (
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

// edit replaces values that the subject gave, whichever service took them (clause 4.1). The old values go
// to their fates.
func (d *decision) edit(c Edit) (Event, error) {
	if err := distinct(fieldsOf(c.Values)); err != nil {
		return nil, err
	}
	if p, _ := d.Policy.Purpose(d.op.Purpose); !p.Answers && !d.ownAct() {
		if err := d.unrestricted(fieldsOf(c.Values)); err != nil {
			return nil, err
		}
	}
	e := Edited{Subject: d.subject}
	for _, v := range c.Values {
		f, h, err := d.attribute("edit", v.Field)
		if err != nil {
			return nil, err
		}
		item, fates, err := d.replaced(f, h, v.Value)
		if err != nil {
			return nil, err
		}
		e.Items = append(e.Items, item)
		e.Superseded = append(e.Superseded, fates...)
	}
	e.Tell = d.tell(e.Superseded)
	return e, nil
}

// replaced opens the next epoch with the new value and decides the fate of the old one.
func (d *decision) replaced(f *policy.Field, h Held, v domain.Value) (domain.Item, []domain.Fate, error) {
	if err := written(f); err != nil {
		return domain.Item{}, nil, err
	}
	if err := d.forPurpose(f); err != nil {
		return domain.Item{}, nil, err
	}
	if err := d.value(f, v); err != nil {
		return domain.Item{}, nil, err
	}
	item := domain.Item{Subject: d.subject, Field: f.ID, Epoch: domain.AttributeEpoch(h.Current + 1), Value: v}
	return item, d.fates(f.ID, domain.AttributeEpoch(h.Current)), nil
}
