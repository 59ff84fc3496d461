package subject

import (
	"slices"

	"imagine.ua/litopys/domain"
)

// delete deletes fields, or all of them, each to its fate (clauses 4.1-4.3).
func (d *decision) delete(c Delete) (Event, error) {
	if c.All == (len(c.Fields) > 0) {
		return nil, input("delete.which", "4.1", "name fields, or say all, but not both",
			"the command does not say what to delete")
	}
	if err := d.ground(c.Ground); err != nil {
		return nil, err
	}
	month := domain.MonthOf(d.op.At)
	if c.All {
		return d.deleted(d.everything(month), c.Ground), nil
	}
	if err := distinct(c.Fields); err != nil {
		return nil, err
	}
	var fates []domain.Fate
	for _, f := range c.Fields {
		if d.Policy.IsTrace(f) {
			fates = d.traceFates(fates, f, month)
			continue
		}
		h, err := d.deletable(f)
		if err != nil {
			return nil, err
		}
		fates = d.attributeFates(fates, h)
	}
	if len(fates) == 0 {
		return nil, nil // traces of a time that an earlier deletion has reached
	}
	return d.deleted(fates, c.Ground), nil
}

func (d *decision) deleted(fates []domain.Fate, ground string) Event {
	return Deleted{Subject: d.subject, Deleted: fates, Services: d.stops(fates), Ground: ground, Tell: d.tell(fates)}
}

// tell lists who got values of these fields and must be told that they are deleted or changed.
func (d *decision) tell(fates []domain.Fate) []domain.RecipientID {
	fields := make([]domain.Field, len(fates))
	for i, f := range fates {
		fields[i] = f.Field
	}
	return d.state.Recipients(fields...)
}

// deletable gives a held attribute. One that the catalogue no longer names can still be deleted.
func (d *decision) deletable(f domain.Field) (Held, error) {
	if h, ok := d.state.Held(f); ok {
		return h, nil
	}
	_, _, err := d.attribute("delete", f)
	return Held{}, err
}

// everything gives the fates of all that the subject has: his attributes, and every trace up to the month.
// Which traces there are is not in his file, so all that the catalogue names are meant.
func (d *decision) everything(month domain.Month) []domain.Fate {
	var fates []domain.Fate
	for _, h := range d.state.fields {
		if h.Live {
			fates = d.attributeFates(fates, h)
		}
	}
	for _, f := range d.Policy.Traces() {
		fates = d.traceFates(fates, f, month)
	}
	return fates
}

func (d *decision) attributeFates(fates []domain.Fate, h Held) []domain.Fate {
	for n := h.Since; n <= h.Current; n++ {
		fates = append(fates, d.fates(h.Field, domain.AttributeEpoch(n))...)
	}
	return fates
}

// stops lists the services that stop working without these fields (clause 4.2).
func (d *decision) stops(fates []domain.Fate) []domain.Service {
	return d.Policy.Stops(func(f domain.Field) bool {
		return slices.ContainsFunc(fates, func(fate domain.Fate) bool { return fate.Field == f })
	})
}
