package statistics

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain/statistics"
)

// audit puts all figures of a publication together, as a stranger would who knows which traits persons can have in
// common (recipients in Poland are partners; who visits has a browser) and how the tables are made. The unknowns are
// the numbers of persons of each profile: of each set of cells in which somebody stands. Every figure bounds a sum of
// them; what the bounds leave of a crowd is found by linear programming. What comes out depends on the figures and
// on which profiles there are, both of which the stranger is taken to have: asking chance again tells him nothing.
type audit struct {
	threshold int64
	people    []int64 // of each profile
	free      int     // how many profiles are unknown, from the first; the others are taken as known
	tables    []profiled
	crowds    []crowd // every table and cell, hidden ones too
}

// profiled is where the profiles of a table are.
type profiled struct {
	all   set
	cells map[labels]set
}

// crowd is the persons of a cell or of a table.
type crowd struct {
	table int
	of    set
}

// maxUnknown bounds the unknowns, and so time and memory. A stranger who knows the rest only knows more.
const maxUnknown = 512

// set is a set of profiles.
type set []uint64

func (s set) add(n int)      { s[n/64] |= 1 << (n % 64) }
func (s set) has(n int) bool { return s[n/64]&(1<<(n%64)) != 0 }

func newAudit(list []*census, threshold int64) *audit {
	profiles, members := profilesOf(list)
	a := &audit{threshold: threshold, people: make([]int64, len(profiles)), free: min(len(profiles), maxUnknown)}
	words := (len(profiles) + 63) / 64
	for i, n := range list {
		t := profiled{make(set, words), map[labels]set{}}
		for l := range n.by {
			t.cells[l] = make(set, words)
		}
		a.tables = append(a.tables, t)
		for at, profile := range profiles {
			who := members[profile]
			for _, l := range n.people[who[0]] {
				t.all.add(at)
				t.cells[l].add(at)
			}
			a.people[at] = int64(len(who))
		}
		a.crowds = append(a.crowds, crowd{i, t.all})
		for _, c := range n.cells() {
			a.crowds = append(a.crowds, crowd{i, t.cells[padded(c.Labels)]})
		}
	}
	return a
}

// profilesOf sorts persons by the cells in which they stand. Of the unknown ones, half are those in the smallest crowds,
// and the others the largest: they are what the figures of the small ones can be mistaken for.
func profilesOf(list []*census) (profiles []string, members map[string][]uuid.UUID) {
	traits := map[uuid.UUID][]byte{}
	smallest := map[uuid.UUID]int64{}
	for i, n := range list {
		number := map[labels]uint32{}
		for k, c := range n.cells() {
			number[padded(c.Labels)] = uint32(k)
		}
		for id, in := range n.people {
			slices.SortFunc(in, compare)
			for _, l := range in {
				traits[id] = binary.BigEndian.AppendUint32(append(traits[id], byte(i)), number[l])
				if least, known := smallest[id]; !known || n.by[l].Persons < least {
					smallest[id] = n.by[l].Persons
				}
			}
		}
	}
	members = map[string][]uuid.UUID{}
	first := map[string]int64{}
	for id, t := range traits {
		members[string(t)] = append(members[string(t)], id)
		first[string(t)] = smallest[id]
	}
	for profile := range members {
		profiles = append(profiles, profile)
	}
	slices.SortFunc(profiles, func(a, b string) int {
		if first[a] != first[b] {
			return int(first[a] - first[b])
		}
		return strings.Compare(a, b)
	})
	if len(profiles) > maxUnknown/2 {
		slices.SortStableFunc(profiles[maxUnknown/2:], func(a, b string) int { return len(members[b]) - len(members[a]) })
	}
	return profiles, members
}

// find looks for a crowd, or what one has beside another or in common with it, of which the figures prove that
// somebody is in it and that it is below the threshold. It gives a table that has a part in it.
func (a *audit) find(tables []statistics.Table) (table int, found bool) {
	known, ok := newSystem(a.free, a.figures(tables))
	tried := map[string]bool{}
	for _, x := range a.crowds {
		for _, y := range a.crowds {
			for _, in := range []bool{true, false} { // in common with itself is the crowd
				of, small := a.small(x.of, y.of, in)
				key := string(of)
				if !small || tried[key] {
					continue
				}
				tried[key] = true
				// Figures that fit no numbers would be a flaw of the arithmetic; nothing is published on them.
				if !ok || known.proves(profilesIn(of), float64(a.threshold)) {
					return shown(tables, x.table, y.table)
				}
			}
		}
	}
	return 0, false
}

// shown picks the first of some tables that shows anything, or else the last that does.
func shown(tables []statistics.Table, of ...int) (table int, found bool) {
	for i := range tables {
		of = append(of, len(tables)-1-i)
	}
	for _, i := range of {
		if !tables[i].Withheld {
			return i, true
		}
	}
	return 0, false
}

// small gives the profiles of one crowd that are in another, or are not, and whether they are unknown and together
// below the threshold.
func (a *audit) small(x, y set, in bool) (of []byte, small bool) {
	persons := int64(0)
	for w, word := range x {
		if word &= y[w]; !in {
			word = x[w] &^ y[w]
		}
		for ; word != 0; word &= word - 1 {
			n := w*64 + bits.TrailingZeros64(word)
			if persons += a.people[n]; persons >= a.threshold || n >= a.free {
				return nil, false
			}
			of = binary.BigEndian.AppendUint32(of, uint32(n))
		}
	}
	return of, persons > 0
}

func profilesIn(of []byte) (out []int) {
	for ; len(of) > 0; of = of[4:] {
		out = append(out, int(binary.BigEndian.Uint32(of)))
	}
	return out
}

// figures gives the bounds that the tables tell.
func (a *audit) figures(tables []statistics.Table) (out []constraint) {
	for i, t := range tables {
		if t.Withheld {
			continue
		}
		out = append(out, a.bound(a.tables[i].all, t.Total-t.Rounding+1, t.Total+t.Rounding-1))
		for _, c := range t.Cells {
			least := max(t.Threshold, c.Persons-t.Rounding+1)
			out = append(out, a.bound(a.tables[i].cells[padded(c.Labels)], least, c.Persons+t.Rounding-1))
		}
	}
	return out
}

func (a *audit) bound(of set, least, most int64) constraint {
	var c constraint
	for n, persons := range a.people {
		switch {
		case !of.has(n):
		case n < a.free:
			c.of = append(c.of, n)
		default:
			least, most = least-persons, most-persons
		}
	}
	c.least, c.most = float64(least), float64(most)
	return c
}

// proves tells whether the constraints leave a sum between 1 and less than the threshold.
func (s *system) proves(of []int, threshold float64) bool {
	if least := -s.largest(of, -1, -near); least < near {
		return false
	}
	return !(s.largest(of, 1, threshold-near) > threshold-near) // what is not found out is not safe
}
