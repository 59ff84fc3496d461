package subject

import (
	"slices"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

// fates decides what becomes of a value that is deleted or replaced now. Every reason to keep it is a fate of
// its own, and the last one is in force: first the longest term whose end is known, then one that begins with
// the end of the relation, then a hold. So the file remembers what follows when a later one falls away.
func (d *decision) fates(f domain.Field, e domain.Epoch) []domain.Fate {
	k := d.keeping(f, e)
	_, held := d.state.HeldBy(f)
	fate := domain.Fate{Subject: d.subject, Field: f, Epoch: e, Action: domain.Retain}
	var list []domain.Fate
	add := func(until time.Time, rule string) {
		fate.Until, fate.Rule = until, rule
		list = append(list, fate)
	}
	if k.Rule != "" {
		add(k.Until, k.Rule)
	}
	if k.Open != "" {
		add(time.Time{}, k.Open)
	}
	if held {
		add(time.Time{}, HoldRule)
	}
	if len(list) == 0 {
		fate.Action = domain.Destroy
		list = append(list, fate)
	}
	return list
}

// keeping gives how long law keeps the value; an order to destroy it leaves nothing of that.
func (d *decision) keeping(f domain.Field, e domain.Epoch) policy.Keeping {
	if d.overruled {
		return policy.Keeping{}
	}
	return d.Policy.Keeping(f, e, d.op.At, d.relation)
}

// traceFates ends the traces of a field through the month, unless that is done already. Where a term runs from
// collection, each month has an end of its own: the oldest come first, so that each fate reaches what the ones
// before it have left.
func (d *decision) traceFates(fates []domain.Fate, f domain.Field, month domain.Month) []domain.Fate {
	if d.state.closed && d.overruled {
		return fates // closing has ended every month, those to come included
	}
	var months [][]domain.Fate
	alike := d.keeping(f, "1970-01") // of all months so old that no term runs any more
	for {
		epoch, live := d.state.TraceEpoch(f, month)
		if !live {
			break
		}
		list := d.fates(f, epoch)
		for i := range list {
			list[i].Through = true
		}
		months = append(months, list)
		if month <= "1970-01" || d.keeping(f, epoch) == alike {
			break
		}
		month = previous(month)
	}
	for _, list := range slices.Backward(months) {
		fates = append(fates, list...)
	}
	return fates
}

func previous(m domain.Month) domain.Month {
	first, err := time.Parse("2006-01", string(m))
	if err != nil {
		return "1970-01"
	}
	return domain.MonthOf(first.AddDate(0, 0, -1))
}

// placeHold forbids destroying values (clause 4.3). What is retained already is kept without an end; what was
// destroyed before is said to be late.
func (d *decision) placeHold(c PlaceHold) (Event, error) {
	if c.Hold.IsZero() {
		return nil, input("hold.missing", "4.3", "give it a random id", "the hold has no id")
	}
	if slices.ContainsFunc(d.state.holds, func(h Hold) bool { return h.ID == c.Hold }) {
		return nil, domain.Refuse("hold.exists", "4.3", "give a new hold a new id", "a hold with this id is recorded").WithKind(domain.Conflict)
	}
	if c.All == (len(c.Fields) > 0) {
		return nil, input("hold.which", "4.3", "name fields, or say all, but not both", "the command does not say what to hold")
	}
	if err := d.warrant(c.Warrant); err != nil {
		return nil, err
	}
	if !c.All {
		if err := d.knownFields(c.Fields); err != nil {
			return nil, err
		}
	}
	c.Warrant.Dated = c.Warrant.Dated.UTC()
	e := HoldPlaced{Subject: d.subject, Hold: c.Hold, Fields: slices.Clone(c.Fields), Warrant: c.Warrant}
	placed := Hold{Fields: c.Fields}
	for _, r := range d.state.retained {
		if _, held := d.state.HeldBy(r.Field); placed.Keeps(r.Field) && !held {
			e.Held = append(e.Held, d.holdFate(r))
		}
	}
	e.Late = d.late(placed)
	return e, nil
}

func (d *decision) holdFate(r Retained) domain.Fate {
	return domain.Fate{Subject: d.subject, Field: r.Field, Epoch: r.Epoch, Through: r.Through, Action: domain.Retain, Rule: HoldRule}
}

// warrant checks that the paper of an authority or court is named in full.
func (d *decision) warrant(w Warrant) error {
	if what, remedy := w.unnamed(); what != "" {
		return input("hold.warrant", "4.3", remedy, "the paper that the hold rests on is not named in full: %s", what)
	}
	if w.Dated.IsZero() || w.Dated.After(d.op.At) {
		return input("hold.warrant", "4.3", "give the date of the paper, not after the hold", "the paper has no date, or one in the future")
	}
	return nil
}

// knownFields checks a list of fields that the catalogue names or the file has had.
func (d *decision) knownFields(fields []domain.Field) error {
	if err := distinct(fields); err != nil {
		return err
	}
	for _, f := range fields {
		if d.state.fieldAt(f) >= 0 || d.state.traceAt(f) >= 0 {
			continue
		}
		if _, err := d.field(f); err != nil {
			return err
		}
	}
	return nil
}

// late lists what the hold names and was destroyed before it came. For a trace it is the last epoch, which
// stands for all before it.
func (d *decision) late(h Hold) []domain.FieldEpoch {
	var late []domain.FieldEpoch
	add := func(v domain.FieldEpoch) {
		if _, retained := d.state.RetainedAt(v); !retained {
			late = append(late, v)
		}
	}
	for _, f := range d.state.fields {
		last := f.Current
		if f.Live {
			last = f.Since - 1
		}
		for n := 1; h.Keeps(f.Field) && n <= last; n++ {
			add(domain.FieldEpoch{Field: f.Field, Epoch: domain.AttributeEpoch(n)})
		}
	}
	for _, c := range d.state.traces {
		if last := d.state.lastCleared(c.Field); h.Keeps(c.Field) && last != "" {
			add(domain.FieldEpoch{Field: c.Field, Epoch: last})
		}
	}
	return late
}

// releaseHold ends a hold (clause 4.3). What no other hold keeps goes back to its own term, or is destroyed at
// once when that is over or there was none. Releasing it twice changes nothing.
func (d *decision) releaseHold(c ReleaseHold) (Event, error) {
	i := slices.IndexFunc(d.state.holds, func(h Hold) bool { return h.ID == c.Hold })
	if i < 0 {
		return nil, domain.Refuse("hold.unknown", "4.3", "name a hold of this subject", "no hold with this id is recorded").WithKind(domain.Unknown)
	}
	if err := document(c.Document); err != nil {
		return nil, err
	}
	released := d.state.holds[i]
	if released.Released {
		return nil, nil
	}
	if d.before(released.From) {
		return nil, tooEarly("hold", "4.3", "the hold was placed", on(released.From))
	}
	e := HoldReleased{Subject: d.subject, Hold: c.Hold, Document: c.Document}
	for _, r := range d.state.retained {
		if released.Keeps(r.Field) && !d.heldByAnother(r.Field, c.Hold) {
			e.Freed = append(e.Freed, r.fate(d.subject, d.op.At))
		}
	}
	e.Tell = d.tell(e.Freed)
	return e, nil
}

func (d *decision) heldByAnother(f domain.Field, id domain.HoldID) bool {
	return slices.ContainsFunc(d.state.holds, func(h Hold) bool { return h.ID != id && h.Keeps(f) })
}

// endRelation gives values their end whose terms begin with the closing of the account. A hold goes on.
func (d *decision) endRelation() []domain.Fate {
	var fates []domain.Fate
	for _, r := range d.state.retained {
		if r.Open == "" {
			continue
		}
		until, rule := d.Policy.RelationEnded(r.Field, r.Open, d.op.At)
		if r.Open = ""; until.After(r.Until) {
			r.Until, r.Rule = until, rule
		}
		fate := r.fate(d.subject, d.op.At)
		if _, held := d.state.HeldBy(r.Field); !held {
			fates = append(fates, fate)
			continue
		}
		if fate.Action == domain.Retain {
			fates = append(fates, fate)
		}
		fates = append(fates, d.holdFate(r))
	}
	return fates
}
