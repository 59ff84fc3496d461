package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

// maxPolicy bounds a policy file that is read.
const maxPolicy = 1 << 20

func (p *program) policyPublish() *cobra.Command {
	var a act
	cmd := &cobra.Command{
		Use:   "publish FILE",
		Short: "Publish a new version of the policy (clause 6.1)",
		Long: "Record a new version of the policy, whole. It holds from the day that it names, or from its posting; what happens\n" +
			"from then on is decided by it. Other processes hear of it within a minute: let it begin on a later day. Then tell\n" +
			"the users: litopys policy notice.",
		Example: "  litopys policy publish policy-2027.yaml --actor employee:e-17 --purpose contact --grounds ua.11.1.5 --service site",
		Args:    cobra.ExactArgs(1),
	}
	addAct(cmd, &a)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		op, err := p.operation(a, p.cfg.Act)
		if err != nil {
			return err
		}
		src, err := p.readAll(args[0], maxPolicy)
		if err != nil {
			return err
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			return p.record(cmd.Context(), a, policy.Publish{Operation: op, Source: string(src)}, nil)
		})
	}
	return cmd
}

// policyText prints the text in force, as the site shows it, with what comes next; or that of a version.
func (p *program) policyText(ctx context.Context, version string) error {
	return p.with(ctx, func(a *app.App) error {
		shown := a.Policy
		if version != "" {
			var known bool
			if shown, known = a.Policies.ByVersion(version); !known {
				return domain.Refuse("policy.unknown", "6.1", "see: litopys policy show --current", "the ledger knows no such version of the policy").WithKind(domain.Unknown)
			}
		}
		var coming []string
		for _, v := range a.Policies.Versions() {
			if v.EffectiveFrom.After(p.now()) {
				coming = append(coming, v.Version+" from "+when(v.EffectiveFrom.Time))
			}
		}
		if p.json {
			return p.answer(map[string]any{"policy": shown.Name, "version": shown.Version, "effectiveFrom": when(shown.EffectiveFrom.Time),
				"textHash": shown.TextHash, "text": shown.Text, "coming": coming})
		}
		p.say("%s %s, from %s, SHA-256 %s", shown.Name, shown.Version, when(shown.EffectiveFrom.Time), shown.TextHash)
		for _, c := range coming {
			p.say("coming: version %s", c)
		}
		_, err := fmt.Fprint(p.Out, shown.Text)
		return err
	})
}
