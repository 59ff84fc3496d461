package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
)

// HoldRule is the id of the entry that says what a legal hold rests on and who may read what it keeps. Fields
// don't name it: a hold does.
const HoldRule = "hold"

// Rule is one entry of the retention schedule: what a legal act says of values that are deleted or replaced. An
// entry that gives only its id is the rule of that id in the rule pack of the governing law; its categories and
// readers may be given beside the id and stand instead of the pack's.
type Rule struct {
	ID    string `yaml:"id"`
	Legal string `yaml:"legal,omitempty"` // the act and article
	// Start is what the term runs from.
	Start  law.RuleStart     `yaml:"start,omitempty"`
	Term   law.Term          `yaml:"term,omitempty"` // none for destroy
	Action domain.FateAction `yaml:"action,omitempty"`
	// Categories of fields that the rule governs, beside the fields that name it.
	Categories []string `yaml:"categories,omitempty"`
	// Readers are the roles that may read what the rule keeps; nobody else may.
	Readers []string `yaml:"readers,omitempty"`

	grounds []domain.Grounds // that keeping rests on, by the pack
	lawful  bool             // the pack says what it is
}

// Lawful reports whether the rule is one of the rule pack, not the policy's own.
func (r *Rule) Lawful() bool { return r.lawful }

// of fills in what the pack says of the rule.
func (r Rule) of(l law.Rule) Rule {
	r.Legal, r.Start, r.Term, r.Action = l.Legal, l.Start, l.Term, l.Action
	r.grounds, r.lawful = l.Grounds, true
	if len(r.Categories) == 0 {
		r.Categories = l.Categories
	}
	if len(r.Readers) == 0 {
		r.Readers = l.Readers
	}
	return r
}

// onlyNamed reports whether the entry leaves to the pack what the rule is.
func (r *Rule) onlyNamed() bool {
	return r.Legal == "" && r.Start == "" && r.Term.IsZero() && r.Action == ""
}

// packOf gives the rule pack that the policy is joined with, and nil when none is built in.
func packOf(p *Policy) *law.Pack {
	id := p.Law
	if id == "" {
		id = strings.ToLower(string(p.GoverningLaw))
	}
	pack, err := law.Named(id)
	if err != nil {
		return nil
	}
	return pack
}

// join fills the entries that only name a rule of the pack.
func (p *Policy) join() {
	p.pack = packOf(p)
	if p.pack == nil {
		return
	}
	for i, r := range p.Retention {
		if l, ok := p.pack.Rule(r.ID); ok && r.onlyNamed() {
			p.Retention[i] = r.of(l)
		}
		if r.ID == HoldRule && r.Action == "" {
			p.Retention[i].Action = domain.Retain
		}
	}
}

// Pack is the rule pack of the governing law. It is read-only.
func (p *Policy) Pack() *law.Pack { return p.pack }

// Under gives the same policy under another rule pack, to see what that law would make of it. A rule of law
// becomes the pack's rule of the same id, or the one that keeps on the same ground (GDPR art. 6), or nothing:
// Apart tells of those. The policy's own rules stay. What is decided under it must not be recorded.
func (p *Policy) Under(pack *law.Pack) *Policy {
	other := *p
	other.pack = pack
	other.Retention, other.apart = nil, nil
	aliases := map[string]string{}
	for i, r := range p.Retention {
		if r.lawful {
			l, ok := p.counterpart(r, pack)
			if !ok {
				if r.Action == domain.Retain {
					other.apart = append(other.apart, &p.Retention[i])
				}
				continue
			}
			aliases[r.ID] = l.ID
			r = Rule{ID: l.ID}.of(l)
		}
		if !slices.ContainsFunc(other.Retention, func(o Rule) bool { return o.ID == r.ID }) {
			other.Retention = append(other.Retention, r)
		}
	}
	other.buildIndex()
	for name, id := range aliases {
		other.index.rules[name] = other.index.rules[id]
	}
	other.buildKeeps()
	return &other
}

// Apart lists the rules of the policy's own law that keep values of the field and that the pack, under which the
// policy was put, has no rule for. What no other rule keeps is destroyed under that pack.
func (p *Policy) Apart(id domain.Field) []*Rule {
	f, ok := p.Field(id)
	if !ok {
		return nil
	}
	var list []*Rule
	for _, r := range p.apart {
		if slices.Contains(f.Retention, r.ID) || slices.Contains(r.Categories, f.Category) {
			list = append(list, r)
		}
	}
	return list
}

// counterpart finds the rule of another pack that stands for a rule of this one.
func (p *Policy) counterpart(r Rule, pack *law.Pack) (law.Rule, bool) {
	if l, ok := pack.Rule(r.ID); ok {
		return l, true
	}
	for _, g := range r.grounds {
		ground, ok := p.Ground(g)
		if !ok {
			continue
		}
		for _, l := range pack.Retention {
			if slices.Contains(l.Grounds, g) || slices.Contains(l.Grounds, domain.Grounds("eu."+ground.GDPR)) {
				return l, true
			}
		}
	}
	return law.Rule{}, false
}

// buildKeeps lists, for each field, the rules that keep its values: those it names, and those that name its
// category.
func (p *Policy) buildKeeps() {
	p.index.keeps = make(map[domain.Field][]*Rule, len(p.Fields))
	for i := range p.Fields {
		f := &p.Fields[i]
		var keep []*Rule
		add := func(r *Rule) {
			if r != nil && r.Action == domain.Retain && r.ID != HoldRule && !slices.Contains(keep, r) {
				keep = append(keep, r)
			}
		}
		for _, name := range f.Retention {
			add(p.index.rules[name])
		}
		for j := range p.Retention {
			if slices.Contains(p.Retention[j].Categories, f.Category) {
				add(&p.Retention[j])
			}
		}
		p.index.keeps[f.ID] = keep
	}
}

// Keeps lists the rules that keep the field's values when they are deleted. The list is read-only.
func (p *Policy) Keeps(id domain.Field) []*Rule { return p.index.keeps[id] }

// Keeping is how long values are kept that are deleted or replaced.
type Keeping struct {
	// Until is the end of the longest term whose end is known, Rule the rule that sets it. Both are zero when
	// no such rule keeps the value.
	Until time.Time
	Rule  string
	// Open is the rule whose term begins with the end of the relation to the subject, while it lasts. Nobody
	// knows yet which of the two terms is the longer one.
	Open string
}

// Fate is the keeping as the fate of a value. Subject, field and epoch are the caller's.
func (k Keeping) Fate() domain.Fate {
	switch {
	case k.Open != "":
		return domain.Fate{Action: domain.Retain, Rule: k.Open}
	case k.Rule != "":
		return domain.Fate{Action: domain.Retain, Rule: k.Rule, Until: k.Until}
	}
	return domain.Fate{Action: domain.Destroy}
}

// Relation says whether the relation to the subject lasts.
type Relation bool

// The conditions of a relation: it ends with the account.
const (
	Lasting Relation = false
	Ended   Relation = true
)

// Keeping tells how long a value of the field that is deleted or replaced at a time is kept: the longest
// lawful term wins. A relation that is Ended ends at that time.
func (p *Policy) Keeping(id domain.Field, e domain.Epoch, at time.Time, r Relation) Keeping {
	var k Keeping
	var open time.Time
	for _, rule := range p.index.keeps[id] {
		from := at
		if rule.Start == law.StartCollection {
			from = epochEnd(e, at)
		}
		until := p.pack.Due(rule.Term, from)
		switch {
		case rule.Start == law.StartRelationEnd && r == Lasting:
			if until.After(open) {
				open, k.Open = until, rule.ID
			}
		case until.After(at) && until.After(k.Until):
			k.Until, k.Rule = until, rule.ID
		}
	}
	return k
}

// RelationEnded gives the end of the term that begins with the end of the relation: of the rule under which the
// value is kept, or of another one of its field that is longer. It is zero when neither policy nor law knows
// such a rule any more.
func (p *Policy) RelationEnded(id domain.Field, rule string, at time.Time) (time.Time, string) {
	var until time.Time
	var by string
	longer := func(id string, term law.Term) {
		if end := p.pack.Due(term, at); end.After(until) {
			until, by = end, id
		}
	}
	if r, ok := p.Rule(rule); ok {
		longer(r.ID, r.Term)
	} else if r, ok := p.pack.Rule(rule); ok {
		longer(r.ID, r.Term)
	}
	for _, r := range p.index.keeps[id] {
		if r.Start == law.StartRelationEnd {
			longer(r.ID, r.Term)
		}
	}
	return until, by
}

// FromCollection reports whether a rule counts a term for the field from its collection.
func (p *Policy) FromCollection(id domain.Field) bool {
	return slices.ContainsFunc(p.index.keeps[id], func(r *Rule) bool { return r.Start == law.StartCollection })
}

// epochEnd gives the last moment at which a trace of the epoch can have been collected: the end of its month.
func epochEnd(e domain.Epoch, at time.Time) time.Time {
	month, _, _ := strings.Cut(string(e), ".")
	begin, err := time.Parse("2006-01", month)
	if err != nil {
		return at // not the epoch of a trace; the loader keeps such rules away from attributes
	}
	return begin.AddDate(0, 1, 0).Add(-time.Microsecond)
}

// MayRead reports whether the role may read what the rule keeps. Rules of law that the policy does not list
// are asked of the pack.
func (p *Policy) MayRead(role, rule string) bool { return slices.Contains(p.ReadersOf(rule), role) }

// ReadersOf lists the roles that may read what the rule keeps.
func (p *Policy) ReadersOf(rule string) []string {
	if r, ok := p.Rule(rule); ok {
		return r.Readers
	}
	r, _ := p.pack.Rule(rule)
	return r.Readers
}

// LegalOf names the act and article that a rule rests on; empty when nobody knows the rule.
func (p *Policy) LegalOf(rule string) string {
	if r, ok := p.Rule(rule); ok {
		return r.Legal
	}
	r, _ := p.pack.Rule(rule)
	return r.Legal
}

func (v *validation) retention() {
	p := v.p
	v.Need(p.pack != nil, "law", "write: law: ua, or another of "+strings.Join(law.Names(), ", "),
		"no rule pack is built in for %q", orElse(p.Law, string(p.GoverningLaw)))
	unique(v, p.Retention, "retention", idPattern, func(x Rule) string { return x.ID })
	categories := v.categories()
	for i, r := range p.Retention {
		at := fmt.Sprintf("retention[%d]", i)
		refers(v, r.Categories, at+".categories", "a field's category", categories)
		refers(v, r.Readers, at+".readers", "roles", p.index.roles)
		switch {
		case r.ID == HoldRule:
			v.holdRule(r, at)
		case r.onlyNamed():
			v.Need(p.pack == nil, at, "correct the id, or say legal, start, term, action and readers", "the rule pack has no rule %q", r.ID)
		case !r.lawful:
			v.ownRule(r, at)
		}
	}
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (v *validation) holdRule(r Rule, at string) {
	v.Need(strings.TrimSpace(r.Legal) != "", at+".legal", "name act and article", "rule %q has no legal reference", r.ID)
	v.Need(r.Start == "" && r.Term.IsZero() && r.Action == domain.Retain && len(r.Categories) == 0, at, "keep id, legal and readers",
		"a hold lasts until it is released, so it has no term")
}

// ownRule checks a rule that the policy itself makes.
func (v *validation) ownRule(r Rule, at string) {
	if v.p.pack != nil {
		_, lawful := v.p.pack.Rule(r.ID)
		v.Need(!lawful, at, "keep the id only, or give the policy's own rule another id", "the rule pack says what %q is", r.ID)
	}
	v.Need(strings.TrimSpace(r.Legal) != "", at+".legal", "name act and article", "rule %q has no legal reference", r.ID)
	switch r.Action {
	case domain.Destroy:
		v.Need(r.Term.IsZero(), at+".term", "write: term: none", "rule %q destroys, so it has no term", r.ID)
		v.Need(len(r.Readers) == 0, at+".readers", "remove the key", "rule %q destroys, so nobody reads", r.ID)
	case domain.Retain:
		v.Need(r.Term.N > 0, at+".term", "write it as: 1095 calendar days, 6 months or 3 years", "rule %q retains without a term", r.ID)
		v.Need(len(r.Readers) > 0, at+".readers", "name the roles that may still read", "what rule %q keeps nobody may read", r.ID)
	default:
		v.Need(false, at+".action", "say destroy or retain", "rule %q has the unknown action %q", r.ID, r.Action)
	}
	switch r.Start {
	case law.StartDeletion, law.StartCollection, law.StartRelationEnd:
	default:
		v.Need(r.Action == domain.Destroy && r.Start == "", at+".start", "say deletion, collection or relation-end",
			"the term of rule %q starts with the unknown event %q", r.ID, r.Start)
	}
}

// starts refuses a term from collection for an attribute: its values have no month, and the state remembers no
// time, so nobody could say when the term began.
func (v *validation) starts(f *Field, at string) {
	for _, r := range v.p.index.keeps[f.ID] {
		v.Need(f.Kind != Attribute || r.Start != law.StartCollection, at+".retention",
			"let its term start with deletion or relation-end; a term from collection is for traces",
			"the rule %q counts from the collection, and the field %q is an attribute", r.ID, f.ID)
	}
	v.Need(!slices.Contains(f.Retention, HoldRule), at+".retention", "remove it; a hold is placed on a subject", "field %q names the rule of holds", f.ID)
}

// categories gives a field of every category.
func (v *validation) categories() map[string]*Field {
	m := map[string]*Field{}
	for i := range v.p.Fields {
		m[v.p.Fields[i].Category] = &v.p.Fields[i]
	}
	return m
}
