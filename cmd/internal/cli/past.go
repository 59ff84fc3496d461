package cli

import (
	"context"
	"fmt"
	"time"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/history"
)

// moment reads --as-of; a bare day counts to its last microsecond.
func (h *historyFlags) moment() (history.Moment, error) {
	at, err := parseTime("--as-of", h.asOf)
	if err != nil {
		return history.Moment{}, err
	}
	if _, err := time.Parse(time.DateOnly, h.asOf); err == nil {
		at = at.AddDate(0, 0, 1).Add(-time.Microsecond)
	}
	switch h.by {
	case "recorded":
		return history.Moment{At: at, Clock: history.ByRecorded}, nil
	case "occurred":
		return history.Moment{At: at, Clock: history.ByOccurred}, nil
	}
	return history.Moment{}, usage("write recorded or occurred", "--by: %q is no clock", visible(shorten(h.by)))
}

// past answers: what did we hold on day D, on what ground, under which policy text?
func (p *program) past(ctx context.Context, a *app.App, h *historyFlags, id domain.SubjectID) error {
	if h.open {
		return usage("leave --open out", "--as-of tells what was held, not the values")
	}
	m, err := h.moment()
	if err != nil {
		return err
	}
	var past history.Past
	err = a.View(ctx, func(s projections.Snapshot) (err error) {
		past, err = history.AsOf(ctx, s, id, m)
		return err
	})
	if err != nil {
		return err
	}
	if p.json {
		return p.answer(pastJSON(past))
	}
	return p.printPast(past)
}

func (p *program) printPast(past history.Past) error {
	if !past.Known {
		fmt.Fprintf(p.Out, "nothing was known of this person at %s\n", when(past.Moment.At))
		return nil
	}
	pairs(p.Out, [2]string{"subject", past.Subject.String()}, [2]string{"as of", when(past.Moment.At)},
		[2]string{"accepted policy", past.Policy}, [2]string{"text SHA-256", past.TextHash}, [2]string{"closed", when(past.Closed)})
	fmt.Fprintln(p.Out)
	g := grid{head: []string{"field", "epoch", "state", "status", "since", "grounds", "purpose"}, wide: []int{17, 9, 12, 10, 20, 9, 11}}
	for _, held := range past.Holdings {
		state := string(held.State)
		if held.State == history.Retained {
			state += " until " + held.Until.UTC().Format(time.DateOnly)
		}
		g.add(string(held.Field), string(held.Epoch), state, held.Status, when(held.Came.Occurred), string(held.Came.Grounds), string(held.Came.Purpose))
	}
	g.print(p.Out, "nothing had come in")
	fmt.Fprintf(p.Out, "\nconsents and orders: %d entries; used %d times, viewed %d times, transferred %d times by then\n",
		len(past.Agreements), len(past.Used), len(past.Viewed), len(past.Transferred))
	return nil
}

func pastJSON(past history.Past) map[string]any {
	holdings := []map[string]any{}
	for _, h := range past.Holdings {
		holdings = append(holdings, map[string]any{"field": h.Field, "epoch": h.Epoch, "state": h.State, "status": h.Status, "public": h.Public,
			"since": when(h.Came.Occurred), "recorded": when(h.Came.Recorded), "grounds": h.Came.Grounds, "purpose": h.Came.Purpose,
			"service": h.Came.Service, "policy": h.Came.Policy, "event": h.Came.Event, "ended": when(h.Ended), "until": when(h.Until), "rule": h.Rule})
	}
	list := func(entries []history.Entry) []map[string]any {
		out := []map[string]any{}
		for _, e := range entries {
			out = append(out, entryJSON(e, nil))
		}
		return out
	}
	return map[string]any{"subject": past.Subject, "asOf": when(past.Moment.At), "known": past.Known, "policy": past.Policy,
		"textHash": past.TextHash, "closed": when(past.Closed), "holdings": holdings, "agreements": list(past.Agreements),
		"viewed": list(past.Viewed), "used": list(past.Used), "transferred": list(past.Transferred)}
}
