package journal_test

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/memory"
)

// sink is a log that keeps nothing, so that a benchmark sees the journal's own work.
type sink struct {
	eventstore.Store
	at atomic.Uint64
}

func (s *sink) Append(_ context.Context, _ string, expected int64, batch []eventstore.Event) (eventstore.Appended, error) {
	n := uint64(len(batch))
	return eventstore.Appended{Revision: expected + int64(n), Position: eventstore.Position(s.at.Add(n))}, nil
}

func (s *sink) Subscribe(ctx context.Context, _ eventstore.Position) iter.Seq2[eventstore.Delivery, error] {
	return func(yield func(eventstore.Delivery, error) bool) {
		<-ctx.Done()
		yield(eventstore.Delivery{}, ctx.Err())
	}
}

// BenchmarkAppendWarm is the journal's share of an append: one value under a warm key, sealed, encoded and
// handed over to a log that keeps nothing.
func BenchmarkAppendWarm(b *testing.B) {
	p := newBench(b, memory.Config{}).parts(b)
	p.Store = &sink{Store: p.Store}
	j := open(b, p)
	who := newSubject()
	stream := domain.TraceStream(who, "2026-03")
	m := meta()
	m.Content = "00112233445566778899aabbccddeeff"
	f := []ledger.Fact{{ID: uuid.New(), Meta: m, Event: collected(clearItem(who, "page", "2026-03", "/docs/getting-started"))}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := j.Append(b.Context(), stream, 0, f); err != nil {
			b.Fatal(err)
		}
	}
}

// benchAppend appends batches of size events from 64 goroutines on streams of their own, on a real folder.
func benchAppend(b *testing.B, size int) {
	j, err := journal.Open(b.Context(), journal.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	const goroutines = 64
	prepare := func(who domain.SubjectID) []ledger.Fact {
		facts := make([]ledger.Fact, size)
		for i := range facts {
			facts[i] = fact(collected(clearItem(who, "page", "2026-03", "/docs/getting-started")))
		}
		return facts
	}
	subjects := make([]domain.SubjectID, goroutines)
	next := make([]int64, goroutines)
	for i := range subjects {
		subjects[i] = newSubject()
		next[i] = mustAppend(b, j, domain.TraceStream(subjects[i], "2026-03"), domain.NoStream, prepare(subjects[i])...).Revision
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			stream := domain.TraceStream(subjects[i], "2026-03")
			for left.Add(-1) >= 0 {
				done, err := j.Append(b.Context(), stream, next[i], prepare(subjects[i]))
				if err != nil {
					b.Error(err)
					return
				}
				next[i] = done.Revision
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkAppendSingle64(b *testing.B)    { benchAppend(b, 1) }
func BenchmarkAppendBatch100x64(b *testing.B) { benchAppend(b, 100) }

// BenchmarkReadAll is the whole way back: scan, decode in order, and open every value.
func BenchmarkReadAll(b *testing.B) {
	const n = 20_000
	j, err := journal.Open(b.Context(), journal.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	for range n / 500 {
		who := newSubject()
		var facts []ledger.Fact
		for range 500 {
			facts = append(facts, fact(collected(clearItem(who, "page", "2026-03", "/docs/getting-started"))))
		}
		mustAppend(b, j, domain.TraceStream(who, "2026-03"), domain.NoStream, facts...)
	}
	for name, each := range map[string]func([]domain.Recorded) error{
		"sealed": func([]domain.Recorded) error { return nil },
		"open":   func(r []domain.Recorded) error { _, err := j.Unseal(b.Context(), journal.LiveOnly, r...); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				part := make([]domain.Recorded, 0, 512)
				for r, err := range j.ReadAll(b.Context(), 0) {
					if err != nil {
						b.Fatal(err)
					}
					if part = append(part, r); len(part) == cap(part) {
						if err := each(part); err != nil {
							b.Fatal(err)
						}
						part = part[:0]
					}
				}
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
