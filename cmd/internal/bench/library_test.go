package bench

import (
	"context"
	"testing"
	"time"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/eventstore/embedded/logbench"
)

// BenchmarkLibrary reports, beside commands per second, the processor time of a command: on a machine that
// is shared only the second can be compared between runs.
func BenchmarkLibrary(b *testing.B) {
	for _, l := range []struct {
		name  string
		batch int
	}{{"Single", 1}, {"Batch100", 100}} {
		b.Run(l.name, func(b *testing.B) {
			cfg := Config{Dir: b.TempDir()}
			err := withApp(b.Context(), cfg, "library", func(a *app.App) error {
				people, err := registered(b.Context(), a, 20*workers)
				if err != nil {
					return err
				}
				var rates, events float64
				var rounds int
				var used time.Duration
				for b.Loop() {
					before := logbench.Used()
					began := time.Now()
					rate, err := drive(b.Context(), time.Second, people, func(ctx context.Context, id domain.SubjectID) (int, error) {
						if l.batch == 1 {
							_, err := a.Ledger.Handle(ctx, visit(id))
							return 1, err
						}
						cmds := make([]ledger.Command, l.batch)
						for i := range cmds {
							cmds[i] = visit(id)
						}
						return len(cmds), failed(a.Ledger.HandleAll(ctx, cmds))
					})
					if err != nil {
						return err
					}
					events += rate * time.Since(began).Seconds()
					used += logbench.Used() - before
					rates, rounds = rates+rate, rounds+1
				}
				b.ReportMetric(rates/float64(rounds), "events/s")
				b.ReportMetric(float64(used.Nanoseconds())/1e3/events, "cpu-us/event")
				b.ReportMetric(0, "ns/op")
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
