package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
)

// BenchmarkMemory rebuilds everything from a million events and reports the most memory that the process
// held, and how much of it the people of the log are.
func BenchmarkMemory(b *testing.B) {
	const events = 1_000_000
	for range b.N {
		log := projtest.NewEndless(ledgerID, events)
		e := benchEngine(b, log, open(b, filepath.Join(b.TempDir(), "read.db")))
		start := time.Now()
		peak := projtest.Peak(func() {
			if err := e.Rebuild(b.Context(), nil, nil); err != nil {
				b.Fatal(err)
			}
		})
		b.ReportMetric(events/time.Since(start).Seconds(), "events/s")
		b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
		b.ReportMetric(float64(log.People())/(1<<20), "people-MiB")
	}
}

func benchEngine(b *testing.B, log projections.Source, backend projections.Backend) *projections.Engine {
	b.Helper()
	e, err := projections.New(projections.Config{Source: log, Backend: backend, Projections: projtest.All()})
	if err != nil {
		b.Fatal(err)
	}
	return e
}
