package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/history"
)

// keeping is the reader that the law asks for.
func (p *program) keeping(h *historyFlags) history.Keeping {
	return history.Keeping{Term: law.UA(), Now: p.now(), Expired: h.expired}
}

// leftOut tells that there is more than is shown, and how to see it.
func (p *program) leftOut(n int) {
	if n > 0 {
		p.say("%s", fitted(p.Err, fmt.Sprintf("%d records of operations are left out: they had to be kept until 31 December of the year after; --expired tells them", n)))
	}
}

// timeline prints the entries of a person's history.
func (p *program) timeline(ctx context.Context, a *app.App, h *historyFlags, id domain.SubjectID) error {
	filter, err := h.filter()
	if err != nil {
		return err
	}
	keeping, leftOut, late := p.keeping(h), 0, lateness{}
	var entries []history.Entry
	err = a.View(ctx, func(s projections.Snapshot) error {
		if err := asked(ctx, a, s, id, filter); err != nil {
			return err
		}
		for e, err := range keeping.Timeline(ctx, s, id, filter, &leftOut) {
			if err != nil {
				return err
			}
			if p.json && !h.open { // however many there are, none is kept in memory
				if err := p.answer(timelineJSON(e, nil, keeping, late.late(e))); err != nil {
					return err
				}
				continue
			}
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer p.leftOut(leftOut)
	if p.json && !h.open {
		return nil
	}
	opened := make([][]domain.Item, len(entries))
	if h.open {
		if opened, err = p.openHistory(ctx, a, h, id, entries); err != nil {
			return err
		}
	}
	return p.printTimeline(entries, opened, keeping)
}

// lateAfter is how long after it happened an entry is recorded late. Programs that hand over a batch take seconds.
const lateAfter = time.Minute

// lateMark stands behind the time of what was recorded late; without a space, or a narrow terminal would part them.
const lateMark = "*"

// lateness finds the entries of a timeline that were recorded late: so long after they happened, or after one that
// happened later, by which the order of the log is not that of the times shown.
type lateness struct{ latest time.Time }

// late takes the next entry, in the order of the log.
func (l *lateness) late(e history.Entry) bool {
	shown := e.Occurred.Truncate(time.Second)
	before := shown.Before(l.latest)
	if !before {
		l.latest = shown
	}
	return before || e.Recorded.Sub(e.Occurred) >= lateAfter
}

func actor(a domain.Actor) string { return string(a.Kind) + ":" + string(a.ID) }

// openHistory records the viewing of what can still be seen, then opens the values. What was deleted,
// edited since or is kept by a law only shows as such.
func (p *program) openHistory(ctx context.Context, a *app.App, h *historyFlags, id domain.SubjectID, entries []history.Entry) ([][]domain.Item, error) {
	err := knownFields(a, h.fields, func(name domain.Field) bool { return everReceived(entries, name) })
	if err != nil {
		return nil, err
	}
	state, err := a.State(ctx, id)
	if err != nil {
		return nil, err
	}
	var values []domain.FieldEpoch
	for _, e := range entries {
		for _, v := range e.Received {
			if h.wants(v.Field) && isLive(a, state, v) && !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
	}
	seen, err := p.recordViewing(ctx, a, &h.opening, id, values)
	if err != nil {
		return nil, err
	}
	opened, err := history.Open(ctx, a.Journal, app.Opener{Journal: a.Journal}, entries)
	if err != nil {
		return nil, seen.failed(err)
	}
	for _, items := range opened {
		for i := range items {
			// What the viewing did not name is not shown, whoever could open it.
			if !slices.Contains(values, domain.FieldEpoch{Field: items[i].Field, Epoch: items[i].Epoch}) && items[i].Value.Condition() == domain.Clear {
				items[i].Value = domain.SealedValue(nil)
			}
		}
	}
	return opened, nil
}

// everReceived tells whether a value of the field came in with any of the entries.
func everReceived(entries []history.Entry, name domain.Field) bool {
	return slices.ContainsFunc(entries, func(e history.Entry) bool {
		return slices.ContainsFunc(e.Received, func(v domain.FieldEpoch) bool { return v.Field == name })
	})
}

func isLive(a *app.App, state subject.State, v domain.FieldEpoch) bool {
	if a.Policy.IsTrace(v.Field) {
		month, _, _ := strings.Cut(string(v.Epoch), ".")
		epoch, live := state.TraceEpoch(v.Field, domain.Month(month))
		return live && epoch == v.Epoch && !state.Closed()
	}
	return state.Lives(v)
}

func (p *program) printTimeline(entries []history.Entry, opened [][]domain.Item, keeping history.Keeping) error {
	g := grid{head: []string{"when", "what", "by", "why", "about"}, wide: []int{21, 20, 14, 14, 23}}
	order, anyLate := lateness{}, false
	for i, e := range entries {
		late := order.late(e)
		if p.json {
			if err := p.answer(timelineJSON(e, opened[i], keeping, late)); err != nil {
				return err
			}
			continue
		}
		at := when(e.Occurred)
		if late {
			at, anyLate = at+lateMark, true
		}
		g.add(at, typeName(e.Type), actor(e.Actor), string(e.Purpose)+" "+string(e.Grounds), aboutEntry(e, opened[i]))
	}
	if p.json {
		return nil
	}
	g.print(p.Out, "nothing happened that the filter lets through")
	if anyLate {
		fmt.Fprintln(p.Out, "\n*  recorded late: a minute or more after it happened, or out of order")
	}
	return nil
}

func typeName(t history.Type) string {
	name, _, _ := strings.Cut(string(t), ".")
	return name
}

// aboutEntry tells in a few words what an entry speaks of.
func aboutEntry(e history.Entry, opened []domain.Item) string {
	var parts []string
	for i, v := range e.Received {
		text := string(v.Field)
		if i < len(opened) {
			text += "=" + show(opened[i].Value)
		}
		parts = append(parts, text)
	}
	for _, v := range e.Referred {
		if !slices.ContainsFunc(e.Received, func(r domain.FieldEpoch) bool { return r.Field == v.Field }) {
			parts = append(parts, string(v.Field))
		}
	}
	if ground := e.Detail("ground"); ground != "" {
		parts = append(parts, "ground "+ground)
	}
	for _, f := range e.Fates {
		if f.Action == domain.Retain && !f.Until.IsZero() && !f.Until.After(e.Occurred) {
			continue // a term that this very entry ends
		}
		if f.Action == domain.Retain {
			parts = append(parts, string(f.Field)+" kept by "+f.Rule)
		} else {
			parts = append(parts, "old "+string(f.Field)+" destroyed")
		}
	}
	parts = append(parts, limitedBy(e)...)
	for _, name := range []string{"clause", "role", "method", "outcome", "authority", "act", "article", "document", "place", "duty", "channel", "exempt"} {
		if v := e.Detail(name); v != "" {
			parts = append(parts, name+" "+v)
		}
	}
	return strings.Join(parts, ", ")
}

// timelineJSON is an entry of a timeline, with whether it was recorded late.
func timelineJSON(e history.Entry, opened []domain.Item, keeping history.Keeping, late bool) map[string]any {
	out := entryJSON(e, opened, keeping)
	out["late"] = late
	return out
}

func entryJSON(e history.Entry, opened []domain.Item, keeping history.Keeping) map[string]any {
	received := []map[string]any{}
	for i, v := range e.Received {
		r := map[string]any{"field": v.Field, "epoch": v.Epoch}
		if i < len(opened) {
			r["condition"] = opened[i].Value.Condition().String()
			if clear, ok := opened[i].Value.Reveal(); ok {
				r["value"] = clear
			}
		}
		received = append(received, r)
	}
	details := [][2]string{}
	for _, d := range e.Details {
		details = append(details, [2]string{d.Name, d.Value})
	}
	out := map[string]any{"event": e.Event, "type": e.Type, "position": e.Position, "stream": e.Stream, "revision": e.Revision,
		"occurred": when(e.Occurred), "recorded": when(e.Recorded), "actor": actor(e.Actor),
		"purpose": e.Purpose, "grounds": e.Grounds, "service": e.Service, "policy": e.Policy, "received": received,
		"referred": pointersJSON(e.Referred), "details": details, "keepUntil": lastDay(keeping.Until(e))}
	if len(e.Fates) > 0 {
		fates := []map[string]any{}
		for _, f := range e.Fates {
			fates = append(fates, map[string]any{"field": f.Field, "epoch": f.Epoch, "through": f.Through, "action": f.Action, "until": when(f.Until), "rule": f.Rule})
		}
		out["fates"] = fates
	}
	if !e.Recipient.IsZero() {
		out["recipient"] = e.Recipient
	}
	return out
}

// lastDay names the day before a term is over: a record kept until it may go on the next.
func lastDay(until time.Time) string { return until.Add(-time.Microsecond).UTC().Format(time.DateOnly) }

func pointersJSON(list []domain.FieldEpoch) []map[string]any {
	out := []map[string]any{}
	for _, v := range list {
		out = append(out, map[string]any{"field": v.Field, "epoch": v.Epoch})
	}
	return out
}
