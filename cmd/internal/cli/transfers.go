package cli

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/transfers"
)

// transferFilter narrows a list of transfers.
type transferFilter struct{ from, to, subject, recipient, basis string }

func (f *transferFilter) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "happened at or after this time")
	flags.StringVar(&f.to, "to", "", "happened before this time")
	flags.StringVar(&f.subject, "subject", "", "id of the person")
	flags.StringVar(&f.recipient, "recipient", "", "id of the recipient")
	flags.StringVar(&f.basis, "basis", "", "consent, order, law or defence")
}

func (f *transferFilter) filter() (out transfers.Filter, err error) {
	if out.From, err = optionalTime("--from", f.from); err != nil {
		return out, err
	}
	if out.To, err = optionalTime("--to", f.to); err != nil {
		return out, err
	}
	if !out.From.IsZero() && !out.To.IsZero() && !out.From.Before(out.To) {
		return out, usage("give an earlier --from", "--from is not before --to")
	}
	var id uuid.UUID
	if f.subject != "" {
		if id, err = parseID("--subject", f.subject); err != nil {
			return out, err
		}
		out.Subject = domain.SubjectID{UUID: id}
	}
	if f.recipient != "" {
		if id, err = parseID("--recipient", f.recipient); err != nil {
			return out, err
		}
		out.Recipient = domain.RecipientID{UUID: id}
	}
	out.Basis = transfers.BasisKind(f.basis)
	if f.basis != "" && out.Basis.Clause() == "" {
		return out, usage("write consent, order, law or defence", "--basis: %q is no basis", visible(shorten(f.basis)))
	}
	return out, nil
}

func (p *program) transferList() *cobra.Command {
	var f transferFilter
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List what went to whom, on which basis",
		Long:    "List what went to whom, on which basis. Exit code 3 for a person or a recipient whom the ledger does not know.",
		Example: "  litopys transfer list --from 2026-01-01 --basis law",
		Args:    cobra.NoArgs,
	}
	f.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		filter, err := f.filter()
		if err != nil {
			return err
		}
		return p.with(cmd.Context(), func(a *app.App) error { return p.transfersList(cmd.Context(), a, filter) })
	}
	return cmd
}

func (p *program) transfersList(ctx context.Context, a *app.App, filter transfers.Filter) error {
	if err := onRecord(ctx, a, filter.Subject, filter.Recipient); err != nil {
		return err
	}
	return a.View(ctx, func(s projections.Snapshot) error {
		cards, err := transfers.Recipients(ctx, s)
		if err != nil {
			return err
		}
		names := map[domain.RecipientID]string{}
		for _, c := range cards {
			names[c.ID] = c.Name
		}
		g := grid{head: []string{"when", "subject", "field", "recipient", "basis", "purpose"}, wide: []int{20, 8, 14, 20, 14, 14}}
		for t, err := range transfers.List(ctx, s, filter) {
			if err != nil {
				return err
			}
			if p.json {
				if err := p.answer(transferJSON(t, names[t.Recipient])); err != nil {
					return err
				}
				continue
			}
			g.add(when(t.Occurred), t.Subject.String()[:8], string(t.Field), names[t.Recipient],
				string(t.Basis.Kind)+" "+t.Basis.Kind.Clause(), string(t.Purpose))
		}
		if !p.json {
			g.print(p.Out, "no transfer is recorded that the filter lets through")
		}
		return nil
	})
}

func transferJSON(t transfers.Transfer, name string) map[string]any {
	details := map[string]string{}
	for _, d := range t.Basis.Details {
		details[d.Name] = d.Value
	}
	out := map[string]any{"transfer": t.ID, "subject": t.Subject, "field": t.Field, "epoch": t.Epoch, "occurred": when(t.Occurred),
		"recorded": when(t.Recorded), "recipient": t.Recipient, "recipientName": name, "recipientKind": t.Kind, "country": t.Country,
		"basis": t.Basis.Kind, "clause": t.Basis.Kind.Clause(), "details": details, "abroad": t.Abroad, "purpose": t.Purpose,
		"grounds": t.Grounds, "service": t.Service, "policy": t.Policy, "actor": strings.Join([]string{string(t.Actor.Kind), string(t.Actor.ID)}, ":")}
	if t.Basis.ID != uuid.Nil {
		out["basisId"] = t.Basis.ID
	}
	return out
}
