package statistics

import (
	"errors"
	"fmt"
	"math"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/statistics"
)

// Noiser adds noise to counts (differential privacy); package noise has the real one, tests a predictable one.
type Noiser interface {
	// Noise gives the count with noise, when one person counts in maxCells cells at most.
	Noise(count, maxCells int64, epsilon float64) (int64, error)
	// Threshold gives the count below which a noised cell must be left out.
	Threshold(maxCells int64, epsilon, delta float64) (float64, error)
}

// Tables gives the tables protected under the rules, but with nothing left to chance: such figures are not published.
func (c *Counter) Tables(r statistics.Rules) []statistics.Table {
	list := c.census(r.Threshold)
	out := make([]statistics.Table, len(list))
	for i, t := range list {
		out[i] = t.protect(r, nil)
	}
	return out
}

// Noised gives the tables as they may be published with noise. Every call draws anew, so that a month is noised
// once, when it is published.
func (c *Counter) Noised(noiser Noiser) ([]statistics.Table, error) {
	var out []statistics.Table
	p := c.cfg.Plan
	for _, n := range c.census(0) {
		t, cells := n.plan, n.cells()
		for k := range cells {
			noised, err := noiser.Noise(cells[k].Persons, t.MaxCells, t.Epsilon.Float())
			if err != nil {
				return nil, fmt.Errorf("table %s: %w", t.ID, err)
			}
			cells[k].Persons = noised
		}
		least, err := noiser.Threshold(t.MaxCells, t.Epsilon.Float(), p.Delta.Float())
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.ID, err)
		}
		out = append(out, statistics.Noised(t.Table(), cells, max(p.MinimumCell, int64(math.Ceil(least))), t.Epsilon, p.Delta))
	}
	return out, nil
}

// OpenTables gives the tables of a month that is not published, for those who may see it: exact counts, small cells
// hidden, and pseudonymous, since the figures of yesterday and of today can be subtracted.
func (c *Counter) OpenTables() []statistics.Table {
	tables := c.Tables(statistics.Rules{Threshold: c.cfg.Plan.MinimumCell, Rounding: 1, Marks: true})
	for i := range tables {
		tables[i].Class, tables[i].Tests = statistics.Pseudonymous, nil
	}
	return tables
}

// errNoSecret says that a publication could be worked backwards.
var errNoSecret = errors.New("suppression and rounding need a secret")

// Publication makes the command that closes the month: with noise when a Noiser is given, else by suppression and
// rounding under the plan's rules and a random secret, which is the caller's to make and to clear: nothing keeps it.
// The secret is changed in place when chance has to be asked again.
func (c *Counter) Publication(op domain.Operation, n Noiser, secret *statistics.Secret) (statistics.Publish, error) {
	cmd := statistics.Publish{Operation: op, Period: c.cfg.Period, Plan: c.cfg.Plan.Version}
	for _, o := range c.Opened() {
		cmd.Opened = append(cmd.Opened, statistics.Opened{Field: o.Field}) // how many is for no stranger
	}
	if n == nil && (secret == nil || *secret == statistics.Secret{}) {
		return cmd, fmt.Errorf("statistics of %s: %w", c.cfg.Period, errNoSecret)
	}
	if n == nil {
		cmd.Tables = c.drawn(secret)
		return cmd, nil
	}
	tables, err := c.Noised(n)
	if err != nil {
		return cmd, fmt.Errorf("statistics of %s: %w", c.cfg.Period, err)
	}
	cmd.Tables, cmd.Budget = tables, c.cfg.Plan.Budget
	return cmd, nil
}

// draws is how often chance is asked before a table is given up.
const draws = 16

// drawn gives the tables under the secret, and under others made from it for as long as a stranger could narrow down
// a small crowd by putting all figures together. Rounding alone leaves that to luck where persons have much in
// common: two sums for one crowd may both come out at the end of their range. A table by which it fails again and
// again is withheld.
func (c *Counter) drawn(secret *statistics.Secret) []statistics.Table {
	rules := c.cfg.Plan.Rules()
	list := c.census(rules.Threshold)
	known := newAudit(list, rules.Threshold)
	for try := 1; ; try++ {
		tables := make([]statistics.Table, len(list))
		keys := c.keys(secret)
		for i, t := range list {
			t.join(keys)
			tables[i] = t.protect(rules, secret)
			t.join(nil)
		}
		clear(keys) // what a person can be told by is not kept longer than the secret
		table, found := known.find(tables)
		if !found {
			return tables
		}
		if try%draws == 0 {
			list[table].withheld = true
		}
		secret.Renew()
	}
}

// keys gives the key of every person under a secret.
func (c *Counter) keys(secret *statistics.Secret) map[uuid.UUID]uint64 {
	keys := make(map[uuid.UUID]uint64, len(c.people))
	for id := range c.people {
		keys[id] = secret.Person(id)
	}
	return keys
}
