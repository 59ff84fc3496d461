package subject

import (
	"slices"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
)

// delete deletes fields, or all of them, each to its fate (clauses 4.1-4.3).
func (d *decision) delete(c Delete) (Event, error) {
	if c.All == (len(c.Fields) > 0) {
		return nil, input("delete.which", "4.1", "name fields, or say all, but not both",
			"the command does not say what to delete")
	}
	if err := d.grounded(c); err != nil {
		return nil, err
	}
	month := domain.MonthOf(d.op.At)
	if c.All {
		if err := d.allHere(); err != nil {
			return nil, err
		}
		fates := append(d.overruledFates(nil), d.everything(month)...)
		if len(fates) == 0 && d.state.closed {
			return nil, nil
		}
		return d.deleted(fates, c), nil
	}
	if err := distinct(c.Fields); err != nil {
		return nil, err
	}
	fates := d.overruledFates(c.Fields)
	for _, f := range c.Fields {
		if d.Policy.IsTrace(f) {
			fates = d.traceFates(fates, f, month)
			continue
		}
		h, err := d.deletable(f)
		if gone := slices.ContainsFunc(fates, func(fate domain.Fate) bool { return fate.Field == f }); err != nil && !gone {
			return nil, d.heldBack(f, err)
		}
		fates = d.attributeFates(fates, h)
	}
	if len(fates) == 0 {
		return nil, nil // traces of a time that an earlier deletion has reached
	}
	return d.deleted(fates, c), nil
}

// grounded checks the ground of a deletion that the subject did not ask for, and takes up what it overrules. The
// deletion of restricted fields is processing like any other, so nobody but the subject asks for it, unless an
// order does (ua art. 8, GDPR art. 18).
func (d *decision) grounded(c Delete) error {
	ground, err := d.ground(c.Ground)
	if err == nil {
		err = document(c.Document)
	}
	if err != nil {
		return err
	}
	if d.overruled = ground.Overrule(law.ByTerm); d.overruled && c.Document == "" {
		return input("delete.document", ground.Article, "give the number of the order, or of the paper that finds it",
			"a deletion on the ground %s, which no retention rule stops, names no paper", ground.ID)
	}
	if c.Ground == "" || ground.Overrule(law.ByRestriction) {
		return nil
	}
	if c.All {
		return d.unrestricted(d.state.Restricted())
	}
	return d.unrestricted(c.Fields)
}

// overruledFates ends what is retained of the fields, or of all when none is named, where the ground of the
// deletion overrules terms. What a hold keeps loses its own term: it goes when the hold is released.
func (d *decision) overruledFates(fields []domain.Field) []domain.Fate {
	var fates []domain.Fate
	for _, r := range d.state.retained {
		if !d.overruled || len(fields) > 0 && !slices.Contains(fields, r.Field) {
			continue
		}
		fate := domain.Fate{Subject: d.subject, Field: r.Field, Epoch: r.Epoch, Through: r.Through, Action: domain.Destroy}
		if _, held := d.state.HeldBy(r.Field); !held {
			fates = append(fates, fate)
			continue
		}
		if r.Open != "" || r.Until.After(d.op.At) {
			fate.Action, fate.Until, fate.Rule = domain.Retain, d.op.At, r.Reason()
			fates = append(fates, fate, d.holdFate(r))
		}
	}
	return fates
}

func (d *decision) deleted(fates []domain.Fate, c Delete) Event {
	return Deleted{Subject: d.subject, Deleted: fates, Services: d.stops(d.living(fates)), Ground: c.Ground, Document: c.Document, Tell: d.tell(fates)}
}

// tell lists who got values and must be told of their fates: of the deletion or change of what lived, whether or
// not a copy is kept, and of the destruction of what was kept (ua art. 21(3), which names both). Which months of a
// trace went is not remembered: whoever got any is told of each.
func (d *decision) tell(fates []domain.Fate) []domain.RecipientID {
	var list []domain.RecipientID
	add := func(who []domain.RecipientID) {
		for _, id := range who {
			if !slices.Contains(list, id) {
				list = append(list, id)
			}
		}
	}
	for _, f := range fates {
		// A month of a trace that is kept with others ends alone: who got any of them got it.
		r, retained := d.state.RetainedAt(domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch})
		if retained && f.Action == domain.Destroy {
			add(d.state.Keepers(domain.FieldEpoch{Field: r.Field, Epoch: r.Epoch}))
		}
	}
	var live []domain.Field
	for _, f := range d.living(fates) {
		live = append(live, f.Field)
	}
	add(d.state.Recipients(live...))
	return list
}

// living leaves out the fates of what was deleted before.
func (d *decision) living(fates []domain.Fate) []domain.Fate {
	return slices.DeleteFunc(slices.Clone(fates), func(f domain.Fate) bool {
		_, retained := d.state.RetainedAt(domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch})
		return retained
	})
}

// heldBack says why an order finds nothing to end: a hold keeps what is left of the field.
func (d *decision) heldBack(f domain.Field, err error) error {
	hold, held := d.state.HeldBy(f)
	if !d.overruled || !held || !slices.ContainsFunc(d.state.retained, func(r Retained) bool { return r.Field == f }) {
		return err
	}
	return domain.Refuse("delete.held", "4.3", "release the hold; what it alone keeps is destroyed then", "what is left of the field %s is kept by the hold %s", f, hold)
}

// deletable gives a held attribute. One that the catalogue no longer names can still be deleted.
func (d *decision) deletable(f domain.Field) (Held, error) {
	if h, ok := d.state.Held(f); ok {
		if d.precedes(h.since) {
			return Held{}, d.cameLater("delete", "the field %s", h, h.since)
		}
		return h, nil
	}
	_, _, err := d.attribute("delete", f)
	return Held{}, err
}

// allHere refuses to delete all at a time when part of it had not come: nobody could tell whether that part was
// meant to go as well.
func (d *decision) allHere() error {
	for _, h := range d.state.fields {
		if h.Live && d.precedes(h.since) {
			return domain.Refuse("delete.not-held", "4.1", "give a later time, or name the fields", "the field %s came later: on %s", h.Field, h.since.on()).WithKind(domain.Unknown)
		}
	}
	return nil
}

// everything gives the fates of all that the subject has: his attributes, and every trace up to the month.
// Which traces there are is not in his file, so all that the catalogue names are meant.
func (d *decision) everything(month domain.Month) []domain.Fate {
	if d.state.closed {
		return nil // that was the end of all that lived
	}
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
	if !h.Live {
		return fates
	}
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
