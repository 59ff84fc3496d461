package ledger_test

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"sync/atomic"
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
)

// nullJournal takes everything at once and keeps nothing, so that a benchmark measures the ledger alone.
type nullJournal struct{ position atomic.Uint64 }

func (j *nullJournal) Events(context.Context, domain.Stream, domain.Revision) iter.Seq2[domain.Recorded, error] {
	return func(func(domain.Recorded, error) bool) {}
}

func (j *nullJournal) Append(_ context.Context, _ domain.Stream, expected domain.Revision, facts []ledger.Fact) (ledger.Appended, error) {
	return ledger.Appended{Revision: expected + int64(len(facts)), Position: j.position.Add(uint64(len(facts)))}, nil
}

func (j *nullJournal) Same(context.Context, []domain.Recorded, []domain.Value) (bool, error) {
	return true, nil
}

func (j *nullJournal) Find(context.Context, domain.Field, domain.Value) ([]domain.SubjectID, error) {
	return nil, nil
}

func bench(b *testing.B) (*ledger.Ledger, []domain.SubjectID) {
	b.Helper()
	l := ledger.New(new(nullJournal), ledger.Config{Policy: policy.Imagine(), Clock: clock, CacheBytes: 1 << 30})
	ids := make([]domain.SubjectID, 64)
	for i := range ids {
		ids[i] = ledger.NewSubjectID()
		must(b, l, register(ids[i], "r", ""))
		must(b, l, visit(ids[i], "v"))
		must(b, l, collect(ids[i], "c", given("email", "a@example.com")))
	}
	b.ReportAllocs()
	return l, ids
}

func BenchmarkWarmTrace(b *testing.B) {
	l, ids := bench(b)
	n := 0
	for b.Loop() {
		n++
		must(b, l, visit(ids[n%64], strconv.Itoa(n)))
	}
}

func BenchmarkWarmEdit(b *testing.B) {
	l, ids := bench(b)
	n := 0
	for b.Loop() {
		n++
		must(b, l, subject.Edit{About: of(ids[n%64], strconv.Itoa(n)), Values: []subject.Given{given("email", "b@example.com")}})
	}
}

func BenchmarkRegister(b *testing.B) {
	l, _ := bench(b)
	n := 0
	for b.Loop() {
		n++
		must(b, l, register(ledger.NewSubjectID(), "r", strconv.Itoa(n)))
	}
}

func BenchmarkWarmTraceParallel(b *testing.B) {
	l, ids := bench(b)
	var worker atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		w := worker.Add(1)
		for n := 0; pb.Next(); n++ {
			must(b, l, visit(ids[w%64], fmt.Sprint(w, "-", n)))
		}
	})
}

func BenchmarkBatchesOf100(b *testing.B) {
	l, ids := bench(b)
	n := 0
	for b.Loop() {
		cmds := make([]ledger.Command, 100)
		for i := range cmds {
			n++
			cmds[i] = visit(ids[n/100%64], strconv.Itoa(n))
		}
		for _, o := range l.HandleAll(b.Context(), cmds) {
			if o.Err != nil {
				b.Fatal(o.Err)
			}
		}
	}
}
