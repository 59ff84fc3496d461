package cli

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/projections"
)

// TestProgressIsTold: a stage says with what it begins, then how much of itself is done and at which rate, and no
// more often than every two seconds.
func TestProgressIsTold(t *testing.T) {
	t.Parallel()
	var talk bytes.Buffer
	p := testProgram()
	p.Err = &talk
	told := p.told()
	for _, g := range []projections.Progress{
		{Stage: projections.Loading, Head: 1000},
		{Stage: projections.Loading, Head: 1000, Events: 100, Elapsed: time.Second},
		{Stage: projections.Loading, Head: 1000, Events: 300, Elapsed: 3 * time.Second, Left: 7 * time.Second},
		{Stage: projections.Loading, Head: 1000, Events: 350, Elapsed: 4 * time.Second, Left: 7 * time.Second},
		{Stage: projections.Storing, Head: 1000, Events: 1000, Elapsed: 10 * time.Second},
		{Stage: projections.Storing, Head: 1000, Events: 1000, Elapsed: 12 * time.Second},
		{Stage: projections.Storing, Head: 1000, Events: 1000, Rows: 4000, Elapsed: 14 * time.Second, Left: 9 * time.Second},
		{Stage: projections.Catching, Head: 1000, Events: 1000, Rows: 5000, Elapsed: 15 * time.Second},
		{Stage: projections.Catching, Head: 1000, Events: 1040, Rows: 5000, Elapsed: 17 * time.Second},
		{Stage: projections.Switched, Head: 1000, Events: 1050, Rows: 5000, Elapsed: 18 * time.Second},
		{Stage: projections.Comparing, Head: 1000, Events: 1050, Elapsed: 18 * time.Second},
		{Stage: projections.Comparing, Head: 1000, Events: 1050, Rows: 600, Elapsed: 20 * time.Second},
	} {
		told(g)
	}
	want := `loading: the log, to position 1000
loading: 300 events, 100 events/s, 7s left
storing: the rows of 1000 events
storing: 0 rows, 0 rows/s, for 2 s
storing: 4000 rows, 1000 rows/s, 9s left
catching up with what came meanwhile
catching: 1040 events, 20 events/s
switched: 1050 events, 5000 rows
comparing: the rows of 1050 events with those that are shown
comparing: 600 rows, 300 rows/s, for 2 s
`
	if d := cmp.Diff(want, talk.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestStateText(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]projections.Status{
		"level":                {},
		"level; rebuild begun": {Next: &projections.Build{}},
		"behind, 1m30s":        {Lag: 3, Behind: projections.Lag{Events: 3, Time: 90*time.Second + time.Millisecond}},
		"the disk is gone":     {Lag: 3, Problem: errors.New("the disk is gone")},
	} {
		if got := stateText(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestForeignAnswersAreOneError: of each other ledger, however many answers are its.
func TestForeignAnswersAreOneError(t *testing.T) {
	t.Parallel()
	of := func(name string, ledger uuid.UUID) projections.Status {
		return projections.Status{Projection: name, Problem: fmt.Errorf("check: %w", &projections.ForeignError{Projections: []string{name}, Of: ledger, Log: uuid.Max})}
	}
	here := projections.Status{Projection: "consents", Problem: errors.New("the disk is gone")}
	one, two := uuid.UUID{1}, uuid.UUID{2}
	if got := errors.Join(foreign([]projections.Status{{Projection: "notices"}, here})...); got != nil {
		t.Errorf("answers of this ledger give %v", got)
	}
	var got []projections.ForeignError
	for _, err := range foreign([]projections.Status{of("profile", one), here, of("history", two), of("register", one)}) {
		var f *projections.ForeignError
		if !errors.As(err, &f) || exitCode(err) != exitCorrupt {
			t.Fatalf("%v ends with %d", err, exitCode(err))
		}
		got = append(got, *f)
	}
	want := []projections.ForeignError{{Projections: []string{"profile", "register"}, Of: one, Log: uuid.Max}, {Projections: []string{"history"}, Of: two, Log: uuid.Max}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestStatusFitsTheTerminal: a ledger of a million events, whose answers are behind, on 80 columns.
func TestStatusFitsTheTerminal(t *testing.T) {
	t.Parallel()
	g := statusGrid()
	g.add("obligations", "12", "123", "122", "1234567", "123456", "123456", "1234567", "behind, 1h30m0s; rebuild begun")
	small := g.stacked(80)
	if len(small.head) != len(g.head) {
		t.Errorf("columns are stacked: %q", small.head)
	}
	total := gap * len(small.head)
	for _, wide := range small.fit(80) {
		total += wide
	}
	if total > 80 {
		t.Errorf("the table is %d columns wide", total)
	}
}
