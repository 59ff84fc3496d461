package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/history"
)

// historyFlags narrow a history.
type historyFlags struct {
	opening
	asOf, by, kind, from, to string
	limit                    int
}

func (p *program) subjectHistory() *cobra.Command {
	var h historyFlags
	cmd := &cobra.Command{
		Use:   "history SUBJECT",
		Short: "Tell all that happened to a person's data, or what was held on a day",
		Long: "Tell all that happened to a person's data, the oldest first. With --as-of, tell what was held at that\n" +
			"moment, on what ground and under which policy text: by default what the ledger knew then, with --by occurred\n" +
			"what was so then as far as is known today.",
		Example: "  litopys subject history " + subjectExample + "\n  litopys subject history " + subjectExample + " --as-of 2026-01-31",
		Args:    cobra.ExactArgs(1),
	}
	h.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&h.asOf, "as-of", "", "the moment, RFC 3339, or a day, which counts to its end (UTC)")
	flags.StringVar(&h.by, "by", "recorded", "clock of --as-of: recorded or occurred")
	flags.StringVar(&h.kind, "type", "", "only events of this type, for example DataTransferred")
	flags.StringVar(&h.from, "from", "", "only what happened at or after this time")
	flags.StringVar(&h.to, "to", "", "only what happened at or before this time")
	flags.IntVar(&h.limit, "limit", 0, "this many entries at most (default: all)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseID("subject", args[0])
		if err != nil {
			return err
		}
		step := p.timeline
		if h.asOf != "" {
			step = p.past
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			return step(cmd.Context(), a, &h, domain.SubjectID{UUID: id})
		})
	}
	return cmd
}

func (h *historyFlags) filter() (f history.Filter, err error) {
	f.Type, f.Limit = history.Type(h.kind), h.limit
	if f.OccurredFrom, err = optionalTime("--from", h.from); err != nil {
		return f, err
	}
	f.OccurredTo, err = optionalTime("--to", h.to)
	return f, err
}

// timeline prints the entries of a person's history.
func (p *program) timeline(ctx context.Context, a *app.App, h *historyFlags, id domain.SubjectID) error {
	filter, err := h.filter()
	if err != nil {
		return err
	}
	var entries []history.Entry
	err = a.View(ctx, func(s projections.Snapshot) error {
		for e, err := range history.Timeline(ctx, s, id, filter) {
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(entries) == 0 && filter == (history.Filter{}) {
		return unknownSubject()
	}
	opened := make([][]domain.Item, len(entries))
	if h.open {
		if opened, err = p.openHistory(ctx, a, h, id, entries); err != nil {
			return err
		}
	}
	return p.printTimeline(entries, opened)
}

// openHistory records the viewing of what can still be seen, then opens the values. What was deleted,
// edited since or is kept by a law only shows as such.
func (p *program) openHistory(ctx context.Context, a *app.App, h *historyFlags, id domain.SubjectID, entries []history.Entry) ([][]domain.Item, error) {
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
	if err := p.recordViewing(ctx, a, &h.opening, id, values); err != nil {
		return nil, err
	}
	opened, err := history.Open(ctx, a.Journal, app.Opener{Journal: a.Journal}, entries)
	if err != nil {
		return nil, err
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

func isLive(a *app.App, state subject.State, v domain.FieldEpoch) bool {
	if a.Policy.IsTrace(v.Field) {
		month, _, _ := strings.Cut(string(v.Epoch), ".")
		epoch, live := state.TraceEpoch(v.Field, domain.Month(month))
		return live && epoch == v.Epoch && !state.Closed()
	}
	held, ok := state.Held(v.Field)
	return ok && held.At() == v
}

func (p *program) printTimeline(entries []history.Entry, opened [][]domain.Item) error {
	g := grid{head: []string{"when", "what", "by", "why", "about"}, wide: []int{20, 20, 14, 14, 24}}
	for i, e := range entries {
		if p.json {
			if err := p.answer(entryJSON(e, opened[i])); err != nil {
				return err
			}
			continue
		}
		by := string(e.Actor.Kind) + ":" + string(e.Actor.ID)
		g.add(when(e.Occurred), typeName(e.Type), by, string(e.Purpose)+" "+string(e.Grounds), aboutEntry(e, opened[i]))
	}
	if !p.json {
		g.print(p.Out, "nothing happened that the filter lets through")
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
	for _, f := range e.Fates {
		if f.Action == domain.Retain {
			parts = append(parts, string(f.Field)+" kept by "+f.Rule)
		} else {
			parts = append(parts, "old "+string(f.Field)+" destroyed")
		}
	}
	for _, name := range []string{"clause", "role", "method", "outcome", "document", "place"} {
		if v := e.Detail(name); v != "" {
			parts = append(parts, name+" "+v)
		}
	}
	return strings.Join(parts, ", ")
}

func entryJSON(e history.Entry, opened []domain.Item) map[string]any {
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
		"occurred": when(e.Occurred), "recorded": when(e.Recorded), "actor": string(e.Actor.Kind) + ":" + string(e.Actor.ID),
		"purpose": e.Purpose, "grounds": e.Grounds, "service": e.Service, "policy": e.Policy, "received": received,
		"referred": pointersJSON(e.Referred), "details": details}
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

func pointersJSON(list []domain.FieldEpoch) []map[string]any {
	out := []map[string]any{}
	for _, v := range list {
		out = append(out, map[string]any{"field": v.Field, "epoch": v.Epoch})
	}
	return out
}
