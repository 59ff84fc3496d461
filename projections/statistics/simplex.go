package statistics

import "math"

// system is a set of linear constraints over numbers of 0 and more, in the form of the simplex method: each basic
// number is a constant less a sum over the free ones, and the free ones are 0.
type system struct {
	rows  [][]float64
	rest  []float64
	basic []int
	free  []int
}

// tiny is what arithmetic may be off by: the bounds are whole numbers.
const tiny = 1e-7

// Steps after which the rules change to those that are slow and never go in a circle, and after which the search is
// given up.
const (
	carefully = 300
	tooMany   = 50_000
)

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
	for steps := range tooMany {
		r := s.negative(steps > carefully)
		if r < 0 {
			return s, true
		}
		j := -1
		for k, a := range s.rows[r] {
			if a < -tiny && (j < 0 || s.free[k] < s.free[j]) {
				j = k
			}
		}
		if j < 0 {
			break
		}
		s.pivot(r, j, nil)
	}
	return nil, false
}

// add bounds sign times a sum from above.
func (s *system) add(of []int, sign, bound float64) {
	row := make([]float64, len(s.free))
	for _, x := range of {
		row[x] = sign
	}
	s.rows, s.rest, s.basic = append(s.rows, row), append(s.rest, sign*bound), append(s.basic, len(s.free)+len(s.basic))
}

// negative picks a row whose constant is below 0: the lowest one, or carefully the first.
func (s *system) negative(first bool) int {
	r := -1
	for i, b := range s.rest {
		if b < -tiny && (r < 0 || first && s.basic[i] < s.basic[r] || !first && b < s.rest[r]) {
			r = i
		}
	}
	return r
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
	for steps := range tooMany {
		if now := s.sum(of, sign); now > enough {
			return now
		}
		j := s.entering(goal, steps > carefully)
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

// entering picks a free number whose growth serves the goal: the steepest, or carefully the first.
func (s *system) entering(goal []float64, first bool) int {
	j := -1
	for k, g := range goal {
		if g > tiny && (j < 0 || first && s.free[k] < s.free[j] || !first && g > goal[j]) {
			j = k
		}
	}
	return j
}

// leaving picks the row that bounds the growth of a free number first; of equal ones the first.
func (s *system) leaving(j int) int {
	r, least := -1, math.Inf(1)
	for i, row := range s.rows {
		if row[j] <= tiny {
			continue
		}
		if bound := s.rest[i] / row[j]; bound < least-1e-12 || bound < least+1e-12 && s.basic[i] < s.basic[r] {
			r, least = i, bound
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
