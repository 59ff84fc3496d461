package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
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
	rebuild := &cobra.Command{
		Use:   "rebuild [NAME...]",
		Short: "Compute answers again from the log, beside the old ones, and switch",
		Long: "Compute answers again from the log, beside the old ones, and switch in one step when they are level. A\n" +
			"rebuild that was stopped goes on where it stopped. Names: profile, history, consents, transfers.",
		Example: "  litopys projection rebuild\n  litopys projection rebuild profile consents",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(a *app.App) error { return p.rebuild(cmd.Context(), a, args) })
		},
	}
	return p.noun("projection", "The answers that are computed from the log", status, rebuild, p.projectionRun())
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
				"head": s.Head, "lag": s.Lag, "events": s.Events, "state": state, "rebuilding": s.Next != nil}); err != nil {
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

func (p *program) rebuild(ctx context.Context, a *app.App, names []string) error {
	known := map[string]bool{}
	for _, x := range app.Projections() {
		known[x.Name] = true
	}
	for _, n := range names {
		if !known[n] {
			return usage("see: litopys projection status", "no answer is called %q", visible(shorten(n)))
		}
	}
	var last projections.Progress
	err := a.Engine.Rebuild(ctx, names, func(g projections.Progress) {
		if g.Stage != last.Stage {
			p.say("%s: %d events", g.Stage, g.Events)
		}
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
