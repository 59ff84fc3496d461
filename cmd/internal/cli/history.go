package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/history"
)

// historyFlags narrow a history.
type historyFlags struct {
	opening
	asOf, by, knownAt    string
	kind, purpose, actor string
	recipient, from, to  string
	limit                int
	follow, expired      bool
}

const historyHelp = `Tell all that happened to a person's data, the oldest first.

With --as-of, tell what was held at that moment, where it came from, on what ground and under which policy
text, who looked and to whom it went: by default as the ledger knew it then. With --known-at the two times
part: what had happened by --as-of, as far as the ledger knew it at --known-at, so that an entry or a
correction that came late counts from when it was recorded. --by occurred is --known-at now.

With --follow, go on and tell each new event when it is recorded, until interrupted. Another process can
record meanwhile when the ledger is on servers; a data folder belongs to one process at a time.

The filters narrow the entries and, with --as-of, the lists of what was done; what was held is always told
whole. Without --open, --purpose and --actor are filters too.

Records of operations are kept until 31 December of the year after (order 1/02-14); what is past that is left
out and counted, unless --expired asks for it. How a value came in is told for as long as it is held.`

func (p *program) subjectHistory() *cobra.Command {
	var h historyFlags
	cmd := &cobra.Command{
		Use:   "history SUBJECT",
		Short: "Tell all that happened to a person's data, or what was held on a day",
		Long:  historyHelp,
		Example: "  litopys subject history " + subjectExample + "\n  litopys subject history " + subjectExample + " --as-of 2026-01-31\n" +
			"  litopys subject history " + subjectExample + " --as-of 2026-01-31 --known-at 2026-03-01 --json\n" +
			"  litopys subject history " + subjectExample + " --type DataViewed --only-actor e-17 --follow",
		Args: cobra.ExactArgs(1),
	}
	h.opening.add(cmd)
	h.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseID("subject", args[0])
		if err == nil {
			err = h.read(cmd)
		}
		if err != nil {
			return err
		}
		step := p.timeline
		switch {
		case h.asOf != "" || h.knownAt != "":
			step = p.past
		case h.follow:
			step = p.follow
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			return p.toReader(func() error { return step(cmd.Context(), a, &h, domain.SubjectID{UUID: id}) })
		})
	}
	return cmd
}

func (h *historyFlags) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&h.asOf, "as-of", "", "the moment, RFC 3339, or a day, which counts to its end (UTC)")
	flags.StringVar(&h.knownAt, "known-at", "", "as the ledger knew it at this moment, or at the end of this day")
	flags.StringVar(&h.by, "by", clockRecorded, "clock of --as-of alone: recorded or occurred")
	flags.StringVar(&h.kind, "type", "", "only events of this type, for example DataTransferred")
	flags.StringVar(&h.purpose, "only-purpose", "", "only operations for this purpose")
	flags.StringVar(&h.actor, "only-actor", "", "only operations of this actor: its code, or kind:code")
	flags.StringVar(&h.recipient, "recipient", "", "only what concerns this recipient")
	flags.StringVar(&h.from, "from", "", "only what happened at or after this time")
	flags.StringVar(&h.to, "to", "", "only what happened at or before this time")
	flags.IntVar(&h.limit, "limit", 0, "this many entries at most (default: all)")
	flags.BoolVar(&h.follow, "follow", false, "go on with each new event as it is recorded")
	flags.BoolVar(&h.expired, "expired", false, "tell records of operations whose term has passed, too")
}

// read takes up what the flags of an operation say where nothing is opened, and refuses what does not go together.
func (h *historyFlags) read(cmd *cobra.Command) error {
	flags := cmd.Flags()
	if !h.open {
		for name, to := range map[string]*string{"purpose": &h.purpose, "actor": &h.actor} {
			if f := flags.Lookup(name); f.Changed && *to == "" {
				*to = f.Value.String()
			}
		}
	}
	past := h.asOf != "" || h.knownAt != ""
	switch {
	case past && h.open:
		return usage("leave --open out", "--as-of tells what was held, not the values")
	case h.follow && (past || h.open):
		return usage("leave --follow out", "--follow goes with neither --as-of, --known-at nor --open")
	case h.knownAt != "" && flags.Changed("by"):
		return usage("leave --by out", "--known-at names the second time itself")
	case h.limit < 0:
		return usage("give a number from 1", "--limit: %d is no number of entries", h.limit)
	}
	return nil
}

func (h *historyFlags) filter() (f history.Filter, err error) {
	f.Purpose, f.Limit = domain.Purpose(h.purpose), h.limit
	if h.kind != "" {
		if err := knownTypes([]string{h.kind}); err != nil {
			return f, err
		}
		f.Type = history.Type(typeName(history.Type(h.kind)))
	}
	if f.Actor, f.ActorKind, err = parseActor(h.actor); err != nil {
		return f, err
	}
	if f.Recipient.UUID, err = optionalID("--recipient", h.recipient); err != nil {
		return f, err
	}
	if f.OccurredFrom, err = optionalTime("--from", h.from); err != nil {
		return f, err
	}
	f.OccurredTo, err = optionalTime("--to", h.to)
	return f, err
}

// keeping is the reader that the law asks for.
func (p *program) keeping(h *historyFlags) history.Keeping {
	return history.Keeping{Term: law.UA(), Now: p.now(), Expired: h.expired}
}

// leftOut tells that there is more than is shown, and how to see it.
func (p *program) leftOut(n int) {
	if n > 0 {
		p.say("%d records of operations are left out: they had to be kept until 31 December of the year after; --expired tells them", n)
	}
}

// timeline prints the entries of a person's history.
func (p *program) timeline(ctx context.Context, a *app.App, h *historyFlags, id domain.SubjectID) error {
	filter, err := h.filter()
	if err != nil {
		return err
	}
	keeping, leftOut, told := p.keeping(h), 0, 0
	var entries []history.Entry
	err = a.View(ctx, func(s projections.Snapshot) error {
		for e, err := range keeping.Timeline(ctx, s, id, filter, &leftOut) {
			if err != nil {
				return err
			}
			told++
			if p.json && !h.open { // however many there are, none is kept in memory
				if err := p.answer(entryJSON(e, nil, keeping)); err != nil {
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
	if told+leftOut == 0 && filter == (history.Filter{}) {
		return unknownSubject()
	}
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

// follow prints the entries that there are, line by line, and each new one when it is recorded.
func (p *program) follow(ctx context.Context, a *app.App, h *historyFlags, id domain.SubjectID) error {
	filter, err := h.filter()
	if err != nil {
		return err
	}
	keeping, leftOut, told, after := p.keeping(h), 0, 0, uint64(0)
	tell := func(e history.Entry) error {
		told++
		if p.json {
			return p.answer(entryJSON(e, nil, keeping))
		}
		_, err := fmt.Fprintln(p.Out, visible(entryLine(e)))
		return err
	}
	err = a.View(ctx, func(s projections.Snapshot) (err error) {
		if after, err = history.Level(ctx, s); err != nil {
			return err
		}
		for e, err := range keeping.Timeline(ctx, s, id, filter, &leftOut) {
			if err == nil {
				err = tell(e)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.leftOut(leftOut)
	if filter.Limit > 0 {
		if filter.Limit -= told; filter.Limit == 0 {
			return nil
		}
	}
	p.say("following from position %d", after)
	filter.After = after
	for e, err := range history.Follow(ctx, a.Journal, id, filter) {
		if err == nil {
			err = tell(e)
		}
		if err != nil {
			return err
		}
	}
	return nil // an interrupt is how it ends
}

// entryLine is an entry on one line.
func entryLine(e history.Entry) string {
	return fmt.Sprintf("%s  %-18s  %s  %s %s  %s", when(e.Occurred), typeName(e.Type), actor(e.Actor), e.Purpose, e.Grounds, aboutEntry(e, nil))
}

func actor(a domain.Actor) string { return string(a.Kind) + ":" + string(a.ID) }

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
	return state.Lives(v)
}

func (p *program) printTimeline(entries []history.Entry, opened [][]domain.Item, keeping history.Keeping) error {
	g := grid{head: []string{"when", "what", "by", "why", "about"}, wide: []int{20, 20, 14, 14, 24}}
	for i, e := range entries {
		if p.json {
			if err := p.answer(entryJSON(e, opened[i], keeping)); err != nil {
				return err
			}
			continue
		}
		g.add(when(e.Occurred), typeName(e.Type), actor(e.Actor), string(e.Purpose)+" "+string(e.Grounds), aboutEntry(e, opened[i]))
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
