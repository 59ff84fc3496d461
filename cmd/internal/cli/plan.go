package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/transfers"
)

func (p *program) subjectPlan() *cobra.Command {
	var w which
	var at, under string
	cmd := &cobra.Command{
		Use:   "plan SUBJECT",
		Short: "Tell what a deletion would do, without doing it",
		Long: "Tell what a deletion would do: which values go now, which stay until when, by which rule of law and for\n" +
			"whose eyes, which services stop, who must be told by when, and what statistics keep. Nothing is recorded.\n" +
			"With --law it tells what another law would make of it.",
		Example: "  litopys subject plan " + subjectExample + " --all\n  litopys subject plan " + subjectExample + " --field tax_number --law eu",
		Args:    cobra.ExactArgs(1),
	}
	w.addAll(cmd)
	cmd.Flags().StringVar(&at, "at", "", "when it would happen (default: now)")
	cmd.Flags().StringVar(&under, "law", "", "rule pack to ask instead of the policy's own: "+strings.Join(law.Names(), ", "))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseID("subject", args[0])
		if err != nil {
			return err
		}
		moment, err := optionalTime("--at", at)
		if err = errors.Join(err, w.check()); err != nil {
			return err
		}
		if moment.IsZero() {
			moment = p.now()
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			pol, err := underLaw(a, moment, under)
			if err != nil {
				return err
			}
			return p.planUnder(cmd.Context(), a, pol, domain.SubjectID{UUID: id}, &w, moment)
		})
	}
	return cmd
}

// underLaw gives the policy in force at a moment, under another rule pack when one is named.
func underLaw(a *app.App, at time.Time, name string) (*policy.Policy, error) {
	pol, ok := a.Policies.At(at)
	if !ok {
		pol = a.Policy // the ledger will say that none was in force
	}
	if name == "" {
		return pol, nil
	}
	pack, err := law.Named(name)
	if err != nil {
		return nil, usage("give one of: "+strings.Join(law.Names(), ", "), "--law: %q is no rule pack", visible(shorten(name)))
	}
	return pol.Under(pack), nil
}

// forecast is what a deletion would do.
type forecast struct {
	policy *policy.Policy
	at     time.Time
	would  subject.Deleted
	names  map[domain.RecipientID]string
}

// planUnder decides the deletion on the present state and shows the event that would be recorded.
func (p *program) planUnder(ctx context.Context, a *app.App, pol *policy.Policy, id domain.SubjectID, w *which, at time.Time) error {
	state, err := a.State(ctx, id)
	if err != nil {
		return err
	}
	op, err := planOperation(pol, at)
	if err != nil {
		return err
	}
	events, err := subject.Decide(subject.Case{
		Command: subject.Delete{About: subject.About{Subject: id, Operation: op}, Fields: fields(w.fields), All: w.all},
		Context: subject.Context{Policy: pol, Now: p.now()},
	}, state)
	if err != nil {
		return err
	}
	f := forecast{policy: pol, at: at, names: map[domain.RecipientID]string{}}
	for _, e := range events {
		if d, ok := e.(subject.Deleted); ok {
			f.would = d
		}
	}
	if len(f.would.Tell) > 0 {
		if err := f.name(ctx, a); err != nil {
			return err
		}
	}
	if p.json {
		return p.answer(f.json(id))
	}
	return p.printPlan(f)
}

// name finds out what the recipients are called.
func (f *forecast) name(ctx context.Context, a *app.App) error {
	return a.View(ctx, func(s projections.Snapshot) error {
		list, err := transfers.Recipients(ctx, s)
		for _, r := range list {
			f.names[r.ID] = r.Name
		}
		return err
	})
}

// values gives the fates by value, the one in force last.
func (f *forecast) values() [][]domain.Fate {
	var list [][]domain.Fate
	for _, fate := range f.would.Deleted {
		last := len(list) - 1
		if last >= 0 && list[last][0].Field == fate.Field && list[last][0].Epoch == fate.Epoch {
			list[last] = append(list[last], fate)
			continue
		}
		list = append(list, []domain.Fate{fate})
	}
	return list
}

// due gives the moment at which a duty to tell is due, and the article; false when the law sets none.
func (f *forecast) due(id law.DeadlineID) (time.Time, string, bool) {
	d, ok := f.policy.Pack().Deadline(id)
	if !ok || len(f.would.Deleted) == 0 {
		return time.Time{}, "", false
	}
	return f.policy.Pack().Due(d.Term, f.at), d.Article, true
}

// statistics lists the fields of the deleted values of which depersonalised counts stay (clauses 2.2.5, 4.2).
func (f *forecast) statistics() []domain.Field {
	var list []domain.Field
	for _, fate := range f.would.Deleted {
		entry, ok := f.policy.Field(fate.Field)
		counted := ok && slices.ContainsFunc(f.policy.Purposes, func(u policy.Purpose) bool { return u.Depersonalised && entry.Allows(u.ID) })
		if counted && !slices.Contains(list, fate.Field) {
			list = append(list, fate.Field)
		}
	}
	return list
}

func (f *forecast) json(id domain.SubjectID) map[string]any {
	pack := f.policy.Pack()
	fates := []map[string]any{}
	for _, reasons := range f.values() {
		last := reasons[len(reasons)-1]
		row := map[string]any{"field": last.Field, "epoch": last.Epoch, "through": last.Through, "action": last.Action,
			"until": when(last.Until), "rule": last.Rule, "legal": f.policy.LegalOf(last.Rule), "readers": f.policy.ReadersOf(last.Rule)}
		if len(reasons) > 1 {
			row["thenUntil"], row["thenRule"] = when(reasons[len(reasons)-2].Until), reasons[len(reasons)-2].Rule
		}
		fates = append(fates, row)
	}
	out := map[string]any{"subject": id, "at": when(f.at), "law": pack.ID + " " + pack.Version, "fates": fates,
		"servicesStop": f.would.Services, "statisticsKeep": f.statistics(), "recorded": false}
	if due, article, ok := f.due(law.NoticeChange); ok {
		out["tellSubject"] = map[string]string{"by": when(due), "article": article}
	}
	tell := []map[string]string{}
	for _, r := range f.would.Tell {
		due, article, _ := f.due(law.NoticeRecipient)
		tell = append(tell, map[string]string{"recipient": r.String(), "name": f.names[r], "by": when(due), "article": article})
	}
	out["tellRecipients"] = tell
	return out
}

// planOperation is any operation that the policy permits: who asks does not change what a deletion does.
func planOperation(pol *policy.Policy, at time.Time) (domain.Operation, error) {
	var last error
	for _, s := range pol.Services {
		for _, u := range pol.Purposes {
			for _, g := range pol.Grounds {
				op, err := domain.NewOperation(domain.OperationSpec{Key: "plan", Actor: domain.Actor{Kind: domain.ActorSystem, ID: "plan"},
					At: at, Purpose: u.ID, Grounds: g.ID, Service: s.ID})
				if err != nil {
					return op, usage("write it as 2026-01-31", "%s", err.Error())
				}
				if last = pol.Permit(op); last == nil {
					return op, nil
				}
			}
		}
	}
	return domain.Operation{}, errors.Join(errors.New("the policy permits no operation"), last)
}

func (p *program) printPlan(f forecast) error {
	pack := f.policy.Pack()
	p.say("nothing is recorded; this is what a deletion at %s would do under the law %s (%s)", when(f.at), pack.ID, pack.Version)
	g := grid{head: []string{"field", "which", "what happens", "why"}, wide: []int{18, 20, 24, 32}}
	for _, reasons := range f.values() {
		last := reasons[len(reasons)-1]
		g.add(string(last.Field), epochText(last), fateText(f.policy, last), f.why(reasons))
	}
	g.print(p.Out, "nothing would change")
	if len(f.would.Services) > 0 {
		fmt.Fprintf(p.Out, "\nservices that stop working: %s (clause 4.2)\n", words(f.would.Services))
	}
	if kept := f.statistics(); len(kept) > 0 {
		fmt.Fprintf(p.Out, "depersonalised counts stay of: %s (clause 4.2)\n", words(kept))
	}
	if due, article, ok := f.due(law.NoticeChange); ok {
		fmt.Fprintf(p.Out, "the person must be told by %s (%s)\n", lastDayOf(f.policy, due), article)
	}
	if due, article, ok := f.due(law.NoticeRecipient); ok && len(f.would.Tell) > 0 {
		fmt.Fprintf(p.Out, "\nwho got the values and must be told by %s (%s)\n", lastDayOf(f.policy, due), article)
		for _, r := range f.would.Tell {
			fmt.Fprintf(p.Out, "  %s  %s\n", r, visible(f.names[r]))
		}
	}
	return nil
}

// lastDayOf gives the last day of a term that has ended at a moment, in the zone of the law.
func lastDayOf(pol *policy.Policy, until time.Time) string {
	return law.DateOf(until.Add(-time.Microsecond), pol.Pack().Location()).String()
}

func epochText(f domain.Fate) string {
	if f.Through {
		return "all through " + string(f.Epoch)
	}
	return "value " + string(f.Epoch)
}

func fateText(pol *policy.Policy, f domain.Fate) string {
	switch {
	case f.Action != domain.Retain:
		return "destroyed at once"
	case f.Rule == subject.HoldRule:
		return "kept, sealed, while the hold lasts"
	case f.Until.IsZero():
		return "kept, sealed, until a term after the account is closed"
	}
	return "kept, sealed, until " + lastDayOf(pol, f.Until)
}

// why says by which rule a value stays and who may read it, and what follows when a hold ends.
func (f *forecast) why(reasons []domain.Fate) string {
	last := reasons[len(reasons)-1]
	if last.Action != domain.Retain {
		return "clause 4.1: no law keeps it"
	}
	text := last.Rule + ": " + f.policy.LegalOf(last.Rule)
	if readers := f.policy.ReadersOf(last.Rule); len(readers) > 0 {
		text += "; read by " + strings.Join(readers, ", ")
	}
	if n := len(reasons); n > 1 && reasons[n-2].Until.After(f.at) {
		text += "; by itself until " + lastDayOf(f.policy, reasons[n-2].Until) + " by " + reasons[n-2].Rule
	}
	return text
}
