package statistics_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	counts "imagine.ua/litopys/domain/statistics"
)

// loud is a Noiser that anybody can foresee, and that remembers what it was asked for.
type loud struct {
	noised, thresholds []drawn
	broken             error
}

type drawn struct {
	maxCells       int64
	epsilon, delta float64
}

func (l *loud) Noise(count, maxCells int64, epsilon float64) (int64, error) {
	l.noised = append(l.noised, drawn{maxCells, epsilon, 0})
	return count + 1, l.broken
}

func (l *loud) Threshold(maxCells int64, epsilon, delta float64) (float64, error) {
	l.thresholds = append(l.thresholds, drawn{maxCells, epsilon, delta})
	return 12.5 * float64(maxCells), l.broken
}

// With noise every table says what it spent, shows what lies over the threshold of the noise, and keeps within the
// budget. The noise is asked for with the table's own bound and epsilon: with a smaller bound or a larger epsilon a
// person would show through.
func TestNoisedPublication(t *testing.T) {
	t.Parallel()
	w, _ := busy(10, 150)
	truth := shown(counted(t, w.all()).Tables(exact))
	noiser := &loud{}
	fact := w.close(t, noiser)
	spent, cells := counts.Billionths(0), 0
	for i, table := range fact.Tables {
		spent += table.Epsilon
		least := max(10, (25*table.MaxCells+1)/2)
		if table.Method != counts.Noise || table.Epsilon == 0 || table.Delta == 0 || table.Threshold != least {
			t.Errorf("table %s: %+v", table.ID, table)
		}
		if want := (drawn{table.MaxCells, table.Epsilon.Float(), table.Delta.Float()}); noiser.thresholds[i] != want {
			t.Errorf("table %s: threshold for %+v, want %+v", table.ID, noiser.thresholds[i], want)
		}
		for _, c := range table.Cells {
			cells++
			name := cellName(table, c)
			if name != "pages: [other]" && name != "browsers: [other]" && name != "transfers-by-country: [other]" && c.Persons != truth[name]+1 {
				t.Errorf("%s: %d of %d", name, c.Persons, truth[name])
			}
		}
	}
	var want []drawn
	for _, table := range counts.Builtin().Tables {
		for name := range truth {
			if cut := len(table.ID); len(name) > cut && name[:cut+1] == table.ID+":" {
				want = append(want, drawn{table.MaxCells, table.Epsilon.Float(), 0})
			}
		}
	}
	if diff := cmp.Diff(want, noiser.noised, cmp.AllowUnexported(drawn{})); diff != "" {
		t.Errorf("noise (-want +asked):\n%s", diff)
	}
	if spent > fact.Budget || fact.Budget != counts.Builtin().Budget || cells == 0 {
		t.Errorf("spent %s of %s on %d cells", spent, fact.Budget, cells)
	}
	failed := errors.New("no randomness")
	if _, err := counted(t, w.all()).Publication(closing(t), &loud{broken: failed}, nil); !errors.Is(err, failed) {
		t.Errorf("without randomness: %v", err)
	}
}

// The secret decides what is left out and which way figures are rounded: another one gives other tables, the same one
// the same, and none no publication.
func TestSecretDrawsThePublication(t *testing.T) {
	t.Parallel()
	w := village(3, 60)
	c := counted(t, w.all())
	one := publication(t, c, counts.Builtin(), nil, counts.Secret{1})
	if diff := cmp.Diff(one, publication(t, counted(t, w.all()), counts.Builtin(), nil, counts.Secret{1})); diff != "" {
		t.Errorf("the same secret gives other tables:\n%s", diff)
	}
	figures, cells := map[string]map[int64]bool{}, map[string]bool{}
	for n := range byte(20) {
		var left []string
		for _, table := range publication(t, c, counts.Builtin(), nil, counts.Secret{n, 1}).Tables {
			for _, x := range table.Cells {
				name := cellName(table, x)
				left = append(left, name)
				if figures[name] == nil {
					figures[name] = map[int64]bool{}
				}
				figures[name][x.Persons] = true
			}
		}
		slices.Sort(left)
		cells[cmp.Diff(nil, left)] = true
	}
	two := 0
	for name, seen := range figures {
		if len(seen) > 2 {
			t.Errorf("%s has the figures %v", name, seen)
		}
		if len(seen) == 2 {
			two++
		}
	}
	if two < len(figures)/2 || len(cells) < 2 {
		t.Errorf("20 secrets round %d of %d cells in two ways, and leave out %d choices of cells", two, len(figures), len(cells))
	}
	for _, none := range []*counts.Secret{nil, {}} {
		if _, err := c.Publication(closing(t), nil, none); err == nil {
			t.Error("a publication without a secret is made")
		}
	}
}

// Persons who are the same in two tables have one figure in both: nothing is gained by asking for them twice.
func TestTheSamePersonsHaveOneFigure(t *testing.T) {
	t.Parallel()
	w, people := busy(12, 137)
	for _, id := range people {
		w.transfer(id, 9, "counsel", "JP", "account")
	}
	figures := map[int64]bool{}
	for n := range byte(12) {
		fact := publication(t, counted(t, w.all()), counts.Builtin(), nil, counts.Secret{n, 7})
		var seen []int64
		for _, table := range fact.Tables {
			if table.ID == "subjects-by-day" || table.ID == "transfers-by-recipient" || table.ID == "browsers" {
				seen = append(seen, table.Total)
			}
			for _, x := range table.Cells {
				if l := x.Labels[0]; l == "counsel" || l == "JP" || l == "technical" {
					seen = append(seen, x.Persons)
				}
			}
		}
		if len(seen) != 6 || len(slices.Compact(seen)) != 1 {
			t.Errorf("137 persons have the figures %v", seen)
		}
		figures[seen[0]] = true
	}
	if len(figures) != 2 || !figures[135] || !figures[140] {
		t.Errorf("137 persons are published as %v", figures)
	}
}

// Crowds of one size that are other persons have chances of their own: their difference tells nothing.
func TestOtherPersonsOfTheSameNumberDrawAlone(t *testing.T) {
	t.Parallel()
	w := newTown(rand.New(rand.NewPCG(13, 13)).IntN)
	for n := range 20 * 12 {
		w.register(n%20, "account")
	}
	fact := publication(t, counted(t, w.all()), counts.Builtin(), nil, secretOf(5))
	figures := map[int64]int{}
	for _, c := range fact.Tables[0].Cells {
		figures[c.Persons]++
	}
	if figures[10] < 5 || figures[15] < 3 || figures[10]+figures[15] != 20 {
		t.Errorf("20 days of 12 persons each are published as %v", figures)
	}
}
