package subject

import "imagine.ua/litopys/domain"

// RequestTextField is the field that holds what people write in their requests.
const RequestTextField domain.Field = "request_text"

// addText records the words of a request (clauses 2.2.3 and 7.1). They are the person's own, so they are sealed
// like every other value, and each stands beside the earlier ones. That the request is his is for the request's
// file to say. A restriction of the field does not stop him from writing.
func (d *decision) addText(c AddText) (Event, error) {
	if c.Request.IsZero() {
		return nil, input("request.missing", "7.1", "name the request", "the text names no request")
	}
	f, err := d.field(RequestTextField)
	if err != nil {
		return nil, err
	}
	if err := d.incoming(f, c.Text); err != nil {
		return nil, err
	}
	if err := d.consented([]domain.Field{f.ID}); err != nil {
		return nil, err
	}
	item := domain.Item{Subject: d.subject, Field: f.ID, Epoch: d.nextEpoch(f.ID), Value: c.Text}
	return Collected{Subject: d.subject, Source: BySubject, Items: []domain.Item{item}, Request: c.Request}, nil
}
