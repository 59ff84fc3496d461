package statistics_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain/statistics"
)

func head() statistics.Table {
	return statistics.Table{ID: "pages", Title: "Pages", By: []statistics.Dimension{statistics.Page}, MaxCells: 5}
}

func cells(counts ...int64) []statistics.Cell {
	out := make([]statistics.Cell, len(counts))
	for i, n := range counts {
		out[i] = statistics.Cell{Labels: []statistics.Label{statistics.Label(fmt.Sprintf("label-%03d", i))}, Persons: n}
	}
	return out
}

// counts gives what a table shows: -1 for a suppressed cell.
func counts(t statistics.Table) []int64 {
	out := []int64{}
	for _, c := range t.Cells {
		n := c.Persons
		if c.Suppressed {
			n = -1
		}
		out = append(out, n)
	}
	return out
}

func TestProtect(t *testing.T) {
	t.Parallel()
	ten := statistics.Rules{Threshold: 10, Rounding: 1}
	for name, tc := range map[string]struct {
		rules    statistics.Rules
		exact    []int64
		want     []int64
		total    int64
		withheld bool
	}{
		"nothing small":                     {ten, []int64{10, 20, 30}, []int64{10, 20, 30}, 60, false},
		"nobody is left out":                {ten, []int64{10, 0, 30}, []int64{10, 30}, 40, false},
		"one small cell takes a second":     {ten, []int64{3, 40, 20}, []int64{-1, 40, -1}, 63, false},
		"two small cells are too few alone": {ten, []int64{3, 2, 20, 40}, []int64{-1, -1, -1, 40}, 65, false},
		"small cells that hide one another": {ten, []int64{9, 9, 40}, []int64{-1, -1, 40}, 58, false},
		"ten times one hide nothing":        {ten, []int64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 50, 60}, []int64{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 60}, 120, false},
		"too small altogether":              {ten, []int64{3}, []int64{}, 0, true},
		"all small":                         {ten, []int64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, []int64{}, 0, true},
		"empty":                             {ten, nil, []int64{}, 0, false},
		"rounded":                           {statistics.Rules{Threshold: 10, Rounding: 5}, []int64{12, 13, 28}, []int64{10, 15, 30}, 55, false},
		"rounding needs more room":          {statistics.Rules{Threshold: 10, Rounding: 5}, []int64{4, 12, 40}, []int64{-1, -1, 40}, 55, false},
		"primary only":                      {statistics.Rules{Threshold: 10, Primary: true}, []int64{3, 40, 20}, []int64{-1, 40, 20}, 63, false},
		"no threshold":                      {statistics.Rules{Threshold: 1, Primary: true}, []int64{1, 2}, []int64{1, 2}, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := statistics.Protect(head(), cells(tc.exact...), tc.rules)
			if diff := cmp.Diff(tc.want, counts(got)); diff != "" || got.Total != tc.total || got.Withheld != tc.withheld {
				t.Errorf("total %d, withheld %v\n%s", got.Total, got.Withheld, diff)
			}
			if passed, err := got.Check(); !tc.rules.Primary && (err != nil || !slices.Equal(passed, got.Tests)) {
				t.Errorf("passes %v (%v), claims %v", passed, err, got.Tests)
			}
		})
	}
}

// What is published is the simple count, rounded; and nobody who knows the published table can tell for any
// suppressed cell fewer possible counts than the threshold: all worlds that fit the table are tried.
func TestNobodyWorksOutASuppressedCell(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		threshold := int64(rapid.IntRange(5, 7).Draw(t, "threshold"))
		exact := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 8), rapid.Int64Range(0, 40)), 0, 6).Draw(t, "counts")
		got := statistics.Protect(head(), cells(exact...), statistics.Rules{Threshold: threshold, Rounding: 1})
		truth := map[statistics.Label]int64{}
		sum := int64(0)
		for _, c := range cells(exact...) {
			truth[c.Labels[0]] = c.Persons
			sum += c.Persons
		}
		rest, hidden := got.Total, 0
		for _, c := range got.Cells {
			switch {
			case c.Suppressed:
				hidden++
			case c.Persons != truth[c.Labels[0]]:
				t.Fatalf("published %d of %d", c.Persons, truth[c.Labels[0]])
			case c.Persons < threshold:
				t.Fatalf("published a cell of %d", c.Persons)
			default:
				rest -= c.Persons
			}
		}
		if got.Withheld {
			return
		}
		if got.Total != sum {
			t.Fatalf("total %d, want %d", got.Total, sum)
		}
		if n := worlds(rest, hidden); hidden > 0 && int64(n) < threshold {
			t.Fatalf("a suppressed cell has %d possible counts: %v of %v", n, counts(got), exact)
		}
	})
}

// worlds gives how many values the first of n cells can take when all are at least 1 and add up to rest.
func worlds(rest int64, n int) int {
	if n == 1 {
		return 1
	}
	possible := 0
	for first := int64(1); first < rest; first++ {
		if rest-first >= int64(n-1) {
			possible++
		}
	}
	return possible
}

func TestNoisedTellsNothingOfWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	got := statistics.Noised(head(), cells(-3, 9, 10, 50), 10, statistics.BillionthsOf(0.2), statistics.BillionthsOf(1e-6))
	if diff := cmp.Diff([]int64{10, 50}, counts(got)); diff != "" || got.Total != 60 {
		t.Errorf("total %d\n%s", got.Total, diff)
	}
	if passed, err := got.Check(); err != nil || !slices.Equal(passed, got.Tests) || !slices.Contains(passed, statistics.Private) {
		t.Errorf("passes %v, %v", passed, err)
	}
}

func TestBillionths(t *testing.T) {
	t.Parallel()
	for x, want := range map[float64]string{0: "0", 2: "2", 0.2: "0.2", 1e-6: "0.000001", 1.25: "1.25", 1e-9: "0.000000001"} {
		b := statistics.BillionthsOf(x)
		if b.String() != want || b.Float() != x {
			t.Errorf("%v is written %s and read %v", x, b, b.Float())
		}
	}
}
