package statistics_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"imagine.ua/litopys/domain"
	counts "imagine.ua/litopys/domain/statistics"
)

// BenchmarkCount counts a month of 2,000 persons with 12 visits each, opened by an opener that costs nothing. The
// ratio is to a loop over the same log that only looks at the times.
func BenchmarkCount(b *testing.B) {
	w := newTown(rand.New(rand.NewPCG(1, 1)).IntN)
	for range 2000 {
		id := w.register(0, "account")
		for n := range 12 {
			w.visit(id, 1+n*2, []string{firefox, chrome}[w.dice(2)], []string{"/blog/a", "/news", "/"}[w.dice(3)])
		}
		w.give(id, 5, "email", "name")
	}
	events := 0
	start := time.Now()
	for r, err := range w.all() {
		if err != nil {
			b.Fatal(err)
		}
		if domain.MonthOf(r.Meta.OccurredAt) == may {
			events++
		}
	}
	bare := time.Since(start)
	for b.Loop() {
		if tables := counted(b, w.all()).Tables(counts.Builtin().Rules()); len(tables) == 0 {
			b.Fatal("nothing counted")
		}
	}
	b.ReportMetric(float64(events*b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(bare.Seconds()*float64(b.N)/b.Elapsed().Seconds(), "ratio")
}
