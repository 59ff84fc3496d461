package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"imagine.ua/litopys/domain"
)

// index finds the entries of a policy by id. It is built once, at load.
type index struct {
	fields   map[domain.Field]*Field
	purposes map[domain.Purpose]*Purpose
	grounds  map[domain.Grounds]*Ground
	services map[domain.Service]*Service
	rules    map[string]*Rule
	kinds    map[domain.RecipientKind]*RecipientKind
	methods  map[string]*Method
	roles    map[string]*Role
	abroad   map[string]*Abroad
	traces   []domain.Field
	keeps    map[domain.Field][]*Rule
}

func (p *Policy) buildIndex() {
	p.index = index{
		fields:   byID(p.Fields, func(f *Field) domain.Field { return f.ID }),
		purposes: byID(p.Purposes, func(x *Purpose) domain.Purpose { return x.ID }),
		grounds:  byID(p.Grounds, func(x *Ground) domain.Grounds { return x.ID }),
		services: byID(p.Services, func(x *Service) domain.Service { return x.ID }),
		rules:    byID(p.Retention, func(x *Rule) string { return x.ID }),
		kinds:    byID(p.RecipientKinds, func(x *RecipientKind) domain.RecipientKind { return x.ID }),
		methods:  byID(p.Identification, func(x *Method) string { return x.ID }),
		roles:    byID(p.Roles, func(x *Role) string { return x.ID }),
		abroad:   byID(p.Abroad, func(x *Abroad) string { return x.ID }),
	}
	for i := range p.Fields {
		if p.Fields[i].IsTrace() {
			p.index.traces = append(p.index.traces, p.Fields[i].ID)
		}
	}
	p.buildKeeps()
}

func byID[K comparable, T any](list []T, id func(*T) K) map[K]*T {
	m := make(map[K]*T, len(list))
	for i := range list {
		m[id(&list[i])] = &list[i]
	}
	return m
}

func has[T comparable](list []T, x T) bool { return slices.Contains(list, x) }

// find gives an entry by id; the entry is read-only.
func find[K comparable, T any](m map[K]*T, id K) (*T, bool) {
	x, ok := m[id]
	return x, ok
}

// Field gives the catalogue's entry of a field. The entry is read-only, as are all that lookups give.
func (p *Policy) Field(id domain.Field) (*Field, bool) { return find(p.index.fields, id) }

// Purpose gives the entry of a purpose.
func (p *Policy) Purpose(id domain.Purpose) (*Purpose, bool) { return find(p.index.purposes, id) }

// Ground gives the entry of a legal basis.
func (p *Policy) Ground(id domain.Grounds) (*Ground, bool) { return find(p.index.grounds, id) }

// Service gives the entry of a service.
func (p *Policy) Service(id domain.Service) (*Service, bool) { return find(p.index.services, id) }

// Rule gives the entry of a retention rule.
func (p *Policy) Rule(id string) (*Rule, bool) { return find(p.index.rules, id) }

// RecipientKind gives the entry of a kind of third party.
func (p *Policy) RecipientKind(id domain.RecipientKind) (*RecipientKind, bool) {
	return find(p.index.kinds, id)
}

// Method gives the entry of an identification method.
func (p *Policy) Method(id string) (*Method, bool) { return find(p.index.methods, id) }

// Role gives the entry of a role.
func (p *Policy) Role(id string) (*Role, bool) { return find(p.index.roles, id) }

// AbroadGround gives the entry of a ground for transfers abroad.
func (p *Policy) AbroadGround(id string) (*Abroad, bool) { return find(p.index.abroad, id) }

// Traces lists the fields of kind trace, in the order of the catalogue. The list is read-only.
func (p *Policy) Traces() []domain.Field { return p.index.traces }

// IsTrace reports whether the catalogue names the field as a trace.
func (p *Policy) IsTrace(id domain.Field) bool {
	f, ok := p.Field(id)
	return ok && f.IsTrace()
}

// Findable reports whether the catalogue marks the field as one by which a person is found again.
func (p *Policy) Findable(id domain.Field) bool {
	f, ok := p.Field(id)
	return ok && f.Findable()
}

// Normal gives the form of a findable field's value under which it is looked up: what a person types twice
// in different ways becomes one. Values of other fields come back as they are.
func (p *Policy) Normal(id domain.Field, value string) string {
	if f, ok := p.Field(id); ok {
		return f.Form.Normal(value)
	}
	return value
}

// MaxBytes is the longest value of the field that the service takes: the catalogue's limit, or the
// service's own where that is lower (clause 3.1).
func (p *Policy) MaxBytes(f *Field, s domain.Service) int {
	if service, ok := p.Service(s); ok {
		if own, ok := service.MaxBytes[f.ID]; ok {
			return min(own, f.MaxBytes)
		}
	}
	return f.MaxBytes
}

// Stops lists the services that stop working when the subject no longer has these fields (clause 4.2), in
// the order of the policy.
func (p *Policy) Stops(gone func(domain.Field) bool) []domain.Service {
	var stop []domain.Service
	for i := range p.Services {
		if slices.ContainsFunc(p.Services[i].Needs, gone) {
			stop = append(stop, p.Services[i].ID)
		}
	}
	return stop
}

// Set is several versions of a policy, each in force from its effective date until the next one's.
type Set struct{ versions []*Policy }

// NewSet orders the versions by their effective dates. Two versions must not share a date or a name.
func NewSet(versions ...*Policy) (*Set, error) {
	if len(versions) == 0 {
		return nil, errors.New("policy set: no version given")
	}
	sorted := slices.SortedStableFunc(slices.Values(versions), func(a, b *Policy) int {
		return a.EffectiveFrom.Compare(b.EffectiveFrom.Time)
	})
	names := map[string]bool{}
	for i, p := range sorted {
		if names[p.Version] {
			return nil, fmt.Errorf("policy set: version %s is given twice", p.Version)
		}
		names[p.Version] = true
		if i > 0 && sorted[i-1].EffectiveFrom.Equal(p.EffectiveFrom.Time) {
			return nil, fmt.Errorf("policy set: versions %s and %s begin on the same date", sorted[i-1].Version, p.Version)
		}
	}
	return &Set{sorted}, nil
}

// At gives the version in force at t, and false when t lies before the first.
func (s *Set) At(t time.Time) (*Policy, bool) {
	n, exact := slices.BinarySearchFunc(s.versions, t, func(p *Policy, t time.Time) int {
		return p.EffectiveFrom.Compare(t)
	})
	if exact {
		return s.versions[n], true
	}
	if n == 0 {
		return nil, false
	}
	return s.versions[n-1], true
}

// Versions lists the versions, oldest first.
func (s *Set) Versions() []*Policy { return slices.Clone(s.versions) }

// ByVersion gives the version of this name: the text that an event of that version was recorded under.
func (s *Set) ByVersion(version string) (*Policy, bool) {
	i := slices.IndexFunc(s.versions, func(p *Policy) bool { return cmp.Compare(p.Version, version) == 0 })
	if i < 0 {
		return nil, false
	}
	return s.versions[i], true
}
