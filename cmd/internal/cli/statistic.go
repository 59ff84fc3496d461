package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	counts "imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/statistics"
	"imagine.ua/litopys/projections/statistics/noise"
)

// maxPlan bounds the file of a plan that is read.
const maxPlan = 1 << 20

func (p *program) statistic() *cobra.Command {
	return p.noun("statistic", "Figures of a month that outlive the persons in them", p.statisticShow(), p.statisticPublish(), p.statisticList(), p.statisticPlan())
}

// planFlag adds --plan and gives how to read it.
func (p *program) planFlag(cmd *cobra.Command) func() (*counts.Plan, error) {
	var file string
	cmd.Flags().StringVar(&file, "plan", "", "file that says what is counted; not looser than the built-in one (default: the built-in one)")
	return func() (*counts.Plan, error) {
		if file == "" {
			return counts.Builtin(), nil
		}
		text, err := p.readAll(file, maxPlan)
		if errors.Is(err, errUsage) {
			return nil, err
		}
		if err != nil {
			return nil, usage("name a file that can be read, or - for standard input", "--plan: %s", visible(err.Error()))
		}
		plan, err := counts.Load(text)
		return plan, planError(file, err)
	}
}

// planError names all that is wrong in the file of a plan.
func planError(file string, err error) error {
	var invalid *counts.InvalidError
	if !errors.As(err, &invalid) {
		return err
	}
	var problems []string
	for _, problem := range invalid.Problems {
		problems = append(problems, visible(shorten(file))+": "+problem.String())
	}
	return usageAll("mend the file; a sound one: litopys statistic plan", problems)
}

func parseMonth(text string) (domain.Month, error) {
	m := domain.Month(text)
	if _, _, ok := counts.Span(m); !ok {
		return "", usage("write it as 2026-01", "%q is no month", visible(shorten(text)))
	}
	return m, nil
}

func (p *program) statisticShow() *cobra.Command {
	var open bool
	var only string
	cmd := &cobra.Command{
		Use:   "show MONTH",
		Short: "Show the published figures of a month, as tables and bars",
		Long: "Show the published figures of a month, as tables and bars. They are facts: no erasure changes them. With\n" +
			"--open a month that is not published is counted now, for the roles that the built-in plan names: no value is\n" +
			"opened, small cells are hidden, and the figures are pseudonymous all the same, because those of two days can\n" +
			"be subtracted. A month that is published is never counted again.",
		Example: "  litopys statistic show 2026-01\n  litopys statistic show --open 2026-02 --role officer",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&open, "open", false, "count a month that is not published")
	cmd.Flags().StringVar(&only, "table", "", "this table only")
	cmd.Flags().String("role", "", "role under which an open month is seen, a name of the policy")
	plan := p.planFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		month, err := parseMonth(args[0])
		if err != nil {
			return err
		}
		by, err := plan()
		if err != nil {
			return err
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			if open {
				return p.showOpen(cmd.Context(), a, month, by, only)
			}
			return p.showPublished(cmd.Context(), a, month, only)
		})
	}
	return cmd
}

func (p *program) showPublished(ctx context.Context, a *app.App, month domain.Month, only string) error {
	m, closed, err := published(ctx, a, month)
	if err != nil {
		return err
	}
	if !closed {
		return domain.Refuse("statistics.not-published", "2.2.5", "publish it: litopys statistic publish "+string(month)+", or see it with --open",
			"the month %s is not published", month).WithKind(domain.Unknown)
	}
	whole := m.Published
	if m.Tables, err = picked(m.Tables, only); err != nil {
		return err
	}
	if p.json {
		return p.answer(monthJSON(m, true))
	}
	pairs(p.Out, [2]string{"month", string(m.Period)}, [2]string{"class", string(counts.Anonymous)}, [2]string{"published", when(m.At)},
		[2]string{"by", actor(m.Actor)}, [2]string{"plan", m.Plan}, [2]string{"opened", openedText(m.Opened)}, [2]string{"budget", budgetText(whole)})
	if note := roundedText(m.Tables); note != "" {
		p.wrapped(note)
	}
	p.figures(m.Tables)
	return nil
}

// published gives what is published of a month.
func published(ctx context.Context, a *app.App, month domain.Month) (m statistics.Month, closed bool, err error) {
	err = a.View(ctx, func(s projections.Snapshot) (err error) {
		m, closed, err = statistics.Get(ctx, s, month)
		return err
	})
	return m, closed, err
}

// picked gives one table, or all of them when none is named.
func picked(tables []counts.Table, only string) ([]counts.Table, error) {
	if only == "" {
		return tables, nil
	}
	ids := make([]string, len(tables))
	for i, t := range tables {
		if ids[i] = t.ID; t.ID == only {
			return tables[i : i+1], nil
		}
	}
	return nil, usage("use one of: "+strings.Join(ids, ", "), "--table: the month has no table %q", visible(shorten(only)))
}

// showOpen counts a month without opening a value.
func (p *program) showOpen(ctx context.Context, a *app.App, month domain.Month, plan *counts.Plan, only string) error {
	// Who may see is the ledger's own rule: the caller's file has no say in it.
	own := counts.Builtin()
	if err := own.MaySee(p.cfg.Act.Role, a.Policy); err != nil {
		return err
	}
	if err := plan.Keeps(own); err != nil {
		return err
	}
	_, closed, err := published(ctx, a, month)
	if err != nil {
		return err
	}
	if closed {
		return domain.Refuse("statistics.published", "4.2", "read what was published: litopys statistic show "+string(month),
			"the month %s is published, and the difference of two counts would be whoever was erased between them", month).WithKind(domain.Conflict)
	}
	c, err := p.counter(ctx, a, month, plan, nil)
	if err != nil {
		return err
	}
	tables, err := picked(c.OpenTables(), only)
	if err != nil {
		return err
	}
	if p.json {
		return p.answer(map[string]any{"period": month, "class": counts.Pseudonymous, "plan": plan.Version, "counted": c.Counted(), "tables": tablesJSON(tables)})
	}
	pairs(p.Out, [2]string{"month", string(month)}, [2]string{"class", string(counts.Pseudonymous) + ": personal data; small cells are hidden; do not pass them on"},
		[2]string{"plan", plan.Version})
	p.figures(tables)
	return nil
}

// counter counts a month from the log. Without an opener no value is opened.
func (p *program) counter(ctx context.Context, a *app.App, month domain.Month, plan *counts.Plan, o projections.Opener) (*statistics.Counter, error) {
	cfg := statistics.Counting{Period: month, Plan: plan, Policy: a.Policy, Opener: o}
	start := uint64(0)
	err := a.View(ctx, func(s projections.Snapshot) (err error) {
		if cfg.Barred, err = statistics.WhoIsBarred(ctx, s, a.Policy); err != nil {
			return err
		}
		start, err = statistics.Start(ctx, s, month)
		return err
	})
	if err != nil {
		return nil, err
	}
	c, err := statistics.NewCounter(cfg)
	if err != nil {
		return nil, err
	}
	return c, c.Count(ctx, a.Journal.ReadAll(ctx, start))
}

func (p *program) statisticPublish() *cobra.Command {
	var a act
	var noised bool
	cmd := &cobra.Command{
		Use:   "publish MONTH",
		Short: "Close a month: count it once and publish the figures for ever",
		Long: "Close a month: count it once and publish the figures for ever. The month must be over and have somebody to\n" +
			"count. Browser and page are opened for counting. What is recorded of the month later is in no figure. Small\n" +
			"cells are left out, and some beside them; every figure, totals too, is rounded up or down to a multiple of\n" +
			"the plan's base by a secret chance, so that no two figures subtract to a person. The secret of the month is\n" +
			"random, made for the publication and destroyed with it. With --noise the tables get the noise of\n" +
			"differential privacy instead, and say which epsilon they spent.",
		Example: "  litopys statistic publish 2026-01 --actor employee:e-17 --purpose statistics --grounds ua.11.1.6 --service site",
		Args:    cobra.ExactArgs(1),
	}
	addAct(cmd, &a)
	cmd.Flags().BoolVar(&noised, "noise", false, "add the noise of differential privacy")
	plan := p.planFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		month, err := parseMonth(args[0])
		if err != nil {
			return err
		}
		by, err := plan()
		if err != nil {
			return err
		}
		op, err := p.operation(a, p.cfg.Act)
		if err != nil {
			return err
		}
		return p.with(cmd.Context(), func(a *app.App) error { return p.publishMonth(cmd.Context(), a, op, month, by, noised) })
	}
	return cmd
}

func (p *program) publishMonth(ctx context.Context, a *app.App, op domain.Operation, month domain.Month, plan *counts.Plan, noised bool) error {
	m, closed, err := published(ctx, a, month)
	if err != nil {
		return err
	}
	stream, key := domain.StatisticsStream(month), op.Spec().Key
	if closed && m.Event == domain.EventID(stream, key, 0) {
		return p.receipt(receipt{Stream: stream, Events: []uuid.UUID{m.Event}, Key: key, Recorded: "before"})
	}
	if err := plan.Keeps(counts.Builtin()); err != nil {
		return err
	}
	intent := counts.Publish{Operation: op, Period: month}
	for _, f := range plan.Opens() {
		intent.Opened = append(intent.Opened, counts.Opened{Field: f})
	}
	in, ok := a.Policies.At(op.Spec().At)
	if !ok {
		in = a.Policy // the ledger refuses
	}
	// Nothing is opened for a publication that would be refused.
	if err := counts.Allowed(counts.Case{Command: intent, Policy: in, Plan: counts.Builtin()}, counts.State{Published: closed}); err != nil {
		return err
	}
	c, err := p.counter(ctx, a, month, plan, app.Opener{Journal: a.Journal})
	if err != nil {
		return err
	}
	if c.Empty() {
		return domain.Refuse("statistics.empty", "2.2.5", "check the month: closed once, it takes no figures any more",
			"nothing that can be counted is recorded of the month %s", month)
	}
	publication, err := publicationOf(c, op, noised)
	if err != nil {
		return err
	}
	if err := p.record(ctx, a, publication, nil); err != nil {
		return err
	}
	p.say("the figures stand for ever: litopys statistic show %s", month)
	return nil
}

// publicationOf makes the command under a secret that does not outlive the call.
func publicationOf(c *statistics.Counter, op domain.Operation, noised bool) (counts.Publish, error) {
	if noised {
		return c.Publication(op, noise.Laplace{}, nil)
	}
	secret := new(counts.Secret)
	defer clear(secret[:])
	if _, err := rand.Read(secret[:]); err != nil {
		return counts.Publish{}, fmt.Errorf("secret of the month: %w", err)
	}
	return c.Publication(op, nil, secret)
}

func (p *program) statisticList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the months that are published",
		Example: "  litopys statistic list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(a *app.App) error { return p.listMonths(cmd.Context(), a) })
		},
	}
}

func (p *program) statisticPlan() *cobra.Command {
	return &cobra.Command{
		Use:   "plan",
		Short: "Print the built-in plan of what is counted, as a beginning for one's own",
		Long: "Print the built-in plan of what is counted, as a beginning for one's own. A plan of one's own may count other\n" +
			"tables, show other labels and be stricter; the ledger refuses a smaller cell, a finer rounding, a larger\n" +
			"budget and a larger delta than the built-in plan's. Who may see an open month is the built-in plan's to say.",
		Example: "  litopys statistic plan > my-plan.yaml\n  litopys statistic publish 2026-01 --plan my-plan.yaml",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := p.Out.Write(counts.BuiltinYAML())
			return err
		},
	}
}

func (p *program) listMonths(ctx context.Context, a *app.App) error {
	var list []statistics.Month
	err := a.View(ctx, func(s projections.Snapshot) (err error) {
		list, err = statistics.Published(ctx, s)
		return err
	})
	if err != nil {
		return err
	}
	g := grid{head: []string{"month", "class", "published", "by", "plan", "opened"}, wide: []int{7, 20, 20, 20, 8, 24}}
	for _, m := range list {
		if p.json {
			if err := p.answer(monthJSON(m, false)); err != nil {
				return err
			}
			continue
		}
		g.add(string(m.Period), string(counts.Anonymous), when(m.At), actor(m.Actor), m.Plan, openedText(m.Opened))
	}
	if !p.json {
		g.print(p.Out, "no month is published")
	}
	return nil
}
