package embedded_test

import (
	"testing"
	"time"

	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/embedded/logbench"
)

// BenchmarkAppend measures the store and the baseline in turns and reports the ratio.
func BenchmarkAppend(b *testing.B) {
	for _, l := range []struct {
		name string
		load logbench.Load
	}{
		{"Appenders64", logbench.Load{Appenders: 64, Batch: 1}},
		{"Appender1", logbench.Load{Appenders: 1, Batch: 1}},
		{"Batches1000", logbench.Load{Appenders: 4, Batch: 1000}},
	} {
		b.Run(l.name, func(b *testing.B) {
			s := open(b, embedded.Config{Dir: b.TempDir()})
			compare(b, s, l.load)
		})
	}
}

// compare runs rounds of both until b.Loop ends; each takes half a second.
func compare(b *testing.B, s *embedded.Store, load logbench.Load) {
	b.Helper()
	load.Duration = 500 * time.Millisecond
	var store, plain logbench.Rate
	tag := uint32(time.Now().UnixNano())
	for b.Loop() {
		p, err := logbench.Baseline(b.Context(), b.TempDir(), load)
		if err != nil {
			b.Fatal(err)
		}
		tag++
		r, err := logbench.Append(b.Context(), s, tag, load)
		if err != nil {
			b.Fatal(err)
		}
		store.Events, store.Elapsed = store.Events+r.Events, store.Elapsed+r.Elapsed
		plain.Events, plain.Elapsed = plain.Events+p.Events, plain.Elapsed+p.Elapsed
	}
	b.ReportMetric(store.PerSecond(), "events/s")
	b.ReportMetric(plain.PerSecond(), "baseline/s")
	b.ReportMetric(store.PerSecond()/plain.PerSecond(), "ratio")
	b.ReportMetric(0, "ns/op")
}
