package statistics_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	counts "imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/projections/statistics"
)

// near is by how much linear arithmetic may be off.
const near = 1e-2

// release is what was published of one month, and the truth behind it.
type release struct {
	name   string
	tables []counts.Table
	opened []counts.Opened
	stands map[string]map[uuid.UUID][]string // by table and person
}

// stranger reads releases. He knows which traits go together in one person, but not how many persons have them, and
// he knows how the tables are made, but not the secret. His unknowns are the numbers of persons of each profile: of
// everything in which two persons can differ. Every published figure is a constraint on a sum of them.
type stranger struct {
	known    *statistics.System
	profiles map[string][]int // of each crowd that a figure could be about
	people   []int64          // in truth, of each profile
}

// newStranger fails the test when no numbers fit what is published: then the attack would attack something else.
func newStranger(t testing.TB, list ...release) *stranger {
	t.Helper()
	s := &stranger{profiles: map[string][]int{}}
	s.learn(list)
	var known []statistics.Bound
	for _, r := range list {
		known = append(known, s.figures(r)...)
	}
	fits, ok := statistics.NewSystem(len(s.people), known)
	if !ok {
		t.Fatal("no numbers of persons fit the published figures")
	}
	s.known = fits
	return s
}

// learn sorts persons into profiles.
func (s *stranger) learn(list []release) {
	traits := map[uuid.UUID][]string{}
	for _, r := range list {
		for table, people := range r.stands {
			for id, cells := range people {
				traits[id] = append(traits[id], r.name+table)
				for _, c := range cells {
					traits[id] = append(traits[id], r.name+c)
				}
			}
		}
	}
	numbers := map[string]int{}
	for _, id := range slices.SortedFunc(maps.Keys(traits), func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) }) {
		slices.Sort(traits[id])
		profile := strings.Join(traits[id], "|")
		n, ok := numbers[profile]
		if !ok {
			n = len(numbers)
			numbers[profile] = n
			s.people = append(s.people, 0)
			for _, trait := range traits[id] {
				s.profiles[trait] = append(s.profiles[trait], n)
			}
		}
		s.people[n]++
	}
}

// figures makes constraints of all that a release tells.
func (s *stranger) figures(r release) (out []statistics.Bound) {
	for _, t := range r.tables {
		if t.Withheld || t.Method == counts.Noise {
			continue
		}
		off := float64(t.Rounding - 1)
		if all := s.profiles[r.name+t.ID]; len(all) > 0 {
			out = append(out, statistics.Between(all, float64(t.Total)-off, float64(t.Total)+off))
		}
		for _, c := range t.Cells {
			of := s.profiles[r.name+cellName(t, c)]
			if c.Suppressed {
				out = append(out, statistics.Between(of, 1, math.Inf(1)))
			} else {
				out = append(out, statistics.Between(of, max(float64(t.Threshold), float64(c.Persons)-off), float64(c.Persons)+off))
			}
		}
	}
	for _, o := range r.opened {
		// Every visitor in the table of browsers or pages had one value opened at least.
		if of := s.profiles[r.name+string(o.Field)+"s"]; o.Values > 0 {
			out = append(out, statistics.Between(of, 1, float64(o.Values)))
		}
	}
	return out
}

// find tries every crowd below the threshold that has a name in some table, what it has beside another and what it
// has in common with it, and gives those of which it can prove that somebody is in them and that they are fewer than
// the threshold.
func (s *stranger) find(threshold int64) (found []string, tried int) {
	seen := map[string]bool{}
	names := slices.Sorted(maps.Keys(s.profiles))
	for _, a := range names {
		for _, b := range names {
			for _, how := range []string{"also", "not"} {
				of, truth := s.pick(a, b, how == "also")
				if truth < 1 || truth >= threshold || seen[fmt.Sprint(of)] {
					continue
				}
				seen[fmt.Sprint(of)] = true
				tried++
				if least, most, ok := s.narrow(of, threshold); ok {
					found = append(found, fmt.Sprintf("%s, %s %s: %d to %d, in truth %d", a, how, b, least, most, truth))
				}
			}
		}
	}
	return found, tried
}

// pick gives the profiles of one crowd that are in another, or are not, and how many persons have them.
func (s *stranger) pick(a, b string, in bool) (of []int, truth int64) {
	for _, n := range s.profiles[a] {
		if _, also := slices.BinarySearch(s.profiles[b], n); also == in {
			of = append(of, n)
			truth += s.people[n]
		}
	}
	return of, truth
}

// narrow gives the least and the most persons of some profiles, if it is sure that there is one and that they are
// fewer than the threshold.
func (s *stranger) narrow(of []int, threshold int64) (least, most int64, found bool) {
	high := s.known.Largest(of, 1, float64(threshold)-near)
	if high >= float64(threshold)-near {
		return 0, 0, false
	}
	low := -s.known.Largest(of, -1, -near)
	return int64(math.Ceil(low - near)), int64(math.Floor(high + near)), low > near
}
