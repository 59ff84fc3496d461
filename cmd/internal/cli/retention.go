package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/cmd/internal/retention"
	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
)

const retentionHelp = `End the retention of every value whose term is over: for each subject the fact is recorded, then his keys are
destroyed, then their certificates are written. A value that a legal hold keeps stays, and is told with the hold.
Run it every night. A run that was cut short is simply repeated.

Without --actor it is the actor system:retention that acts; without --grounds, on the duty that the law imposes
(GDPR art. 6(1)(c)).`

func (p *program) retention() *cobra.Command {
	var a act
	var dry bool
	cmd := &cobra.Command{
		Use:     "run",
		Short:   "Destroy what has come due",
		Long:    retentionHelp,
		Example: "  litopys retention run --dry-run\n  litopys retention run --json",
		Args:    cobra.NoArgs,
	}
	addWho(cmd)
	cmd.Flags().StringVar(&a.key, "key", "", "idempotency key of the run (default: a new one)")
	cmd.Flags().StringVar(&a.at, "at", "", "with --dry-run: what will be due then, RFC 3339 or a date (default: now)")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "tell what would be destroyed, and record nothing")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if a.at != "" && !dry {
			return usage("leave it out, or add --dry-run", "a term ends when it is over, so --at goes with --dry-run only")
		}
		return p.with(cmd.Context(), func(app *app.App) error { return p.runRetention(cmd.Context(), app, a, dry) })
	}
	return p.noun("retention", "Values that are kept for a term", cmd)
}

func (p *program) runRetention(ctx context.Context, a *app.App, flags act, dry bool) error {
	who, err := dutiful(a.Policy, p.cfg.Act)
	if err != nil {
		return err
	}
	op, err := p.operation(flags, who)
	if err != nil {
		return err
	}
	cfg := retention.Config{
		Journal: a.Journal, Ledger: ledger.New(a.Journal, ledger.Config{Policy: a.Policies, Parallel: retention.Parallel}),
		Policy: a.Policy, Operation: op.Spec(), Report: p.retentionProgress(),
	}
	do := retention.Run
	if dry {
		do = retention.Plan
	}
	result, err := do(ctx, cfg)
	if err != nil {
		return err
	}
	return p.printRetention(result, dry)
}

// dutiful fills in who runs and why: a program, on the duty that the law imposes, in the first service and for
// the first purpose that the policy permits on it.
func dutiful(pol *policy.Policy, who config.Act) (config.Act, error) {
	who.Actor = cmp.Or(who.Actor, "system:retention")
	for _, g := range pol.Grounds {
		if g.GDPR == "6.1.c" {
			who.Grounds = cmp.Or(who.Grounds, string(g.ID))
		}
	}
	for _, s := range pol.Services {
		for _, u := range pol.Purposes {
			service, purpose := cmp.Or(who.Service, string(s.ID)), cmp.Or(who.Purpose, string(u.ID))
			op, err := domain.NewOperation(domain.OperationSpec{Key: "duty", Actor: domain.Actor{Kind: domain.ActorSystem, ID: "retention"},
				At: time.Unix(0, 0), Purpose: domain.Purpose(purpose), Grounds: domain.Grounds(who.Grounds), Service: domain.Service(service)})
			if err == nil && pol.Permit(op) == nil {
				who.Service, who.Purpose = service, purpose
				return who, nil
			}
		}
	}
	return who, usage("see: litopys policy show", "the policy permits no operation with this service, purpose and grounds")
}

// retentionProgress tells now and then how far a run is.
func (p *program) retentionProgress() func(retention.Result) {
	last := time.Now()
	return func(r retention.Result) {
		if now := time.Now(); now.Sub(last) >= between {
			last = now
			p.say("%d keys of %d subjects so far", retention.Total(r.Destroyed), r.Subjects)
		}
	}
}

func (p *program) printRetention(r retention.Result, dry bool) error {
	if p.json {
		held := map[string]int{}
		for hold, n := range r.Held {
			held[hold.String()] = n
		}
		return p.answer(map[string]any{"dryRun": dry, "subjects": r.Subjects, "keys": retention.Total(r.Destroyed), "byRule": r.Destroyed,
			"heldBy": held, "refused": r.Left, "certified": r.Certified})
	}
	what, fate := "destroyed", "destroyed, with certificates"
	if dry {
		p.say("nothing is recorded; this is what a run would do")
		what, fate = "due", "would be destroyed"
	}
	pairs(p.Out, [2]string{"subjects", fmt.Sprint(r.Subjects)}, [2]string{"keys " + what, fmt.Sprint(retention.Total(r.Destroyed))})
	g := grid{head: []string{"why", "keys", "what"}, wide: []int{48, 10, 36}}
	for _, rule := range slices.Sorted(maps.Keys(r.Destroyed)) {
		g.add("term of "+rule, fmt.Sprint(r.Destroyed[rule]), fate)
	}
	for _, hold := range slices.SortedFunc(maps.Keys(r.Held), func(a, b domain.HoldID) int { return cmp.Compare(a.String(), b.String()) }) {
		g.add("hold "+hold.String(), fmt.Sprint(r.Held[hold]), "kept beyond the term (clause 4.3)")
	}
	for _, code := range slices.Sorted(maps.Keys(r.Left)) {
		g.add("refused: "+code, fmt.Sprint(r.Left[code]), "left as it is")
	}
	if len(g.rows) > 0 {
		fmt.Fprintln(p.Out)
		g.print(p.Out, "")
	}
	return nil
}
