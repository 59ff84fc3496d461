package statistics

import (
	"cmp"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/statistics"
)

type labels = [2]statistics.Label

// census is what was counted for one table, and who stands in it.
type census struct {
	plan     statistics.TablePlan
	people   map[uuid.UUID][]labels
	by       map[labels]statistics.Group
	all      statistics.Group // everybody who stands in the table, once
	withheld bool
}

// census counts every table for which anything was read. Labels of fewer persons than rare become "other" where the
// plan says so; a person who had several of them counts there once.
func (c *Counter) census(rare int64) []*census {
	var out []*census
	for i, t := range c.cfg.Plan.Tables {
		if !slices.Contains(c.tables[t.Counts], i) {
			continue // nothing was opened for it
		}
		n := &census{plan: t, people: c.bounded(i)}
		n.join(nil)
		if t.MergeRare {
			n.merge(rare)
		}
		out = append(out, n)
	}
	return out
}

// merge counts rare labels together.
func (n *census) merge(rare int64) {
	for id, list := range n.people {
		var merged []labels
		for _, l := range list {
			if n.by[l].Persons < rare {
				l = labels{statistics.Other}
			}
			if !slices.Contains(merged, l) {
				merged = append(merged, l)
			}
		}
		n.people[id] = merged
	}
	n.join(nil)
}

// join adds up the persons of every cell, and their keys if there are any.
func (n *census) join(keys map[uuid.UUID]uint64) {
	n.by, n.all = map[labels]statistics.Group{}, statistics.Group{}
	for id, list := range n.people {
		n.all.Join(keys[id])
		for _, l := range list {
			g := n.by[l]
			g.Join(keys[id])
			n.by[l] = g
		}
	}
}

// protect makes the table. With a secret, chance decides by who is in a cell.
func (n *census) protect(r statistics.Rules, secret *statistics.Secret) statistics.Table {
	table := n.plan.Table()
	if n.withheld {
		return statistics.Protect(table, nil, r)
	}
	if secret != nil {
		r.Chance = func(l []statistics.Label) float64 { return secret.Order(n.group(l)) }
		r.Round = func(l []statistics.Label) float64 { return secret.Round(n.group(l)) }
	}
	table.Total = n.all.Persons
	return statistics.Protect(table, n.cells(), r)
}

// cells gives the exact counts, in the order of their labels.
func (n *census) cells() []statistics.Cell {
	out := make([]statistics.Cell, 0, len(n.by))
	for _, l := range slices.SortedFunc(maps.Keys(n.by), compare) {
		out = append(out, statistics.Cell{Labels: slices.Clone(l[:len(n.plan.By)]), Persons: n.by[l].Persons})
	}
	return out
}

func compare(a, b labels) int { return slices.Compare(a[:], b[:]) }

// group gives who stands in a cell, or in the table when there are no labels.
func (n *census) group(list []statistics.Label) statistics.Group {
	if len(list) == 0 {
		return n.all
	}
	return n.by[padded(list)]
}

func padded(list []statistics.Label) (l labels) {
	copy(l[:], list)
	return l
}

// bounded gives, for every person who may be counted, the cells of the table in which he counts, the plan's bound of
// them at most. Which ones stay is chosen by a hash, so that it depends neither on what is frequent nor on order.
func (c *Counter) bounded(table int) map[uuid.UUID][]labels {
	plan := c.cfg.Plan.Tables[table]
	out := map[uuid.UUID][]labels{}
	for id, p := range c.people {
		who := domain.SubjectID{UUID: id}
		if (p.closed || c.cfg.Barred.Persons[who]) && !plan.Counts.Survives() {
			continue
		}
		list := p.cells(table, plan, c.cfg.Barred.Fields[who])
		if int64(len(list)) > plan.MaxCells {
			slices.SortFunc(list, func(a, b labels) int {
				return cmp.Or(cmp.Compare(chance(id, plan.ID, a), chance(id, plan.ID, b)), slices.Compare(a[:], b[:]))
			})
			list = list[:plan.MaxCells]
		}
		if len(list) > 0 {
			out[id] = list
		}
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
