package statistics

import (
	"math"
	"slices"
)

// system is a set of linear constraints over numbers of 0 and more, in the form of the simplex method: each basic
// number is a constant less a sum over the free ones, and the free ones are 0. Libraries solve one goal from nothing
// (gonum's lp.Simplex); here hundreds are asked of the same constraints, each from where the last one ended, and most
// are known not to be reached after a few steps.
type system struct {
	rows  [][]float64
	rest  []float64
	basic []int
	free  []int
}

// near is what a sum may be off by: bounds are whole numbers, and slack makes every one a little wider than the last,
// so that no two corners fall together and the search does not go in a circle.
const (
	near  = 1e-2
	slack = 1e-6
	tiny  = 1e-9
)

// tooMany is after how many steps the search is given up. It is far beyond what any has taken.
const tooMany = 10_000

// constraint bounds the sum of some of the numbers.
type constraint struct {
	of          []int
	least, most float64 // most may be infinite
}

// newSystem brings the constraints into a form whose constants are not negative, and gives false when it finds none:
// no numbers keep to the constraints.
func newSystem(numbers int, list []constraint) (*system, bool) {
	s := &system{free: make([]int, numbers)}
	for i := range s.free {
		s.free[i] = i
	}
	for _, c := range list {
		if !math.IsInf(c.most, 1) {
			s.add(c.of, 1, c.most)
		}
		if c.least > 0 {
			s.add(c.of, -1, c.least)
		}
	}
	for range tooMany {
		if !slices.ContainsFunc(s.rest, func(b float64) bool { return b < 0 }) {
			return s, true
		}
		j := steepest(s.lack())
		if j < 0 {
			break
		}
		r := s.mending(j)
		if r < 0 {
			break
		}
		s.pivot(r, j, nil)
	}
	return nil, false
}

// lack writes what the constants below 0 lack as a goal in terms of the free numbers.
func (s *system) lack() []float64 {
	goal := make([]float64, len(s.free))
	for i, row := range s.rows {
		if s.rest[i] < 0 {
			for k, a := range row {
				goal[k] -= a
			}
		}
	}
	return goal
}

// mending picks the row at which a free number stops growing while constants below 0 are mended: where a good one
// would get below 0, or where the last bad one that it mends gets there.
func (s *system) mending(j int) int {
	good, bad := s.leaving(j), -1
	for i, row := range s.rows {
		if s.rest[i] < 0 && row[j] < -tiny && (bad < 0 || s.rest[i]/row[j] > s.rest[bad]/s.rows[bad][j]) {
			bad = i
		}
	}
	if good < 0 || bad >= 0 && s.rest[bad]/s.rows[bad][j] < s.rest[good]/s.rows[good][j] {
		return bad
	}
	return good
}

// add bounds sign times a sum from above.
func (s *system) add(of []int, sign, bound float64) {
	row := make([]float64, len(s.free))
	for _, x := range of {
		row[x] = sign
	}
	s.rows, s.rest, s.basic = append(s.rows, row), append(s.rest, sign*bound+slack*float64(1+len(s.rest))), append(s.basic, len(s.free)+len(s.basic))
}

// pivot exchanges a basic and a free number.
func (s *system) pivot(r, j int, goal []float64) {
	row := s.rows[r]
	by := 1 / row[j]
	for k := range row {
		row[k] *= by
	}
	row[j] = by
	s.rest[r] *= by
	for i, other := range s.rows {
		if f := other[j]; i != r && f != 0 {
			other[j] = 0
			s.rest[i] -= f * s.rest[r]
			for k, a := range row {
				other[k] -= f * a
			}
		}
	}
	if goal != nil {
		f := goal[j]
		goal[j] = 0
		for k, a := range row {
			goal[k] -= f * a
		}
	}
	s.basic[r], s.free[j] = s.free[j], s.basic[r]
}

// largest gives the largest that sign times the sum of some numbers can be, something above enough as soon as that is
// sure, infinity when nothing bounds it, and NaN when the search is given up.
func (s *system) largest(of []int, sign, enough float64) float64 {
	goal := s.goal(of, sign)
	for range tooMany {
		if now := s.sum(of, sign); now > enough {
			return now
		}
		j := steepest(goal)
		if j < 0 {
			return s.sum(of, sign)
		}
		r := s.leaving(j)
		if r < 0 {
			return math.Inf(1)
		}
		s.pivot(r, j, goal)
	}
	return math.NaN()
}

// goal writes a sum in terms of the free numbers.
func (s *system) goal(of []int, sign float64) []float64 {
	goal := make([]float64, len(s.free))
	wanted := make(map[int]bool, len(of))
	for _, x := range of {
		wanted[x] = true
	}
	for k, v := range s.free {
		if wanted[v] {
			goal[k] += sign
		}
	}
	for i, v := range s.basic {
		if wanted[v] {
			for k, a := range s.rows[i] {
				goal[k] -= sign * a
			}
		}
	}
	return goal
}

// steepest picks the free number whose growth serves the goal most, -1 when none does.
func steepest(goal []float64) int {
	j := -1
	for k, g := range goal {
		if g > tiny && (j < 0 || g > goal[j]) {
			j = k
		}
	}
	return j
}

// leaving picks the row that bounds the growth of a free number first, -1 when none does.
func (s *system) leaving(j int) int {
	r, least := -1, math.Inf(1)
	for i, row := range s.rows {
		if row[j] > tiny && s.rest[i] >= 0 && s.rest[i]/row[j] < least {
			r, least = i, s.rest[i]/row[j]
		}
	}
	return r
}

func (s *system) sum(of []int, sign float64) (sum float64) {
	for i, v := range s.basic {
		for _, x := range of {
			if v == x {
				sum += sign * s.rest[i]
			}
		}
	}
	return sum
}
