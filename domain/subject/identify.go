package subject

import (
	"slices"

	"imagine.ua/litopys/domain"
)

// identify records that declared values were verified (clause 1.3).
func (d *decision) identify(c Identify) (Event, error) {
	if _, ok := d.Policy.Method(c.Method); !ok {
		return nil, domain.Refuse("identify.method", "1.3", "use a method of the policy",
			"the policy does not name %s as a method of identification", shown(c.Method)).WithKind(domain.Unknown)
	}
	if err := document(c.Document); err != nil {
		return nil, err
	}
	held, err := d.attributes("identify", c.Fields)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(held, func(h Held) bool { return h.Disputed }); i >= 0 {
		return nil, domain.Refuse("identify.disputed", "1.3", "end the dispute first", "the field %s is disputed", held[i].Field)
	}
	return Identified{Subject: d.subject, Method: c.Method, Document: c.Document, Values: pointersTo(held)}, nil
}

func pointersTo(held []Held) []domain.FieldEpoch {
	values := make([]domain.FieldEpoch, len(held))
	for i, h := range held {
		values[i] = h.At()
	}
	return values
}
