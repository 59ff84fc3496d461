package statistics_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/statistics"
)

func TestBuiltinPlanKeepsToThePolicy(t *testing.T) {
	t.Parallel()
	p := statistics.Builtin()
	if p.MinimumCell != 10 || statistics.Floor != 5 {
		t.Errorf("minimum cell %d, floor %d", p.MinimumCell, statistics.Floor)
	}
	for _, f := range p.Opens() {
		field, ok := policy.Imagine().Field(f)
		if !ok || !field.Allows("statistics") {
			t.Errorf("the plan opens %s, which the catalogue does not allow", f)
		}
	}
	if len(p.Opens()) != 2 {
		t.Errorf("opens %v", p.Opens())
	}
}

// A raw value that no list names never becomes a label.
func TestLabelsAreCoarse(t *testing.T) {
	t.Parallel()
	p := statistics.Builtin()
	for _, tc := range []struct {
		by    statistics.Dimension
		value string
		want  statistics.Label
	}{
		{statistics.Browser, "Firefox", "firefox"},
		{statistics.Browser, "OksanaBrowser", statistics.Other},
		{statistics.Page, "blog", "blog"},
		{statistics.Page, "~oksana", statistics.Other},
		{statistics.Country, "UA", "UA"},
		{statistics.Category, "by word of mouth", statistics.Other},
		{statistics.Category, "", statistics.Other},
	} {
		if got := p.Label(tc.by, tc.value); got != tc.want {
			t.Errorf("%s %q: %s, want %s", tc.by, tc.value, got, tc.want)
		}
	}
}

// TestLoadNamesAllProblems: each with its line, and what can be known of a plan that has a mistake of form comes in the
// same report.
func TestLoadNamesAllProblems(t *testing.T) {
	t.Parallel()
	good := string(statistics.BuiltinYAML())
	for name, tc := range map[string]struct{ from, to, want string }{
		"below the floor":   {"minimum-cell: 10", "minimum-cell: 4", "line 5: minimum-cell: 4 is below the floor of 5; give 5 or more\nline 6: rounding: figures can't be rounded to 5; give 5 or more, of which minimum-cell is a multiple"},
		"unknown key":       {"rounding: 5", "roundings: 5", "line 4: rounding: figures can't be rounded to 0; give 5 or more, of which minimum-cell is a multiple\nline 6: roundings: unknown key; remove it or correct its spelling"},
		"over the budget":   {"budget: 2.0", "budget: 1.0", "line 7: budget: the tables spend 2 of 1; raise it, or lower what a table spends"},
		"raw without list":  {"  page: [", "  channel: [", "line 27: tables[6].by[0]: page is made of raw values and has no list of labels; write labels.page"},
		"no such measure":   {"counts: deletions, by: [delay]", "counts: secrets, by: [delay]", `line 29: tables[8].counts: the measure "secrets" is not known; use one of: collections, consents, deletions, registrations, requests, transfers, visits`},
		"cannot be cut":     {"counts: requests, by: [request]", "counts: requests, by: [browser]", `line 30: tables[9].by[0]: requests can't be cut by "browser"; use one of: day, request, channel`},
		"repeated table":    {"id: pages", "id: browsers", `line 27: tables[6].id: "browsers" is given twice; rename one of them`},
		"cut alike":         {"by: [request], max-cells: 3", "by: [request], max-cells: 3, epsilon: 0.0011}\n  - {id: twice, title: Twice, counts: requests, by: [request], max-cells: 3", "line 7: budget: the tables spend 2.0011 of 2; raise it, or lower what a table spends\nline 31: tables[10].by: another table counts the same and is cut alike; keep one of them"},
		"hardly an epsilon": {"max-cells: 4, epsilon: 0.2", "max-cells: 4, epsilon: 0.0000000001", "line 22: tables[1].epsilon: 1e-10 is no epsilon; give 0.001 to 20"},
		"no number":         {"max-cells: 4, epsilon: 0.2", "max-cells: 4, epsilon: abc", "line 22: tables[1].epsilon: the value is of another nature; give a number"},
		"no finite number":  {"budget: 2.0", "budget: .inf", "line 7: budget: the value is of another nature; give a number"},
		"no list":           {"by: [category]", "by: {a: 1}", "line 22: tables[1].by: the value is of another nature; give a list"},
		"no delta":          {"delta: 0.000001", "delta: 0.0000000001", "line 8: delta: 1e-10 is no delta; give 0.000000001 or more and less than 0.01"},
		"exact figures":     {"rounding: 5", "rounding: 1", "line 6: rounding: figures can't be rounded to 1; give 5 or more, of which minimum-cell is a multiple"},
		"rounding too wide": {"rounding: 5", "rounding: 6", "line 6: rounding: figures can't be rounded to 6; give 5 or more, of which minimum-cell is a multiple"},
		"too many persons":  {"minimum-cell: 10", "minimum-cell: 1125899906842625", "line 5: minimum-cell: 1125899906842625 is more than there are persons; give 10, for example"},
		"beyond a number":   {"minimum-cell: 10", "minimum-cell: 10000000000000000000", "line 5: minimum-cell: the value is of another nature; give a whole number"},
		"an alias":          {"max-cells: 1, epsilon", "max-cells: &a 1, epsilon", "line 21: tables[0].max-cells: anchors, aliases and tags are not taken; write the value out"},
		"labels": {"browser: [chrome,", "browsers: [x]\n  browser: [a b, edge,", "line 14: labels.browsers: no dimension is called \"browsers\"; remove it or correct its spelling\nline 15: labels.browser[0]: \"a b\" is no label; write one word of at most 64 letters, digits and / _ . : # + -\n" +
			"line 15: labels.browser[4]: \"edge\" is given twice; keep one of them"},
		"several at once": {"by: [country], max-cells: 3", "by: [country, day, basis], max-cells: 0", "line 25: tables[4].max-cells: a person can't count in 0 cells; give 1 to 64\nline 25: tables[4].merge-rare: rare cells of one dimension only are merged; remove it, or cut the table by one dimension\n" +
			"line 25: tables[4].by: the table is cut by 3 dimensions; give 1 to 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(good, tc.from, tc.to, 1)
			if text == good {
				t.Fatal("nothing was changed")
			}
			_, err := statistics.Load([]byte(text))
			var invalid *statistics.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("got %v", err)
			}
			var got []string
			for _, p := range invalid.Problems {
				got = append(got, p.String())
			}
			if d := cmp.Diff(tc.want, strings.Join(got, "\n")); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(statistics.BuiltinYAML())
	f.Add([]byte("version: x\ntables: [{id: a}]\n"))
	f.Add([]byte("version: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := statistics.Load(b)
		if err == nil && (p.MinimumCell < statistics.Floor || len(p.Tables) == 0) {
			t.Errorf("a plan with a minimum of %d and %d tables", p.MinimumCell, len(p.Tables))
		}
	})
}

func TestSpan(t *testing.T) {
	t.Parallel()
	from, to, ok := statistics.Span("2015-12")
	if !ok || from.Format("2006-01-02") != "2015-12-01" || to.Format("2006-01-02") != "2016-01-01" {
		t.Errorf("%v %v %v", from, to, ok)
	}
	for _, bad := range []domain.Month{"", "2015", "2015-13", "2015-5", "1969-12", "2015-05-01"} {
		if _, _, ok := statistics.Span(bad); ok {
			t.Errorf("%q is taken for a month", bad)
		}
	}
}

// TestClause_2_2_5_OpenMonthIsForSomeRoles: those that the plan names and the policy knows.
func TestClause_2_2_5_OpenMonthIsForSomeRoles(t *testing.T) {
	t.Parallel()
	text := strings.Replace(string(statistics.BuiltinYAML()), "open-to: [officer]", "open-to: [officer, nosuch]", 1)
	p, err := statistics.Load([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for role, may := range map[string]bool{"officer": true, "support": false, "nosuch": false, "": false} {
		err := p.MaySee(role, policy.Imagine())
		var refusal *domain.Refusal
		if errors.As(err, &refusal) == may || !may && (refusal.Code != "statistics.role" || !strings.HasSuffix(refusal.Remedy, "officer, nosuch")) {
			t.Errorf("%q: %v", role, err)
		}
	}
}

// A plan of one's own may be stricter than the ledger's in everything, and looser in nothing.
func TestKeeps(t *testing.T) {
	t.Parallel()
	good := string(statistics.BuiltinYAML())
	for name, tc := range map[string]struct {
		from, to string
		code     string
	}{
		"the same":        {"version", "version", ""},
		"larger cells":    {"minimum-cell: 10", "minimum-cell: 20", ""},
		"rounder figures": {"rounding: 5", "rounding: 10", ""},
		"less delta":      {"delta: 0.000001", "delta: 0.0000001", ""},
		"smaller cells":   {"minimum-cell: 10", "minimum-cell: 5", "statistics.threshold"},
		"another base":    {"minimum-cell: 10     #", "minimum-cell: 12\n#", "statistics.unsafe"},
		"a larger budget": {"budget: 2.0", "budget: 2.1", "statistics.budget"},
		"a larger delta":  {"delta: 0.000001", "delta: 0.009", "statistics.budget"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(good, tc.from, tc.to, 1)
			if name == "another base" {
				text = strings.Replace(text, "rounding: 5", "rounding: 6", 1)
			}
			p, err := statistics.Load([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			err = p.Keeps(statistics.Builtin())
			var refusal *domain.Refusal
			if errors.As(err, &refusal) != (tc.code != "") || refusal != nil && refusal.Code != tc.code {
				t.Errorf("got %v, want %q", err, tc.code)
			}
		})
	}
}
