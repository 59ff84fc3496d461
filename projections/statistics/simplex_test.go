package statistics

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The largest and the least sum are those that trying all numbers finds. Three numbers under sums of them have their
// extremes at halves.
func TestLargestIsWhatTryingAllFinds(t *testing.T) {
	t.Parallel()
	subset := rapid.Custom(func(t *rapid.T) (of []int) {
		bits := rapid.IntRange(1, 7).Draw(t, "subset")
		for x := range 3 {
			if bits&(1<<x) != 0 {
				of = append(of, x)
			}
		}
		return of
	})
	rapid.Check(t, func(t *rapid.T) {
		list := []constraint{{[]int{0, 1, 2}, 0, 8}}
		for range rapid.IntRange(0, 4).Draw(t, "constraints") {
			least := rapid.IntRange(0, 6).Draw(t, "least")
			most := float64(least + rapid.IntRange(0, 4).Draw(t, "width"))
			list = append(list, constraint{subset.Draw(t, "of"), float64(least), rapid.SampledFrom([]float64{most, most, math.Inf(1)}).Draw(t, "most")})
		}
		goal := subset.Draw(t, "goal")
		least, most, any := tryAll(list, goal)
		s, ok := newSystem(3, list)
		if ok != any {
			t.Fatalf("%v: fits %v, want %v", list, ok, any)
		}
		if !ok {
			return
		}
		if got := s.largest(goal, 1, math.Inf(1)); math.Abs(got-most) > near {
			t.Fatalf("%v: %v is %v at most, want %v", list, goal, got, most)
		}
		if got := -s.largest(goal, -1, math.Inf(1)); math.Abs(got-least) > near {
			t.Fatalf("%v: %v is %v at least, want %v", list, goal, got, least)
		}
		if proves := s.proves(goal, 5); proves != (least > 0 && most < 5) {
			t.Fatalf("%v: proves %v, but %v to %v", list, proves, least, most)
		}
	})
}

func tryAll(list []constraint, goal []int) (least, most float64, any bool) {
	least, most = math.Inf(1), math.Inf(-1)
	for n := range 17 * 17 * 17 {
		x := [3]float64{float64(n%17) / 2, float64(n/17%17) / 2, float64(n/289) / 2}
		sum := func(of []int) (sum float64) {
			for _, i := range of {
				sum += x[i]
			}
			return sum
		}
		fits := true
		for _, c := range list {
			s := sum(c.of)
			fits = fits && s >= c.least && s <= c.most
		}
		if fits {
			any = true
			least, most = min(least, sum(goal)), max(most, sum(goal))
		}
	}
	return least, most, any
}

func TestUnboundedSum(t *testing.T) {
	t.Parallel()
	s, ok := newSystem(2, []constraint{{[]int{0}, 1, 3}})
	if !ok || !math.IsInf(s.largest([]int{1}, 1, math.Inf(1)), 1) {
		t.Error("a number that nothing bounds has a bound")
	}
}
