package subject

import "imagine.ua/litopys/domain"

// dispute records that the subject calls a value untrue, insufficient or out of date (clauses 1.4-1.5).
func (d *decision) dispute(c Dispute) (Event, error) {
	_, h, err := d.current("dispute", c.Field)
	if err != nil {
		return nil, err
	}
	if err := document(c.Document); err != nil {
		return nil, err
	}
	if h.Disputed {
		return nil, domain.Refuse("dispute.open", "1.4-1.5", "rectify it", "a dispute about the field %s is already open", c.Field)
	}
	return Disputed{Subject: d.subject, Value: h.At(), Document: c.Document}, nil
}

// rectify ends a dispute: a new value corrects, none confirms (clauses 1.4-1.5).
func (d *decision) rectify(c Rectify) (Event, error) {
	f, h, err := d.current("rectify", c.Field)
	if err != nil {
		return nil, err
	}
	if err := document(c.Document); err != nil {
		return nil, err
	}
	if !h.Disputed {
		return nil, domain.Refuse("rectify.no-dispute", "1.4-1.5", "record the dispute first, or edit the value",
			"no dispute about the field %s is open", c.Field)
	}
	if d.precedes(h.disputed) {
		return nil, tooEarly("rectify", "1.4-1.5", "the field "+string(c.Field)+" was disputed", h.disputed.on())
	}
	e := Rectified{Subject: d.subject, Value: h.At(), Outcome: Confirmed, Document: c.Document}
	if c.Value.Condition() == domain.Absent {
		return e, nil
	}
	item, fates, err := d.replaced(f, h, c.Value)
	if err != nil {
		return nil, err
	}
	e.Outcome, e.Items, e.Superseded, e.Tell = Corrected, []domain.Item{item}, fates, d.tell(fates)
	return e, nil
}
