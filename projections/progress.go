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

	mu     sync.Mutex
	stage  Stage     // guarded by mu
	last   time.Time // guarded by mu; of the last report
	at     uint64    // guarded by mu
	events int64     // guarded by mu
	rows   int64     // guarded by mu
}

// say begins a stage.
func (p *progress) say(s Stage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stage = s
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

// stored hears of rows that were handed to the backend.
func (p *progress) stored(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows += n
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
	if done := float64(p.at - min(p.at, p.start)); done > 0 && p.at < p.head {
		g.Left = time.Duration(float64(g.Elapsed) * float64(p.head-p.at) / done)
	}
	p.watch(g)
}
