package subject

import "imagine.ua/litopys/domain"

// register opens the file. It records which text was accepted by using the service (preamble).
func (d *decision) register(c Register) (Event, error) {
	if d.state.registered {
		return nil, domain.Refuse("subject.registered", "preamble", "use the file that is open, or another id",
			"a file is already open for this subject").WithKind(domain.Conflict)
	}
	e := Registered{Subject: d.subject, Policy: d.Policy.Version, TextHash: d.Policy.TextHash}
	if c.Reference == (Given{}) {
		return e, nil
	}
	f, err := d.field(c.Reference.Field)
	if err != nil {
		return nil, err
	}
	if !f.Findable() || f.IsTrace() {
		return nil, input("register.reference", "preamble", "use a field that the catalogue marks findable",
			"nobody is found again by the field %s", f.ID)
	}
	if err := d.incoming(f, c.Reference.Value); err != nil {
		return nil, err
	}
	e.Reference = domain.Item{Subject: d.subject, Field: f.ID, Epoch: domain.AttributeEpoch(1), Value: c.Reference.Value}
	return e, nil
}
