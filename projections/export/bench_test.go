package export

import (
	"context"
	"errors"
	"flag"
	"io"
	"iter"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/sqlite"
	"imagine.ua/litopys/projections/transfers"
)

// The sizes of the benchmarks; -rows 1000000 -events 1000000 for the real ones.
var (
	benchRows   = flag.Int("rows", 50_000, "transfers in the benchmark of their export")
	benchEvents = flag.Int("events", 50_000, "events in the benchmark of the replay")
	benchMixed  = flag.Int("mixed", 1, "persons of the replay whose events stand among each other")
	benchFolder = flag.String("folder", "", "where the ledger of the replay is kept, for the next run")
)

var benchDay = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func benchMeta(n int) domain.Meta {
	when := benchDay.Add(time.Duration(n) * time.Second)
	return domain.Meta{Actor: domain.Actor{Kind: domain.ActorEmployee, ID: "e-17"}, OccurredAt: when, RecordedAt: when,
		Purpose: "service", Grounds: "ua.11.1.3", Service: "account", Policy: "2014-01", Command: "bench", Content: "00112233445566778899aabbccddeeff"}
}

// handed is a log of n transfers, made as they are read.
type handed struct {
	n  int
	to domain.RecipientID
}

func (h handed) ReadAll(_ context.Context, after uint64) iter.Seq2[domain.Recorded, error] {
	return func(yield func(domain.Recorded, error) bool) {
		for i := int(after); i <= h.n; i++ { // #nosec G115 -- a bench is short
			e := domain.Recorded{ID: uuid.New(), Position: uint64(i + 1), Meta: benchMeta(i)}
			if i == 0 {
				e.Stream, e.Event = domain.RecipientStream(h.to), recipient.Added{Recipient: h.to, Card: recipient.Card{Name: "Courier, LLC", Kind: "delivery", Country: "UA"}}
			} else {
				id := domain.SubjectID{UUID: uuid.New()}
				e.Stream, e.Event = domain.SubjectStream(id), transferOf(id, h.to, i)
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func transferOf(id domain.SubjectID, to domain.RecipientID, i int) subject.Transferred {
	t := subject.Transferred{Subject: id, Recipient: subject.Recipient{ID: to, Kind: "delivery", Country: "UA"},
		Values: []domain.FieldEpoch{{Field: "email", Epoch: "1"}}, Basis: subject.ByConsent{Consent: domain.ConsentID(id)}}
	if i%4 == 0 {
		t.Basis = subject.ByLaw{Authority: "tax", Act: "2755-VI", Article: "73.3", Document: "r-1", Dated: benchDay, Approvers: [2]domain.Reference{"e-18", "e-19"}}
	}
	return t
}

func (h handed) Subscribe(context.Context, uint64) iter.Seq2[projections.Delivery, error] {
	return func(func(projections.Delivery, error) bool) {}
}
func (h handed) Head(context.Context) (uint64, error)        { return uint64(h.n + 1), nil }
func (h handed) Identity(context.Context) (uuid.UUID, error) { return h.to.UUID, nil }

// BenchmarkTransfers exports every transfer out of the read model.
func BenchmarkTransfers(b *testing.B) {
	read, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(b.TempDir(), "read.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = read.Close() }()
	log := handed{*benchRows, domain.RecipientID{UUID: uuid.New()}}
	e, err := projections.New(projections.Config{Source: log, Backend: read, Projections: []*projections.Projection{transfers.New()}})
	if err == nil {
		err = e.Rebuild(b.Context(), nil, nil)
	}
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range []Format{CSV, JSONL} {
		b.Run(string(f), func(b *testing.B) {
			b.ReportAllocs()
			var rows int64
			used := processorTime(b)
			peak := peakHeap(b, func() {
				for b.Loop() {
					err := read.View(b.Context(), func(s projections.Snapshot) error {
						cards, err := transfers.Recipients(b.Context(), s)
						if err != nil {
							return err
						}
						n, err := Transfers(io.Discard, f, transfers.List(b.Context(), s, transfers.Filter{}), cards)
						rows += n
						return err
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64((processorTime(b)-used).Nanoseconds())/float64(rows), "cpu-ns/row")
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(peak/(1<<20), "peak-MiB")
		})
	}
	b.Run("select", func(b *testing.B) { // what the read model alone takes
		var rows int64
		used := processorTime(b)
		for b.Loop() {
			err := read.View(b.Context(), func(s projections.Snapshot) error {
				for _, err := range transfers.List(b.Context(), s, transfers.Filter{}) {
					if err != nil {
						return err
					}
					rows++
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64((processorTime(b)-used).Nanoseconds())/float64(rows), "cpu-ns/row")
		b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	})
}

// processorTime is what this process has used of the processors. On a machine that others use too it tells
// more than the clock on the wall.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakHeap runs do and gives the most memory in use meanwhile, as sampled.
func peakHeap(b *testing.B, do func()) float64 {
	b.Helper()
	runtime.GC()
	var peak atomic.Uint64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapInuse))
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	})
	do()
	close(stop)
	wg.Wait()
	return float64(peak.Load())
}

// written is a ledger in a real folder, opened anew, so that no key is in memory.
func written(b *testing.B) *journal.Journal {
	b.Helper()
	dir := *benchFolder
	if dir == "" {
		dir = b.TempDir()
	}
	open := func() *journal.Journal {
		j, err := journal.Open(b.Context(), journal.Config{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		return j
	}
	j := open()
	head, err := j.Head(b.Context())
	if err == nil && head == 0 {
		write(b, j)
	}
	if err := errors.Join(err, j.Close()); err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	j = open()
	b.Cleanup(func() { _ = j.Close() })
	return j
}

// write appends ten events a person, most of them with sealed values. The events of -mixed persons stand
// among each other: the first event of each, then the second of each, and so on.
func write(b *testing.B, j *journal.Journal) {
	b.Helper()
	persons := make([]person, *benchEvents/10)
	to := domain.RecipientID{UUID: uuid.New()}
	for i := range persons {
		persons[i] = person{id: domain.SubjectID{UUID: uuid.New()}, to: to, first: 10 * i}
	}
	if *benchMixed <= 1 {
		together(len(persons), func(n int) { persons[n].append(b, j, 0, 10) })
		return
	}
	for group := range slices.Chunk(persons, *benchMixed) {
		for i := range 10 {
			together(len(group), func(n int) { group[n].append(b, j, i, i+1) })
		}
	}
}

// together runs do for 0 to n-1, some at a time, so that commits are shared.
func together(n int, do func(int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

type person struct {
	id    domain.SubjectID
	to    domain.RecipientID
	first int // number of the first event
}

// append appends the person's events from one up to another.
func (p person) append(b *testing.B, j *journal.Journal, from, to int) {
	facts := make([]ledger.Fact, 0, 10)
	for i := from; i < to; i++ {
		facts = append(facts, ledger.Fact{ID: uuid.New(), Meta: benchMeta(p.first + i), Event: benchEvent(p.id, p.to, i)})
	}
	if _, err := j.Append(b.Context(), domain.SubjectStream(p.id), domain.Revision(from-1), facts); err != nil {
		b.Error(err)
	}
}

func benchEvent(id domain.SubjectID, to domain.RecipientID, i int) domain.Event {
	item := func(f domain.Field, e domain.Epoch, v string) domain.Item {
		return domain.Item{Subject: id, Field: f, Epoch: e, Value: domain.ClearValue(v)}
	}
	switch i {
	case 0:
		return subject.Registered{Subject: id, Policy: "2014-01", TextHash: "ab12", Reference: item("account", "1", "a-17")}
	case 1:
		return subject.Collected{Subject: id, Source: subject.BySubject, Items: []domain.Item{item("name", "1", "Olena Example"), item("email", "1", "olena@example.org")}}
	case 2, 3:
		return transferOf(id, to, i)
	case 4:
		return subject.Used{Subject: id, Values: []domain.FieldEpoch{{Field: "email", Epoch: "1"}}}
	}
	return subject.Collected{Subject: id, Source: subject.Automatic, Items: []domain.Item{item("address", "2026-03", "192.0.2.1"),
		item("page", "2026-03", "/goods/4711"), item("browser", "2026-03", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")}}
}

// BenchmarkLog replays a ledger beside the readings that it is made of: the raw records, the decoded events,
// the events with every value opened.
func BenchmarkLog(b *testing.B) {
	j := written(b)
	raw := func(ctx context.Context) (n int64, err error) {
		for _, err := range j.Store().ReadAll(ctx, 0) {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	replay := func(from LogSource, f LogFilter) func(context.Context) (int64, error) {
		return func(ctx context.Context) (int64, error) {
			done, err := Log(ctx, io.Discard, from, f, nil)
			return done.Read, err
		}
	}
	for _, x := range []struct {
		name string
		read func(context.Context) (int64, error)
	}{
		{"raw", raw},
		{"decoded", func(ctx context.Context) (int64, error) { return decoded(ctx, j, nil) }},
		{"opened", func(ctx context.Context) (int64, error) {
			return decoded(ctx, j, func(part []domain.Recorded) error {
				_, err := j.Unseal(ctx, journal.LiveOnly, part...)
				return err
			})
		}},
		{"replay", replay(LogSource{j.Store(), j.Keys()}, LogFilter{})},
		{"replay-without-states", replay(LogSource{Log: j.Store()}, LogFilter{})},
		{"replay-one-type", replay(LogSource{j.Store(), j.Keys()}, LogFilter{Types: []string{"DataTransferred"}})},
		{"replay-one-day", replay(LogSource{j.Store(), j.Keys()}, LogFilter{To: benchDay.AddDate(0, 0, 1)})},
	} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			var events int64
			used := processorTime(b)
			peak := peakHeap(b, func() {
				for b.Loop() {
					n, err := x.read(b.Context())
					if err != nil {
						b.Fatal(err)
					}
					events += n
				}
			})
			b.ReportMetric(float64((processorTime(b)-used).Nanoseconds())/float64(events), "cpu-ns/event")
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(peak/(1<<20), "peak-MiB")
		})
	}
}

// decoded reads the ledger in parts of 512 events.
func decoded(ctx context.Context, j *journal.Journal, each func([]domain.Recorded) error) (n int64, err error) {
	part := make([]domain.Recorded, 0, 512)
	hand := func() error {
		n += int64(len(part))
		if each == nil {
			part = part[:0]
			return nil
		}
		err := each(part)
		part = part[:0]
		return err
	}
	for r, err := range j.ReadAll(ctx, 0) {
		if err != nil {
			return n, err
		}
		if part = append(part, r); len(part) == cap(part) {
			if err := hand(); err != nil {
				return n, err
			}
		}
	}
	return n, hand()
}
