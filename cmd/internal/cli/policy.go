package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain/policy"
)

func (p *program) policy() *cobra.Command {
	var yaml, current bool
	var version string
	show := &cobra.Command{
		Use:     "show",
		Short:   "Show the policy in force: fields, purposes, grounds, services, recipients, retention, roles, law",
		Example: "  litopys policy show\n  litopys policy show --yaml > my-policy.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if current || version != "" {
				return p.policyText(cmd.Context(), version)
			}
			return p.policyShow(yaml)
		},
	}
	show.Flags().BoolVar(&yaml, "yaml", false, "print the built-in file, as a beginning for one's own")
	show.Flags().BoolVar(&current, "current", false, "print the text that the ledger's policy in force has, published versions included")
	show.Flags().StringVar(&version, "version", "", "print the text of this version, configured or published: what a consent was given for")
	show.MarkFlagsMutuallyExclusive("yaml", "current", "version")
	check := &cobra.Command{
		Use:     "check [FILE]",
		Short:   "Check a policy file; warn about weak places of the policy itself",
		Example: "  litopys policy check my-policy.yaml",
		Args:    cobra.MaximumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return p.policyCheck(args) },
	}
	clauses := &cobra.Command{
		Use:     "clauses",
		Short:   "List every clause with the events and rules that carry it",
		Example: "  litopys policy clauses",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return p.policyClauses() },
	}
	return p.noun("policy", "The published policy that the ledger obeys", show, check, clauses, p.policyPublish(), p.policyNotice())
}

func (p *program) policyShow(yaml bool) error {
	if yaml {
		_, err := p.Out.Write(policy.ImagineYAML())
		return err
	}
	pol, err := app.Policy(p.cfg.Config)
	if err != nil {
		return err
	}
	if p.json {
		return p.answer(policyJSON(pol))
	}
	pairs(p.Out, [2]string{"policy", pol.Name}, [2]string{"version", pol.Version},
		[2]string{"in force from", pol.EffectiveFrom.Format("2006-01-02")}, [2]string{"accepted by", pol.Acceptance},
		[2]string{"law", string(pol.GoverningLaw)}, [2]string{"text SHA-256", pol.TextHash})
	p.heading("Fields")
	g := grid{head: []string{"field", "kind", "category", "sources", "found by", "kept"}, wide: []int{18, 9, 10, 18, 8, 26}}
	for _, f := range pol.Fields {
		g.add(string(f.ID), string(f.Kind), f.Category, strings.Join(f.Sources, " "), string(f.Form), strings.Join(f.Retention, " "))
	}
	g.print(p.Out, "none")
	p.policyLists(pol)
	return nil
}

// list prints one of the policy's lists with ids and titles.
func (p *program) list(title string, rows [][]string) {
	p.heading(title)
	g := grid{head: []string{"id", "title", ""}, wide: []int{20, 56, 20}, rows: rows}
	g.print(p.Out, "none")
}

func (p *program) policyLists(pol *policy.Policy) {
	var purposes, grounds, services, kinds, methods, roles, abroad [][]string
	for _, x := range pol.Purposes {
		purposes = append(purposes, []string{string(x.ID), x.Title, "clause " + strings.Join(x.Clauses, ", ")})
	}
	for _, x := range pol.Grounds {
		grounds = append(grounds, []string{string(x.ID), x.Title, "GDPR " + x.GDPR})
	}
	for _, x := range pol.Services {
		services = append(services, []string{string(x.ID), x.Title, ""})
	}
	for _, x := range pol.RecipientKinds {
		kinds = append(kinds, []string{string(x.ID), x.Title, ""})
	}
	for _, x := range pol.Identification {
		methods = append(methods, []string{x.ID, x.Title, ""})
	}
	for _, x := range pol.Roles {
		roles = append(roles, []string{x.ID, x.Title, ""})
	}
	for _, x := range pol.Abroad {
		abroad = append(abroad, []string{x.ID, x.Title, ""})
	}
	p.list("Purposes", purposes)
	p.list("Grounds", grounds)
	p.list("Services", services)
	p.list("Kinds of recipients", kinds)
	p.list("Identification", methods)
	p.list("Roles", roles)
	p.list("Transfers abroad", abroad)
	p.retentionSchedule(pol)
	p.lawPack(pol.Pack())
}

// policyJSON is the policy's vocabulary for scripts.
func policyJSON(pol *policy.Policy) any {
	type entry struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	out := map[string]any{"policy": pol.Name, "version": pol.Version, "effectiveFrom": pol.EffectiveFrom.Format("2006-01-02"), "textHash": pol.TextHash}
	var fields []map[string]any
	for _, f := range pol.Fields {
		fields = append(fields, map[string]any{"id": f.ID, "title": f.Title, "kind": f.Kind, "category": f.Category,
			"sources": f.Sources, "purposes": f.Purposes, "retention": f.Retention, "findable": f.Findable(), "maxBytes": f.MaxBytes})
	}
	out["fields"] = fields
	lists := map[string][]entry{}
	for _, x := range pol.Purposes {
		lists["purposes"] = append(lists["purposes"], entry{string(x.ID), x.Title})
	}
	for _, x := range pol.Grounds {
		lists["grounds"] = append(lists["grounds"], entry{string(x.ID), x.Title})
	}
	for _, x := range pol.Services {
		lists["services"] = append(lists["services"], entry{string(x.ID), x.Title})
	}
	for _, x := range pol.RecipientKinds {
		lists["recipientKinds"] = append(lists["recipientKinds"], entry{string(x.ID), x.Title})
	}
	for _, x := range pol.Roles {
		lists["roles"] = append(lists["roles"], entry{x.ID, x.Title})
	}
	for name, list := range lists {
		out[name] = list
	}
	out["retention"], out["law"] = scheduleJSON(pol), packJSON(pol.Pack())
	return out
}

func (p *program) policyCheck(args []string) error {
	cfg := config.Config{Policy: p.cfg.Policy}
	if len(args) == 1 {
		cfg.Policy = args[0]
	}
	pol, err := app.Policy(cfg)
	if err != nil {
		return err
	}
	warnings := pol.Check()
	if p.json {
		return p.answer(map[string]any{"ok": true, "version": pol.Version, "warnings": warningsJSON(warnings)})
	}
	pairs(p.Out, [2]string{"policy", pol.Name + " " + pol.Version}, [2]string{"file", "sound"})
	for _, w := range warnings {
		fmt.Fprintf(p.Out, "\nwarning [clause %s]: %s\n  remedy: %s\n", w.Clause, w.Message, w.Remedy)
	}
	return nil
}

func (p *program) policyClauses() error {
	pol, err := app.Policy(p.cfg.Config)
	if err != nil {
		return err
	}
	g := grid{head: []string{"clause", "says", "events", "rules"}, wide: []int{11, 36, 23, 24}}
	for _, c := range pol.Clauses {
		if p.json {
			if err := p.answer(map[string]any{"clause": c.ID, "says": c.Says, "events": c.Events, "rules": c.Rules, "pending": c.Pending}); err != nil {
				return err
			}
			continue
		}
		says := c.Says
		if c.Pending != "" {
			says += " (not carried yet: " + c.Pending + ")"
		}
		g.add(c.ID, says, strings.Join(c.Events, " "), strings.Join(c.Rules, " "))
	}
	if !p.json {
		g.print(p.Out, "the policy names no clause")
	}
	return nil
}

func warningsJSON(list []policy.Warning) []map[string]string {
	out := []map[string]string{}
	for _, w := range list {
		out = append(out, map[string]string{"clause": w.Clause, "message": w.Message, "remedy": w.Remedy})
	}
	return out
}
