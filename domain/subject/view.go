package subject

import (
	"slices"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

// view records that a person looks at values (order 1/02-14). What he may see and what for is his role's
// matter, not the single field's: an officer who answers a request for access sees all of it.
func (d *decision) view(c View) (Event, error) {
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
	values, err := d.pointers("view", c.Fields, c.Months)
	if err != nil {
		return nil, err
	}
	for _, f := range c.Fields {
		if err := d.visible(role, f); err != nil {
			return nil, err
		}
	}
	if err := d.consented(c.Fields); err != nil {
		return nil, err
	}
	return Viewed{Subject: d.subject, Values: values, Role: c.Role, Document: c.Document}, nil
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
