package statistics_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
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
	ten := statistics.Rules{Threshold: 10, Rounding: 1, Marks: true}
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
		"nothing but small cells":           {ten, []int64{9, 9, 9}, []int64{}, 0, true},
		"all small":                         {ten, []int64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, []int64{}, 0, true},
		"nobody looks like too few":         {ten, nil, []int64{}, 0, true},
		"rounded up without a secret":       {statistics.Rules{Threshold: 10, Rounding: 5}, []int64{11, 15, 28}, []int64{15, 15, 30}, 55, false},
		"no marks":                          {statistics.Rules{Threshold: 10, Rounding: 5}, []int64{4, 12, 40}, []int64{40}, 60, false},
		"primary only":                      {statistics.Rules{Threshold: 10, Primary: true, Marks: true}, []int64{3, 40, 20}, []int64{-1, 40, 20}, 63, false},
		"no threshold":                      {statistics.Rules{Threshold: 1, Primary: true}, []int64{1, 2}, []int64{1, 2}, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := statistics.Protect(head(), cells(tc.exact...), tc.rules)
			if diff := cmp.Diff(tc.want, counts(got)); diff != "" || got.Total != tc.total || got.Withheld != tc.withheld {
				t.Errorf("total %d, withheld %v\n%s", got.Total, got.Withheld, diff)
			}
			if passed, err := got.Check(); tc.rules.Rounding == statistics.Floor && (err != nil || !slices.Equal(passed, got.Tests)) {
				t.Errorf("passes %v (%v), claims %v", passed, err, got.Tests)
			}
		})
	}
	shared := head()
	shared.Total = 25 // of 12 and 15 two stand in both
	if got := statistics.Protect(shared, cells(12, 15), ten); got.Total != 25 || len(got.Cells) != 2 {
		t.Errorf("a table whose cells share persons: %+v", got)
	}
}

// A figure is one of the multiples next to its count, as often the upper one as the count lies near it; the count's
// own secret decides, so that another secret gives other figures.
func TestRoundingIsUnbiasedAndDrawnBySecret(t *testing.T) {
	t.Parallel()
	const draws = 2000
	for over := range int64(5) {
		ups := 0
		for n := range draws {
			secret := &statistics.Secret{byte(n), byte(n >> 8), 1}
			group := statistics.Group{Key: 99, Persons: 20 + over}
			r := statistics.Rules{Threshold: 10, Rounding: 5, Round: func([]statistics.Label) float64 { return secret.Round(group) }}
			switch got := statistics.Protect(head(), cells(20+over), r).Cells[0].Persons; got {
			case 25:
				ups++
			case 20:
			default:
				t.Fatalf("%d becomes %d", 20+over, got)
			}
		}
		// The secrets are fixed, so this comes out the same every time.
		if want := draws * int(over) / 5; ups < want-80 || ups > want+80 || over == 0 && ups != 0 {
			t.Errorf("%d goes up %d times of %d, want about %d", 20+over, ups, draws, want)
		}
	}
}

// What is drawn for a group depends on who is in it, how many they are, what it is drawn for, and the secret.
func TestDrawsTellGroupsApart(t *testing.T) {
	t.Parallel()
	one, two := &statistics.Secret{1}, &statistics.Secret{2}
	anna, petro := uuid.UUID{15: 1}, uuid.UUID{15: 2}
	var both, turned, alone statistics.Group
	both.Join(one.Person(anna))
	both.Join(one.Person(petro))
	turned.Join(one.Person(petro))
	turned.Join(one.Person(anna))
	alone.Join(one.Person(anna))
	if both != turned || both.Persons != 2 || both == alone {
		t.Errorf("groups %v, %v, %v", both, turned, alone)
	}
	draws := map[string]float64{"round": one.Round(both), "order": one.Order(both), "one of them": one.Round(alone), "another secret": two.Round(both),
		"another count": one.Round(statistics.Group{Key: both.Key, Persons: 3}), "person": float64(one.Person(anna)), "her under another secret": float64(two.Person(anna))}
	seen := map[float64]string{}
	for what, n := range draws {
		if other, ok := seen[n]; ok {
			t.Errorf("%s and %s draw %v", what, other, n)
		}
		seen[n] = what
	}
	if one.Round(both) != one.Round(turned) {
		t.Error("the same group is rounded in two ways")
	}
}

// What is published is the simple count, rounded, or nothing; and in the marked table, which tells more than is ever
// published, no suppressed cell has fewer possible counts than the threshold: all worlds that fit are tried.
func TestNobodyWorksOutASuppressedCell(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		threshold := int64(rapid.IntRange(5, 7).Draw(t, "threshold"))
		exact := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 8), rapid.Int64Range(0, 40)), 0, 6).Draw(t, "counts")
		got := statistics.Protect(head(), cells(exact...), statistics.Rules{Threshold: threshold, Rounding: 1, Marks: true})
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
