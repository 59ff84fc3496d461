package history_test

import (
	"context"
	"flag"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/sqlite"
)

// benchSubjects is how many persons the ledger of the benchmarks has: -subjects 100000 for the real size.
var benchSubjects = flag.Int("subjects", 5_000, "persons in the ledger of the benchmarks, ten events each")

var benchDay = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// life is the ten events of one person: those of the file, and those of the traces.
func life(id domain.SubjectID, to domain.RecipientID) (file, traces []ledger.Fact) {
	at := func(day int, e domain.Event) ledger.Fact {
		when := benchDay.AddDate(0, 0, day)
		return ledger.Fact{ID: uuid.New(), Event: e, Meta: domain.Meta{Actor: domain.Actor{Kind: domain.ActorEmployee, ID: "e-17"},
			OccurredAt: when, RecordedAt: when, Purpose: "service", Grounds: "ua.11.1.3", Service: "account", Policy: "2014-01",
			Command: "bench", Content: "00112233445566778899aabbccddeeff"}}
	}
	item := func(f domain.Field, e domain.Epoch, v string) domain.Item {
		return domain.Item{Subject: id, Field: f, Epoch: e, Value: domain.ClearValue(v)}
	}
	visit := func(page string) domain.Event {
		return subject.Collected{Subject: id, Source: subject.Automatic, Items: []domain.Item{item("address", "2026-03", "192.0.2.1"),
			item("page", "2026-03", page), item("browser", "2026-03", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")}}
	}
	email := []domain.FieldEpoch{{Field: "email", Epoch: "1"}}
	transfer := subject.Transferred{Subject: id, Recipient: subject.Recipient{ID: to, Kind: "delivery", Country: "UA"}, Values: email,
		Basis: subject.ByConsent{Consent: domain.ConsentID(id)}}
	file = []ledger.Fact{
		at(0, subject.Registered{Subject: id, Policy: "2014-01", TextHash: "ab12", Reference: item("account", "1", "a-"+id.String())}),
		at(1, subject.Collected{Subject: id, Source: subject.BySubject, Items: []domain.Item{item("name", "1", "Olena Example"), item("email", "1", "olena@example.org")}}),
		at(2, subject.ConsentGranted{Subject: id, Consent: domain.ConsentID(id), TextHash: "cd34",
			Scope: subject.Scope{Purposes: []domain.Purpose{"service"}, Fields: []domain.Field{"email"}, Recipients: []domain.RecipientID{to}}}),
		at(3, transfer), at(4, transfer),
		at(9, subject.Edited{Subject: id, Items: []domain.Item{item("email", "2", "new@example.org")},
			Superseded: []domain.Fate{{Subject: id, Field: "email", Epoch: "1", Action: domain.Destroy}}}),
	}
	traces = []ledger.Fact{at(5, visit("/")), at(6, visit("/goods/4711")), at(7, visit("/basket")),
		at(8, subject.Viewed{Subject: id, Values: email, Role: "support", Document: "T-1"})}
	return file, traces
}

// town is a ledger in a real folder with many people, and their timelines.
func town(b *testing.B) (*journal.Journal, projections.Viewer, []domain.SubjectID) {
	b.Helper()
	dir := b.TempDir()
	j, err := journal.Open(b.Context(), journal.Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	people := make([]domain.SubjectID, *benchSubjects)
	var next atomic.Int64
	var wg sync.WaitGroup
	to := domain.RecipientID{UUID: uuid.New()}
	for range 64 {
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(people); i = next.Add(1) - 1 {
				id := domain.SubjectID{UUID: uuid.New()}
				people[i] = id
				file, traces := life(id, to)
				_, err := j.Append(b.Context(), domain.SubjectStream(id), domain.NoStream, file)
				if err == nil {
					_, err = j.Append(b.Context(), domain.TraceStream(id, "2026-03"), domain.NoStream, traces)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	read, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(dir, "read.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = read.Close(), j.Close() })
	e, err := projections.New(projections.Config{Source: j, Backend: read, Projections: []*projections.Projection{history.New()}})
	if err == nil {
		err = e.Rebuild(b.Context(), nil, nil)
	}
	if err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	return j, read, people
}

// BenchmarkPerson asks about persons taken from all over the ledger, each once, as an officer does: the
// timeline with every value that can be opened, what was held on a day, and both as a reader who leaves out
// what has passed its term. It reports the median and the 99th of a hundred.
func BenchmarkPerson(b *testing.B) {
	j, read, people := town(b)
	keeping := history.Keeping{Term: law.UA(), Now: benchDay.AddDate(1, 0, 0)}
	for _, q := range []struct {
		name string
		ask  func(context.Context, projections.Snapshot, domain.SubjectID) error
	}{
		{"timeline", func(ctx context.Context, s projections.Snapshot, id domain.SubjectID) error {
			_, err := collect(ctx, s, id, keeping)
			return err
		}},
		{"timeline-opened", func(ctx context.Context, s projections.Snapshot, id domain.SubjectID) error {
			entries, err := collect(ctx, s, id, keeping)
			if err == nil {
				_, err = history.Open(ctx, j, j, entries)
			}
			return err
		}},
		{"as-of", func(ctx context.Context, s projections.Snapshot, id domain.SubjectID) error {
			_, err := keeping.AsOf(ctx, s, id, history.Moment{At: benchDay.AddDate(0, 0, 8)})
			return err
		}},
		{"as-of-opened", func(ctx context.Context, s projections.Snapshot, id domain.SubjectID) error {
			past, err := keeping.AsOf(ctx, s, id, history.Moment{At: benchDay.AddDate(0, 0, 8)})
			if err != nil {
				return err
			}
			came := make([]history.Entry, len(past.Holdings))
			for i, h := range past.Holdings {
				came[i] = h.Came
			}
			_, err = history.Open(ctx, j, j, came)
			return err
		}},
		{"as-of-both-times", func(ctx context.Context, s projections.Snapshot, id domain.SubjectID) error {
			_, err := keeping.AsOf(ctx, s, id, history.Moment{At: benchDay.AddDate(0, 0, 6), Clock: history.ByOccurred, Known: benchDay.AddDate(0, 0, 8)})
			return err
		}},
	} {
		b.Run(q.name, func(b *testing.B) {
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				id := people[i*7919%len(people)]
				began := time.Now()
				if err := read.View(b.Context(), func(s projections.Snapshot) error { return q.ask(b.Context(), s, id) }); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "median-us")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
		})
	}
}

func collect(ctx context.Context, s projections.Snapshot, id domain.SubjectID, k history.Keeping) ([]history.Entry, error) {
	var entries []history.Entry
	leftOut := 0
	for e, err := range k.Timeline(ctx, s, id, history.Filter{}, &leftOut) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}
