package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"imagine.ua/litopys/domain/internal/strictyaml"
)

// validation gathers problems, each at its path.
type validation struct {
	p *Policy
	strictyaml.Findings
}

func validate(p *Policy, lines map[string]int) []Problem {
	v := &validation{p: p, Findings: strictyaml.Findings{Lines: lines}}
	v.head()
	v.purposes()
	v.grounds()
	v.retention()
	v.services()
	v.plainLists()
	v.roles()
	v.abroad()
	v.fields()
	v.clauses()
	return v.Problems
}

var (
	idPattern      = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,47}$`)
	groundPattern  = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,47}$`)
	versionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)
	countryPattern = regexp.MustCompile(`^[A-Z]{2}$`)
)

const (
	idRemedy      = "use a small letter, then small letters, digits, - and _ (48 at most)"
	countryRemedy = "give an ISO 3166-1 code of two capitals"
)

func (v *validation) head() {
	p := v.p
	v.Need(idPattern.MatchString(p.Name), "policy", idRemedy, "the policy's name %q is not an id", p.Name)
	v.Need(versionPattern.MatchString(p.Version), "version", `name it by date, for example "2014-01"`, "the version %q is not a version's name", p.Version)
	v.Need(!p.EffectiveFrom.IsZero(), "effective-from", "give a date as 2014-01-01", "%q is not a date", p.EffectiveFrom.text)
	v.Need(p.Acceptance == "use" || p.Acceptance == "signature", "acceptance", "say use or signature", "acceptance %q is not known", p.Acceptance)
	v.Need(countryPattern.MatchString(string(p.GoverningLaw)), "governing-law", countryRemedy, "%q is not a country", p.GoverningLaw)
	v.Need(countryPattern.MatchString(string(p.Controller.Country)), "controller.country", countryRemedy, "%q is not a country", p.Controller.Country)
	v.Need(p.Controller.Name != "", "controller.name", "say who answers for the data", "the controller has no name")
	v.Need(strings.TrimSpace(p.Text) != "", "text", "include the text that users read", "the policy has no text")
	sum := sha256.Sum256([]byte(p.Text))
	want := hex.EncodeToString(sum[:])
	v.Need(p.TextHash == want, "text-sha256", "write "+want+", if the text is meant to be as it is", "the hash is not the hash of the text")
}

// unique reports ids that are malformed or given twice in a list, and an empty list.
func unique[T any](v *validation, list []T, path string, pattern *regexp.Regexp, id func(T) string) {
	v.Need(len(list) > 0, path, "add at least one", "the list is missing or empty")
	seen := map[string]bool{}
	for i, x := range list {
		at := fmt.Sprintf("%s[%d].id", path, i)
		v.Need(pattern.MatchString(id(x)), at, idRemedy, "%q is not an id", id(x))
		v.Need(!seen[id(x)], at, "remove or rename one of them", "%q is given twice", id(x))
		seen[id(x)] = true
	}
}

// refers reports references to what is not defined, and repetitions.
func refers[K ~string, T any](v *validation, refs []K, path, to string, defined map[K]*T) {
	seen := map[K]bool{}
	for i, ref := range refs {
		at := fmt.Sprintf("%s[%d]", path, i)
		_, ok := defined[ref]
		v.Need(ok, at, "define it under "+to+" or correct its spelling", "%q is not defined", ref)
		v.Need(!seen[ref], at, "keep one of them", "%q is given twice", ref)
		seen[ref] = true
	}
}

func (v *validation) purposes() {
	unique(v, v.p.Purposes, "purposes", idPattern, func(x Purpose) string { return string(x.ID) })
	for i, x := range v.p.Purposes {
		at := fmt.Sprintf("purposes[%d]", i)
		v.Need(len(x.Clauses) > 0, at+".clauses", `name it, for example "2.2.1"`, "purpose %q names no clause", x.ID)
		v.Need(x.Title != "", at+".title", "say what it is", "purpose %q has no title", x.ID)
	}
}

func (v *validation) grounds() {
	unique(v, v.p.Grounds, "grounds", groundPattern, func(x Ground) string { return string(x.ID) })
}

func (v *validation) services() {
	unique(v, v.p.Services, "services", idPattern, func(x Service) string { return string(x.ID) })
	for i, s := range v.p.Services {
		at := fmt.Sprintf("services[%d]", i)
		refers(v, s.Purposes, at+".purposes", "purposes", v.p.index.purposes)
		refers(v, s.Grounds, at+".grounds", "grounds", v.p.index.grounds)
		refers(v, s.Needs, at+".needs", "fields", v.p.index.fields)
		for id, limit := range s.MaxBytes {
			path := at + ".max-bytes." + string(id)
			f, ok := v.p.Field(id)
			v.Need(ok, path, "define it under fields or correct its spelling", "%q is not defined", id)
			v.Need(!ok || limit > 0 && limit <= f.MaxBytes, path, "lower the catalogue's limit or remove the key", "the limit %d is not between 1 and the catalogue's", limit)
		}
	}
}

func (v *validation) plainLists() {
	unique(v, v.p.RecipientKinds, "recipient-kinds", idPattern, func(x RecipientKind) string { return string(x.ID) })
	unique(v, v.p.Identification, "identification", idPattern, func(x Method) string { return x.ID })
}

func (v *validation) roles() {
	unique(v, v.p.Roles, "roles", idPattern, func(x Role) string { return x.ID })
	categories := v.categories()
	for i, r := range v.p.Roles {
		at := fmt.Sprintf("roles[%d]", i)
		refers(v, r.Purposes, at+".purposes", "purposes", v.p.index.purposes)
		refers(v, r.Categories, at+".categories", "a field's category", categories)
		v.Need(len(r.Purposes) > 0, at+".purposes", "name at least one", "role %q may view for no purpose", r.ID)
		v.Need(len(r.Categories) > 0, at+".categories", "name at least one", "role %q may view no category", r.ID)
	}
}

func (v *validation) abroad() {
	unique(v, v.p.Abroad, "abroad", groundPattern, func(x Abroad) string { return x.ID })
	for i, a := range v.p.Abroad {
		for j, c := range a.Countries {
			v.Need(countryPattern.MatchString(string(c)), fmt.Sprintf("abroad[%d].countries[%d]", i, j), countryRemedy, "%q is not a country", c)
		}
	}
}

// MaxValueBytes is the longest value that a policy may allow: with its length it must fit the largest
// bucket of sealed values (64 KiB).
const MaxValueBytes = 64<<10 - 4

func (v *validation) fields() {
	unique(v, v.p.Fields, "fields", idPattern, func(x Field) string { return string(x.ID) })
	for i := range v.p.Fields {
		f, at := &v.p.Fields[i], fmt.Sprintf("fields[%d]", i)
		v.field(f, at)
		refers(v, f.Purposes, at+".purposes", "purposes", v.p.index.purposes)
		refers(v, f.Retention, at+".retention", "retention", v.p.index.rules)
		refers(v, f.Services, at+".services", "services", v.p.index.services)
		v.starts(f, at)
	}
}

func (v *validation) field(f *Field, at string) {
	v.Need(idPattern.MatchString(f.Category), at+".category", idRemedy, "field %q has no valid category", f.ID)
	v.Need(f.Kind == Attribute || f.Kind == Trace, at+".kind", "say attribute or trace", "field %q has the unknown kind %q", f.ID, f.Kind)
	v.Need(len(f.Purposes) > 0, at+".purposes", "name at least one purpose, or remove the field", "field %q serves no purpose", f.ID)
	v.Need(len(f.Retention) > 0, at+".retention", "name at least one rule", "field %q has no retention rule", f.ID)
	v.Need(len(f.Services) > 0, at+".services", "name at least one service, or remove the field", "field %q is used by no service", f.ID)
	v.Need(f.MaxBytes > 0 && f.MaxBytes <= MaxValueBytes, at+".max-bytes", fmt.Sprintf("give 1 to %d", MaxValueBytes),
		"field %q has the limit %d", f.ID, f.MaxBytes)
	switch f.Form {
	case "", Exact, Email, Phone:
	default:
		v.Need(false, at+".findable", "say exact, email or phone, or remove the key", "field %q is findable as %q", f.ID, f.Form)
	}
	v.Need(f.Form == "" || f.Kind != Trace, at+".findable", "remove the key", "field %q is a trace; nobody is found again by a trace", f.ID)
	v.Need(f.Kind != Trace || len(f.Sources) > 0, at+".sources", "write: sources: [automatic]", "field %q is a trace without a source", f.ID)
	for i, s := range f.Sources {
		v.Need(s == "subject" || s == "automatic", fmt.Sprintf("%s.sources[%d]", at, i), "say subject or automatic", "field %q has the unknown source %q", f.ID, s)
	}
}

func (v *validation) clauses() {
	v.Need(len(v.p.Clauses) > 0, "clauses", "add the table", "the table of clauses is missing")
	seen := map[string]bool{}
	for i, c := range v.p.Clauses {
		at := fmt.Sprintf("clauses[%d]", i)
		v.Need(c.ID != "" && len(c.ID) <= 20, at+".clause", "name the clause", "%q is not a clause", c.ID)
		v.Need(!seen[c.ID], at+".clause", "keep one row a clause", "%q is given twice", c.ID)
		seen[c.ID] = true
		v.Need(c.Says != "", at+".says", "retell it in one sentence", "clause %q says nothing", c.ID)
		v.Need(len(c.Events)+len(c.Rules) > 0 || c.Pending != "", at, "name events or rules, or say under pending what is missing",
			"nothing carries clause %q", c.ID)
	}
}
