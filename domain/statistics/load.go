package statistics

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"imagine.ua/litopys/domain/internal/strictyaml"
)

// file is a plan as it is written; the built-in one has about 4 KB.
var file = strictyaml.File{
	MaxBytes:   256 << 10,
	Empty:      "begin with the built-in one: litopys statistic plan",
	Documents:  "keep one plan in a file",
	NotMapping: "begin with: version: NAME",
	TooDeep:    "keep to the structure of the built-in plan",
}

// Problem is one thing that is wrong in a plan: its line (0 when the place is not one line), its path as
// "tables[3].by", what is wrong and what would help.
type Problem = strictyaml.Problem

// InvalidError lists everything that is wrong in a plan, in the order of its lines.
type InvalidError struct{ Problems []Problem }

// Error shows one problem a line.
func (e *InvalidError) Error() string { return strictyaml.Report("statistics plan", e.Problems) }

// document is the file of a plan.
type document struct {
	Version     string              `yaml:"version"`
	MinimumCell int64               `yaml:"minimum-cell"`
	Rounding    int64               `yaml:"rounding"`
	Budget      float64             `yaml:"budget"`
	Delta       float64             `yaml:"delta"`
	OpenTo      []string            `yaml:"open-to"`
	Labels      map[string][]string `yaml:"labels"`
	Tables      []tableDocument     `yaml:"tables"`
}

type tableDocument struct {
	ID        string   `yaml:"id"`
	Title     string   `yaml:"title"`
	Counts    string   `yaml:"counts"`
	By        []string `yaml:"by"`
	MaxCells  int64    `yaml:"max-cells"`
	Epsilon   float64  `yaml:"epsilon"`
	MergeRare bool     `yaml:"merge-rare"`
}

// leastEpsilon is the smallest epsilon of a table: with less, no month has the persons that any cell would need.
// mostEpsilon is the largest, and of a month: beyond it noise hides nobody.
const (
	leastEpsilon = one / 1000
	mostEpsilon  = 20
)

// Load reads a plan. It refuses unknown and repeated keys, anchors and aliases, and whatever would protect persons
// less than any plan has to. Its error is an *InvalidError with all problems at once.
func Load(text []byte) (*Plan, error) {
	var plan *Plan
	_, problems := strictyaml.Load(text, file, func(d *document, lines map[string]int) []Problem {
		plan = d.plan()
		v := &validation{d: d, p: plan, Findings: strictyaml.Findings{Lines: lines}}
		v.head()
		v.labels()
		v.tables()
		return v.Problems
	})
	if len(problems) > 0 {
		return nil, &InvalidError{problems}
	}
	return plan, nil
}

func (d *document) plan() *Plan {
	p := &Plan{Version: d.Version, MinimumCell: d.MinimumCell, Rounding: d.Rounding, Budget: BillionthsOf(d.Budget),
		Delta: BillionthsOf(d.Delta), OpenTo: d.OpenTo, labels: map[Dimension][]Label{}}
	for name, list := range d.Labels {
		for _, l := range list {
			p.labels[Dimension(name)] = append(p.labels[Dimension(name)], Label(l))
		}
	}
	for _, t := range d.Tables {
		plan := TablePlan{ID: t.ID, Title: t.Title, Counts: Measure(t.Counts), MaxCells: t.MaxCells, Epsilon: BillionthsOf(t.Epsilon), MergeRare: t.MergeRare}
		for _, b := range t.By {
			plan.By = append(plan.By, Dimension(b))
		}
		p.Tables = append(p.Tables, plan)
	}
	return p
}

// validation gathers problems. Numbers are looked at as they are written, because a very large one would not fit what
// the plan keeps of it.
type validation struct {
	d *document
	p *Plan
	strictyaml.Findings
}

const (
	wordRemedy   = "use small letters, digits, - and . (48 at most)"
	repeatRemedy = "keep one of them"
)

func (v *validation) head() {
	p, d := v.p, v.d
	v.Need(wordPattern.MatchString(p.Version), "version", wordRemedy, "the version %q is no name", p.Version)
	v.Need(p.MinimumCell >= Floor, "minimum-cell", fmt.Sprintf("give %d or more", Floor), "%d is below the floor of %d", p.MinimumCell, Floor)
	v.Need(p.MinimumCell < maxCount, "minimum-cell", "give 10, for example", "%d is more than there are persons", p.MinimumCell)
	v.Need(p.Rounding >= Floor && p.Rounding <= maxCount && p.MinimumCell%max(1, p.Rounding) == 0, "rounding",
		fmt.Sprintf("give %d or more, of which minimum-cell is a multiple", Floor), "figures can't be rounded to %d", p.Rounding)
	v.Need(d.Budget >= 0 && d.Budget <= mostEpsilon, "budget", fmt.Sprintf("give 0 to %d", mostEpsilon), "%v is no budget", d.Budget)
	v.Need(p.Delta > 0 && d.Delta < 0.01, "delta", "give 0.000000001 or more and less than 0.01", "%v is no delta", d.Delta)
	for i, role := range p.OpenTo {
		v.Need(wordPattern.MatchString(role), fmt.Sprintf("open-to[%d]", i), wordRemedy, "%q is no role", role)
	}
}

func (v *validation) labels() {
	for _, d := range slices.Sorted(maps.Keys(v.p.labels)) {
		path := "labels." + string(d)
		v.Need(d.known(), path, "remove it or correct its spelling", "no dimension is called %q", d)
		list := v.p.labels[d]
		for i, l := range list {
			at := fmt.Sprintf("%s[%d]", path, i)
			v.Need(l.Valid(), at, "write one word of at most 64 letters, digits and / _ . : # + -", "%q is no label", l)
			v.Need(!slices.Contains(list[:i], l), at, repeatRemedy, "%q is given twice", l)
		}
	}
}

func (v *validation) tables() {
	p := v.p
	v.Need(len(p.Tables) > 0 && len(p.Tables) <= maxTables, "tables", fmt.Sprintf("give 1 to %d", maxTables), "the plan has %d tables", len(p.Tables))
	spent := Billionths(0)
	for i, t := range p.Tables {
		path, written := fmt.Sprintf("tables[%d]", i), v.d.Tables[i].Epsilon
		v.table(path, t, p.Tables[:i])
		v.cut(path+".by", t, p.Tables[:i])
		v.Need(t.Epsilon >= leastEpsilon && written <= mostEpsilon, path+".epsilon", fmt.Sprintf("give %s to %d", leastEpsilon, mostEpsilon),
			"%v is no epsilon", written)
		spent += t.Epsilon
	}
	v.Need(spent <= p.Budget || v.d.Budget > mostEpsilon, "budget", "raise it, or lower what a table spends", "the tables spend %s of %s", spent, p.Budget)
}

// table checks what one table is called and how far it bounds a person. before are the tables above it.
func (v *validation) table(path string, t TablePlan, before []TablePlan) {
	v.Need(wordPattern.MatchString(t.ID), path+".id", wordRemedy, "%q is no name of a table", t.ID)
	v.Need(!slices.ContainsFunc(before, func(o TablePlan) bool { return o.ID == t.ID }), path+".id", "rename one of them", "%q is given twice", t.ID)
	v.Need(validTitle(t.Title), path+".title", "give one line of at most 120 bytes", "the title is missing, or not one line")
	v.Need(t.MaxCells >= 1 && t.MaxCells <= 64, path+".max-cells", "give 1 to 64", "a person can't count in %d cells", t.MaxCells)
	v.Need(!t.MergeRare || len(t.By) == 1, path+".merge-rare", "remove it, or cut the table by one dimension", "rare cells of one dimension only are merged")
}

// cut checks what a table counts and what cuts it.
func (v *validation) cut(path string, t TablePlan, before []TablePlan) {
	allowed, known := cuts()[t.Counts]
	v.Need(known, strings.TrimSuffix(path, "by")+"counts", "use one of: "+listed(slices.Sorted(maps.Keys(cuts()))), "the measure %q is not known", t.Counts)
	v.Need(len(t.By) >= 1 && len(t.By) <= maxBy, path, fmt.Sprintf("give 1 to %d", maxBy), "the table is cut by %d dimensions", len(t.By))
	v.Need(!slices.ContainsFunc(before, t.cutLike), path, repeatRemedy, "another table counts the same and is cut alike")
	raw := 0
	for i, d := range t.By {
		at := fmt.Sprintf("%s[%d]", path, i)
		v.Need(!known || slices.Contains(allowed, d), at, "use one of: "+listed(allowed), "%s can't be cut by %q", t.Counts, d)
		v.Need(!slices.Contains(t.By[:i], d), at, repeatRemedy, "%q is given twice", d)
		if _, ok := d.raw(); ok {
			raw++
			v.Need(len(v.p.labels[d]) > 0, at, "write labels."+string(d), "%s is made of raw values and has no list of labels", d)
		}
	}
	v.Need(raw < 2, path, repeatRemedy, "two dimensions are made of raw values")
	v.Need(t.Counts != Visits || raw == 1, path, "cut it by browser or page", "visits are told by neither browser nor page")
}

func listed[T ~string](names []T) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return strings.Join(out, ", ")
}

// cutLike tells whether two tables count the same in the same cells: two figures for one crowd would take from the
// uncertainty of each.
func (t TablePlan) cutLike(o TablePlan) bool {
	other := slices.ContainsFunc(t.By, func(d Dimension) bool { return !slices.Contains(o.By, d) })
	return t.Counts == o.Counts && len(t.By) == len(o.By) && !other
}
