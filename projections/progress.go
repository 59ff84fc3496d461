package projections

import (
	"sync"
	"time"

	"imagine.ua/litopys/domain"
)

// reportEvery keeps the callback from costing more than the work.
const reportEvery = 200 * time.Millisecond

// progress is what whoever waits for a long fold is told. It is safe for concurrent use.
type progress struct {
	now   func() time.Time
	watch func(Progress)
	began time.Time
	start uint64 // position where this run began to read
	head  uint64

	mu      sync.Mutex
	stage   Stage     // guarded by mu
	entered time.Time // guarded by mu; when the stage began
	last    time.Time // guarded by mu; of the last report
	at      uint64    // guarded by mu
	events  int64     // guarded by mu
	rows    int64     // guarded by mu
	work    int64     // guarded by mu; bytes put aside that were stored, and again when they were compared
	allWork int64     // guarded by mu
}

// say begins a stage.
func (p *progress) say(s Stage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stage, p.entered = s, p.now()
	p.report(true)
}

// advance hears of events that were read.
func (p *progress) advance(last domain.Recorded, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events += int64(n)
	p.at = max(p.at, last.Position)
	p.report(false)
}

// expect says how much work storing is.
func (p *progress) expect(work int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.work, p.allWork = 0, work
}

// stored hears of rows that were handed to the backend or compared with it, and how much of the work that was.
func (p *progress) stored(rows, work int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows += rows
	p.work = min(p.work+work, p.allWork) // a backend may ask for rows again
	p.report(false)
}

// report needs mu.
func (p *progress) report(always bool) {
	now := p.now()
	if p.watch == nil || (!always && now.Sub(p.last) < reportEvery) {
		return
	}
	p.last = now
	g := Progress{Stage: p.stage, Position: p.at, Head: p.head, Events: p.events, Rows: p.rows, Elapsed: now.Sub(p.began)}
	if g.Elapsed > 0 {
		g.Rate = float64(g.Events) / g.Elapsed.Seconds()
	}
	g.Left = p.left(now)
	p.watch(g)
}

// left needs mu.
func (p *progress) left(now time.Time) time.Duration {
	done, all := float64(p.at-min(p.at, p.start)), float64(p.head-min(p.head, p.start))
	if p.stage == Storing {
		done, all = float64(p.work), float64(p.allWork)
	}
	if done <= 0 || done >= all {
		return 0
	}
	return time.Duration(float64(now.Sub(p.entered)) * (all - done) / done)
}
