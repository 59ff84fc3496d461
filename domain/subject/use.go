package subject

// use records that values were used for the operation's purpose (clause 2.2).
func (d *decision) use(c Use) (Event, error) {
	values, err := d.pointers("use", c.Fields, c.Months)
	if err != nil {
		return nil, err
	}
	if err := d.permitted(c.Fields); err != nil {
		return nil, err
	}
	if err := d.unrestricted(c.Fields); err != nil {
		return nil, err
	}
	if err := d.unopposed(d.binding()); err != nil {
		return nil, err
	}
	return Used{Subject: d.subject, Values: values}, nil
}
