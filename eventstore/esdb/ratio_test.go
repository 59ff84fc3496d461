package esdb_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

// rounds is how often the two sides of a ratio take turns. What else the machine does meets both alike, and
// the median forgives what met only one.
const rounds = 31

// BenchmarkAppendRatio gives the adapter's speed in parts of the bare client's: the two append by turns to
// one server, in rounds of some milliseconds.
func BenchmarkAppendRatio(b *testing.B) {
	for _, workers := range []int{1, 64} {
		for _, size := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("appenders=%d/batch=%d", workers, size), func(b *testing.B) {
				server := testserver.New(b, esdbtest.Config{})
				bare, adapter := bareAppender(b, server), adapterAppender(b, server)
				ops := max(64, 1000/size)
				for i := range b.N {
					reportRatio(b, func(n int) { appendRound(b, bare, fmt.Sprintf("trace-%d-%d", i, n), workers, size, ops) },
						func(n int) { appendRound(b, adapter, fmt.Sprintf("subject-%d-%d", i, n), workers, size, ops) })
				}
			})
		}
	}
}

// reportRatio times both by turns, each going first as often as the other, and reports the median of the
// ratios, by the clock and by the processors' time.
func reportRatio(b *testing.B, bare, adapter func(round int)) {
	b.Helper()
	took := func(do func(int), n int) (clock, cpu float64) {
		began, before := time.Now(), cpuTime(b)
		do(n)
		return float64(time.Since(began)), float64(cpuTime(b) - before)
	}
	var clocks, cpus []float64
	for n := range rounds {
		var bareClock, bareCPU, clock, cpu float64
		if n%2 == 0 {
			bareClock, bareCPU = took(bare, n)
			clock, cpu = took(adapter, n)
		} else {
			clock, cpu = took(adapter, n)
			bareClock, bareCPU = took(bare, n)
		}
		clocks, cpus = append(clocks, bareClock/clock), append(cpus, bareCPU/cpu)
	}
	slices.Sort(clocks)
	slices.Sort(cpus)
	b.ReportMetric(clocks[rounds/2], "of-bare")
	b.ReportMetric(cpus[rounds/2], "of-bare-cpu")
}

func appendRound(b *testing.B, do appender, name string, workers, size, ops int) {
	var ids, turns atomic.Uint64
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			stream, after := fmt.Sprintf("%s-%d", name, w), eventstore.NoStream
			for turns.Add(1) <= uint64(ops) {
				if err := do(context.Background(), stream, after, benchEvents(&ids, size)); err != nil {
					b.Error(err)
					return
				}
				after += int64(size)
			}
		})
	}
	work.Wait()
}

// BenchmarkSubscribeRatio gives the same for following the log from its beginning to its end.
func BenchmarkSubscribeRatio(b *testing.B) {
	server := testserver.New(b, esdbtest.Config{})
	seed(b, server, 20_000)
	c, s := dial(b, server.URL()), open(b, quick(server.URL()))
	for range b.N {
		reportRatio(b, func(int) { bareFollow(b, c) }, func(int) { adapterFollow(b, s) })
	}
}
