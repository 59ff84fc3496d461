package subject

import (
	"slices"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

// collect takes data in (clauses 1.1.1, 1.1.2, 2.1).
func (d *decision) collect(c Collect) (Event, error) {
	if c.Source != BySubject && c.Source != Automatic {
		return nil, input("collect.source", "1.1", "say subject or automatic", "the source of the data is not known")
	}
	fields := fieldsOf(c.Values)
	if err := distinct(fields); err != nil {
		return nil, err
	}
	e := Collected{Subject: d.subject, Source: c.Source, Items: make([]domain.Item, 0, len(c.Values))}
	for i, v := range c.Values {
		f, err := d.field(v.Field)
		if err != nil {
			return nil, err
		}
		if i > 0 && f.IsTrace() != d.Policy.IsTrace(fields[0]) {
			return nil, input("collect.mixed", "1.1", "collect attributes and traces by two commands",
				"attributes and traces come in one command")
		}
		epoch, err := d.collected(f, c.Source, v.Value)
		if err != nil {
			return nil, err
		}
		e.Items = append(e.Items, domain.Item{Subject: d.subject, Field: f.ID, Epoch: epoch, Value: v.Value})
	}
	if c.Source == Automatic || !d.ownAct() {
		if err := d.unrestricted(fields); err != nil {
			return nil, err
		}
	}
	if err := d.consented(fields); err != nil {
		return nil, err
	}
	return e, nil
}

// collected checks one value and gives the epoch that it opens or joins.
func (d *decision) collected(f *policy.Field, source Source, v domain.Value) (domain.Epoch, error) {
	if err := written(f); err != nil {
		return "", err
	}
	if !slices.Contains(f.Sources, string(source)) {
		return "", domain.Refuse("collect.source", "1.1", "name the source that the catalogue allows for this field",
			"the field %s does not come from the source %s", f.ID, source)
	}
	if err := d.incoming(f, v); err != nil {
		return "", err
	}
	if !f.IsTrace() {
		return d.nextLife(f.ID)
	}
	epoch, live := d.state.TraceEpoch(f.ID, domain.MonthOf(d.op.At))
	if !live {
		return "", deleted(f.ID)
	}
	return epoch, nil
}

// incoming checks what holds for every new value: purpose, service and form.
func (d *decision) incoming(f *policy.Field, v domain.Value) error {
	if err := d.forPurpose(f); err != nil {
		return err
	}
	if err := d.byService(f); err != nil {
		return err
	}
	return d.value(f, v)
}

// nextLife gives the epoch after the last one; the value of a live epoch is changed by an edit only, so
// that its fate is decided.
func (d *decision) nextLife(f domain.Field) (domain.Epoch, error) {
	if _, live := d.state.Held(f); live {
		return "", domain.Refuse("collect.held", "1.1.1", "edit it", "the ledger already holds a live value of the field %s", f)
	}
	return d.nextEpoch(f), nil
}

func (d *decision) nextEpoch(f domain.Field) domain.Epoch {
	if i := d.state.fieldAt(f); i >= 0 {
		return domain.AttributeEpoch(d.state.fields[i].Current + 1)
	}
	return domain.AttributeEpoch(1)
}
