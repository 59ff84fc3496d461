package transfers_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/projtest/both"
	"imagine.ua/litopys/projections/transfers"
)

func TestFiltersAndBases(t *testing.T) {
	t.Parallel()
	c := projtest.NewCrowd(rand.New(rand.NewPCG(6, 6)).IntN)
	c.Visits = 0
	log := projtest.NewLog(uuid.New())
	log.Append(c.Recipients()...)
	log.Append(c.Some(600)...)
	b := both.Filled(t, log, transfers.New())
	projtest.Look(t, b, func(s projections.Snapshot) {
		all := list(t, s, transfers.Filter{})
		againstLog(t, log, all)
		mid := all[len(all)/2]
		for name, x := range map[string]struct {
			filter transfers.Filter
			keep   func(transfers.Transfer) bool
		}{
			"from":      {transfers.Filter{From: mid.Occurred}, func(x transfers.Transfer) bool { return !x.Occurred.Before(mid.Occurred) }},
			"to":        {transfers.Filter{To: mid.Occurred}, func(x transfers.Transfer) bool { return x.Occurred.Before(mid.Occurred) }},
			"recipient": {transfers.Filter{Recipient: mid.Recipient}, func(x transfers.Transfer) bool { return x.Recipient == mid.Recipient }},
			"subject":   {transfers.Filter{Subject: mid.Subject}, func(x transfers.Transfer) bool { return x.Subject == mid.Subject }},
			"law":       {transfers.Filter{Basis: transfers.Law}, func(x transfers.Transfer) bool { return x.Basis.Kind == transfers.Law }},
			"both": {transfers.Filter{Basis: transfers.Consent, From: mid.Occurred, To: mid.Occurred.Add(time.Hour)}, func(x transfers.Transfer) bool {
				return x.Basis.Kind == transfers.Consent && !x.Occurred.Before(mid.Occurred) && x.Occurred.Before(mid.Occurred.Add(time.Hour))
			}},
		} {
			var want []transfers.Transfer
			for _, y := range all {
				if x.keep(y) {
					want = append(want, y)
				}
			}
			if diff := cmp.Diff(want, list(t, s, x.filter)); diff != "" {
				t.Errorf("%s (-want +got):\n%.2000s", name, diff)
			}
		}
	})
}

// againstLog holds every row against the event that it is of.
func againstLog(t *testing.T, log *projtest.Log, rows []transfers.Transfer) {
	t.Helper()
	kinds := map[transfers.BasisKind]int{}
	for _, r := range log.Events() {
		e, ok := r.Event.(subject.Transferred)
		if !ok {
			continue
		}
		for i, v := range e.Values {
			if len(rows) == 0 {
				t.Fatal("rows are missing")
			}
			x := rows[0]
			rows = rows[1:]
			kinds[x.Basis.Kind]++
			if x.ID != r.ID || x.Ordinal != i || x.Field != v.Field || x.Epoch != v.Epoch || x.Subject != e.Subject || x.Recipient != e.Recipient.ID ||
				x.Basis.Kind.Clause() != e.Basis.Clause() || !x.Occurred.Equal(r.Meta.OccurredAt) || x.Abroad != e.Abroad || x.Actor != r.Meta.Actor {
				t.Fatalf("row %+v of event %+v", x, e)
			}
			switch b := e.Basis.(type) {
			case subject.ByConsent:
				equal(t, x.Basis.ID, b.Consent.UUID)
			case subject.ByOrder:
				equal(t, x.Basis.ID, b.Order.UUID)
			case subject.ByLaw:
				equal(t, x.Basis.Details[1], transfers.Detail{Name: "act", Value: string(b.Act)})
			case subject.ByDefence:
				equal(t, x.Basis.Details[2], transfers.Detail{Name: "statement", Value: "defence-statement/1"})
			}
		}
	}
	if len(rows) > 0 || len(kinds) != 4 {
		t.Errorf("%d rows too many, bases %v", len(rows), kinds)
	}
}

func equal(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func list(t *testing.T, s projections.Snapshot, f transfers.Filter) []transfers.Transfer {
	t.Helper()
	var out []transfers.Transfer
	for x, err := range transfers.List(t.Context(), s, f) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
	}
	return out
}

func TestRecipients(t *testing.T) {
	t.Parallel()
	c := projtest.NewCrowd(rand.New(rand.NewPCG(1, 1)).IntN)
	log := projtest.NewLog(uuid.New())
	log.Append(c.Recipients()...)
	b := both.Filled(t, log, transfers.New())
	projtest.Look(t, b, func(s projections.Snapshot) {
		got, err := transfers.Recipients(t.Context(), s)
		if err != nil || len(got) != 2 {
			t.Fatalf("%+v, %v", got, err)
		}
		renamed, other := got[0], got[1]
		if renamed.Name != "=Third, renamed" || renamed.Country != domain.Country("PL") || renamed.Contract != "C-2" || renamed.Changed.IsZero() {
			t.Errorf("changed card: %+v", renamed)
		}
		if other.Name != "Third party 1" || !other.Changed.IsZero() || other.Added.IsZero() {
			t.Errorf("card: %+v", other)
		}
	})
}
