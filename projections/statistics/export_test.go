package statistics

import (
	"fmt"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain/statistics"
)

// Standings gives, for every table that was counted, in which of its cells each person stands. Nothing but a test may
// ever see it: it is the truth that the attacks are measured by.
func (c *Counter) Standings() map[string]map[uuid.UUID][]string {
	out := map[string]map[uuid.UUID][]string{}
	for _, n := range c.census(c.cfg.Plan.MinimumCell) {
		out[n.plan.ID] = map[uuid.UUID][]string{}
		for id, list := range n.people {
			for _, l := range list {
				out[n.plan.ID][id] = append(out[n.plan.ID][id], fmt.Sprint(n.plan.ID, ": ", l[:len(n.plan.By)]))
			}
		}
	}
	return out
}

// System is the linear arithmetic of the audit; the tests' stranger uses the same and nothing else of it.
type System = system

// NewSystem makes a system of bounds on sums of some numbers; false: nothing fits.
func NewSystem(numbers int, list []Bound) (*System, bool) {
	var all []constraint
	for _, b := range list {
		all = append(all, constraint(b))
	}
	return newSystem(numbers, all)
}

// Bound bounds the sum of some numbers.
type Bound constraint

// Between makes a bound.
func Between(of []int, least, most float64) Bound { return Bound{of, least, most} }

// Largest gives the largest of sign times a sum, or something above enough.
func (s *system) Largest(of []int, sign, enough float64) float64 { return s.largest(of, sign, enough) }

// Rounded gives the tables of one draw as they would be without the audit.
func (c *Counter) Rounded(r statistics.Rules, secret *statistics.Secret) []statistics.Table {
	var out []statistics.Table
	keys := c.keys(secret)
	for _, n := range c.census(r.Threshold) {
		n.join(keys)
		out = append(out, n.protect(r, secret))
	}
	return out
}

// Proves tells whether the audit finds a small crowd in the tables, when so many numbers of persons are unknown.
func (c *Counter) Proves(tables []statistics.Table, unknown int) bool {
	a := newAudit(c.census(c.cfg.Plan.MinimumCell), c.cfg.Plan.MinimumCell)
	a.free = min(a.free, unknown)
	_, found := a.find(tables)
	return found
}
