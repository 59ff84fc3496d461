package subject

import "imagine.ua/litopys/domain"

// place records a standing order that needs data to go to a third party (clauses 2.2.6, 3.3.2).
func (d *decision) place(c PlaceOrder) (Event, error) {
	if c.Order.IsZero() {
		return nil, input("order.missing", "3.3.2", "give it a random id", "the order has no id")
	}
	if _, known := d.state.Order(c.Order); known {
		return nil, domain.Refuse("order.exists", "3.3.2", "give a new order a new id", "an order with this id is recorded").WithKind(domain.Conflict)
	}
	if err := document(c.Document); err != nil {
		return nil, err
	}
	if len(c.Scope.Recipients)+len(c.Scope.RecipientKinds) == 0 {
		return nil, input("order.scope", "3.3.2", "name the recipient or its kind", "the order names no recipient")
	}
	if err := d.scope(c.Scope, "order"); err != nil {
		return nil, err
	}
	return OrderPlaced{Subject: d.subject, Order: c.Order, Scope: c.Scope.clone(), Document: c.Document}, nil
}

// execute records that the order was carried out; it is no basis any more.
func (d *decision) execute(c ExecuteOrder) (Event, error) {
	open, err := d.order(c.Order)
	if err != nil {
		return nil, err
	}
	if open.Ended {
		return nil, domain.Refuse("order.ended", "3.3.2", "place a new one", "the order was carried out or cancelled before")
	}
	if d.before(open.From) {
		return nil, tooEarly("order", "3.3.2", "the order was placed", on(open.From))
	}
	return OrderExecuted{Subject: d.subject, Order: c.Order}, nil
}

// cancel ends an order that was not carried out. Doing it twice changes nothing.
func (d *decision) cancel(c CancelOrder) (Event, error) {
	open, err := d.order(c.Order)
	switch {
	case err != nil || open.Cancelled:
		return nil, err
	case open.Ended:
		return nil, domain.Refuse("order.ended", "3.3.2", "leave it: what was carried out can't be cancelled", "the order was carried out before")
	case d.before(open.From):
		return nil, tooEarly("order", "3.3.2", "the order was placed", on(open.From))
	}
	return OrderCancelled{Subject: d.subject, Order: c.Order}, nil
}

func (d *decision) order(id domain.OrderID) (Order, error) {
	order, known := d.state.Order(id)
	if !known {
		return Order{}, domain.Refuse("order.unknown", "3.3.2", "name an order of this subject", "no order with this id is recorded").WithKind(domain.Unknown)
	}
	return order, nil
}
