package cli

import (
	"context"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"imagine.ua/litopys/cmd/internal/importer"
)

// progress tells how far an import is: a bar on a terminal when the end is known, a line now and then otherwise, nothing when quiet.
type progress struct {
	p     *program
	input *importer.Input
	bars  *mpb.Progress
	bar   *mpb.Bar
	last  time.Time
}

// between is the shortest time between two plain lines of progress.
const between = 2 * time.Second

func (p *program) newProgress(in *importer.Input) *progress {
	g := &progress{p: p, input: in, last: time.Now()}
	if p.quiet || in.Size == 0 || !onTerminal(p.Err) {
		return g
	}
	g.bars = mpb.NewWithContext(context.Background(), mpb.WithOutput(p.Err), mpb.WithWidth(40))
	g.bar = g.bars.AddBar(in.Size, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name("importing ")),
		mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), decor.Name("  "), decor.AverageETA(decor.ET_STYLE_GO)))
	return g
}

func (g *progress) update(r importer.Report) {
	if g.bar != nil {
		g.bar.SetCurrent(g.input.Done())
		return
	}
	if now := time.Now(); now.Sub(g.last) >= between {
		g.last = now
		g.p.say("%d lines so far, %d imported", r.Lines, r.Imported)
	}
}

func (g *progress) done() {
	if g.bar != nil {
		g.bar.Abort(true)
		g.bars.Wait()
	}
}
