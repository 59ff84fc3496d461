package statistics_test

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain"
	counts "imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/sqlite"
	"imagine.ua/litopys/projections/statistics"
)

// The re-identification test: a stranger has all that is published and much knowledge of his own (attack_test.go),
// and tries to prove of a small crowd that somebody is in it: in one table, across tables, by totals, by what stands
// beside the tables, by two months, and by reading before and after an erasure. Each attack is run against figures
// made by the plan, where it may find nothing, and against a setting that is deliberately unsafe for it, where it
// must find somebody, or it would prove nothing.

// plain are rules of exact figures in which small cells are hidden, and nothing else.
var plain = counts.Rules{Threshold: 10, Rounding: 1, Primary: true}

// byLabel is a chance that two tables do not share.
func byLabel(n uint64, l []counts.Label) float64 {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, n, l)
	return (float64(h.Sum64()*0x9e3779b97f4a7c15>>11) + 1) / (1 << 53)
}

// secretOf is one of many secrets.
func secretOf(n uint64) (s counts.Secret) {
	binary.BigEndian.PutUint64(s[:], n)
	s[31] = 1
	return s
}

// attack gives what the stranger finds.
func attack(t testing.TB, list ...release) []string {
	t.Helper()
	found, tried := newStranger(t, list...).find(counts.Builtin().MinimumCell)
	if tried == 0 {
		t.Error("there is no small crowd to find")
	}
	return found
}

// safe publishes the month under many secrets and fails the test when the stranger finds anybody.
func safe(t testing.TB, c *statistics.Counter, plan *counts.Plan, secrets uint64) {
	t.Helper()
	for n := range secrets {
		fact := publication(t, c, plan, nil, secretOf(n))
		if found := attack(t, release{"", fact.Tables, fact.Opened, c.Standings()}); len(found) > 0 {
			t.Errorf("secret %d: %d are found: %s", n, len(found), found[0])
		}
	}
}

// unsafe fails the test when the stranger does not find so many persons of one crowd who are also in another, or who
// are not.
func unsafe(t testing.TB, persons int64, crowd, how, other string, list ...release) {
	t.Helper()
	s := newStranger(t, list...)
	of, truth := s.pick(crowd, other, how == "also")
	if least, most, found := s.narrow(of, counts.Builtin().MinimumCell); !found || least > persons || most < persons || truth != persons {
		t.Errorf("%d persons of %s, %s %s: found %v, %d to %d", truth, crowd, how, other, found, least, most)
	}
}

// Three recipients, each in a country of its own: what one table hides another shows.
func TestReidentificationAcrossTables(t *testing.T) {
	t.Parallel()
	w := newTown(rand.New(rand.NewPCG(1, 1)).IntN)
	for i, n := range []int{20, 3, 15} {
		for range n {
			w.transfer(w.register(w.dice(3), "account"), 4, []domain.RecipientKind{"delivery", "partner", "processor"}[i],
				[]domain.Country{"UA", "PL", "DE"}[i], "account")
		}
	}
	c := counted(t, w.all())
	safe(t, c, counts.Builtin(), 12)
	unsafe(t, 3, "transfers-by-recipient: [partner order]", "not", "", release{"", c.Tables(plain), nil, c.Standings()})
	// Each table by itself is safe where other cells are hidden beside the small ones; two of them are not.
	alone, together := 0, 0
	for n := range uint64(16) {
		rules := counts.Rules{Threshold: 10, Rounding: 1, Chance: func(l []counts.Label) float64 { return byLabel(n, l) }}
		tables := c.Tables(rules)
		for _, table := range tables {
			alone += len(attack(t, release{"", []counts.Table{table}, nil, c.Standings()}))
		}
		together += min(1, len(attack(t, release{"", tables, nil, c.Standings()})))
	}
	t.Logf("of 16 publications of exact tables, each protected alone, %d give the three away", together)
	if alone > 0 || together == 0 {
		t.Errorf("found by one table: %d times; by all: %d times", alone, together)
	}

	finer, err := counts.Load([]byte(finerPlan))
	if err != nil {
		t.Fatal(err)
	}
	c = counted(t, w.all(), func(c *statistics.Counting) { c.Plan = finer })
	safe(t, c, finer, 12)
	unsafe(t, 3, "kinds: [partner]", "not", "", release{"", c.Tables(plain), nil, c.Standings()})
	twice := strings.Replace(finerPlan, "by: [day, recipient-kind]", "by: [country]", 1)
	if _, err := counts.Load([]byte(twice)); err == nil {
		t.Error("a plan that cuts one thing twice alike is taken")
	}
}

const finerPlan = `
version: finer
minimum-cell: 10
rounding: 5
budget: 2
delta: 0.000001
tables:
  - {id: kinds, title: Kinds, counts: transfers, by: [recipient-kind], max-cells: 4, epsilon: 0.2}
  - {id: countries, title: Countries, counts: transfers, by: [country], max-cells: 3, merge-rare: true, epsilon: 0.2}
  - {id: days, title: Days, counts: transfers, by: [day, country], max-cells: 3, epsilon: 0.2}
  - {id: kind-days, title: Kinds by day, counts: transfers, by: [day, recipient-kind], max-cells: 3, epsilon: 0.2}
  - {id: both, title: Both, counts: transfers, by: [country, recipient-kind], max-cells: 3, epsilon: 0.2}
  - {id: subjects, title: Subjects, counts: registrations, by: [day], max-cells: 1, epsilon: 0.2}
`

// Totals of two tables differ by three persons without a browser, and two who deleted twice stand in two cells.
func TestReidentificationByTotals(t *testing.T) {
	t.Parallel()
	w := newTown(rand.New(rand.NewPCG(2, 2)).IntN)
	for n := range 63 {
		id := w.register(n%2, "account")
		if n >= 3 {
			w.visit(id, 2, firefox, "/blog")
		}
		if n < 30 {
			w.remove(id, 3, "phone")
		}
		if n >= 28 && n < 40 {
			w.leave(id, 4)
		}
	}
	c := counted(t, w.all())
	safe(t, c, counts.Builtin(), 12)
	found := release{"", c.Tables(plain), nil, c.Standings()}
	unsafe(t, 3, "subjects-by-day", "not", "browsers", found)
	unsafe(t, 2, "deletions: [account]", "also", "deletions: [part]", found)
}

// Too few visitors for any cell, and how many values were opened to count them.
func TestReidentificationByWhatStandsBeside(t *testing.T) {
	t.Parallel()
	w := newTown(rand.New(rand.NewPCG(3, 3)).IntN)
	for n := range 40 {
		if id := w.register(0, "account"); n < 4 {
			w.visit(id, 2, firefox, "/blog")
		}
	}
	c := counted(t, w.all())
	safe(t, c, counts.Builtin(), 12)
	fact := publication(t, c, counts.Builtin(), nil, secretOf(1))
	if len(fact.Opened) != 2 || fact.Counted != 0 {
		t.Errorf("opened %v, counted to %d", fact.Opened, fact.Counted)
	}
	unsafe(t, 4, "browsers", "not", "", release{"", fact.Tables, c.Opened(), c.Standings()})
}

// village is a town of generated people with rare and frequent traits.
func village(seed uint64, people int) *town {
	w := newTown(rand.New(rand.NewPCG(seed, seed)).IntN)
	kinds := []domain.RecipientKind{"delivery", "payment", "partner", "processor", "counsel", "advertiser"}
	countries := []domain.Country{"UA", "PL", "DE", "FR", "JP", "IS", "MT"}
	for range people {
		day := w.dice(1 + w.dice(20))
		id := w.register(day, "account")
		kind, country := kinds[w.dice(1+w.dice(len(kinds)))], countries[w.dice(1+w.dice(len(countries)))]
		w.give(id, 21, []domain.Field{"email", "name", "tax_number", "city"}[w.dice(1+w.dice(4))])
		w.transfer(id, 22, kind, country, "account")
		w.visit(id, 23, firefox, []string{"/blog", "/news", "/orders", "/support"}[w.dice(1+w.dice(4))])
	}
	return w
}

// barracks is a town of a few blocks whose persons all do the same, so that few numbers are unknown and many figures
// tell of each: the hardest case for whoever protects them.
func barracks(seed uint64) *town {
	w := newTown(rand.New(rand.NewPCG(seed, 3)).IntN)
	for _, size := range []int{1 + w.dice(9), 1 + w.dice(9), 10 + w.dice(20), 10 + w.dice(20), 10 + w.dice(20), 10 + w.dice(30)} {
		some, more, way := w.dice(64), w.dice(64), w.dice(64)
		does := some | more
		pick := func(n int) int { return way >> n & 1 }
		for range size {
			id := domain.SubjectID{UUID: w.id()}
			for n, do := range []func(){
				func() { w.registerAs(id, pick(0), "account") },
				func() {
					w.transfer(id, 22, []domain.RecipientKind{"delivery", "partner"}[pick(1)], []domain.Country{"UA", "PL"}[pick(2)], "account")
				},
				func() { w.visit(id, 23, firefox, []string{"/blog", "/news"}[pick(3)]) },
				func() { w.consent(id, 23, []domain.Purpose{"contact", "advertising"}[pick(4)]) },
				func() { w.remove(id, 24, "phone") },
				func() { w.give(id, 23, []domain.Field{"email", "name"}[pick(5)]) },
			} {
				if does>>n&1 != 0 {
					do()
				}
			}
		}
	}
	return w
}

// Many generated towns: nobody is found in what is published. Of the same towns exact figures give somebody away
// nearly always, and rounded ones would now and then, were they not audited before they are published.
func TestReidentificationInManyTowns(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		safe(t, counted(t, village(seed, 40+int(seed)*25).all()), counts.Builtin(), 1)
	}
	byRounding, byExact, towns := 0, 0, 0
	for seed := range uint64(30) {
		c := counted(t, barracks(seed).all())
		if _, tried := newStranger(t, release{stands: c.Standings()}).find(10); tried == 0 {
			continue
		}
		towns++
		safe(t, c, counts.Builtin(), 3)
		rounded := 0
		for n := range uint64(3) {
			secret := secretOf(n)
			rounded += len(attack(t, release{"", c.Rounded(counts.Builtin().Rules(), &secret), nil, c.Standings()}))
		}
		byRounding += min(1, rounded)
		byExact += min(1, len(attack(t, release{"", c.Tables(plain), nil, c.Standings()})))
	}
	t.Logf("of %d towns exact figures give somebody away in %d, figures that are rounded and not audited in %d", towns, byExact, byRounding)
	if byRounding == 0 || byExact < towns*3/4 {
		t.Error("the attack is too weak to prove anything")
	}
}

// Where chance fails again and again, the table by which it does is withheld.
func TestATableThatGivesAwayIsWithheld(t *testing.T) {
	t.Parallel()
	c := counted(t, barracks(270).all())
	first, secret := secretOf(1), secretOf(1)
	rounded := release{"", c.Rounded(counts.Builtin().Rules(), &first), nil, c.Standings()}
	if len(attack(t, rounded)) == 0 {
		t.Error("rounding alone gives nobody away: this town tests nothing")
	}
	cmd, err := c.Publication(closing(t), nil, &secret)
	if err != nil {
		t.Fatal(err)
	}
	withheld := 0
	for i, table := range cmd.Tables {
		if table.Withheld && !rounded.tables[i].Withheld {
			withheld++
		}
	}
	if withheld == 0 || secret == secretOf(1) {
		t.Errorf("%d tables are withheld", withheld)
	}
	if found := attack(t, release{"", cmd.Tables, nil, c.Standings()}); len(found) > 0 {
		t.Errorf("found %s", found[0])
	}
}

// A month of more profiles than the audit can take is audited as against a stranger who knows the rest: he finds no
// less.
func TestAuditOfTheRestKnown(t *testing.T) {
	t.Parallel()
	found := map[int]int{}
	for seed := range uint64(20) {
		c := counted(t, barracks(seed).all())
		for _, unknown := range []int{1, 3, 100} {
			if c.Proves(c.Tables(plain), unknown) {
				found[unknown]++
			}
		}
		if secret := secretOf(seed); c.Proves(publication(t, c, counts.Builtin(), nil, secret).Tables, 100) {
			t.Errorf("town %d: what was audited fails the audit", seed)
		}
	}
	if found[100] < 15 || found[3] < 10 || found[1] == 0 {
		t.Errorf("found, by how many numbers are unknown: %v", found)
	}
}

// The figures of two months are read together: most persons are the same in both.
func TestReidentificationByTwoMonths(t *testing.T) {
	t.Parallel()
	w := newTown(rand.New(rand.NewPCG(5, 5)).IntN)
	for n := range 60 {
		id := w.register(n%2, "account")
		if n >= 3 {
			w.visit(id, 2, firefox, []string{"/blog", "/news"}[n%2])
		}
		if n < 55 {
			w.visit(id, 35, firefox, []string{"/blog", "/news"}[n%2])
		}
	}
	months := []*statistics.Counter{counted(t, w.all()), counted(t, w.all(), func(c *statistics.Counting) { c.Period = "2015-06" })}
	for n := range uint64(12) {
		var both []release
		for i, c := range months {
			fact := publication(t, c, counts.Builtin(), nil, secretOf(n*2+uint64(i)))
			both = append(both, release{fmt.Sprintf("%d ", i+5), fact.Tables, fact.Opened, c.Standings()})
		}
		if found := attack(t, both...); len(found) > 0 {
			t.Errorf("secrets %d: %d are found: %s", n, len(found), found[0])
		}
	}
	var exact []release
	for i, c := range months {
		exact = append(exact, release{fmt.Sprintf("%d ", i+5), c.Tables(plain), nil, c.Standings()})
	}
	unsafe(t, 5, "5 browsers", "not", "6 browsers", exact...)
}

// The published figures are read from a store before somebody is erased, and from a rebuilt one afterwards. Whoever
// could have them counted again would find him.
func TestReidentificationByDifferencing(t *testing.T) {
	t.Parallel()
	w, people := busy(6, 90)
	before := counted(t, w.all())
	w.close(t, nil)
	store := func() (projections.Viewer, *projections.Engine) {
		file, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "read.db")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		engine, err := projections.New(projections.Config{Source: w.log, Backend: file, Projections: []*projections.Projection{statistics.New()}})
		if err != nil {
			t.Fatal(err)
		}
		return file, engine
	}
	file, engine := store()
	read := func() (m statistics.Month) {
		if err := engine.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		projtest.Look(t, file, func(s projections.Snapshot) {
			var err error
			if m, _, err = statistics.Get(t.Context(), s, may); err != nil {
				t.Fatal(err)
			}
		})
		return m
	}
	was := read()
	w.leave(people[17], 80)
	if err := engine.Rebuild(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	is := read()
	if diff := cmp.Diff(was, is); diff != "" || len(is.Tables) == 0 {
		t.Errorf("the figures changed with an erasure:\n%s", diff)
	}
	after := counted(t, w.all())
	published := []release{{"before ", was.Tables, nil, before.Standings()}, {"after ", is.Tables, nil, before.Standings()}}
	if found := attack(t, published...); len(found) > 0 {
		t.Errorf("found %s", found[0])
	}
	unsafe(t, 1, "before subjects-by-day", "not", "after subjects-by-day", release{"before ", before.Tables(plain), nil, before.Standings()}, release{"after ", after.Tables(plain), nil, after.Standings()})
}
