package postgres

import (
	"context"
	"iter"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections/projtest"
)

// endless is a log that is made while it is read, so that it takes no memory of its own but for what is
// remembered of its people. It must be read from the beginning, once.
type endless struct {
	*projtest.Log
	crowd  *projtest.Crowd
	events int
	begun  bool
}

func (l *endless) Head(context.Context) (uint64, error) { return uint64(l.events), nil } // #nosec G115 -- a million

func (l *endless) ReadAll(ctx context.Context, after uint64) iter.Seq2[domain.Recorded, error] {
	return func(yield func(domain.Recorded, error) bool) {
		if l.begun {
			return // everything was delivered by the first reading
		}
		l.begun = true
		for i := after + 1; i <= uint64(l.events); i++ { // #nosec G115 -- a million
			r := l.crowd.Next()
			r.Position, r.ID = i, uuid.New()
			if ctx.Err() != nil || !yield(r, ctx.Err()) {
				return
			}
		}
	}
}

// BenchmarkMemory rebuilds everything from a million events and reports the most memory that the process
// held, and how much of it the people of the log are.
func BenchmarkMemory(b *testing.B) {
	const events = 1_000_000
	pg := server(b)
	for range b.N {
		c := projtest.NewCrowd(rand.New(rand.NewPCG(1, 2)).IntN)
		c.Visits, c.Newcomers = 65, 10
		log := &endless{Log: projtest.NewLog(ledgerID), crowd: c, events: events}
		e := benchEngine(b, log, open(b, Config{URL: pg.Database(b)}))
		stop, peak := make(chan struct{}), make(chan uint64)
		go func() { peak <- watch(stop) }()
		start := time.Now()
		if err := e.Rebuild(b.Context(), nil, nil); err != nil {
			b.Fatal(err)
		}
		took := time.Since(start)
		close(stop)
		b.ReportMetric(float64(<-peak)/(1<<20), "peak-MiB")
		b.ReportMetric(events/took.Seconds(), "events/s")
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "people-MiB")
		runtime.KeepAlive(c)
	}
}

// watch gives the most memory that the process had from the system until it is stopped.
func watch(stop <-chan struct{}) (peak uint64) {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-stop:
			return peak
		case <-look.C:
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.Sys-m.HeapReleased)
		}
	}
}
