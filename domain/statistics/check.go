package statistics

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxCount is far beyond any count, so that sums of cells never overflow.
const maxCount = 1 << 50

// Check tries on the published table what a stranger can do with pencil and paper, and names the tests that it
// passes, or the first that it does not.
func (t Table) Check() ([]Test, error) {
	for _, c := range t.Cells {
		if c.Persons < t.Threshold {
			return nil, fmt.Errorf("a cell of fewer than %d persons", t.Threshold)
		}
	}
	if t.Method == Noise {
		return []Test{Threshold, Private, Differencing}, nil
	}
	if t.Rounding < Floor {
		return nil, fmt.Errorf("figures are not rounded to %d or more", Floor)
	}
	if least, most := t.Rest(); !t.Withheld && least > 0 && most < t.Threshold {
		return nil, errors.New("the persons in no cell can be worked out from the total and the cells")
	}
	return []Test{Threshold, Complement, Rounded, Differencing}, nil
}

// Rest gives the least and the most persons that stand in no cell of the table, from all that the table tells, if no
// two cells share a person.
func (t Table) Rest() (least, most int64) {
	least, most = t.Total-t.Rounding+1, t.Total+t.Rounding-1
	for _, c := range t.Cells {
		least -= c.Persons + t.Rounding - 1
		most -= max(t.Threshold, c.Persons-t.Rounding+1)
	}
	return least, most
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
	sum, largest := int64(0), int64(0)
	for i, c := range t.Cells {
		if len(c.Labels) != len(t.By) || slices.ContainsFunc(c.Labels, func(l Label) bool { return !l.Valid() }) {
			return errors.New("a cell's labels do not fit")
		}
		if i > 0 && slices.Compare(t.Cells[i-1].Labels, c.Labels) >= 0 {
			return errors.New("its cells are not in the order of their labels, each once")
		}
		if c.Persons < 0 || c.Persons > maxCount || c.Persons%t.Rounding != 0 {
			return errors.New("a cell holds no count")
		}
		if c.Suppressed {
			return errors.New("it tells which cells are left out")
		}
		sum, largest = sum+c.Persons, max(largest, c.Persons)
	}
	return t.sums(sum, largest)
}

// sums checks the total against the cells, as far as rounding lets one.
func (t Table) sums(sum, largest int64) error {
	_, most := t.Rest()
	switch {
	case t.Total%t.Rounding != 0:
		return errors.New("its total is not rounded")
	case t.Method == Noise && sum != t.Total:
		return errors.New("its cells do not add up to its total")
	case t.Method == Suppression && !t.Withheld && len(t.Cells) == 0:
		return errors.New("it shows no cell and is not withheld")
	case t.Method == Suppression && (t.MaxCells == 1 && most < 0 || t.Total < largest-2*(t.Rounding-1)):
		return errors.New("its cells are more than its total")
	}
	return nil
}

func validTitle(s string) bool {
	return s != "" && len(s) <= 120 && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd })
}
