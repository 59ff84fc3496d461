package esdb_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/esdb/esdbtest"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

// rounds is how often the two sides of a ratio take turns in one pass of the benchmark. What else the machine
// does meets both alike, and the median forgives what met only one.
const rounds = 21

// BenchmarkAppendRatio gives the adapter's speed in parts of the bare client's: the two append by turns to
// one server, in rounds of some milliseconds. The lines "bare" give the bare client's in parts of another bare
// client's: how far from 1 they are tells what the measurement is worth.
func BenchmarkAppendRatio(b *testing.B) {
	for _, workers := range []int{1, 64} {
		for _, size := range []int{1, 10, 100} {
			for _, who := range []struct {
				name string
				make func(*testing.B, *esdbtest.Server) appender
			}{{"adapter", adapterAppender}, {"bare", bareAppender}} {
				b.Run(fmt.Sprintf("appenders=%d/batch=%d/%s", workers, size, who.name), func(b *testing.B) {
					ops := max(64, 1000/size)
					var r ratios
					for range b.N {
						server := testserver.New(b, esdbtest.Config{})
						bare, other := bareAppender(b, server), who.make(b, server)
						r.gather(b, func(n int) { appendRound(b, bare, fmt.Sprintf("subject-a%d", n), workers, size, ops) },
							func(n int) { appendRound(b, other, fmt.Sprintf("subject-b%d", n), workers, size, ops) })
					}
					r.report(b)
				})
			}
		}
	}
}

// ratios of the time that the bare client took to the other's, of all rounds.
type ratios struct{ clock, cpu []float64 }

// gather times both by turns, each going first as often as the other.
func (r *ratios) gather(b *testing.B, bare, other func(round int)) {
	b.Helper()
	took := func(do func(int), n int) (clock, cpu float64) {
		runtime.GC() // what one side leaves behind is not for the other to clean up
		began, before := time.Now(), cpuTime(b)
		do(n)
		return float64(time.Since(began)), float64(cpuTime(b) - before)
	}
	for n := range rounds {
		var bareClock, bareCPU, clock, cpu float64
		if n%2 == 0 {
			bareClock, bareCPU = took(bare, n)
			clock, cpu = took(other, n)
		} else {
			clock, cpu = took(other, n)
			bareClock, bareCPU = took(bare, n)
		}
		r.clock, r.cpu = append(r.clock, bareClock/clock), append(r.cpu, bareCPU/cpu)
	}
}

// report gives the medians, and how far from each other the middle half of the rounds lies.
func (r *ratios) report(b *testing.B) {
	b.Helper()
	for name, all := range map[string][]float64{"of-bare": r.clock, "of-bare-cpu": r.cpu} {
		slices.Sort(all)
		b.ReportMetric(all[len(all)/2], name)
		b.ReportMetric(all[len(all)*3/4]-all[len(all)/4], name+"-spread")
	}
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
	var r ratios
	for range b.N {
		r.gather(b, func(int) { bareFollow(b, c) }, func(int) { adapterFollow(b, s) })
	}
	r.report(b)
}
