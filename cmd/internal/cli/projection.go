package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/projections"
)

func (p *program) projection() *cobra.Command {
	status := &cobra.Command{
		Use:     "status",
		Short:   "Show where every answer stands against the log",
		Example: "  litopys projection status",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(a *app.App) error { return p.status(cmd.Context(), a) })
		},
	}
	return p.noun("projection", "The answers that are computed from the log", status, p.projectionRebuild(), p.projectionRollback(), p.projectionRun())
}

func (p *program) projectionRebuild() *cobra.Command {
	var check bool
	c := &cobra.Command{
		Use:   "rebuild [NAME...]",
		Short: "Compute answers again from the log, beside the old ones, and switch",
		Long: "Compute answers again from the log, beside the old ones, and switch in one step when they are level. A\n" +
			"rebuild that was stopped goes on where it stopped; the answers before it stay for \"projection rollback\".\n" +
			"With --check nothing is switched or written: the answers as they are are compared with what the log gives,\n" +
			"and a difference ends with exit code 5 and names the first table and row. Names: as \"projection status\" says.",
		Example: "  litopys projection rebuild\n  litopys projection rebuild profile consents\n  litopys projection rebuild --check --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := knownAnswers(args); err != nil {
				return err
			}
			return p.with(cmd.Context(), func(a *app.App) error {
				if check {
					return p.compare(cmd.Context(), a, args)
				}
				return p.rebuild(cmd.Context(), a, args)
			})
		},
	}
	c.Flags().BoolVar(&check, "check", false, "compare only: a fresh fold of the log with the answers as they are")
	return c
}

func (p *program) projectionRollback() *cobra.Command {
	return &cobra.Command{
		Use:   "rollback [NAME...]",
		Short: "Bring back the answers before the last rebuild",
		Long: "Bring back the answers that were shown before the last rebuild, in one step. They go on from where they stood.\n" +
			"The same command again brings the newer ones back.",
		Example: "  litopys projection rollback profile",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := knownAnswers(args); err != nil {
				return err
			}
			return p.with(cmd.Context(), func(a *app.App) error {
				if err := a.Engine.Rollback(cmd.Context(), args...); err != nil {
					return err
				}
				return p.status(cmd.Context(), a)
			})
		},
	}
}

// knownAnswers refuses names of answers that there are not.
func knownAnswers(names []string) error {
	known := map[string]bool{}
	for _, x := range app.Projections() {
		known[x.Name] = true
	}
	for _, n := range names {
		if !known[n] {
			return usage("see: litopys projection status", "no answer is called %q", visible(shorten(n)))
		}
	}
	return nil
}

func (p *program) projectionRun() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Follow the log and keep the answers level until interrupted",
		Long: "Follow the log and keep the answers level until interrupted. Without it every question brings them level\n" +
			"first. Of several that run on one PostgreSQL one leads and the others take over when it dies. While a\n" +
			"server is away it waits for it.",
		Example: "  litopys projection run --log-level info",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.say("following the log of %s", app.Place(p.cfg.Config))
			err := app.Follow(cmd.Context(), app.Options{Config: p.cfg.Config, Logger: p.logger()})
			if cmd.Context().Err() != nil {
				return nil // asked to stop; every batch is whole
			}
			return err
		},
	}
}

func (p *program) status(ctx context.Context, a *app.App) error {
	list, err := a.Engine.Status(ctx)
	if err != nil {
		return err
	}
	g := grid{head: []string{"answer", "version", "build", "position", "lag", "events", "state"}, wide: []int{12, 7, 5, 12, 10, 10, 34}}
	for _, s := range list {
		state := "level"
		switch {
		case s.Problem != nil:
			state = s.Problem.Error()
		case s.Lag > 0:
			state = "behind; the next question brings it level"
		}
		if p.json {
			if err := p.answer(map[string]any{"projection": s.Projection, "version": s.Version, "build": s.Build, "position": s.Position,
				"head": s.Head, "lag": s.Lag, "lagEvents": s.Behind.Events, "lagMore": s.Behind.More, "lagSeconds": s.Behind.Time.Seconds(), "gap": s.Gap,
				"events": s.Events, "state": state, "rebuilding": s.Next != nil, "rollback": s.Old != nil}); err != nil {
				return err
			}
			continue
		}
		g.add(s.Projection, fmt.Sprint(s.Version), fmt.Sprint(s.Build), fmt.Sprint(s.Position), fmt.Sprint(s.Lag), fmt.Sprint(s.Events), state)
	}
	if !p.json {
		g.print(p.Out, "none")
	}
	return nil
}

// told says how far a long fold is: each stage, and while the log is read every few seconds.
func (p *program) told() func(projections.Progress) {
	var last projections.Progress
	return func(g projections.Progress) {
		if g.Stage == last.Stage && g.Elapsed-last.Elapsed < 2*time.Second {
			return
		}
		last = g
		switch {
		case g.Stage == projections.Loading && g.Left > 0:
			p.say("%s: %d events, %.0f events/s, %s left", g.Stage, g.Events, g.Rate, g.Left.Round(time.Second))
		case g.Rows > 0:
			p.say("%s: %d events, %d rows", g.Stage, g.Events, g.Rows)
		default:
			p.say("%s: %d events", g.Stage, g.Events)
		}
	}
}

// compared is an answer that differs from the log: files of answers are damaged, the log is not.
type compared struct{ error }

func (c compared) Is(target error) bool { return target == eventstore.ErrCorrupt }
func (c compared) Unwrap() error        { return c.error }

func (p *program) compare(ctx context.Context, a *app.App, names []string) error {
	list, err := a.Engine.Check(ctx, names, p.told())
	g := grid{head: []string{"answer", "table", "position", "rows", "digest", "state"}, wide: []int{12, 20, 12, 10, 16, 40}}
	for _, c := range list {
		state := "equal"
		if c.Difference != "" {
			state = c.Difference
		}
		if p.json {
			if err := p.answer(map[string]any{"projection": c.Projection, "table": c.Table, "position": c.Position, "rows": c.Live.Rows, "freshRows": c.Fresh.Rows,
				"digest": hex.EncodeToString(c.Live.Digest[:]), "freshDigest": hex.EncodeToString(c.Fresh.Digest[:]), "equal": c.Difference == "", "difference": visible(c.Difference)}); err != nil {
				return err
			}
			continue
		}
		g.add(c.Projection, c.Table, fmt.Sprint(c.Position), fmt.Sprint(c.Live.Rows), hex.EncodeToString(c.Live.Digest[:8]), visible(state))
	}
	if !p.json && len(list) > 0 {
		g.print(p.Out, "none")
	}
	if errors.Is(err, projections.ErrMismatch) {
		return compared{fmt.Errorf("%w; litopys projection rebuild computes them anew", err)}
	}
	return err
}

func (p *program) rebuild(ctx context.Context, a *app.App, names []string) error {
	var last projections.Progress
	told := p.told()
	err := a.Engine.Rebuild(ctx, names, func(g projections.Progress) {
		told(g)
		last = g
	})
	if err != nil {
		return err
	}
	if p.json {
		return p.answer(map[string]any{"events": last.Events, "seconds": last.Elapsed.Seconds(), "position": last.Position})
	}
	took := last.Elapsed.Round(time.Millisecond)
	pairs(p.Out, [2]string{"rebuilt from", fmt.Sprintf("%d events", last.Events)}, [2]string{"took", took.String()})
	if s := last.Elapsed.Seconds(); s > 0 {
		p.say("%.0f events/s", float64(last.Events)/s)
	}
	return nil
}
