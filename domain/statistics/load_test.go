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
