package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/profile"
	"imagine.ua/litopys/projections/retained"
)

const holdExample = "0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c05"

func (p *program) retained() *cobra.Command {
	return p.noun("retained", "What the law keeps beyond deletion: read, disclose, hold", p.retainedList(), p.retainedDisclose(),
		p.retainedHold(), p.retainedRelease())
}

// keptOpener opens what is retained. Only this command uses it, after the viewing was recorded under a role
// that the rule names.
type keptOpener struct{ journal *journal.Journal }

// Open gives one value for each, in order: clear, or erased when its key is destroyed or its term is over.
func (o keptOpener) Open(ctx context.Context, values []projections.Sealed) ([]domain.Value, error) {
	opened, err := o.journal.OpenAs(ctx, journal.WithRetained, values)
	if err != nil {
		return nil, err
	}
	out := make([]domain.Value, len(opened))
	for i, v := range opened {
		out[i] = v.Value
	}
	return out, nil
}

func (p *program) retainedList() *cobra.Command {
	var o opening
	cmd := &cobra.Command{
		Use:   "list SUBJECT",
		Short: "List what is kept of a person beyond deletion, by which rule and until when",
		Long: "List what is kept of a person beyond deletion, by which rule and until when (clause 4.3). Only what the rule\n" +
			"lets the role read is listed; the rest is counted.",
		Example: "  litopys retained list " + subjectExample + " --role officer\n  litopys retained list " + subjectExample +
			" --role officer --open --actor employee:e-17 --purpose identification --grounds ua.11.1.5 --service support --document case-10",
		Args: cobra.ExactArgs(1),
	}
	o.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseID("subject", args[0])
		if err != nil {
			return err
		}
		if p.cfg.Act.Role == "" {
			return usage("give --role, a name of the policy", "what is kept is read under a role")
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			return p.listRetained(cmd.Context(), a, &o, domain.SubjectID{UUID: id})
		})
	}
	return cmd
}

// keptList is what a role may read, and what of it was opened.
type keptList struct {
	records []retained.Record
	leftOut int
	values  []retained.Value
}

func (p *program) listRetained(ctx context.Context, a *app.App, o *opening, id domain.SubjectID) error {
	if _, ok := a.Policy.Role(p.cfg.Act.Role); !ok {
		return domain.Refuse("view.role", "5.1", "view under a role of the policy", "the policy does not name this role").WithKind(domain.Unknown)
	}
	var l keptList
	var epochs []domain.FieldEpoch
	reader := retained.Reader{Policy: a.Policy, Role: p.cfg.Act.Role}
	err := a.View(ctx, func(s projections.Snapshot) error {
		_, found, err := profile.Get(ctx, s, id)
		if err == nil && !found {
			err = unknownSubject()
		}
		if err != nil {
			return err
		}
		if l.records, l.leftOut, err = reader.Of(ctx, s, id); err != nil {
			return err
		}
		err = knownFields(a, o.fields, func(name domain.Field) bool {
			return slices.ContainsFunc(l.records, func(r retained.Record) bool { return r.Field == name })
		})
		if err != nil {
			return err
		}
		l.records = slices.DeleteFunc(l.records, func(r retained.Record) bool { return !o.wants(r.Field) })
		epochs, err = retained.Epochs(ctx, s, l.open(p))
		return err
	})
	if err != nil {
		return err
	}
	if o.open && len(epochs) > 0 {
		if err := p.openRetained(ctx, a, o, id, epochs, &l); err != nil {
			return err
		}
	}
	return p.printRetained(a, l)
}

// open lists the records that may still be opened: what is over is only to be destroyed.
func (l *keptList) open(p *program) []retained.Record {
	return slices.DeleteFunc(slices.Clone(l.records), func(r retained.Record) bool { return r.Over(p.now()) })
}

// openRetained records the viewing and opens what it names.
func (p *program) openRetained(ctx context.Context, a *app.App, o *opening, id domain.SubjectID, epochs []domain.FieldEpoch, l *keptList) error {
	op, err := p.operation(o.act, p.cfg.Act)
	if err != nil {
		return err
	}
	view := subject.View{About: subject.About{Subject: id, Operation: op}, Retained: epochs, Role: p.cfg.Act.Role,
		Document: domain.Reference(o.document)}
	seen, err := p.recordViews(ctx, a, op, subject.State{}, []subject.View{view})
	if err != nil {
		return err
	}
	return seen.failed(a.Backend.View(ctx, func(s projections.Snapshot) (err error) {
		l.values, err = retained.Open(ctx, s, a.Journal, keptOpener{a.Journal}, l.open(p))
		return err
	}))
}

// opened gives the values of one record, or nil when nothing was opened.
func (l *keptList) opened(r retained.Record) []retained.Value {
	var out []retained.Value
	for _, v := range l.values {
		if v.Item.Field == r.Field && (v.Item.Epoch == r.Epoch || r.IsTrace() && r.Keeps(v.Item.Epoch)) {
			out = append(out, v)
		}
	}
	return out
}

func (p *program) printRetained(a *app.App, l keptList) error {
	if p.json {
		for _, r := range l.records {
			if err := p.answer(keptJSON(r, l.opened(r))); err != nil {
				return err
			}
		}
		return nil
	}
	g := grid{head: []string{"field", "which", "value", "until", "why"}, wide: []int{14, 19, 20, 12, 30}}
	for _, r := range l.records {
		until := "not known yet"
		switch {
		case r.Held:
			until = "hold"
		case r.Over(p.now()):
			until = "over"
		case !r.Until.IsZero():
			until = lastDayOf(a.Policy, r.Until)
		}
		why := r.Rule + ": " + r.Legal
		if r.Held && !r.Until.IsZero() {
			why += "; by itself until " + lastDayOf(a.Policy, r.Until)
		}
		values := l.opened(r)
		g.add(string(r.Field), keptText(r), valuesText(values), until, why)
	}
	g.print(p.Out, "nothing is kept that this role may read")
	if l.leftOut > 0 {
		fmt.Fprintf(p.Out, "\n%d more: the role %s may not read them\n", l.leftOut, p.cfg.Act.Role)
	}
	return nil
}

func keptText(r retained.Record) string {
	switch {
	case !r.IsTrace():
		return "value " + string(r.Epoch)
	case r.After != "":
		return string(r.After) + " to " + string(r.Epoch)
	}
	return "all through " + string(r.Epoch)
}

func valuesText(values []retained.Value) string {
	if len(values) == 0 {
		return "[sealed]"
	}
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = show(v.Item.Value)
	}
	return strings.Join(list, "\n")
}

func keptJSON(r retained.Record, values []retained.Value) map[string]any {
	out := map[string]any{"subject": r.Subject, "field": r.Field, "epoch": r.Epoch, "after": r.After, "ended": when(r.Ended),
		"until": when(r.Until), "rule": r.Rule, "held": r.Held, "legal": r.Legal, "readers": r.Readers}
	var list []map[string]any
	for _, v := range values {
		row := map[string]any{"epoch": v.Item.Epoch, "came": when(v.Came), "condition": v.Item.Value.Condition().String()}
		if s, ok := v.Item.Value.Reveal(); ok {
			row["value"] = s
		}
		list = append(list, row)
	}
	if list != nil {
		out["values"] = list
	}
	return out
}

// deciding is a command about what is kept: it records, and then tells what was decided.
type deciding struct {
	use, short, long, example string
	flags                     func(*cobra.Command)
	build                     func(subject.About) (subject.Command, made, error)
	// tell shows what the recorded event says; nil when the receipt is all.
	tell func(*app.App, subject.Event) error
}

func (p *program) deciding(d deciding) *cobra.Command {
	var a act
	cmd := &cobra.Command{Use: d.use, Short: d.short, Long: d.short + ".\n\n" + d.long, Example: d.example, Args: cobra.ExactArgs(1)}
	addAct(cmd, &a)
	d.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseID("subject", args[0])
		if err != nil {
			return err
		}
		op, err := p.operation(a, p.cfg.Act)
		if err != nil {
			return err
		}
		command, ids, err := d.build(subject.About{Subject: domain.SubjectID{UUID: id}, Operation: op})
		if err != nil {
			return err
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			if err := p.record(cmd.Context(), a, command, ids); err != nil || d.tell == nil {
				return err
			}
			return p.tellEvent(cmd.Context(), a, command, d.tell)
		})
	}
	return cmd
}

// tellEvent finds the event of a command that was recorded, now or before under the same key.
func (p *program) tellEvent(ctx context.Context, a *app.App, cmd subject.Command, tell func(*app.App, subject.Event) error) error {
	stream := domain.SubjectStream(cmd.Target())
	id := domain.EventID(stream, cmd.By().Spec().Key, 0)
	for r, err := range a.Journal.Events(ctx, stream, domain.NoStream) {
		if err != nil {
			return err
		}
		if e, ok := r.Event.(subject.Event); ok && r.ID == id {
			return tell(a, e)
		}
	}
	return nil
}

func (p *program) retainedHold() *cobra.Command {
	var w which
	var paper warrantFlags
	var hold string
	return p.deciding(deciding{
		use: "hold SUBJECT", short: "Forbid destroying values until the hold is released (clause 4.3)",
		long: "What is kept already is kept without an end, and what is deleted or changed from now on is kept too. What the\n" +
			"hold names but was destroyed before it came is listed: for that it is too late.",
		example: "  litopys retained hold " + subjectExample + " --all --authority court-7 --act CPC --article 170 --paper 757/1-k --dated 2026-01-20 --actor employee:e-17 --purpose identification --grounds ua.11.1.5 --service support",
		flags: func(cmd *cobra.Command) {
			w.addAll(cmd)
			paper.add(cmd, "")
			cmd.Flags().StringVar(&hold, "hold", "", "id to give the hold (default: a random one)")
		},
		build: func(about subject.About) (subject.Command, made, error) {
			id, err := p.idOr("--hold", hold)
			if err = errors.Join(err, w.check()); err != nil {
				return nil, nil, err
			}
			warrant, err := paper.warrant()
			return subject.PlaceHold{About: about, Hold: domain.HoldID{UUID: id}, Fields: fields(w.fields), All: w.all, Warrant: warrant},
				made{"hold": id}, err
		},
		tell: func(_ *app.App, e subject.Event) error {
			placed, ok := e.(subject.HoldPlaced)
			if !ok {
				return nil
			}
			if p.json {
				return p.answer(map[string]any{"hold": placed.Hold, "held": epochsJSON(placed.Held), "late": projections.FieldTexts(placed.Late)})
			}
			pairs(p.Out, [2]string{"hold", placed.Hold.String()}, [2]string{"terms suspended", fatesText(placed.Held)},
				[2]string{"too late for", strings.Join(projections.FieldTexts(placed.Late), " ")})
			return nil
		},
	})
}

func (p *program) retainedRelease() *cobra.Command {
	var hold, document string
	return p.deciding(deciding{
		use: "release SUBJECT", short: "End a hold (clause 4.3)",
		long:    "What only the hold kept is destroyed at once; the rest goes back to its own term.",
		example: "  litopys retained release " + subjectExample + " --hold " + holdExample + " --document 757/9-k --actor employee:e-17 --purpose identification --grounds ua.11.1.5 --service support",
		flags: func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&hold, "hold", "", "id of the hold")
			cmd.Flags().StringVar(&document, "document", "", "reference of the paper that ends it")
		},
		build: func(about subject.About) (subject.Command, made, error) {
			id, err := parseID("--hold", hold)
			return subject.ReleaseHold{About: about, Hold: domain.HoldID{UUID: id}, Document: domain.Reference(document)}, nil, err
		},
		tell: func(_ *app.App, e subject.Event) error {
			released, ok := e.(subject.HoldReleased)
			if !ok {
				return nil
			}
			var gone, back []domain.Fate
			for _, f := range released.Freed {
				if f.Action == domain.Destroy {
					gone = append(gone, f)
				} else {
					back = append(back, f)
				}
			}
			if p.json {
				return p.answer(map[string]any{"hold": released.Hold, "destroyed": epochsJSON(gone), "kept": epochsJSON(back)})
			}
			pairs(p.Out, [2]string{"destroyed", fatesText(gone)}, [2]string{"kept for its term", fatesText(back)})
			return nil
		},
	})
}

func epochsJSON(fates []domain.Fate) []map[string]any {
	out := []map[string]any{}
	for _, f := range fates {
		out = append(out, map[string]any{"field": f.Field, "epoch": f.Epoch, "through": f.Through, "until": when(f.Until), "rule": f.Rule})
	}
	return out
}

func fatesText(fates []domain.Fate) string {
	list := make([]string, len(fates))
	for i, f := range fates {
		list[i] = projections.FieldText(f.Field, f.Epoch)
		if f.Through {
			list[i] += " and before"
		}
	}
	return strings.Join(list, ", ")
}

func (p *program) retainedDisclose() *cobra.Command {
	var paper warrantFlags
	var values, approvers []string
	var to, abroad, exempt, request string
	return p.deciding(deciding{
		use: "disclose SUBJECT", short: "Record that kept values go to an authority or a court (clauses 3.3.3, 4.3)",
		long: "Exactly the values named go, by the paper of the authority, and two persons approve it who are neither each\n" +
			"other nor the one who carries it out. The person is told, unless an exemption of the law is named.",
		example: "  litopys retained disclose " + subjectExample + " --recipient 0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c02 --value tax_number/1 --authority tax-service --act TCU --article 73.3 --paper 14/02-7 --dated 2026-01-20 --approver e-1,e-2 --actor employee:e-17 --purpose identification --grounds ua.11.1.5 --service support",
		flags: func(cmd *cobra.Command) {
			paper.add(cmd, "")
			flags := cmd.Flags()
			flags.StringSliceVar(&values, "value", nil, "value as field/epoch, repeatable: see litopys retained list")
			flags.StringSliceVar(&approvers, "approver", nil, "codes of the two persons who approve")
			flags.StringVar(&to, "recipient", "", "id of the recipient: see litopys recipient list")
			flags.StringVar(&abroad, "abroad", "", "ground of a transfer to another country, a name of the policy")
			flags.StringVar(&exempt, "exempt", "", "exemption of the law by which the person is not told")
			flags.StringVar(&request, "request", "", "id of the request that it answers")
		},
		build: func(about subject.About) (subject.Command, made, error) {
			id, err := parseID("--recipient", to)
			if err != nil {
				return nil, nil, err
			}
			if len(approvers) != 2 {
				return nil, nil, usage("give --approver twice", "two persons approve a disclosure (clause 3.3.3)")
			}
			asked, err := optionalID("--request", request)
			if err != nil {
				return nil, nil, err
			}
			warrant, err := paper.warrant()
			return subject.Disclose{About: about, Recipient: domain.RecipientID{UUID: id}, Values: projections.ParseFields(values),
				Basis: subject.ByLaw{Authority: warrant.Authority, Act: warrant.Act, Article: warrant.Article, Document: warrant.Document,
					Dated: warrant.Dated, Approvers: [2]domain.Reference{domain.Reference(approvers[0]), domain.Reference(approvers[1])}},
				Abroad: abroad, Exempt: exempt, Request: domain.RequestID{UUID: asked}}, nil, err
		},
	})
}
