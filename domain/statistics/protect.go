package statistics

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Floor is the smallest threshold that any plan may set. A cell of fewer persons is never published.
const Floor = 5

// maxCount is far beyond any count, so that sums of cells never overflow.
const maxCount = 1 << 50

// Rules is how the cells of one table are protected.
type Rules struct {
	// Threshold is the smallest count that is published.
	Threshold int64
	// Rounding is what counts are rounded to; 1 leaves them exact.
	Rounding int64
	// Primary suppresses the cells below the threshold and no others. Such a table passes no Check that a
	// subtraction can break; the attacks of the re-identification test are run against it to see them succeed.
	Primary bool
	// Chance gives a number above 0 and up to 1 for a cell. By it the cells are chosen that are suppressed beside the
	// small ones: small ones likely, any one possible. Who knows the method and could foresee the choice could work
	// backwards from it. Nil chooses the smallest; that is for figures that are not published.
	Chance func([]Label) float64
}

// Secret orders the cells of one publication. It is random, used once and forgotten: it is the only key that a
// month has, and it is destroyed when the month is closed.
type Secret [32]byte

// Chance gives what Rules.Chance wants for one table.
func (s Secret) Chance(table string) func([]Label) float64 {
	return func(labels []Label) float64 {
		mac := hmac.New(sha256.New, s[:])
		mac.Write([]byte(table))
		for _, l := range labels {
			mac.Write([]byte{0})
			mac.Write([]byte(l))
		}
		n := binary.BigEndian.Uint64(mac.Sum(nil)) >> 11 // 53 bits, as many as a float64 tells apart
		return (float64(n) + 1) / (1 << 53)
	}
}

// Protect makes the publishable table of exact counts: cells below the threshold are suppressed, then others, small
// ones rather than large ones, until no suppressed cell can be worked out; when nothing is left the whole table is
// withheld.
// The cells come with exact counts; those that count nobody are left out.
func Protect(t Table, cells []Cell, r Rules) Table {
	t.Method, t.Threshold, t.Rounding, t.Class = Suppression, r.Threshold, max(1, r.Rounding), Anonymous
	exact := slices.DeleteFunc(slices.Clone(cells), func(c Cell) bool { return c.Persons <= 0 })
	slices.SortFunc(exact, func(a, b Cell) int { return slices.Compare(a.Labels, b.Labels) })
	order := make([]int, len(exact)) // in which they are suppressed: the small ones, then others
	total, hidden := int64(0), 0
	for i, c := range exact {
		order[i] = i
		total += c.Persons
		if c.Persons < r.Threshold {
			hidden++
		}
	}
	r.sort(order, exact)
	for ; hidden <= len(exact); hidden++ {
		t.Cells, t.Total = published(exact, order[:hidden], t.Rounding), round(total, t.Rounding)
		passed, err := t.Check()
		if t.Tests = passed; err == nil || r.Primary {
			return t
		}
	}
	return t.withhold()
}

// sort puts the cells below the threshold first, and the others in the order of a race in which a cell's time grows
// with the square of its count: whatever came out could have come out otherwise.
func (r Rules) sort(order []int, exact []Cell) {
	times := make([]float64, len(exact))
	for i, c := range exact {
		chance := 0.5
		if r.Chance != nil {
			chance = r.Chance(c.Labels)
		}
		if times[i] = -math.Log(chance) * float64(c.Persons) * float64(c.Persons); c.Persons < r.Threshold {
			times[i] = -1
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(times[a], times[b]) })
}

func published(exact []Cell, hidden []int, rounding int64) []Cell {
	if len(exact) == 0 {
		return nil
	}
	out := make([]Cell, len(exact))
	for i, c := range exact {
		out[i] = Cell{Labels: c.Labels, Persons: round(c.Persons, rounding)}
	}
	for _, i := range hidden {
		out[i].Persons, out[i].Suppressed = 0, true
	}
	return out
}

func round(n, to int64) int64 { return (n + to/2) / to * to }

func (t Table) withhold() Table {
	t.Cells, t.Total, t.Withheld = nil, 0, true
	t.Tests = []Test{Threshold, Complement, Differencing}
	return t
}

// Noised makes the publishable table of counts to which noise was added already. Counts below the threshold are
// left out without a mark: which cells are there must not tell what was counted.
func Noised(t Table, cells []Cell, threshold int64, epsilon, delta Billionths) Table {
	t.Method, t.Threshold, t.Rounding, t.Class = Noise, threshold, 1, Anonymous
	t.Epsilon, t.Delta = epsilon, delta
	t.Cells = nil
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

// Check tries on the published table what a stranger can do with pencil and paper, and names the tests that it
// passes, or the first that it does not.
func (t Table) Check() ([]Test, error) {
	if t.Withheld {
		return []Test{Threshold, Complement, Differencing}, nil
	}
	for _, c := range t.Cells {
		if !c.Suppressed && c.Persons < t.Threshold {
			return nil, fmt.Errorf("a cell of fewer than %d persons", t.Threshold)
		}
	}
	if t.Method == Noise {
		return []Test{Threshold, Private, Differencing}, nil
	}
	if most, ok := t.Reach(); ok && most < t.Threshold {
		return nil, errors.New("a suppressed cell can be worked out from the total and the other cells")
	}
	return []Test{Threshold, Complement, Differencing}, nil
}

// Reach gives how many persons a suppressed cell may count at most, from all that the table tells, when every
// suppressed cell counts one at least; false when nothing is suppressed. A reach below the threshold tells that
// the cell is small, and how small.
func (t Table) Reach() (int64, bool) {
	rest, hidden, shown := t.Total, int64(0), int64(1) // the total is a rounded number too
	for _, c := range t.Cells {
		if c.Suppressed {
			hidden++
			continue
		}
		rest -= c.Persons
		shown++
	}
	if hidden == 0 {
		return 0, false
	}
	if hidden == 1 {
		return 0, true // the rest is the cell
	}
	if t.Rounding > 1 {
		rest -= shown * (t.Rounding / 2) // the worst that rounding can have added
	}
	return rest - (hidden - 1), true
}

var (
	wordPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,47}$`)
	labelPattern = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}/_.:#+-]{0,63}$`)
)

// Valid reports whether the label keeps to its alphabet, which leaves no room for a sentence or an e-mail address.
func (l Label) Valid() bool { return labelPattern.MatchString(string(l)) }

// shape checks what does not depend on protection.
func (t Table) shape() error {
	switch {
	case !wordPattern.MatchString(t.ID):
		return errors.New("its id is no word")
	case !validTitle(t.Title):
		return errors.New("its title is missing or not a line of at most 120 bytes")
	case len(t.By) == 0 || len(t.By) > maxBy:
		return errors.New("it is cut by no dimension, or by too many")
	case t.MaxCells < 1 || t.Rounding < 1 || t.Threshold%t.Rounding != 0:
		return errors.New("the bound of cells or the rounding does not fit")
	case t.Total < 0 || t.Total > maxCount:
		return errors.New("its total is no count")
	case t.Withheld && (len(t.Cells) > 0 || t.Total != 0):
		return errors.New("it is withheld and tells something")
	}
	for _, d := range t.By {
		if !d.known() {
			return errors.New("it is cut by a dimension that nobody knows")
		}
	}
	if err := t.methodShape(); err != nil {
		return err
	}
	return t.cellShape()
}

func (t Table) methodShape() error {
	switch t.Method {
	case Suppression:
		if t.Epsilon != 0 || t.Delta != 0 {
			return errors.New("it spends epsilon without noise")
		}
	case Noise:
		if t.Epsilon <= 0 || t.Delta <= 0 || t.Delta >= one || t.Rounding != 1 || t.Withheld {
			return errors.New("its noise lacks epsilon or delta")
		}
	default:
		return errors.New("its method is not known")
	}
	return nil
}

func (t Table) cellShape() error {
	sum, hidden := int64(0), false
	for i, c := range t.Cells {
		if len(c.Labels) != len(t.By) || slices.ContainsFunc(c.Labels, func(l Label) bool { return !l.Valid() }) {
			return errors.New("a cell's labels do not fit")
		}
		if i > 0 && slices.Compare(t.Cells[i-1].Labels, c.Labels) >= 0 {
			return errors.New("its cells are not in the order of their labels, each once")
		}
		if c.Persons < 0 || c.Persons > maxCount || c.Persons%t.Rounding != 0 || c.Suppressed && c.Persons != 0 {
			return errors.New("a cell holds no count")
		}
		if c.Suppressed && t.Method == Noise {
			return errors.New("a noised table tells which cells are suppressed")
		}
		sum, hidden = sum+c.Persons, hidden || c.Suppressed
	}
	if t.Rounding == 1 && !hidden && sum != t.Total {
		return errors.New("its cells do not add up to its total")
	}
	return nil
}

func validTitle(s string) bool {
	return s != "" && len(s) <= 120 && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd })
}
