package logcopy_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/logcopy"
)

// plain hides that a store takes records of many streams at once.
type plain struct{ eventstore.Store }

// One operation is a copy of some 15,000 records of 2,000 streams by turns, which no batch can join. Into
// "plain" goes to a data folder too, append by append.
func BenchmarkCopy(b *testing.B) {
	for _, to := range []string{"esdb", "embedded", "plain"} {
		for _, atOnce := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("to=%s/at-once=%d", to, atOnce), func(b *testing.B) {
				id := uuid.New()
				source := kinds["memory"](b, id)
				visitors(b, source, 1000, 10)
				b.ResetTimer()
				total := int64(0)
				for range b.N {
					b.StopTimer()
					target := targetOf(b, to, id)
					b.StartTimer()
					report, err := logcopy.Copy(b.Context(), logcopy.Config{From: source, To: target, AtOnce: atOnce})
					if err != nil {
						b.Fatal(err)
					}
					total += report.Records
				}
				b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}

func targetOf(b *testing.B, kind string, id uuid.UUID) eventstore.Store {
	b.Helper()
	if kind == "plain" {
		return plain{kinds["embedded"](b, id)}
	}
	return kinds[kind](b, id)
}
