package subject

import (
	"slices"
	"strings"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

// view records that a person looks at values (order 1/02-14). What he may see and what for is his role's
// matter, not the single field's: an officer who answers a request for access sees all of it.
func (d *decision) view(c View) (Event, error) {
	if c.Role == "" {
		return nil, input("view.role", "5.1", "view under a role of the policy", "no role is given")
	}
	role, ok := d.Policy.Role(c.Role)
	if !ok {
		return nil, domain.Refuse("view.role", "5.1", "view under a role of the policy", "the policy does not name %s as a role", shown(c.Role)).WithKind(domain.Unknown)
	}
	if !slices.Contains(role.Purposes, d.op.Purpose) {
		return nil, domain.Refuse("view.purpose", "5.1", "name a purpose of the role", "the role %s does not view for the purpose %s", role.ID, d.op.Purpose)
	}
	if err := document(c.Document); err != nil {
		return nil, err
	}
	if len(c.Retained) > 0 {
		return d.viewRetained(role, c)
	}
	values, fields, err := d.viewed(c)
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		if err := d.visible(role, f); err != nil {
			return nil, err
		}
	}
	if p, _ := d.Policy.Purpose(d.op.Purpose); !p.Answers {
		if err := d.unrestricted(fields); err != nil {
			return nil, err
		}
	}
	if err := d.consented(fields); err != nil {
		return nil, err
	}
	return Viewed{Subject: d.subject, Values: values, Role: c.Role, Document: c.Document}, nil
}

// viewed gives the live values that a viewing speaks of, and their fields.
func (d *decision) viewed(c View) (values []domain.FieldEpoch, fields []domain.Field, err error) {
	if len(c.Values) == 0 {
		values, err = d.pointers("view", c.Fields, c.Months)
		for _, f := range c.Fields {
			if err == nil && !d.Policy.IsTrace(f) {
				_, _, err = d.current("view", f) // it is that value which is shown
			}
		}
		return values, c.Fields, err
	}
	if len(c.Fields) > 0 || len(c.Months) > 0 {
		return nil, nil, input("view.mixed", "5.1", "view them by two commands", "values named by field and values named by epoch are viewed in one command")
	}
	if err := distinctValues(c.Values); err != nil {
		return nil, nil, err
	}
	for _, v := range c.Values {
		_, h, err := d.attribute("view", v.Field)
		if err != nil {
			return nil, nil, err
		}
		if !d.state.Lives(v) {
			return nil, nil, domain.Refuse("view.not-held", "4.1", "name values that are held", "the ledger holds no live value of the field %s with this epoch", v.Field).WithKind(domain.Unknown)
		}
		if came := h.came(attributeNumber(v.Epoch)); d.precedes(came) {
			return nil, nil, d.cameLater("view", "this value of the field %s", h, came)
		}
		fields = append(fields, v.Field)
	}
	return slices.Clone(c.Values), fields, nil
}

// viewRetained records that a person looks at values that are kept by law: only the readers of the rule that
// keeps them may (clause 4.3).
func (d *decision) viewRetained(role *policy.Role, c View) (Event, error) {
	if len(c.Fields) > 0 || len(c.Months) > 0 || len(c.Values) > 0 {
		return nil, input("view.mixed", "4.3", "view live and retained values by two commands", "live and retained values are viewed in one command")
	}
	if err := distinctValues(c.Retained); err != nil {
		return nil, err
	}
	fields := make([]domain.Field, len(c.Retained))
	for i, v := range c.Retained {
		if err := d.disclosable("view", v); err != nil {
			return nil, err
		}
		r, _ := d.state.RetainedAt(v)
		if rule := r.Reason(); !d.Policy.MayRead(role.ID, rule) {
			return nil, domain.Refuse("view.reader", "4.3", "ask someone whose role the rule names: "+strings.Join(d.Policy.ReadersOf(rule), ", "),
				"the role %s does not read what the rule %s keeps", role.ID, rule)
		}
		fields[i] = v.Field
	}
	if err := d.consented(fields); err != nil {
		return nil, err
	}
	return Viewed{Subject: d.subject, Values: slices.Clone(c.Retained), Role: c.Role, Document: c.Document}, nil
}

func (d *decision) visible(role *policy.Role, id domain.Field) error {
	f, err := d.field(id)
	if err != nil {
		return err
	}
	if !slices.Contains(role.Categories, f.Category) {
		return domain.Refuse("view.category", "5.1", "ask someone whose role reaches it", "the role %s does not view data of the category %s", role.ID, f.Category)
	}
	return nil
}
