package statistics_test

import (
	"errors"
	"strings"
	"testing"

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

func TestLoadNamesAllProblems(t *testing.T) {
	t.Parallel()
	good := string(statistics.BuiltinYAML())
	for name, tc := range map[string]struct {
		from, to string
		says     []string
	}{
		"below the floor":   {"minimum-cell: 10", "minimum-cell: 4", []string{"minimum-cell: 4 is below the floor of 5"}},
		"unknown key":       {"rounding: 5", "roundings: 5", []string{"roundings"}},
		"over the budget":   {"budget: 2.0", "budget: 1.0", []string{"the tables spend 2 of 1"}},
		"raw without list":  {"  page: [", "  channel: [", []string{"table pages: by: page is made of raw values and needs its list of labels"}},
		"several at once":   {"by: [country], max-cells: 3", "by: [country, day, basis], max-cells: 0", []string{"max-cells", "1 to 2 dimensions", "merge-rare"}},
		"no such measure":   {"counts: deletions, by: [delay]", "counts: secrets, by: [delay]", []string{`"secrets" is not known`}},
		"cannot be cut":     {"counts: requests, by: [request]", "counts: requests, by: [browser]", []string{`requests cannot be cut by "browser"`}},
		"repeated table":    {"id: pages", "id: browsers", []string{"id: repeated"}},
		"cut alike":         {"by: [request], max-cells: 3", "by: [request], max-cells: 3, epsilon: 0.1}\n  - {id: twice, title: Twice, counts: requests, by: [request], max-cells: 3", []string{"table twice: by: another table counts the same"}},
		"hardly an epsilon": {"max-cells: 4, epsilon: 0.2", "max-cells: 4, epsilon: 0.0000000001", []string{"epsilon: want 0.001 to 20"}},
		"no number":         {"max-cells: 4, epsilon: 0.2", "max-cells: 4, epsilon: abc", []string{`line 22: want a number: "abc"`}},
		"no list":           {"by: [category]", "by: {a: 1}", []string{"line 22: mapping was used where sequence is expected"}},
		"no delta":          {"delta: 0.000001", "delta: 0.0000000001", []string{"delta: want 0.000000001 or more"}},
		"exact figures":     {"rounding: 5", "rounding: 1", []string{"rounding: want 5 or more"}},
		"an alias":          {"max-cells: 1, epsilon", "max-cells: &a 1, epsilon", []string{"anchors"}},
		"rounding too wide": {"rounding: 5", "rounding: 6", []string{"rounding"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(good, tc.from, tc.to, 1)
			if text == good {
				t.Fatal("nothing was changed")
			}
			_, err := statistics.Load([]byte(text))
			if !errors.Is(err, statistics.ErrInvalid) {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), "float64") || tc.says[0][0] == 'l' && strings.Contains(err.Error(), "\n") {
				t.Errorf("the message is the library's: %s", err)
			}
			for _, s := range tc.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("the message lacks %q:\n%s", s, err)
				}
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
