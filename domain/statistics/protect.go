package statistics

import (
	"cmp"
	"math"
	"slices"
)

// Floor is the smallest threshold that any plan may set, and the smallest base of rounding. A cell of fewer persons
// is never published.
const Floor = 5

// Rules is how the cells of one table are protected.
type Rules struct {
	// Threshold is the smallest count that is published.
	Threshold int64
	// Rounding is the base: every figure becomes one of its two neighbouring multiples. 1 leaves them exact.
	Rounding int64
	// Primary leaves out the cells below the threshold and no others, and shows a table however little is left of it.
	// No such table is published; the attacks of the re-identification test are run against it to see them succeed.
	Primary bool
	// Marks keeps the cells that are left out in the table, marked as suppressed. Only the figures of a month that is
	// not published have marks: one tells that somebody is there, and then a few other figures can tell how few.
	Marks bool
	// Chance gives a number above 0 and up to 1 for a cell. By it the cells are chosen that are left out beside the
	// small ones: small ones likely, any one possible. Who knows the method and could foresee the choice could work
	// backwards from it. Nil chooses the smallest; that is for figures that are not published.
	Chance func([]Label) float64
	// Round gives a number above 0 and up to 1 for a cell, and for the total where there are no labels. A figure goes
	// up when its number is at most the share of the base that it lies above the lower multiple, so that rounding
	// moves no sum in the long run. Nil goes up always; that is for figures that are not published.
	Round func([]Label) float64
}

// Protect makes the publishable table of exact counts: cells below the threshold are left out, then others, small
// ones rather than large ones, until those left out are a crowd together; what stays is rounded, the total by itself.
// A table of which nothing stays is withheld, be it for too few persons or for none: nobody can tell which.
// The total of the table that comes in is how many persons stand in it, each once; 0 when no two cells share one.
func Protect(t Table, cells []Cell, r Rules) Table {
	t.Method, t.Threshold, t.Rounding, t.Class = Suppression, r.Threshold, max(1, r.Rounding), Anonymous
	t.Tests = []Test{Threshold, Complement, Rounded, Differencing}
	exact := slices.DeleteFunc(slices.Clone(cells), func(c Cell) bool { return c.Persons <= 0 })
	slices.SortFunc(exact, func(a, b Cell) int { return slices.Compare(a.Labels, b.Labels) })
	order := r.order(exact)
	hidden := r.hidden(exact, order)
	if hidden == len(exact) && !r.Primary {
		t.Cells, t.Total, t.Withheld = nil, 0, true
		return t
	}
	if t.Total == 0 {
		for _, c := range exact {
			t.Total += c.Persons
		}
	}
	t.Total = r.round(t.Total, nil)
	t.Cells = r.shown(exact, order[:hidden])
	return t
}

// order gives the cells below the threshold first, and the others in the order of a race in which a cell's time grows
// with the square of its count: whatever came out could have come out otherwise.
func (r Rules) order(exact []Cell) []int {
	order, times := make([]int, len(exact)), make([]float64, len(exact))
	for i, c := range exact {
		chance := 0.5
		if r.Chance != nil {
			chance = r.Chance(c.Labels)
		}
		order[i] = i
		if times[i] = -math.Log(chance) * float64(c.Persons) * float64(c.Persons); c.Persons < r.Threshold {
			times[i] = -1
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(times[a], times[b]) })
	return order
}

// hidden gives how many cells of the order are left out: the small ones, and then so many that each of them could
// hold a threshold of persons while every other held one. Where all together are too few, that is all.
func (r Rules) hidden(exact []Cell, order []int) int {
	rest, n := int64(0), 0
	crowd := func() bool { return n == 0 || n > 1 && rest-int64(n-1) >= r.Threshold }
	for ; n < len(order); n++ {
		c := exact[order[n]]
		if c.Persons >= r.Threshold && (r.Primary || crowd()) {
			return n
		}
		rest += c.Persons
	}
	return n
}

// shown gives the rounded cells, without the hidden ones or with their marks.
func (r Rules) shown(exact []Cell, hidden []int) []Cell {
	var out []Cell
	for i, c := range exact {
		switch {
		case !slices.Contains(hidden, i):
			out = append(out, Cell{Labels: c.Labels, Persons: r.round(c.Persons, c.Labels)})
		case r.Marks:
			out = append(out, Cell{Labels: c.Labels, Suppressed: true})
		}
	}
	return out
}

// round gives one of the two multiples next to a count; a multiple stays.
func (r Rules) round(n int64, labels []Label) int64 {
	base := max(1, r.Rounding)
	over := n % base
	if over == 0 {
		return n
	}
	chance := 0.0
	if r.Round != nil {
		chance = r.Round(labels)
	}
	if chance*float64(base) <= float64(over) {
		return n - over + base
	}
	return n - over
}

// Noised makes the publishable table of counts to which noise was added already. Counts below the threshold are
// left out without a mark: which cells are there must not tell what was counted.
func Noised(t Table, cells []Cell, threshold int64, epsilon, delta Billionths) Table {
	t.Method, t.Threshold, t.Rounding, t.Class = Noise, threshold, 1, Anonymous
	t.Epsilon, t.Delta = epsilon, delta
	t.Cells, t.Total = nil, 0
	for _, c := range cells {
		if c.Persons >= threshold {
			t.Cells = append(t.Cells, c)
		}
	}
	slices.SortFunc(t.Cells, func(a, b Cell) int { return slices.Compare(a.Labels, b.Labels) })
	for _, c := range t.Cells {
		t.Total += c.Persons
	}
	t.Tests = []Test{Threshold, Private, Differencing}
	return t
}
