package law

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/internal/strictyaml"
)

// validation gathers problems, each at its path.
type validation struct {
	p *Pack
	strictyaml.Findings
}

// validate checks what the entries say, and finds the pack's zone.
func validate(p *Pack, lines map[string]int) []Problem {
	v := &validation{p: p, Findings: strictyaml.Findings{Lines: lines}}
	v.head()
	v.calendar()
	v.deadlines()
	v.retention()
	v.grounds()
	v.exemptions()
	v.source("records", p.Records.Article, p.Records.Mark)
	v.Need(p.Records.Years >= 0 && p.Records.Years <= 100, "records.years", "give 0 to 100", "%d years are no term", p.Records.Years)
	return v.Problems
}

var (
	idPattern      = regexp.MustCompile(`^[a-z][a-z0-9-]{0,47}$`)
	groundPattern  = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,47}$`)
	versionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)
	countryPattern = regexp.MustCompile(`^[A-Z]{2}$`)
)

const idRemedy = "use a small letter, then small letters, digits and - (48 at most)"

func (v *validation) head() {
	p := v.p
	v.Need(idPattern.MatchString(p.ID), "pack", idRemedy, "the pack's name %q is not an id", p.ID)
	v.Need(versionPattern.MatchString(p.Version), "version", `name it by date, for example "2026-11"`, "the version %q is not a version's name", p.Version)
	v.Need(p.Title != "", "title", "name the acts", "the pack has no title")
	v.Need(countryPattern.MatchString(string(p.Country)), "country", "give an ISO 3166-1 code of two capitals, or EU", "%q is not a country", p.Country)
	v.source("counting", p.Counting.Article, p.Counting.Mark)
	zone, err := time.LoadLocation(p.Zone)
	ok := err == nil && p.Zone != "" && p.Zone != "Local" // Local would make terms depend on the machine
	v.Need(ok, "zone", "give a name such as Europe/Kyiv", "%q is not a time zone", p.Zone)
	p.zone = zone
}

// source checks what every entry says of where it comes from.
func (v *validation) source(at, article string, m Mark) {
	v.Need(strings.TrimSpace(article) != "", at+".article", "name act and article", "no article is named")
	v.mark(at, m)
}

func (v *validation) mark(at string, m Mark) {
	v.Need(m == Verified || m == Secondary || m == Memory, at+".mark",
		"say V (read in a published source), S (in a secondary one) or M (from memory)", "the mark %q is not known", m)
}

// limits of a calendar: with fewer free days than these, every year has working days, and counting them ends.
const (
	maxWeekend  = 4
	maxHolidays = 40
	maxPlus     = 100
)

func (v *validation) calendar() {
	c := v.p.Calendar
	v.source("calendar", c.Article, c.Mark)
	v.Need(len(c.Weekend) <= maxWeekend, "calendar.weekend", "leave days to work on", "%d days of the week are free", len(c.Weekend))
	v.Need(len(c.Holidays) <= maxHolidays, "calendar.holidays", fmt.Sprintf("keep to %d", maxHolidays), "%d holidays are given", len(c.Holidays))
	for i, day := range c.Weekend {
		at := fmt.Sprintf("calendar.weekend[%d]", i)
		v.Need(isWeekday(day), at, "write saturday, sunday and so on", "%q is not a day of the week", day)
		v.Need(!slices.Contains(c.Weekend[:i], day), at, "keep one of them", "%q is given twice", day)
	}
	for i, h := range c.Holidays {
		v.holiday(h, fmt.Sprintf("calendar.holidays[%d]", i))
	}
	for i, m := range c.MartialLaw {
		at := fmt.Sprintf("calendar.martial-law[%d]", i)
		v.Need(m.From.Day > 0, at+".from", `give its first day as "2022-02-24"`, "the beginning is missing or not a date")
		v.Need(m.Until != notADate, at+".until", `give its last day as "2022-02-24", or remove the key`, "the end is not a date")
		v.Need(m.Until.Day <= 0 || m.From.Compare(m.Until) <= 0, at+".until", "give a later day", "it ends before it begins")
	}
}

func isWeekday(name string) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.ToLower(d.String()) == name {
			return true
		}
	}
	return false
}

func (v *validation) holiday(h Holiday, at string) {
	_, ok := h.rule()
	v.Need(ok, at+".day", `write month and day as "12-25", or easter, or orthodox-easter`, "%q is not a day of the year", h.Day)
	v.Need(h.Title != "", at+".title", "say what it is", "the day %q has no title", h.Day)
	v.Need(h.Plus >= -maxPlus && h.Plus <= maxPlus, at+".plus", fmt.Sprintf("give at most %d days", maxPlus), "%d days lead into another year", h.Plus)
	v.Need(h.From >= 0 && h.Until >= 0 && (h.Until == 0 || h.From <= h.Until), at, "give the first and the last year",
		"the years %d to %d are no span", h.From, h.Until)
}

// unique reports ids that are malformed or given twice in a list, and an empty list.
func unique[T any](v *validation, list []T, path string, id func(T) string) {
	v.Need(len(list) > 0, path, "add at least one", "the list is missing or empty")
	seen := map[string]bool{}
	for i, x := range list {
		at := fmt.Sprintf("%s[%d].id", path, i)
		v.Need(!seen[id(x)], at, "remove or rename one of them", "%q is given twice", id(x))
		seen[id(x)] = true
	}
}

func (v *validation) id(id, at string) {
	v.Need(idPattern.MatchString(id), at+".id", idRemedy, "%q is not an id", id)
}

func (v *validation) deadlines() {
	unique(v, v.p.Deadlines, "deadlines", func(d Deadline) string { return string(d.ID) })
	for i, d := range v.p.Deadlines {
		at := fmt.Sprintf("deadlines[%d]", i)
		v.source(at, d.Article, d.Mark)
		v.known(d.ID, at+".id")
		v.Need(d.Title != "", at+".title", "say what must be done", "deadline %q has no title", d.ID)
		v.Need(d.From != "", at+".from", "say what starts the term", "nothing starts the term of %q", d.ID)
		v.term(d.Term, at+".term")
		switch d.Addressee {
		case ToSubject, ToRecipient, ToThirdParty, ToAuthority:
		default:
			v.Need(false, at+".addressee", "say subject, recipient, third-party or authority", "the addressee %q is not known", d.Addressee)
		}
		v.Need(!d.Absolute || len(d.AbsoluteFor) == 0, at+".absolute-for", "remove one of the two keys", "%q is absolute for all already", d.ID)
		v.Need(!d.Absolute || d.Extension == nil, at+".extension", "remove one of the two keys", "%q is absolute, so it is not put off", d.ID)
		v.Need(!d.OnDestruction || d.ID == NoticeChange || d.ID == NoticeRecipient, at+".on-destruction", "remove the key",
			"%q does not speak of deletions", d.ID)
		v.Need(d.FixedBy == "" || d.Extension == nil, at+".fixed-by", "remove one of the two keys", "%q is fixed and extended", d.ID)
		v.ids(d.AbsoluteFor, at+".absolute-for")
		if d.Extension != nil {
			v.extension(d, at+".extension")
		}
	}
}

func (v *validation) known(id DeadlineID, at string) {
	v.Need(slices.Contains(DeadlineIDs(), id), at, "give one that the ledger opens, for example request.access", "the deadline %q is not known", id)
}

func (v *validation) term(t Term, at string) {
	v.Need(t.valid(), at, "write it as: 10 working days, 30 calendar days, 1 month, 3 years, 72 hours or none", "this is not a term")
}

func (v *validation) extension(d Deadline, at string) {
	e := d.Extension
	v.Need(strings.TrimSpace(e.Article) != "", at+".article", "name act and article", "no article is named")
	v.term(e.Term, at+".term")
	v.Need(!e.Term.IsZero(), at+".term", "give the longer term", "the extension has no term")
	sameUnit := e.Term.Unit == d.Term.Unit || !e.Term.valid() || !d.Term.valid()
	v.Need(e.InAll || sameUnit, at+".term", "count both in one unit, or write: in-all: true",
		"%s and %s are not added", e.Term, d.Term)
	v.Need(!e.InAll || !sameUnit || e.Term.N > d.Term.N, at+".term", "give the longer term", "the extension is not longer than %s", d.Term)
	if e.WithReasonBy != nil {
		v.term(*e.WithReasonBy, at+".with-reason-by")
	}
}

func (v *validation) retention() {
	unique(v, v.p.Retention, "retention", func(r Rule) string { return r.ID })
	for i, r := range v.p.Retention {
		at := fmt.Sprintf("retention[%d]", i)
		v.id(r.ID, at)
		v.mark(at, r.Mark)
		v.Need(strings.TrimSpace(r.Legal) != "", at+".legal", "name act and article", "rule %q has no legal reference", r.ID)
		v.term(r.Term, at+".term")
		switch r.Start {
		case StartDeletion, StartCollection, StartRelationEnd:
		default:
			v.Need(false, at+".start", "say deletion, collection or relation-end", "the start %q is not known", r.Start)
		}
		v.action(r, at)
		v.ids(r.Categories, at+".categories")
		v.ids(r.Readers, at+".readers")
		for j, g := range r.Grounds {
			v.Need(groundPattern.MatchString(string(g)), fmt.Sprintf("%s.grounds[%d]", at, j), "write it as ua.11.1.5", "%q is not a ground", g)
		}
	}
}

// ids reports words of a list that are no ids, or are given twice.
func (v *validation) ids(list []string, at string) {
	for i, id := range list {
		path := fmt.Sprintf("%s[%d]", at, i)
		v.Need(idPattern.MatchString(id), path, idRemedy, "%q is not an id", id)
		v.Need(!slices.Contains(list[:i], id), path, "keep one of them", "%q is given twice", id)
	}
}

func (v *validation) action(r Rule, at string) {
	switch r.Action {
	case domain.Destroy:
		v.Need(r.Term.IsZero() || !r.Term.valid(), at+".term", "write: term: none", "rule %q destroys, so it has no term", r.ID)
		v.Need(len(r.Readers) == 0, at+".readers", "remove the key", "rule %q destroys, so nobody reads", r.ID)
	case domain.Retain:
		v.Need(!r.Term.IsZero(), at+".term", "say how long", "rule %q retains without a term", r.ID)
		v.Need(len(r.Readers) > 0, at+".readers", "name the roles that may still read", "what rule %q keeps nobody may read", r.ID)
		v.Need(len(r.Grounds) > 0, at+".grounds", "name a legal basis, for example ua.11.1.5", "rule %q keeps on no ground", r.ID)
	default:
		v.Need(false, at+".action", "say destroy or retain", "rule %q has the unknown action %q", r.ID, r.Action)
	}
}

func (v *validation) grounds() {
	unique(v, v.p.DeletionGrounds, "deletion-grounds", func(g Ground) string { return g.ID })
	for i, g := range v.p.DeletionGrounds {
		at := fmt.Sprintf("deletion-grounds[%d]", i)
		v.id(g.ID, at)
		v.source(at, g.Article, g.Mark)
		v.Need(g.Title != "", at+".title", "say what it is", "ground %q has no title", g.ID)
		for j, o := range g.Overrules {
			path := fmt.Sprintf("%s.overrules[%d]", at, j)
			v.Need(o == ByTerm || o == ByRestriction, path, "say retention or restriction", "ground %q overrules %q, which is nothing", g.ID, o)
			v.Need(!slices.Contains(g.Overrules[:j], o), path, "keep one of them", "%q is given twice", o)
		}
	}
}

func (v *validation) exemptions() {
	unique(v, v.p.Exemptions, "exemptions", func(e Exemption) string { return e.ID })
	for i, e := range v.p.Exemptions {
		at := fmt.Sprintf("exemptions[%d]", i)
		v.id(e.ID, at)
		v.source(at, e.Article, e.Mark)
		v.Need(e.Title != "", at+".title", "say what it is", "exemption %q has no title", e.ID)
		v.Need(len(e.From) > 0, at+".from", "name the duties", "exemption %q frees from nothing", e.ID)
		for j, id := range e.From {
			v.known(id, fmt.Sprintf("%s.from[%d]", at, j))
		}
	}
}
