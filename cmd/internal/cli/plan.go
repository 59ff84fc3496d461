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
	var at, under, ground string
	cmd := &cobra.Command{
		Use:   "plan SUBJECT",
		Short: "Tell what a deletion would do, without doing it",
		Long: "Tell what a deletion would do: which values go now, which stay until when, by which rule of law and for\n" +
			"whose eyes, which services stop, who must be told by when, and what statistics keep. Nothing is recorded.\n" +
			"With --law it tells what another law would make of it, and which rules of the\n" +
			"policy's own law that one has nothing for. With --ground it is not the person who asks.\n\n" + deletionGrounds(),
		Example: "  litopys subject plan " + subjectExample + " --all\n  litopys subject plan " + subjectExample + " --field tax_number --law eu\n" +
			"  litopys subject plan " + subjectExample + " --field tax_number --ground court",
		Args: cobra.ExactArgs(1),
	}
	w.addAll(cmd)
	cmd.Flags().StringVar(&at, "at", "", "when it would happen (default: now)")
	cmd.Flags().StringVar(&under, "law", "", "rule pack to ask instead of the policy's own: "+strings.Join(law.Names(), ", "))
	cmd.Flags().StringVar(&ground, "ground", "", "why, when not the person asks for it: a ground of deletion of the law")
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
			return p.planOn(cmd.Context(), a, pol, domain.SubjectID{UUID: id}, &w, moment, ground)
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
	own    string // the pack of the policy's own law
	at     time.Time
	ground law.Ground // zero when the person asks
	state  subject.State
	would  subject.Deleted
	names  map[domain.RecipientID]string
}

// planUnder decides the deletion on the present state and shows the event that would be recorded.
func (p *program) planUnder(ctx context.Context, a *app.App, pol *policy.Policy, id domain.SubjectID, w *which, at time.Time) error {
	return p.planOn(ctx, a, pol, id, w, at, "")
}

// planOn is planUnder for a deletion on a ground of the law.
func (p *program) planOn(ctx context.Context, a *app.App, pol *policy.Policy, id domain.SubjectID, w *which, at time.Time, ground string) error {
	f := forecast{policy: pol, own: a.Policy.Pack().ID, at: at, names: map[domain.RecipientID]string{}}
	state, err := a.State(ctx, id)
	if err != nil {
		return err
	}
	if err := f.decide(state, id, w, ground); err != nil {
		return err
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

// decide lets the domain decide the deletion. The paper of an order is named when it is carried out.
func (f *forecast) decide(state subject.State, id domain.SubjectID, w *which, ground string) error {
	op, err := planOperation(f.policy, f.at)
	if err != nil {
		return err
	}
	del := subject.Delete{About: subject.About{Subject: id, Operation: op}, Fields: fields(w.fields), All: w.all, Ground: ground}
	if ground != "" {
		del.Document = "plan"
	}
	events, err := subject.Decide(subject.Case{Command: del, Context: subject.Context{Policy: f.policy, Now: f.at}}, state)
	if err != nil {
		return err
	}
	f.state = state
	f.ground, _ = f.policy.Pack().DeletionGround(ground)
	for _, e := range events {
		if d, ok := e.(subject.Deleted); ok {
			f.would = d
		}
	}
	return nil
}

// overruled gives the rule that the ground of the deletion sets aside for a value, and until when it would have
// kept it; empty when there is none. The time is zero when the end of the term is not known yet.
func (f *forecast) overruled(fate domain.Fate) (rule string, until time.Time) {
	if !f.ground.Overrule(law.ByTerm) {
		return "", time.Time{}
	}
	if r, kept := f.state.RetainedAt(domain.FieldEpoch{Field: fate.Field, Epoch: fate.Epoch}); kept {
		if end, known := r.Ends(); r.Reason() == subject.HoldRule || known && !end.After(f.at) {
			return "", time.Time{}
		}
		return r.Reason(), r.Until
	}
	by := f.policy.Keeping(fate.Field, fate.Epoch, f.at, policy.Relation(f.state.Closed())).Fate()
	return by.Rule, by.Until
}

// apart names the rules of the policy's own law that the law that is asked about has nothing for.
func (f *forecast) apart(field domain.Field) (rules []string) {
	for _, r := range f.policy.Apart(field) {
		rules = append(rules, r.ID)
	}
	return rules
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
		if rule, until := f.overruled(last); rule != "" {
			row["overruled"], row["overruledUntil"] = rule, when(until)
		}
		if rules := f.apart(last.Field); len(rules) > 0 {
			row["noRuleFor"] = rules
		}
		fates = append(fates, row)
	}
	out := map[string]any{"subject": id, "at": when(f.at), "law": pack.ID + " " + pack.Version, "fates": fates,
		"servicesStop": f.would.Services, "statisticsKeep": f.statistics(), "recorded": false}
	if f.ground.ID != "" {
		out["ground"] = map[string]string{"id": f.ground.ID, "article": f.ground.Article, "title": f.ground.Title}
	}
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
	if f.ground.ID != "" {
		p.say("the ground is %s: %s (%s)", f.ground.ID, f.ground.Title, f.ground.Article)
	}
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
	text := f.setAside(last)
	if last.Action != domain.Retain {
		if text == "" {
			return "clause 4.1: no law keeps it"
		}
		return text
	}
	if text != "" {
		text += "; "
	}
	text += last.Rule + ": " + f.policy.LegalOf(last.Rule)
	if readers := f.policy.ReadersOf(last.Rule); len(readers) > 0 {
		text += "; read by " + strings.Join(readers, ", ")
	}
	if n := len(reasons); n > 1 && reasons[n-2].Until.After(f.at) {
		text += "; by itself until " + lastDayOf(f.policy, reasons[n-2].Until) + " by " + reasons[n-2].Rule
	}
	return text
}

// setAside says which rules would have kept a value and do not: one that the ground of the deletion overrules, and
// those of the policy's own law that the law that is asked about has nothing for.
func (f *forecast) setAside(fate domain.Fate) string {
	var parts []string
	if rule, until := f.overruled(fate); rule != "" {
		text := f.ground.ID + " (" + f.ground.Article + ") overrules " + rule
		if !until.IsZero() {
			text += ", which would keep it until " + lastDayOf(f.policy, until)
		}
		parts = append(parts, text)
	}
	for _, rule := range f.apart(fate.Field) {
		parts = append(parts, "no rule in pack "+f.policy.Pack().ID+" for rule "+rule+" of "+f.own)
	}
	return strings.Join(parts, "; ")
}
