package ledger_test

import (
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/statistics"
)

func closing(key string, period domain.Month, persons int64) statistics.Publish {
	t := by("e-1")
	t.Purpose, t.Grounds, t.Service = "statistics", "ua.11.1.6", "site"
	table := statistics.Table{ID: "pages", Title: "Pages", By: []statistics.Dimension{statistics.Page}, MaxCells: 5}
	return statistics.Publish{Operation: t.Op(key, noon), Period: period, Plan: "2026-1", Tables: []statistics.Table{
		statistics.Protect(table, []statistics.Cell{{Labels: []statistics.Label{"blog"}, Persons: persons}}, statistics.Builtin().Rules())}}
}

// A month is closed once, cached or not; a retry gives the first receipt, and other figures are refused.
func TestAMonthIsClosedOnce(t *testing.T) {
	t.Parallel()
	j := newFake()
	l := newLedger(j)
	past := domain.MonthOf(noon.AddDate(0, -2, 0))
	first := must(t, l, closing("c-1", past, 20))
	if first.Stream != domain.StatisticsStream(past) || first.Revision != 0 {
		t.Errorf("recorded at %s %d", first.Stream, first.Revision)
	}
	for _, l := range []*ledger.Ledger{l, newLedger(j)} {
		if again := must(t, l, closing("c-1", past, 20)); !again.Repeated || again.Revision != 0 {
			t.Errorf("repeated: %+v", again)
		}
		refused(t, l, closing("c-1", past, 21), "idempotency.reused")
		refused(t, l, closing("c-2", past, 20), "statistics.published")
	}
	refused(t, l, closing("c-3", domain.MonthOf(noon), 20), "statistics.open")
	refused(t, l, closing("c-4", "2015-5", 20), "statistics.period")
	unsafe := closing("c-5", domain.MonthOf(noon.AddDate(0, -3, 0)), 20)
	unsafe.Tables[0].Threshold = 1
	refused(t, l, unsafe, "statistics.threshold")
	outs := l.HandleAll(t.Context(), []ledger.Command{closing("c-6", domain.MonthOf(noon.AddDate(0, -4, 0)), 30), closing("c-7", domain.MonthOf(noon.AddDate(0, -4, 0)), 30)})
	if outs[0].Err != nil || outs[1].Err == nil {
		t.Errorf("of two closings at once: %v, %v", outs[0].Err, outs[1].Err)
	}
}
