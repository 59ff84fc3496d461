package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/projections"
)

const statusHelp = `Show where every answer stands against the log. What is behind is brought level by
the next question, or by "projection run".

  build     number of the rows that are shown
  old       number of the rows that "projection rollback" would bring back
  position  up to which the rows stand for the log
  lag       positions still to go
  gap       positions to the answer that is furthest: two answers with a gap stand for different moments
  events    folded into the rows
  state     level; behind, for how long; a rebuild was begun; or why it stands still

--json has one object for each answer.

Exit codes: 0 whatever the state is; 5 when rows on a server are of another
ledger, as for every question. In a data folder such files are put aside first
(read.db.foreign), and the answers begin anew.`

func (p *program) projection() *cobra.Command {
	status := &cobra.Command{
		Use:     "status",
		Short:   "Show where every answer stands against the log",
		Long:    statusHelp,
		Example: "  litopys projection status\n  litopys projection status --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(a *app.App) error { return p.status(cmd.Context(), a) })
		},
	}
	return p.noun("projection", "The answers that are computed from the log", status, p.projectionRebuild(), p.projectionRollback(), p.projectionRun())
}

const rebuildHelp = `Compute answers again from the log, beside the old ones, and switch in one step
when they are level. A rebuild that was stopped goes on where it stopped; the
answers before it stay for "projection rollback". Names are those of "projection
status"; without names all answers are computed.

With --check nothing is switched or written: the answers as they are are compared
with what the log gives. The first table and row that differ are named.

Exit codes: 0 done, or equal; 1 also when there is no answer yet to compare with;
2 for a name that there is not; 5 when --check finds a difference.`

func (p *program) projectionRebuild() *cobra.Command {
	var check bool
	c := &cobra.Command{
		Use:     "rebuild [NAME...]",
		Short:   "Compute answers again beside the old ones, then switch",
		Long:    rebuildHelp,
		Example: "  litopys projection rebuild\n  litopys projection rebuild profile consents\n  litopys projection rebuild --check --json",
		Args:    cobra.ArbitraryArgs,
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

const rollbackHelp = `Bring back the answers that were shown before the last rebuild, in one step.
They go on from where they stood, so what was recorded since is folded in by the
next question. The same command again brings the newer ones back. Then it shows
what "projection status" shows.

Exit codes: 0 done; 1 also when no answers stand by from before; 2 for a name that
there is not.`

func (p *program) projectionRollback() *cobra.Command {
	return &cobra.Command{
		Use:     "rollback [NAME...]",
		Short:   "Bring back the answers before the last rebuild",
		Long:    rollbackHelp,
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
	var known []string
	for _, x := range app.Projections() {
		known = append(known, x.Name)
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return usage("use: "+strings.Join(known, ", "), "no answer is called %q", visible(shorten(n)))
		}
	}
	return nil
}

const runHelp = `Follow the log and keep the answers level until interrupted. Without it every
question brings them level first. Of several that run on one PostgreSQL one leads
and the others take over when it dies. While a server is away it waits for it.

Exit code 0 when it is interrupted: every batch that was begun is whole.`

func (p *program) projectionRun() *cobra.Command {
	return &cobra.Command{
		Use:     "run",
		Short:   "Follow the log and keep the answers level until interrupted",
		Long:    runHelp,
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
	g := statusGrid()
	for _, s := range list {
		if p.json {
			if err := p.answer(statusJSON(s)); err != nil {
				return err
			}
			continue
		}
		old := ""
		if s.Old != nil {
			old = fmt.Sprint(s.Old.Number)
		}
		g.add(s.Projection, fmt.Sprint(s.Version), fmt.Sprint(s.Build), old, fmt.Sprint(s.Position), fmt.Sprint(s.Lag), fmt.Sprint(s.Gap), fmt.Sprint(s.Events), stateText(s))
	}
	if !p.json {
		g.print(p.Out, "none")
	}
	return errors.Join(foreign(list)...)
}

// foreign gives one error for each other ledger whose rows are shown.
func foreign(list []projections.Status) []error {
	var found []*projections.ForeignError
	for _, s := range list {
		var one *projections.ForeignError
		if !errors.As(s.Problem, &one) {
			continue
		}
		at := slices.IndexFunc(found, func(f *projections.ForeignError) bool { return f.Of == one.Of })
		if at < 0 {
			at, found = len(found), append(found, &projections.ForeignError{Of: one.Of, Log: one.Log})
		}
		found[at].Projections = append(found[at].Projections, one.Projections...)
	}
	out := make([]error, len(found))
	for i, f := range found {
		out[i] = f
	}
	return out
}

func statusGrid() *grid {
	return &grid{head: []string{"answer", "version", "build", "old", "position", "lag", "gap", "events", "state"}, wide: []int{12, 7, 5, 5, 12, 10, 10, 10, 34}}
}

func statusJSON(s projections.Status) map[string]any {
	state := "level"
	switch {
	case s.Problem != nil:
		state = s.Problem.Error()
	case s.Lag > 0:
		state = "behind; the next question brings it level"
	}
	return map[string]any{"projection": s.Projection, "version": s.Version, "build": s.Build, "position": s.Position,
		"head": s.Head, "lag": s.Lag, "lagEvents": s.Behind.Events, "lagMore": s.Behind.More, "lagSeconds": s.Behind.Time.Seconds(), "gap": s.Gap,
		"events": s.Events, "state": state, "rebuilding": s.Next != nil, "rollback": s.Old != nil}
}

// stateText tells in a narrow column what a status comes to.
func stateText(s projections.Status) string {
	state := "level"
	switch {
	case s.Problem != nil:
		state = s.Problem.Error()
	case s.Lag > 0:
		state = "behind, " + s.Behind.Time.Round(time.Second).String()
	}
	if s.Next != nil {
		state += "; rebuild begun"
	}
	return state
}

// told says how far a long fold is: when a stage begins, and every few seconds of it.
func (p *program) told() func(projections.Progress) {
	var began, last projections.Progress
	return func(g projections.Progress) {
		switch {
		case g.Stage != last.Stage:
			began, last = g, g
			p.say("%s", beganText(g))
		case g.Elapsed-last.Elapsed >= between:
			last = g
			p.say("%s", underWayText(began, g))
		}
	}
}

// beganText tells with which work a stage begins: nothing of it is done yet.
func beganText(g projections.Progress) string {
	switch g.Stage {
	case projections.Loading:
		return fmt.Sprintf("%s: the log, to position %d", g.Stage, g.Head)
	case projections.Storing:
		return fmt.Sprintf("%s: the rows of %d events", g.Stage, g.Events)
	case projections.Catching:
		return fmt.Sprintf("%s up with what came meanwhile", g.Stage)
	case projections.Comparing:
		return fmt.Sprintf("%s: the rows of %d events with those that are shown", g.Stage, g.Events)
	case projections.Switched:
		return fmt.Sprintf("%s: %d events, %d rows", g.Stage, g.Events, g.Rows)
	}
	return string(g.Stage)
}

// underWayText tells how much of a stage is done, at which rate, and how long it takes yet.
func underWayText(began, g projections.Progress) string {
	seconds := max(g.Elapsed-began.Elapsed, time.Millisecond).Seconds()
	text := fmt.Sprintf("%s: %d events, %.0f events/s", g.Stage, g.Events, float64(g.Events-began.Events)/seconds)
	rows := g.Rows - began.Rows
	storing := rows > 0 || g.Stage == projections.Storing
	if storing {
		text = fmt.Sprintf("%s: %d rows, %.0f rows/s", g.Stage, g.Rows, float64(rows)/seconds)
	}
	switch {
	case g.Left > 0:
		text += fmt.Sprintf(", %s left", g.Left.Round(time.Second))
	case storing:
		text += fmt.Sprintf(", for %.0f s", seconds)
	}
	return text
}

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
