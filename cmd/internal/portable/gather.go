package portable

import (
	"context"
	"slices"
	"strings"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/consents"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/notices"
	"imagine.ua/litopys/projections/profile"
	"imagine.ua/litopys/projections/requests"
	"imagine.ua/litopys/projections/transfers"
)

// Draft is a copy whose values are still sealed. Whoever completes it has recorded the viewing of Values.
type Draft struct {
	copy    Copy
	subject domain.SubjectID
	policy  *policy.Policy
	profile profile.Profile
	brought []history.Entry // that brought values which live
	ended   []domain.Fate   // the last word on each value that was ended
}

// Gather collects all that is known of a person, from one moment of the answers, and opens nothing. It reports
// false for a person of whom nothing is known.
func Gather(ctx context.Context, s projections.Snapshot, p *policy.Policy, id domain.SubjectID, now time.Time) (*Draft, bool, error) {
	held, found, err := profile.Get(ctx, s, id)
	if err != nil || !found {
		return nil, false, err
	}
	d := &Draft{subject: id, policy: p, profile: held, copy: Copy{
		Form: Form, Made: now.UTC().Truncate(time.Second), Subject: id.String(), Account: string(held.Account), Registered: held.Registered, Closed: held.Closed,
		Accepted: Text{held.Policy, held.TextHash}, Policy: Text{p.Version, p.TextHash},
		Controller: Controller{p.Controller.Name, p.Controller.Site, p.Controller.Contact, string(p.Controller.Country)},
		Values:     []Value{}, Kept: []Kept{}, Transfers: []Transfer{}, Consents: []Consent{}, Requests: []Request{}, Notices: []Notice{},
	}}
	for _, step := range []func(context.Context, projections.Snapshot) error{d.timeline, d.transfers, d.consents, d.requests, d.notices} {
		if err := step(ctx, s); err != nil {
			return nil, false, err
		}
	}
	return d, true, nil
}

// timeline finds the entries that brought values which nothing has ended since.
func (d *Draft) timeline(ctx context.Context, s projections.Snapshot) error {
	when := map[domain.FieldEpoch]time.Time{}
	for e, err := range history.Timeline(ctx, s, d.subject, history.Filter{}) {
		if err != nil {
			return err
		}
		for _, f := range e.Fates {
			at := domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}
			if _, known := when[at]; !known {
				when[at] = e.Occurred
			}
			d.ended = slices.DeleteFunc(d.ended, func(was domain.Fate) bool { return covers(f, was.Field, was.Epoch) })
			d.ended = append(d.ended, f)
		}
		if len(e.Received) > 0 {
			e.Details = slices.DeleteFunc(slices.Clone(e.Details), func(x history.Detail) bool { return x.Name != "source" })
			d.brought = append(d.brought, e)
		}
	}
	for i := range d.brought {
		d.brought[i].Referred = nil
	}
	d.brought = slices.DeleteFunc(d.brought, func(e history.Entry) bool {
		return !slices.ContainsFunc(e.Received, d.lives)
	})
	for _, f := range d.ended {
		if f.Action == domain.Retain {
			d.copy.Kept = append(d.copy.Kept, d.kept(f, when[domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch}]))
		}
	}
	return nil
}

// covers reports whether the fate is also that of the value: the same one, or an earlier one when it reaches
// through.
func covers(f domain.Fate, field domain.Field, epoch domain.Epoch) bool {
	return f.Field == field && (f.Epoch == epoch || f.Through && projections.EpochRank(epoch) <= projections.EpochRank(f.Epoch))
}

func (d *Draft) lives(v domain.FieldEpoch) bool {
	return !slices.ContainsFunc(d.ended, func(f domain.Fate) bool { return covers(f, v.Field, v.Epoch) })
}

func (d *Draft) kept(f domain.Fate, ended time.Time) Kept {
	k := Kept{Field: string(f.Field), Title: d.title(f.Field), Epoch: string(f.Epoch), Earlier: f.Through, Ended: ended, Until: f.Until, Rule: f.Rule}
	if rule, ok := d.policy.Rule(f.Rule); ok {
		k.Legal = rule.Legal
	}
	return k
}

func (d *Draft) title(f domain.Field) string {
	if entry, ok := d.policy.Field(f); ok {
		return entry.Title
	}
	return string(f)
}

// given reports whether the value itself is given: what the controller wrote about the person speaks of others
// too, and is given by hand.
func (d *Draft) given(f domain.Field) bool {
	entry, ok := d.policy.Field(f)
	return ok && len(entry.Sources) > 0
}

// Values lists what Complete will open, for the record of the viewing.
func (d *Draft) Values() []domain.FieldEpoch {
	seen := map[domain.FieldEpoch]bool{}
	var out []domain.FieldEpoch
	for _, e := range d.brought {
		for _, v := range e.Received {
			if d.lives(v) && d.given(v.Field) && !seen[v] {
				seen[v] = true
				out = append(out, v)
			}
		}
	}
	return out
}

func (d *Draft) transfers(ctx context.Context, s projections.Snapshot) error {
	cards, err := transfers.Recipients(ctx, s)
	if err != nil {
		return err
	}
	names := map[domain.RecipientID]string{}
	for _, c := range cards {
		names[c.ID] = c.Name
	}
	for t, err := range transfers.List(ctx, s, transfers.Filter{Subject: d.subject}) {
		if err != nil {
			return err
		}
		list := d.copy.Transfers
		if t.Ordinal > 0 && len(list) > 0 { // one more field of the same transfer
			last := &list[len(list)-1]
			last.Fields = append(last.Fields, string(t.Field))
			continue
		}
		d.copy.Transfers = append(list, Transfer{When: t.Occurred, Recipient: names[t.Recipient], Kind: string(t.Kind), Country: string(t.Country),
			Fields: []string{string(t.Field)}, Basis: string(t.Basis.Kind), Clause: t.Basis.Kind.Clause(), Purpose: string(t.Purpose)})
	}
	return nil
}

func (d *Draft) consents(ctx context.Context, s projections.Snapshot) error {
	list, err := consents.Of(ctx, s, d.subject)
	for _, c := range list {
		d.copy.Consents = append(d.copy.Consents, Consent{ID: c.ID.String(), State: string(c.State(d.copy.Made)), Granted: c.Granted, Until: c.Until,
			Withdrawn: c.Withdrawn, Purposes: words(c.Scope.Purposes), Fields: words(c.Scope.Fields), Policy: c.Policy, TextHash: c.TextHash})
	}
	return err
}

// requests lists what the person asked for. What authorities ask about him is told by other rules.
func (d *Draft) requests(ctx context.Context, s projections.Snapshot) error {
	list, err := requests.List(ctx, s, requests.Filter{Subject: d.subject})
	for _, r := range list {
		if r.Recipient.IsZero() {
			d.copy.Requests = append(d.copy.Requests, Request{ID: r.ID.String(), Kind: string(r.Kind), Received: r.Received, Answered: r.Answered, Outcome: string(r.Outcome)})
		}
	}
	return err
}

func (d *Draft) notices(ctx context.Context, s projections.Snapshot) error {
	list, err := notices.Of(ctx, s, d.subject)
	for _, n := range list {
		d.copy.Notices = append(d.copy.Notices, Notice{Policy: n.Policy, Channel: string(n.Channel), When: n.At})
	}
	return err
}

func words[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}

// pageSize is how many entries are opened at a time.
const pageSize = 500

// Complete opens the values and gives the copy. A value whose key is gone by now is left out.
func (d *Draft) Complete(ctx context.Context, streams projections.Streams, o projections.Opener) (Copy, error) {
	for some := range slices.Chunk(d.brought, pageSize) {
		opened, err := history.Open(ctx, streams, o, d.wanted(some))
		if err != nil {
			return Copy{}, err
		}
		for i, items := range opened {
			for _, item := range items {
				at := domain.FieldEpoch{Field: item.Field, Epoch: item.Epoch}
				switch {
				case item.Subject != d.subject || !d.lives(at): // another person's, or deleted
				case !d.given(item.Field):
					d.withhold(some[i], at)
				default:
					d.add(some[i], item)
				}
			}
		}
	}
	return d.copy, nil
}

// wanted is the entries as they are opened. One that brought nothing which may be given is not looked at.
func (d *Draft) wanted(some []history.Entry) []history.Entry {
	list := slices.Clone(some)
	for i, e := range list {
		if !slices.ContainsFunc(e.Received, func(v domain.FieldEpoch) bool { return d.lives(v) && d.given(v.Field) }) {
			list[i].Received = nil
			for _, v := range e.Received {
				d.withhold(e, v)
			}
		}
	}
	return list
}

func (d *Draft) withhold(e history.Entry, v domain.FieldEpoch) {
	if d.lives(v) {
		x := d.value(e, v)
		x.Withheld = "written by the controller; ask for it"
		d.copy.Values = append(d.copy.Values, x)
	}
}

func (d *Draft) add(e history.Entry, item domain.Item) {
	text, clear := item.Value.Reveal()
	if !clear {
		return
	}
	v := d.value(e, domain.FieldEpoch{Field: item.Field, Epoch: item.Epoch})
	v.Value = text
	d.copy.Values = append(d.copy.Values, v)
}

// value describes a value without its content.
func (d *Draft) value(e history.Entry, at domain.FieldEpoch) Value {
	v := Value{Field: string(at.Field), Title: d.title(at.Field), Source: e.Detail("source"), Since: e.Occurred, Purpose: string(e.Purpose),
		Grounds: string(e.Grounds), Service: string(e.Service), Purposes: []string{}, AfterDeletion: []string{}}
	if ground, ok := d.policy.Ground(e.Grounds); ok {
		v.GroundsTitle = ground.Title
	}
	if entry, ok := d.policy.Field(at.Field); ok {
		v.Category, v.Purposes = entry.Category, words(entry.Purposes)
		v.AfterDeletion = d.afterDeletion(entry)
		if entry.IsTrace() {
			v.Month, _, _ = strings.Cut(string(at.Epoch), ".")
			return v
		}
	}
	i := slices.IndexFunc(d.profile.Fields, func(f profile.Field) bool { return f.Field == at.Field && f.Epoch == at.Epoch })
	if i >= 0 {
		f := d.profile.Fields[i]
		v.Status, v.Public, v.Source = string(f.Status), f.Public, string(f.Source)
	}
	return v
}

func (d *Draft) afterDeletion(f *policy.Field) []string {
	out := []string{}
	for _, id := range f.Retention {
		rule, ok := d.policy.Rule(id)
		if !ok {
			continue
		}
		does := "destroyed at once"
		if rule.Action == domain.Retain {
			does = "kept " + rule.Term.String()
		}
		out = append(out, does+" ("+rule.Legal+")")
	}
	return out
}
