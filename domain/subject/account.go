package subject

import "imagine.ua/litopys/domain"

// close closes the account and deletes everything (clause 4.1). Nothing can come after it, so it reaches
// the traces of all months until it is recorded, even when it is dated earlier.
func (d *decision) close() (Event, error) {
	last := d.op.At
	if d.Now.After(last) {
		last = d.Now
	}
	fates := d.everything(domain.MonthOf(last))
	return Closed{Subject: d.subject, Deleted: fates, Services: d.stops(fates)}, nil
}
