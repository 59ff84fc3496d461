package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
)

func (p *program) subjectPlan() *cobra.Command {
	var w which
	var at string
	cmd := &cobra.Command{
		Use:   "plan SUBJECT",
		Short: "Tell what a deletion would do, without doing it",
		Long: "Tell what a deletion would do: which values go now, which stay until when and by which rule of law, and\n" +
			"which services stop. Nothing is recorded.",
		Example: "  litopys subject plan " + subjectExample + " --all",
		Args:    cobra.ExactArgs(1),
	}
	w.addAll(cmd)
	cmd.Flags().StringVar(&at, "at", "", "when it would happen (default: now)")
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
			return p.plan(cmd.Context(), a, domain.SubjectID{UUID: id}, &w, moment)
		})
	}
	return cmd
}

// plan decides the deletion on the present state and shows the event that would be recorded.
func (p *program) plan(ctx context.Context, a *app.App, id domain.SubjectID, w *which, at time.Time) error {
	state, err := a.State(ctx, id)
	if err != nil {
		return err
	}
	op, err := planOperation(a.Policy, at)
	if err != nil {
		return err
	}
	events, err := subject.Decide(subject.Case{
		Command: subject.Delete{About: subject.About{Subject: id, Operation: op}, Fields: fields(w.fields), All: w.all},
		Context: subject.Context{Policy: a.Policy, Now: p.now()},
	}, state)
	if err != nil {
		return err
	}
	var would subject.Deleted
	for _, e := range events {
		if d, ok := e.(subject.Deleted); ok {
			would = d
		}
	}
	return p.printPlan(a.Policy, would, at)
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

func (p *program) printPlan(pol *policy.Policy, would subject.Deleted, at time.Time) error {
	if p.json {
		fates := []map[string]any{}
		for _, f := range would.Deleted {
			fates = append(fates, map[string]any{"field": f.Field, "epoch": f.Epoch, "through": f.Through, "action": f.Action,
				"until": when(f.Until), "rule": f.Rule, "legal": legal(pol, f.Rule)})
		}
		return p.answer(map[string]any{"subject": would.Subject, "at": when(at), "fates": fates, "servicesStop": would.Services, "recorded": false})
	}
	p.say("nothing is recorded; this is what a deletion at %s would do", when(at))
	g := grid{head: []string{"field", "which", "what happens", "why"}, wide: []int{18, 20, 24, 32}}
	for _, f := range would.Deleted {
		g.add(string(f.Field), epochText(f), fateText(f), why(pol, f))
	}
	g.print(p.Out, "nothing would change")
	if len(would.Services) > 0 {
		fmt.Fprintf(p.Out, "\nservices that stop working: %s (clause 4.2)\n", words(would.Services))
	}
	return nil
}

func epochText(f domain.Fate) string {
	if f.Through {
		return "all through " + string(f.Epoch)
	}
	return "value " + string(f.Epoch)
}

func fateText(f domain.Fate) string {
	if f.Action == domain.Retain {
		return "kept, sealed, until " + f.Until.UTC().Format(time.DateOnly)
	}
	return "destroyed at once"
}

func why(pol *policy.Policy, f domain.Fate) string {
	if f.Action == domain.Retain {
		return f.Rule + ": " + legal(pol, f.Rule)
	}
	return "clause 4.1: no law keeps it"
}

func legal(pol *policy.Policy, rule string) string {
	if r, ok := pol.Rule(rule); ok {
		return r.Legal
	}
	return ""
}
