package statistics

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// ErrInvalid says that a plan cannot be used; the message names all problems.
var ErrInvalid = errors.New("statistics plan")

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
const leastEpsilon = one / 1000

// maxPlan bounds the file of a plan, in bytes.
const maxPlan = 256 << 10

// Load reads a plan and names all that is wrong with it at once (ErrInvalid). It refuses unknown and repeated keys,
// anchors and aliases.
func Load(text []byte) (plan *Plan, err error) {
	// The parser is not ours and the file may come from anybody: a crash in it is a bad file, not a crash here.
	defer func() {
		if r := recover(); r != nil {
			plan, err = nil, fmt.Errorf("%w: the YAML parser gave up: %v", ErrInvalid, r)
		}
	}()
	if len(text) > maxPlan {
		return nil, fmt.Errorf("%w: the file is longer than %d bytes", ErrInvalid, maxPlan)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, plain(err))
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, fmt.Errorf("%w: want one document", ErrInvalid)
	}
	written := plainly{true}
	ast.Walk(&written, file.Docs[0].Body)
	if !written.out {
		return nil, fmt.Errorf("%w: write anchors, aliases and tags out", ErrInvalid)
	}
	var d document
	if err := yaml.NodeToValue(file.Docs[0].Body, &d, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, plain(err))
	}
	p := d.plan()
	if err := errors.Join(d.problems(p)...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return p, nil
}

// plain says in one line what the YAML library draws in many, and in words of the file instead of Go's types.
func plain(err error) error {
	var at yaml.Error
	if !errors.As(err, &at) {
		return err
	}
	message := at.GetMessage()
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) && wrong.DstType != nil {
		message = "want another kind of value"
		switch wrong.DstType.Kind() {
		case reflect.Float64, reflect.Int64:
			message = "want a number"
		case reflect.Bool:
			message = "want true or false"
		case reflect.String:
			message = "want a word"
		}
	}
	if t := at.GetToken(); t != nil && t.Position != nil {
		return fmt.Errorf("line %d: %s: %q", t.Position.Line, message, t.Value)
	}
	return errors.New(message)
}

// plainly sees whether everything is written out: what is repeated by reference can grow without bound.
type plainly struct{ out bool }

// Visit looks at one node.
func (p *plainly) Visit(n ast.Node) ast.Visitor {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		p.out = false
	}
	return p
}

func (d document) plan() *Plan {
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

func (d document) problems(p *Plan) []error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	need(wordPattern.MatchString(p.Version), "version: want a word")
	need(p.MinimumCell >= Floor && p.MinimumCell < maxCount, "minimum-cell: %d is below the floor of %d", p.MinimumCell, Floor)
	need(p.Rounding >= Floor && p.Rounding <= maxCount && p.MinimumCell%max(1, p.Rounding) == 0, "rounding: want %d or more, dividing minimum-cell", Floor)
	need(d.Budget >= 0 && d.Budget <= 20, "budget: want 0 to 20")
	need(p.Delta > 0 && d.Delta < 0.01, "delta: want 0.000000001 or more and less than 0.01")
	for _, role := range p.OpenTo {
		need(wordPattern.MatchString(role), "open-to: %q is no role", role)
	}
	need(len(p.Tables) > 0 && len(p.Tables) <= maxTables, "tables: want 1 to %d", maxTables)
	for dimension, list := range p.labels {
		need(dimension.known(), "labels: no dimension is called %s", dimension)
		for i, l := range list {
			need(l.Valid() && !slices.Contains(list[:i], l), "labels: %s: %q is malformed or repeated", dimension, l)
		}
	}
	spent := Billionths(0)
	for i, t := range p.Tables {
		errs = append(errs, p.tableProblems(i, t)...)
		need(t.Epsilon >= leastEpsilon && d.Tables[i].Epsilon <= 20, "table %s: epsilon: want %s to 20", t.ID, leastEpsilon)
		spent += t.Epsilon
	}
	need(spent <= p.Budget || d.Budget > 20, "budget: the tables spend %s of %s", spent, p.Budget)
	return errs
}

func (p *Plan) tableProblems(at int, t TablePlan) []error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("table "+t.ID+": "+format, args...))
		}
	}
	need(wordPattern.MatchString(t.ID), "id: want a word")
	need(!slices.ContainsFunc(p.Tables[:at], func(o TablePlan) bool { return o.ID == t.ID }), "id: repeated")
	need(validTitle(t.Title), "title: missing or not a line of at most 120 bytes")
	need(t.MaxCells >= 1 && t.MaxCells <= 64, "max-cells: want 1 to 64")
	allowed, known := cuts()[t.Counts]
	need(known, "counts: %q is not known", t.Counts)
	need(len(t.By) >= 1 && len(t.By) <= maxBy, "by: want 1 to %d dimensions", maxBy)
	need(!slices.ContainsFunc(p.Tables[:at], t.cutLike), "by: another table counts the same and is cut alike")
	need(!t.MergeRare || len(t.By) == 1, "merge-rare: for tables of one dimension")
	raw := 0
	for i, d := range t.By {
		need(!known || slices.Contains(allowed, d), "by: %s cannot be cut by %q", t.Counts, d)
		need(!slices.Contains(t.By[:i], d), "by: %s is repeated", d)
		if _, ok := d.raw(); ok {
			raw++
			need(len(p.labels[d]) > 0, "by: %s is made of raw values and needs its list of labels", d)
		}
	}
	need(raw < 2, "by: one dimension of raw values at most")
	need(t.Counts != Visits || raw == 1, "by: visits want browser or page")
	return errs
}

// cutLike tells whether two tables count the same in the same cells: two figures for one crowd would take from the
// uncertainty of each.
func (t TablePlan) cutLike(o TablePlan) bool {
	other := slices.ContainsFunc(t.By, func(d Dimension) bool { return !slices.Contains(o.By, d) })
	return t.Counts == o.Counts && len(t.By) == len(o.By) && !other
}
