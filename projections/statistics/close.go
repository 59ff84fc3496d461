package statistics

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"slices"

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

// Tables gives the tables as they may be published, protected by suppression under the rules.
func (c *Counter) Tables(r statistics.Rules) []statistics.Table {
	return c.protected(r, nil)
}

// protected protects each table; with a secret, by the chance that it gives the table.
func (c *Counter) protected(r statistics.Rules, secret *statistics.Secret) []statistics.Table {
	out := make([]statistics.Table, 0, len(c.cfg.Plan.Tables))
	for i, t := range c.cfg.Plan.Tables {
		if secret != nil {
			r.Chance = secret.Chance(t.ID)
		}
		if c.counts(i) {
			out = append(out, statistics.Protect(t.Table(), c.cells(i, r.Threshold), r))
		}
	}
	return out
}

// Noised gives the tables as they may be published with noise. Every call draws anew, so that a month is noised
// once, when it is published.
func (c *Counter) Noised(n Noiser) ([]statistics.Table, error) {
	var out []statistics.Table
	p := c.cfg.Plan
	for i, t := range p.Tables {
		if !c.counts(i) {
			continue
		}
		cells := c.cells(i, 0)
		for k := range cells {
			noised, err := n.Noise(cells[k].Persons, t.MaxCells, t.Epsilon.Float())
			if err != nil {
				return nil, fmt.Errorf("table %s: %w", t.ID, err)
			}
			cells[k].Persons = noised
		}
		least, err := n.Threshold(t.MaxCells, t.Epsilon.Float(), p.Delta.Float())
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.ID, err)
		}
		out = append(out, statistics.Noised(t.Table(), cells, max(p.MinimumCell, int64(math.Ceil(least))), t.Epsilon, p.Delta))
	}
	return out, nil
}

// OpenTables gives the tables of a month that is not published, for those who may see it: small cells hidden, and
// pseudonymous all the same, since the figures of yesterday and of today can be subtracted.
func (c *Counter) OpenTables() []statistics.Table {
	tables := c.Tables(c.cfg.Plan.Rules())
	for i := range tables {
		tables[i].Class, tables[i].Tests = statistics.Pseudonymous, nil
	}
	return tables
}

// counts tells whether the table of the plan was counted.
func (c *Counter) counts(table int) bool {
	return slices.Contains(c.tables[c.cfg.Plan.Tables[table].Counts], table)
}

type labels = [2]statistics.Label

// cells gives the exact counts of a table. Labels of fewer persons than rare become "other" where the plan says
// so; a person who had several of them counts there once.
func (c *Counter) cells(table int, rare int64) []statistics.Cell {
	plan := c.cfg.Plan.Tables[table]
	people := c.bounded(table)
	counts := map[labels]int64{}
	for _, list := range people {
		for _, l := range list {
			counts[l]++
		}
	}
	if plan.MergeRare && rare > 0 {
		counts = merged(people, counts, rare)
	}
	out := make([]statistics.Cell, 0, len(counts))
	for _, l := range slices.SortedFunc(maps.Keys(counts), func(a, b labels) int { return slices.Compare(a[:], b[:]) }) {
		out = append(out, statistics.Cell{Labels: slices.Clone(l[:len(plan.By)]), Persons: counts[l]})
	}
	return out
}

func merged(people [][]labels, counts map[labels]int64, rare int64) map[labels]int64 {
	out := map[labels]int64{}
	for _, list := range people {
		var seen []labels
		for _, l := range list {
			if counts[l] < rare {
				l = labels{statistics.Other}
			}
			if !slices.Contains(seen, l) {
				seen = append(seen, l)
				out[l]++
			}
		}
	}
	return out
}

// bounded gives, for every person who may be counted, the cells of the table in which he counts, the plan's bound of
// them at most. Which ones stay is chosen by a hash, so that it depends neither on what is frequent nor on order.
func (c *Counter) bounded(table int) [][]labels {
	plan := c.cfg.Plan.Tables[table]
	var out [][]labels
	for id, p := range c.people {
		who := domain.SubjectID{UUID: id}
		if c.cfg.Barred.Persons[who] && !plan.Counts.Survives() || p.closed && !plan.Counts.Survives() {
			continue
		}
		list := p.cells(table, plan, c.cfg.Barred.Fields[who])
		if len(list) == 0 {
			continue
		}
		if int64(len(list)) > plan.MaxCells {
			slices.SortFunc(list, func(a, b labels) int {
				return cmp.Or(cmp.Compare(chance(id, plan.ID, a), chance(id, plan.ID, b)), slices.Compare(a[:], b[:]))
			})
			list = list[:plan.MaxCells]
		}
		out = append(out, list)
	}
	return out
}

// cells gives the cells of the table in which the person counts, each once.
func (p *person) cells(table int, plan statistics.TablePlan, barred []domain.Field) []labels {
	var list []labels
	add := func(l labels) {
		if !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	for a := range p.adds {
		if a.table == table && !slices.Contains(barred, a.value.Field) {
			add(a.labels)
		}
	}
	if plan.Counts == statistics.Deletions {
		for _, e := range p.erasures {
			add(e.labels(plan.By))
		}
	}
	return list
}

func (e erasure) labels(by []statistics.Dimension) (l labels) {
	for i, d := range by {
		switch d {
		case statistics.Day:
			l[i] = statistics.Label(e.day)
		case statistics.Delay:
			l[i] = delayOf(e)
		default:
			l[i] = e.kind
		}
	}
	return l
}

func chance(id uuid.UUID, table string, l labels) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(id[:])
	_, _ = h.Write([]byte(table + "\x00" + string(l[0]) + "\x00" + string(l[1])))
	return h.Sum64()
}

// errNoSecret says that a publication could be worked backwards.
var errNoSecret = errors.New("suppression needs a secret")

// Publication makes the command that closes the month: with noise when a Noiser is given, else by suppression under
// the plan's rules and a random secret, which is the caller's to make and to forget: nothing keeps it.
func (c *Counter) Publication(op domain.Operation, n Noiser, secret statistics.Secret) (statistics.Publish, error) {
	cmd := statistics.Publish{Operation: op, Period: c.cfg.Period, Plan: c.cfg.Plan.Version, Counted: c.last, Opened: c.Opened()}
	if n == nil && secret == (statistics.Secret{}) {
		return cmd, fmt.Errorf("statistics of %s: %w", c.cfg.Period, errNoSecret)
	}
	if n == nil {
		cmd.Tables = c.protected(c.cfg.Plan.Rules(), &secret)
		return cmd, nil
	}
	tables, err := c.Noised(n)
	if err != nil {
		return cmd, fmt.Errorf("statistics of %s: %w", c.cfg.Period, err)
	}
	cmd.Tables, cmd.Budget = tables, c.cfg.Plan.Budget
	return cmd, nil
}
