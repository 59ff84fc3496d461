package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/register"
	"imagine.ua/litopys/projections/transfers"
)

func (p *program) register() *cobra.Command {
	return p.noun("register", "The record of processing, and what recipients hold", p.registerShow(), p.registerRecipient())
}

func (p *program) registerShow() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show the record of processing activities",
		Long: "Show the record of processing activities (GDPR article 30; order 1/02-14): controller, purposes, categories of\n" +
			"persons and of data, recipients and what they hold now, transfers abroad, terms, measures. It is made anew from\n" +
			"the policy in force and from the log. It counts persons exactly and names none: it is for the controller and\n" +
			"the supervisory authority, not for the public.",
		Example: "  litopys register show --format html > register.html",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, json or html")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if p.json {
			format = "json"
		}
		show, known := map[string]func(*register.Register) error{"text": p.registerText, "json": p.registerJSON, "html": p.registerHTML}[format]
		if !known {
			return usage("write text, json or html", "--format: %q is none", visible(shorten(format)))
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			var r *register.Register
			err := a.View(cmd.Context(), func(s projections.Snapshot) (err error) {
				r, err = register.Make(cmd.Context(), s, a.Policy)
				return err
			})
			if err != nil {
				return err
			}
			return show(r)
		})
	}
	return cmd
}

// registerNote says what the document is.
const registerNote = "internal: exact counts, no persons named"

func (p *program) registerText(r *register.Register) error {
	pairs(p.Out, [2]string{"controller", r.Controller.Name}, [2]string{"site", r.Controller.Site}, [2]string{"contact", r.Controller.Contact},
		[2]string{"country", string(r.Controller.Country)}, [2]string{"policy", r.Policy + " " + r.Version + ", in force from " + day(r.Effective)},
		[2]string{"law", r.Law}, [2]string{"class", registerNote})
	p.registerPurposes(r)
	p.heading("Categories of persons")
	g := grid{head: []string{"persons", "files opened"}, wide: []int{60}}
	for _, x := range r.Subjects {
		g.add(x.Title, fmt.Sprint(x.Persons))
	}
	g.print(p.Out, "none")
	fmt.Fprintf(p.Out, "files closed: %d\n", r.Closed)
	p.heading("Categories of data")
	g = grid{head: []string{"category", "fields", "kept by"}, wide: []int{12, 52, 28}}
	for _, c := range r.Categories {
		g.add(c.Name, words(c.Fields), strings.Join(c.Retention, ", "))
	}
	g.print(p.Out, "none")
	p.registerRecipients(r)
	p.heading("Terms")
	g = grid{head: []string{"rule", "act", "what", "fields"}, wide: []int{14, 34, 16, 28}}
	for _, x := range r.Retention {
		g.add(x.Rule.ID, x.Rule.Legal, termText(x.Rule), words(x.Fields))
	}
	g.print(p.Out, "none")
	p.heading("Roles that may view values")
	g = grid{head: []string{"role", "purposes", "categories"}, wide: []int{12, 36, 44}}
	for _, x := range r.Roles {
		g.add(x.ID, words(x.Purposes), strings.Join(x.Categories, ", "))
	}
	g.print(p.Out, "none")
	p.heading("Measures of protection")
	g = grid{head: []string{"measure", "what is done"}, wide: []int{26, 70}}
	for _, m := range r.Measures {
		g.add(m.Title, m.What)
	}
	g.print(p.Out, "none")
	return nil
}

func (p *program) registerPurposes(r *register.Register) {
	p.heading("Purposes")
	g := grid{head: []string{"purpose", "clauses", "categories of data", "recipients", "recorded"}, wide: []int{16, 14, 26, 14, 22}}
	for _, x := range r.Purposes {
		g.add(string(x.ID), strings.Join(x.Clauses, ", "), strings.Join(x.Categories, ", "), words(x.RecipientKinds), doneText(x.Done))
	}
	g.print(p.Out, "none")
}

// doneText sums up operations of one purpose by kind.
func doneText(list []register.Activity) string {
	var kinds []string
	times := map[string]int64{}
	for _, a := range list {
		if _, known := times[a.Kind]; !known {
			kinds = append(kinds, a.Kind)
		}
		times[a.Kind] += a.Times
	}
	for i, k := range kinds {
		kinds[i] = fmt.Sprintf("%s %d", k, times[k])
	}
	return strings.Join(kinds, ", ")
}

func (p *program) registerRecipients(r *register.Register) {
	p.heading("Recipients, and what they hold now")
	g := grid{head: []string{"recipient", "kind", "country", "persons", "fields", "to be told"}, wide: []int{26, 12, 7, 8, 26, 10}}
	for _, x := range r.Recipients {
		g.add(x.Name, string(x.Kind), string(x.Country), fmt.Sprint(x.Persons), words(x.Fields), fmt.Sprint(x.Owed))
	}
	g.print(p.Out, "no recipient is known")
	p.heading("Transfers abroad")
	g = grid{head: []string{"country", "ground", "recipients", "fields", "values"}, wide: []int{7, 36, 22, 20, 8}}
	for _, x := range r.Abroad {
		g.add(string(x.Country), x.Ground+" "+x.Title, strings.Join(x.Recipients, ", "), words(x.Fields), fmt.Sprint(x.Passed))
	}
	g.print(p.Out, "nothing went abroad")
}

func termText(r *policy.Rule) string {
	if r.Term.IsZero() {
		return string(r.Action)
	}
	return string(r.Action) + " " + r.Term.String()
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func (p *program) registerRecipient() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "recipient RECIPIENT",
		Short: "List of whom a recipient holds what now",
		Long: "List of whom a recipient holds what now: ids of persons and names of fields, no values. What was deleted here\n" +
			"he holds until he is told; --all lists what he was told of, too.",
		Example: "  litopys register recipient " + subjectExample,
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&all, "all", false, "also what he was told to delete")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseID("recipient", args[0])
		if err != nil {
			return err
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			return p.recipientHolds(cmd.Context(), a, domain.RecipientID{UUID: id}, all)
		})
	}
	return cmd
}

func (p *program) recipientHolds(ctx context.Context, a *app.App, id domain.RecipientID, all bool) error {
	var list []register.Held
	var card transfers.Recipient
	err := a.View(ctx, func(s projections.Snapshot) (err error) {
		cards, err := transfers.Recipients(ctx, s)
		if err != nil {
			return err
		}
		for _, c := range cards {
			if c.ID == id {
				card = c
			}
		}
		list, err = register.Of(ctx, s, id)
		return err
	})
	if err != nil {
		return err
	}
	if card.ID != id {
		return domain.Refuse("recipient.unknown", "3.3", "see: litopys recipient list", "the ledger does not know this recipient").WithKind(domain.Unknown)
	}
	if !p.json {
		pairs(p.Out, [2]string{"recipient", card.Name}, [2]string{"kind", string(card.Kind)}, [2]string{"country", string(card.Country)},
			[2]string{"class", string(statistics.Pseudonymous)})
		fmt.Fprintln(p.Out)
	}
	g := grid{head: []string{"subject", "field", "since", "basis", "state"}, wide: []int{36, 14, 20, 8, 22}}
	for _, h := range list {
		if !h.Now() && !all {
			continue
		}
		if p.json {
			if err := p.answer(heldJSON(h)); err != nil {
				return err
			}
			continue
		}
		g.add(h.Subject.String(), projections.FieldText(h.Field, h.Epoch), when(h.Since), h.Basis, heldText(h))
	}
	if !p.json {
		g.print(p.Out, "holds nothing now")
	}
	return nil
}

func heldText(h register.Held) string {
	switch {
	case h.Owed():
		return string(h.State) + ", to be told"
	case h.State != register.Current && !h.Told.IsZero(): // not every law wants it told
		return string(h.State) + ", told " + day(h.Told)
	}
	return string(h.State)
}

func heldJSON(h register.Held) map[string]any {
	return map[string]any{"class": statistics.Pseudonymous, "recipient": h.Recipient, "subject": h.Subject, "field": h.Field, "epoch": h.Epoch, "since": when(h.Since), "transfer": h.Transfer,
		"basis": h.Basis, "purpose": h.Purpose, "grounds": h.Grounds, "abroad": h.Abroad, "country": h.Country, "retained": h.Retained,
		"state": h.State, "changed": when(h.Changed), "told": when(h.Told), "now": h.Now(), "owed": h.Owed()}
}
