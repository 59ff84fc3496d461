package statistics_test

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain/statistics"
)

// A stranger who knows how Protect works, but not the secret, tries every count that the hidden cells can have,
// protects each of these worlds himself in every order that a secret can give, and keeps those that come out as the
// table he sees. In no table may he be left sure that a hidden cell is below the threshold, or of its count. The
// tables are marked and exact: what is published of them tells less.
func TestWhoKnowsTheMethodFindsNoSmallCell(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const threshold = 5
		rules := statistics.Rules{Threshold: threshold, Rounding: 1, Marks: true}
		exact := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(1, 4), rapid.Int64Range(1, 9), rapid.Int64Range(5, 7)), 1, 5).Draw(t, "counts")
		secret := statistics.Secret{rapid.Byte().Draw(t, "secret")}
		rules.Chance = func(l []statistics.Label) float64 {
			i := slices.IndexFunc(cells(exact...), func(c statistics.Cell) bool { return slices.Equal(c.Labels, l) })
			return secret.Order(statistics.Group{Key: uint64(i), Persons: exact[i]})
		}
		seen := statistics.Protect(head(), cells(exact...), rules)
		if seen.Withheld {
			return
		}
		most, values := map[int]int64{}, map[int]map[int64]bool{}
		for _, world := range worldsOf(seen) {
			if comesOut(world, seen, threshold) {
				for i, c := range seen.Cells {
					if c.Suppressed {
						most[i] = max(most[i], world[i])
						if values[i] == nil {
							values[i] = map[int64]bool{}
						}
						values[i][world[i]] = true
					}
				}
			}
		}
		for i, c := range seen.Cells {
			if c.Suppressed && (most[i] < threshold || len(values[i]) < 2) {
				t.Fatalf("%v of %v: cell %d is %d at most, one of %d counts", counts(seen), exact, i, most[i], len(values[i]))
			}
		}
	})
}

// comesOut tells whether some order of suppression makes the table of the world.
func comesOut(world []int64, seen statistics.Table, threshold int64) bool {
	exact := cells(world...)
	order := make([]int, len(world))
	for i := range order {
		order[i] = i
	}
	found := false
	var permute func(k int)
	permute = func(k int) {
		if found {
			return
		}
		if k < len(order) {
			for i := k; i < len(order); i++ {
				order[k], order[i] = order[i], order[k]
				permute(k + 1)
				order[k], order[i] = order[i], order[k]
			}
			return
		}
		rules := statistics.Rules{Threshold: threshold, Rounding: 1, Marks: true, Chance: func(labels []statistics.Label) float64 {
			i := slices.IndexFunc(exact, func(c statistics.Cell) bool { return slices.Equal(c.Labels, labels) })
			return math.Exp(-float64(slices.Index(order, i)+1) / float64(world[i]*world[i]))
		}}
		found = cmp.Equal(statistics.Protect(head(), exact, rules), seen)
	}
	permute(0)
	return found
}

// worldsOf lists all counts that fit what a table shows.
func worldsOf(t statistics.Table) [][]int64 {
	rest, hidden := t.Total, []int{}
	base := make([]int64, len(t.Cells))
	for i, c := range t.Cells {
		base[i] = c.Persons
		rest -= c.Persons
		if c.Suppressed {
			hidden = append(hidden, i)
		}
	}
	var out [][]int64
	var fill func(at int, rest int64)
	fill = func(at int, rest int64) {
		left := int64(len(hidden) - at - 1)
		switch {
		case at == len(hidden):
			out = append(out, append([]int64(nil), base...))
		case left == 0 && rest > 0:
			base[hidden[at]] = rest
			fill(at+1, 0)
		default:
			for n := int64(1); n <= rest-left; n++ {
				base[hidden[at]] = n
				fill(at+1, rest-n)
			}
		}
	}
	if len(hidden) > 0 {
		fill(0, rest)
	}
	return out
}

// The same stranger finds a small cell where the choice can be foreseen: the test above can fail.
func TestAForeseeableChoiceGivesASmallCellAway(t *testing.T) {
	t.Parallel()
	rules := statistics.Rules{Threshold: 5, Rounding: 1, Marks: true}
	seen := statistics.Protect(head(), cells(2, 5, 4), rules)
	most := int64(0)
	for _, world := range worldsOf(seen) {
		if cmp.Equal(statistics.Protect(head(), cells(world...), rules), seen) {
			most = max(most, world[2])
		}
	}
	if !seen.Cells[2].Suppressed || most == 0 || most >= 5 {
		t.Errorf("the last cell of %v is %d at most: nothing is given away", counts(seen), most)
	}
}
