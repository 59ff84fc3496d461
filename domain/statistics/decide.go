package statistics

import (
	"slices"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

// Bounds of one publication: its event must fit one append of the log.
const (
	maxTables = 64
	maxCells  = 2000
)

// State is whether a month is closed.
type State struct{ Published bool }

// Case is a publication with what its decision needs from outside the stream, as data.
type Case struct {
	Command Publish
	Policy  *policy.Policy
	// Plan is the ledger's own: what is published may be stricter, never looser.
	Plan *Plan
}

// Decider gives the aggregate's functions.
func Decider() domain.Decider[Case, State, Event] {
	return domain.Decider[Case, State, Event]{
		Initial: func() State { return State{} },
		Decide:  Decide,
		Evolve:  Evolve,
	}
}

// Evolve folds one event into the state. It is total.
func Evolve(s State, e Event) State {
	if _, ok := e.(Published); ok {
		s.Published = true
	}
	return s
}

// Decide gives the event that closes the month, or a *domain.Refusal. It is pure: the same case and state always
// give the same answer.
func Decide(c Case, s State) ([]Event, error) {
	if err := Allowed(c, s); err != nil {
		return nil, err
	}
	if err := tables(c); err != nil {
		return nil, err
	}
	if err := budget(c); err != nil {
		return nil, err
	}
	cmd := c.Command
	return []Event{Published{Period: cmd.Period, Plan: cmd.Plan, Tables: cmd.Tables, Opened: cmd.Opened, Budget: cmd.Budget}}, nil
}

// Allowed decides what can be decided before anything is counted, so that no value is opened for a publication that
// is refused anyway: the operation, its purpose, the fields to be opened, the month. It gives nil or a *domain.Refusal.
func Allowed(c Case, s State) error {
	if c.Policy == nil || c.Plan == nil {
		return input("operation.incomplete", "give the policy in force and the plan", "the case has no policy or no plan")
	}
	if err := c.Policy.Permit(c.Command.Operation); err != nil {
		return err
	}
	if err := purpose(c); err != nil {
		return err
	}
	return period(c, s)
}

// purpose lets only the purpose of depersonalised statistics publish, and only fields that may serve it be opened.
func purpose(c Case) error {
	p := c.Command.Operation.Spec().Purpose
	if !depersonalised(c.Policy, p) {
		return domain.Refuse("statistics.purpose", "2.2.5", "publish for the purpose of statistics on depersonalised data",
			"the purpose %s is none of statistics on depersonalised data", p)
	}
	for i, o := range c.Command.Opened {
		f, ok := c.Policy.Field(o.Field)
		if !ok || !f.Allows(p) {
			return domain.Refuse("field.purpose", "2.2", "leave the table out, or let the catalogue allow the purpose",
				"a field that was opened for counting may not be processed for statistics")
		}
		if o.Values != 0 || slices.ContainsFunc(c.Command.Opened[:i], func(x Opened) bool { return x.Field == o.Field }) {
			return input("statistics.opened", "name each field once, without a count", "the list of opened fields is malformed")
		}
	}
	return nil
}

func depersonalised(p *policy.Policy, id domain.Purpose) bool {
	x, ok := p.Purpose(id)
	return ok && x.Depersonalised
}

// period refuses a month that is not over and one that is closed: figures that are computed twice can be
// subtracted.
func period(c Case, s State) error {
	_, end, ok := Span(c.Command.Period)
	if !ok {
		return input("statistics.period", "write it as 2026-01", "the period is no calendar month")
	}
	if c.Command.Operation.Spec().At.Before(end) {
		return domain.Refuse("statistics.open", "2.2.5", "wait until it is over", "the month %s is not over", c.Command.Period)
	}
	if s.Published {
		return domain.Refuse("statistics.published", "4.2", "read what was published: it stands for ever",
			"the month %s is published", c.Command.Period).WithKind(domain.Conflict)
	}
	return nil
}

func tables(c Case) error {
	if n := len(c.Command.Tables); n == 0 || n > maxTables {
		return input("statistics.tables", "give 1 to 64 tables", "the publication has no table, or too many")
	}
	if !wordPattern.MatchString(c.Command.Plan) {
		return input("statistics.plan", "name the plan's version", "the publication does not say by which plan was counted")
	}
	ids, cells := map[string]bool{}, 0
	for _, t := range c.Command.Tables {
		if ids[t.ID] {
			return input("statistics.tables", "give each table once", "a table is given twice")
		}
		ids[t.ID] = true
		if cells += len(t.Cells); cells > maxCells {
			return input("statistics.tables", "cut the tables by fewer dimensions", "the publication has too many cells")
		}
		if err := table(c.Plan, t); err != nil {
			return err
		}
	}
	return nil
}

// table lets a table through that keeps to the plan's minimum and passes the checks again.
func table(plan *Plan, t Table) error {
	if t.Threshold < max(Floor, plan.MinimumCell) {
		return domain.Refuse("statistics.threshold", "2.2.5", "publish cells of "+number(max(Floor, plan.MinimumCell))+" persons and more",
			"the table %s would publish cells of %d persons", t.ID, t.Threshold)
	}
	if base := max(Floor, plan.Rounding); t.Method == Suppression && t.Rounding%base != 0 {
		return domain.Refuse("statistics.unsafe", "2.2.5", "round to multiples of "+number(base), "the table %s is rounded to %d", t.ID, t.Rounding)
	}
	if err := t.shape(); err != nil {
		return input("statistics.table", "count by the plan and protect with Protect", "the table is malformed: "+err.Error())
	}
	passed, err := t.Check()
	if err != nil {
		return domain.Refuse("statistics.unsafe", "2.2.5", "suppress more cells, or withhold the table", "the table %s: %s", t.ID, err.Error())
	}
	if t.Class != Anonymous || !slices.Equal(passed, t.Tests) {
		return input("statistics.class", "name the class and the tests as Check gives them", "a table claims other tests than it passed")
	}
	return nil
}

// budget adds up what the noised tables spend. A person counts in all of them, so their epsilons add up.
func budget(c Case) error {
	spent := Billionths(0)
	for _, t := range c.Command.Tables {
		if spent += t.Epsilon; t.Delta > c.Plan.Delta {
			return domain.Refuse("statistics.budget", "2.2.5", "keep to the plan's delta", "the delta of %s is more than the plan's %s", t.Delta, c.Plan.Delta)
		}
	}
	if c.Command.Budget < 0 || spent > c.Command.Budget {
		return domain.Refuse("statistics.budget", "2.2.5", "give the tables less, or noise fewer of them",
			"the tables spend an epsilon of %s, the budget is %s", spent, c.Command.Budget)
	}
	if c.Command.Budget > c.Plan.Budget {
		return domain.Refuse("statistics.budget", "2.2.5", "keep to the plan's budget",
			"the budget of %s is more than the plan's %s", c.Command.Budget, c.Plan.Budget)
	}
	return nil
}

func input(code, remedy, message string) *domain.Refusal {
	return domain.Refuse(code, "2.2.5", remedy, "%s", message).WithKind(domain.Input)
}
