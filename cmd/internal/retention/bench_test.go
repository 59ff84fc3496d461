package retention_test

import (
	"syscall"
	"testing"
	"time"

	"imagine.ua/litopys/cmd/internal/retention"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
)

// One operation is one due key of a subject with five; the run ends with all certificates.
func BenchmarkRun(b *testing.B) {
	const each = 5
	h := newHouse(b, policy.Imagine())
	var cmds []ledger.Command
	for n := 0; n < b.N; n += each {
		_, more := h.person(b, each)
		if cmds = append(cmds, more...); len(cmds) > 20_000 {
			h.do(b, cmds...)
			cmds = cmds[:0]
		}
	}
	h.do(b, cmds...)
	h.set(noon.AddDate(4, 0, 0))
	if err := h.journal.Certified(b.Context()); err != nil {
		b.Fatal(err)
	}
	before := processorTime(b)
	b.ResetTimer()
	result, err := retention.Run(b.Context(), h.config())
	if err != nil || retention.Total(result.Destroyed) < b.N {
		b.Fatal(result, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "keys/s")
	b.ReportMetric(float64(b.N)/(processorTime(b)-before).Seconds(), "keys/cpu-s")
}

// processorTime is what this process has used until now; a loaded machine does not change it much.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
