package statistics_test

import (
	"testing"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/domaintest"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/statistics"
)

func operation(purpose domain.Purpose, at time.Time) domain.Operation {
	op, err := domain.NewOperation(domain.OperationSpec{Key: "k", Actor: domain.Actor{Kind: domain.ActorEmployee, ID: "e-1"}, At: at,
		Purpose: purpose, Grounds: "ua.11.1.6", Service: "site"})
	if err != nil {
		panic(err)
	}
	return op
}

var june = time.Date(2015, 6, 1, 0, 0, 0, 0, time.UTC)

// good is a publication that nothing is wrong with.
func good() statistics.Publish {
	return statistics.Publish{Operation: operation("statistics", june), Period: "2015-05", Plan: "2026-1",
		Tables: []statistics.Table{statistics.Protect(head(), cells(3, 20, 40), statistics.Builtin().Rules())},
		Opened: []statistics.Opened{{Field: "page"}}}
}

func ask(t *testing.T, cmd statistics.Publish, past ...statistics.Event) *domaintest.Answer[statistics.Event] {
	t.Helper()
	return domaintest.Given(t, statistics.Decider(), past...).When(statistics.Case{Command: cmd, Policy: policy.Imagine(), Plan: statistics.Builtin()})
}

// A month is closed once, when it is over, and stands for ever.
func TestClause_2_2_5_PublishedOnceForEver(t *testing.T) {
	t.Parallel()
	cmd := good()
	fact := statistics.Published{Period: cmd.Period, Plan: cmd.Plan, Tables: cmd.Tables, Opened: cmd.Opened}
	ask(t, cmd).Then(fact)
	ask(t, cmd, fact).Refused("statistics.published", "4.2")
	cmd.Operation = operation("statistics", june.Add(-time.Microsecond))
	ask(t, cmd).Refused("statistics.open", "2.2.5")
}

func TestPublishRefusals(t *testing.T) {
	t.Parallel()
	table := func(change func(*statistics.Table)) func(*statistics.Publish) {
		return func(p *statistics.Publish) { change(&p.Tables[0]) }
	}
	noised := func(epsilon, budget, delta float64) func(*statistics.Publish) {
		return func(p *statistics.Publish) {
			p.Tables[0] = statistics.Noised(head(), cells(20), 10, statistics.BillionthsOf(epsilon), statistics.BillionthsOf(delta))
			p.Budget = statistics.BillionthsOf(budget)
		}
	}
	for name, tc := range map[string]struct {
		change func(*statistics.Publish)
		code   string
	}{
		"another purpose":     {func(p *statistics.Publish) { p.Operation = operation("improvement", june) }, "statistics.purpose"},
		"no month":            {func(p *statistics.Publish) { p.Period = "2015-5" }, "statistics.period"},
		"no table":            {func(p *statistics.Publish) { p.Tables = nil }, "statistics.tables"},
		"a table twice":       {func(p *statistics.Publish) { p.Tables = append(p.Tables, p.Tables[0]) }, "statistics.tables"},
		"no plan":             {func(p *statistics.Publish) { p.Plan = "" }, "statistics.plan"},
		"too many cells":      {table(func(x *statistics.Table) { x.Cells = make([]statistics.Cell, 2001) }), "statistics.tables"},
		"opened an e-mail":    {func(p *statistics.Publish) { p.Opened[0].Field = "email" }, "field.purpose"},
		"opened twice":        {func(p *statistics.Publish) { p.Opened = append(p.Opened, p.Opened[0]) }, "statistics.opened"},
		"a count of opened":   {func(p *statistics.Publish) { p.Opened[0].Values = 13 }, "statistics.opened"},
		"below the minimum":   {table(func(x *statistics.Table) { x.Threshold = 9 }), "statistics.threshold"},
		"a small cell":        {table(func(x *statistics.Table) { x.Cells[0].Persons = 5 }), "statistics.unsafe"},
		"an exact table":      {table(func(x *statistics.Table) { x.Rounding = 1 }), "statistics.unsafe"},
		"a finer rounding":    {table(func(x *statistics.Table) { x.Rounding = 2 }), "statistics.unsafe"},
		"an exact cell":       {table(func(x *statistics.Table) { x.Cells[0].Persons = 41 }), "statistics.table"},
		"an exact total":      {table(func(x *statistics.Table) { x.Total = 63 }), "statistics.table"},
		"less than a cell":    {table(func(x *statistics.Table) { x.Total = 30 }), "statistics.table"},
		"no cell, a total":    {table(func(x *statistics.Table) { x.Cells = nil }), "statistics.table"},
		"a mark":              {table(func(x *statistics.Table) { x.Cells[0].Suppressed = true }), "statistics.table"},
		"another class":       {table(func(x *statistics.Table) { x.Class = statistics.Pseudonymous }), "statistics.class"},
		"a test not passed":   {table(func(x *statistics.Table) { x.Tests = append(x.Tests, statistics.Private) }), "statistics.class"},
		"a sentence as label": {table(func(x *statistics.Table) { x.Cells[0].Labels[0] = "olena from Lviv" }), "statistics.table"},
		"withheld but told":   {table(func(x *statistics.Table) { x.Withheld = true }), "statistics.table"},
		"labels out of order": {table(func(x *statistics.Table) {
			*x = statistics.Protect(head(), cells(20, 30, 40), statistics.Builtin().Rules())
			x.Cells[0], x.Cells[2] = x.Cells[2], x.Cells[0]
		}), "statistics.table"},
		"unknown dimension":   {table(func(x *statistics.Table) { x.By[0] = "name" }), "statistics.table"},
		"epsilon for nothing": {table(func(x *statistics.Table) { x.Epsilon = 1 }), "statistics.table"},
		"over its budget":     {noised(0.5, 0.4, 1e-6), "statistics.budget"},
		"over the plan's":     {noised(0.5, 3, 1e-6), "statistics.budget"},
		"a larger delta":      {noised(0.5, 2, 2e-6), "statistics.budget"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := good()
			tc.change(&cmd)
			d := domaintest.Given(t, statistics.Decider()).When(statistics.Case{Command: cmd, Policy: policy.Imagine(), Plan: statistics.Builtin()})
			clause := "2.2.5"
			if tc.code == "field.purpose" {
				clause = "2.2"
			}
			d.Refused(tc.code, clause)
		})
	}
	within := good()
	noised(0.5, 2, 1e-6)(&within)
	ask(t, within).Then(statistics.Published{Period: within.Period, Plan: within.Plan, Tables: within.Tables, Opened: within.Opened, Budget: within.Budget})
}

func TestDigestTellsFiguresApart(t *testing.T) {
	t.Parallel()
	one, _ := statistics.Digest(good(), nil)
	again, _ := statistics.Digest(good(), make([]byte, 10))
	other := good()
	other.Tables[0].Total++
	third, _ := statistics.Digest(other, nil)
	if one != again || one == third || len(one) != 32 {
		t.Errorf("digests %s, %s, %s", one, again, third)
	}
}
