package register

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/transfers"
)

// Register is the record of processing activities of one controller at one moment.
type Register struct {
	Controller policy.Controller
	Policy     string
	Version    string
	Effective  time.Time
	TextHash   string
	Law        string
	Purposes   []Purpose
	Subjects   []Persons
	// Closed is how many of the files are closed.
	Closed     int64
	Categories []Category
	Recipients []Recipient
	Abroad     []Abroad
	Retention  []Retention
	Roles      []policy.Role
	Measures   []Measure
}

// Purpose is one purpose of the closed list, with what it may process and what was done for it.
type Purpose struct {
	policy.Purpose
	// Categories are the categories of data that the catalogue allows for it.
	Categories []string
	Services   []domain.Service
	// RecipientKinds are those to whom data went for it.
	RecipientKinds []domain.RecipientKind
	// Done is what was recorded for it.
	Done []Activity
}

// Category is a category of data with its fields.
type Category struct {
	Name   string
	Fields []domain.Field
	// Retention names the rules that its fields refer to.
	Retention []string
}

// Recipient is a third party and what it holds now.
type Recipient struct {
	transfers.Recipient
	KindTitle string
	Public    bool
	// Persons is of how many persons it holds something now; Fields is what.
	Persons int
	Fields  []domain.Field
	// Outdated is how many values it holds that were changed since, Owed of how many edits and deletions it is still
	// to be told.
	Outdated, Owed int
	Bases          []string
	Purposes       []domain.Purpose
	// Passed is how many values ever went there.
	Passed int64
}

// Abroad is what goes to one country on one ground (art. 29 of Law 2297-VI; GDPR art. 30(1)(e)).
type Abroad struct {
	Country    domain.Country
	Ground     string
	Title      string
	Recipients []string // names
	Fields     []domain.Field
	Passed     int64
}

// Retention is one term with what it governs.
type Retention struct {
	Rule   *policy.Rule
	Fields []domain.Field
}

// Make makes the register of a policy from one moment of the answers. It reads the projections register and
// transfers.
func Make(ctx context.Context, s projections.Snapshot, p *policy.Policy) (*Register, error) {
	r := &Register{Controller: p.Controller, Policy: p.Name, Version: p.Version, Effective: p.EffectiveFrom.Time, TextHash: p.TextHash,
		Law: p.Law, Categories: categories(p), Retention: retention(p), Roles: p.Roles, Measures: measures()}
	cards, err := transfers.Recipients(ctx, s)
	if err != nil {
		return nil, err
	}
	moved, err := allFlows(ctx, s)
	if err != nil {
		return nil, err
	}
	done, err := allActivities(ctx, s)
	if err != nil {
		return nil, err
	}
	if r.Subjects, r.Closed, err = allSubjects(ctx, s); err != nil {
		return nil, err
	}
	for i := range r.Subjects {
		r.Subjects[i].Title = subjectTitle(p, r.Subjects[i].Kind)
	}
	holds, err := holdings(ctx, s)
	if err != nil {
		return nil, err
	}
	r.Purposes = purposes(p, done, moved, cards)
	for _, c := range cards {
		r.Recipients = append(r.Recipients, recipientOf(p, c, holds[c.ID], moved))
	}
	r.Abroad = abroad(p, cards, moved)
	return r, nil
}

func subjectTitle(p *policy.Policy, kind domain.Field) string {
	if f, ok := p.Field(kind); ok {
		return "persons known by " + f.Title
	}
	return "persons known by no reference"
}

func categories(p *policy.Policy) []Category {
	var out []Category
	for _, f := range p.Fields {
		i := slices.IndexFunc(out, func(c Category) bool { return c.Name == f.Category })
		if i < 0 {
			i = len(out)
			out = append(out, Category{Name: f.Category})
		}
		out[i].Fields = append(out[i].Fields, f.ID)
		for _, rule := range f.Retention {
			out[i].Retention = include(out[i].Retention, rule)
		}
	}
	return out
}

func retention(p *policy.Policy) []Retention {
	out := make([]Retention, len(p.Retention))
	for i := range p.Retention {
		out[i].Rule = &p.Retention[i]
		for _, f := range p.Fields {
			if slices.Contains(f.Retention, out[i].Rule.ID) || slices.Contains(out[i].Rule.Categories, f.Category) {
				out[i].Fields = append(out[i].Fields, f.ID)
			}
		}
	}
	return out
}

func purposes(p *policy.Policy, done []Activity, moved []flow, cards []transfers.Recipient) []Purpose {
	kinds := map[domain.RecipientID]domain.RecipientKind{}
	for _, c := range cards {
		kinds[c.ID] = c.Kind
	}
	out := make([]Purpose, len(p.Purposes))
	for i, x := range p.Purposes {
		out[i].Purpose = x
		for _, f := range p.Fields {
			if f.Allows(x.ID) {
				out[i].Categories = include(out[i].Categories, f.Category)
			}
		}
		for _, s := range p.Services {
			if len(s.Purposes) == 0 || slices.Contains(s.Purposes, x.ID) {
				out[i].Services = append(out[i].Services, s.ID)
			}
		}
		for _, f := range moved {
			if f.purpose == x.ID {
				out[i].RecipientKinds = include(out[i].RecipientKinds, kinds[f.recipient])
			}
		}
		for _, a := range done {
			if a.Purpose == x.ID {
				out[i].Done = append(out[i].Done, a)
			}
		}
	}
	return out
}

func recipientOf(p *policy.Policy, c transfers.Recipient, h *holding, moved []flow) Recipient {
	r := Recipient{Recipient: c}
	if k, ok := p.RecipientKind(c.Kind); ok {
		r.KindTitle, r.Public = k.Title, k.Public
	}
	if h != nil {
		r.Persons, r.Fields, r.Outdated, r.Owed = h.persons, h.fields, h.outdated, h.owed
	}
	for _, f := range moved {
		if f.recipient != c.ID {
			continue
		}
		r.Passed += f.values
		r.Bases = include(r.Bases, f.basis)
		r.Purposes = include(r.Purposes, f.purpose)
	}
	return r
}

func abroad(p *policy.Policy, cards []transfers.Recipient, moved []flow) []Abroad {
	names := map[domain.RecipientID]string{}
	for _, c := range cards {
		names[c.ID] = c.Name
	}
	type key struct {
		country domain.Country
		ground  string
	}
	sums := map[key]*Abroad{}
	for _, f := range moved {
		if f.abroad == "" {
			continue
		}
		k := key{f.country, f.abroad}
		a := sums[k]
		if a == nil {
			a = &Abroad{Country: f.country, Ground: f.abroad}
			if g, ok := p.AbroadGround(f.abroad); ok {
				a.Title = g.Title
			}
			sums[k] = a
		}
		a.Passed += f.values
		a.Fields = include(a.Fields, f.field)
		a.Recipients = include(a.Recipients, names[f.recipient])
	}
	out := make([]Abroad, 0, len(sums))
	for _, k := range slices.SortedFunc(maps.Keys(sums), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.country, b.country), cmp.Compare(a.ground, b.ground))
	}) {
		out = append(out, *sums[k])
	}
	return out
}

// include adds a word to a sorted list that does not have it.
func include[T ~string](list []T, x T) []T {
	i, known := slices.BinarySearch(list, x)
	if known || x == "" {
		return list
	}
	return slices.Insert(list, i, x)
}
