package subject

import (
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

// close closes the account and deletes everything (clause 4.1). Nothing can come after it, so it reaches
// the traces of all months until it is recorded, even when it is dated earlier. What is
// kept from earlier until the relation ends gets its end now.
func (d *decision) close() (Event, error) {
	last := d.op.At
	if d.Now.After(last) {
		last = d.Now
	}
	d.relation = policy.Ended
	live := d.everything(domain.MonthOf(last))
	fates := append(d.endRelation(), live...)
	return Closed{Subject: d.subject, Deleted: fates, Services: d.stops(live), Tell: d.tell(fates)}, nil
}
