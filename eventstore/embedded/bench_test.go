package embedded_test

import (
	"errors"
	"os"
	"runtime/debug"
	"testing"
	"time"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/embedded/logbench"
)

type namedLoad struct {
	name string
	load logbench.Load
}

func loads() []namedLoad {
	return []namedLoad{
		{"Appenders64", logbench.Load{Appenders: 64, Batch: 1}},
		{"Appender1", logbench.Load{Appenders: 1, Batch: 1}},
		{"Batches1000", logbench.Load{Appenders: 1, Batch: 1000}},
	}
}

// BenchmarkAppend measures the store and the baseline in turns and reports the ratio.
func BenchmarkAppend(b *testing.B) {
	for _, l := range loads() {
		b.Run(l.name, func(b *testing.B) {
			compare(b, open(b, embedded.Config{Dir: b.TempDir()}), l.load)
		})
	}
}

// compare runs rounds of both until b.Loop ends; short ones, so that both meet the same weather.
func compare(b *testing.B, s *embedded.Store, load logbench.Load) {
	b.Helper()
	load.Duration = 150 * time.Millisecond
	var store, plain logbench.Rate
	var used time.Duration
	tag := uint32(time.Now().UnixNano())
	for b.Loop() {
		p, err := logbench.Baseline(b.Context(), b.TempDir(), load)
		if err != nil {
			b.Fatal(err)
		}
		tag++
		before := logbench.Used()
		r, err := logbench.Append(b.Context(), s, tag, load)
		if err != nil {
			b.Fatal(err)
		}
		used += logbench.Used() - before
		store.Events, store.Elapsed = store.Events+r.Events, store.Elapsed+r.Elapsed
		plain.Events, plain.Elapsed = plain.Events+p.Events, plain.Elapsed+p.Elapsed
	}
	b.ReportMetric(store.PerSecond(), "events/s")
	b.ReportMetric(plain.PerSecond(), "baseline/s")
	b.ReportMetric(store.PerSecond()/plain.PerSecond(), "ratio")
	b.ReportMetric(float64(used.Nanoseconds())/1e3/float64(store.Events), "cpu-us/event")
	b.ReportMetric(0, "ns/op")
}

// The large log: as many records in as many streams.
const (
	largeRecords = 5_000_000
	largeStreams = 500_000
	largeTag     = 1
)

// BenchmarkLarge measures everything again with 5 million records in 500,000 streams. Making them takes a
// minute or more, so it runs only when it is named: -bench Large, and LITOPYS_BENCH_DIR can keep the ledger.
func BenchmarkLarge(b *testing.B) {
	dir := os.Getenv("LITOPYS_BENCH_DIR")
	if dir == "" {
		b.Skip("makes 5 million records: set LITOPYS_BENCH_DIR to a folder that may keep them")
	}
	makeLarge(b, dir)
	b.Run("Open", func(b *testing.B) { benchmarkOpen(b, dir) })
	s := open(b, embedded.Config{Dir: dir})
	b.Run("ReadStream10", func(b *testing.B) {
		for b.Loop() {
			median, err := logbench.ReadStreams(b.Context(), s, largeTag, largeStreams, largeRecords/largeStreams, 20_000)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(median.Microseconds()), "us/median")
		}
	})
	b.Run("Scan", func(b *testing.B) { benchmarkScan(b, s) })
	for _, l := range loads() {
		b.Run(l.name, func(b *testing.B) { compare(b, s, l.load) })
	}
}

// makeLarge fills the folder unless that was done before.
func makeLarge(b *testing.B, dir string) {
	b.Helper()
	s := open(b, embedded.Config{Dir: dir})
	head, err := s.Head(b.Context())
	if err == nil && head == eventstore.Start {
		err = logbench.Fill(b.Context(), s, largeTag, largeRecords, largeStreams)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		b.Fatal(err)
	}
}

// benchmarkOpen measures opening after a clean close, and the memory of the whole process after it.
func benchmarkOpen(b *testing.B, dir string) {
	debug.FreeOSMemory()
	for b.Loop() {
		s := open(b, embedded.Config{Dir: dir})
		b.ReportMetric(float64(logbench.Resident())/(1<<20), "MiB")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkScan(b *testing.B, s *embedded.Store) {
	before, records := logbench.Used(), 0
	defer func() {
		b.ReportMetric(float64((logbench.Used()-before).Nanoseconds())/1e3/float64(records), "cpu-us/record")
	}()
	for b.Loop() {
		rate, err := logbench.Scan(b.Context(), s)
		if err != nil {
			b.Fatal(err)
		}
		records += rate.Events
		b.ReportMetric(rate.PerSecond(), "records/s")
	}
}

func BenchmarkScan(b *testing.B) {
	s := open(b, embedded.Config{Dir: b.TempDir()})
	if err := logbench.Fill(b.Context(), s, largeTag, 200_000, 20_000); err != nil {
		b.Fatal(err)
	}
	benchmarkScan(b, s)
}

func BenchmarkReadStream10(b *testing.B) {
	s := open(b, embedded.Config{Dir: b.TempDir()})
	const streams, events, samples = 20_000, 10, 2000
	if err := logbench.Fill(b.Context(), s, largeTag, streams*events, streams); err != nil {
		b.Fatal(err)
	}
	before, reads := logbench.Used(), 0
	for b.Loop() {
		median, err := logbench.ReadStreams(b.Context(), s, largeTag, streams, events, samples)
		if err != nil {
			b.Fatal(err)
		}
		reads += samples
		b.ReportMetric(float64(median.Microseconds()), "us/median")
	}
	b.ReportMetric(float64((logbench.Used()-before).Nanoseconds())/1e3/float64(reads), "cpu-us/read")
}
