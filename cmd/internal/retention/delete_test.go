package retention_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
)

// subjectsVariable names the sizes of BenchmarkDelete, "10000,100000,1000000".
const subjectsVariable = "LITOPYS_BENCH_SUBJECTS"

// One operation is the deletion of one subject with three values among so many subjects, from the command to
// the answer: the fact durable and his keys destroyed.
func BenchmarkDelete(b *testing.B) {
	sizes := os.Getenv(subjectsVariable)
	if sizes == "" {
		sizes = "10000"
	}
	for word := range strings.SplitSeq(sizes, ",") {
		size, err := strconv.Atoi(word)
		if err != nil {
			b.Fatalf("%s: %v", subjectsVariable, err)
		}
		b.Run(fmt.Sprintf("among=%d", size), func(b *testing.B) { benchmarkDelete(b, size) })
	}
}

func benchmarkDelete(b *testing.B, size int) {
	h := newHouse(b, policy.Imagine())
	var all []domain.SubjectID
	var cmds []ledger.Command
	for len(all) < max(size, b.N) {
		who := domain.SubjectID{UUID: uuid.New()}
		all = append(all, who)
		cmds = append(cmds, subject.Register{About: h.about(b, who)}, subject.Collect{About: h.about(b, who), Source: subject.BySubject,
			Values: []subject.Given{given("name", "n"), given("email", who.String()+"@example.com"), given("city", "c")}})
		if len(cmds) > 20_000 {
			h.do(b, cmds...)
			cmds = cmds[:0]
		}
	}
	h.do(b, cmds...)
	times := make([]time.Duration, 0, b.N)
	for n := 0; b.Loop(); n++ {
		who := all[(n*7919)%len(all)]
		cmd := subject.Delete{About: h.about(b, who), All: true}
		begin := time.Now()
		if _, err := h.ledger.Handle(b.Context(), cmd); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
}
