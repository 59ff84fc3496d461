package sqlite

import (
	"context"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/export"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/profile"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/transfers"
)

var ledgerID = uuid.MustParse("5c4f4f0e-9a3e-4ed2-8c37-8f8b53a4f001")

// benchEvents is a realistic mix: two thirds page views with five values each, ten events a subject.
const benchEvents = 200_000

func benchLog(events int) (*projtest.Log, *projtest.Crowd) {
	c := projtest.NewCrowd(rand.New(rand.NewPCG(1, 2)).IntN)
	c.Visits, c.Newcomers = 65, 10
	log := projtest.NewLog(ledgerID)
	log.Append(c.Recipients()...)
	log.Append(c.Some(events)...)
	return log, c
}

func open(tb testing.TB, path string) *Backend {
	tb.Helper()
	b, err := Open(context.Background(), Config{Path: path})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := b.Close(); err != nil {
			tb.Error(err)
		}
	})
	return b
}

// BenchmarkRebuild rebuilds all projections and loads the same rows bare, in the same run.
func BenchmarkRebuild(b *testing.B) {
	log, _ := benchLog(benchEvents)
	set := projtest.All()
	for range b.N {
		backend := open(b, filepath.Join(b.TempDir(), "read.db"))
		e, err := projections.New(projections.Config{Source: log, Backend: backend, Projections: set})
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := e.Rebuild(b.Context(), nil, nil); err != nil {
			b.Fatal(err)
		}
		took := time.Since(start)
		bare, rows := bareLoad(b, backend, set)
		b.ReportMetric(float64(benchEvents)/took.Seconds(), "events/s")
		b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
		b.ReportMetric(float64(rows)/bare.Seconds(), "bare-rows/s")
		b.ReportMetric(bare.Seconds()/took.Seconds(), "ratio")
	}
}

// bareLoad puts the rows of the live builds into the same tables of a new file: one transaction, sorted by
// key, one prepared statement a table, indexes last.
func bareLoad(b *testing.B, from *Backend, set []*projections.Projection) (time.Duration, int) {
	b.Helper()
	conn, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(b.TempDir(), "bare.db"), Relaxed: true, CacheKiB: 32 << 10})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	rows := map[*projections.Table][]projections.Row{}
	total := 0
	err = from.View(b.Context(), func(s projections.Snapshot) error {
		for _, p := range set {
			for _, t := range p.Tables {
				for row, err := range s.Select(b.Context(), projections.Select{Table: t}) {
					if err != nil {
						return err
					}
					rows[t] = append(rows[t], append(projections.Row(nil), row...))
					total++
				}
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	err = conn.Tx(func() error {
		for t, list := range rows {
			bare := *t
			bare.Indexes = nil // come last
			if err := conn.Script(createSQL(&bare)); err != nil {
				return err
			}
			s, err := conn.Prepared("INSERT INTO " + t.Name + " VALUES (" + strings.TrimSuffix(strings.Repeat("?,", len(t.Columns)), ",") + ")")
			if err != nil {
				return err
			}
			for _, row := range list {
				for i, v := range row {
					if err := bind(s, i+1, v); err != nil {
						return err
					}
				}
				if err := s.Exec(); err != nil {
					return err
				}
			}
			if err := conn.Script(strings.TrimPrefix(createSQL(t), createSQL(&bare))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return time.Since(start), total
}

// filled is a backend with the benchmark's log folded into it.
func filled(b *testing.B) (*Backend, *projtest.Crowd) {
	b.Helper()
	log, crowd := benchLog(benchEvents)
	backend := open(b, filepath.Join(b.TempDir(), "read.db"))
	e, err := projections.New(projections.Config{Source: log, Backend: backend, Projections: projtest.All()})
	if err != nil {
		b.Fatal(err)
	}
	if err := e.Rebuild(b.Context(), nil, nil); err != nil {
		b.Fatal(err)
	}
	return backend, crowd
}

// BenchmarkQuestions asks for persons taken from all over the file, one after the other.
func BenchmarkQuestions(b *testing.B) {
	backend, crowd := filled(b)
	people := crowd.Subjects()
	ask := func(name string, question func(projections.Snapshot, domain.SubjectID) error) {
		b.Run(name, func(b *testing.B) {
			for i := range b.N {
				id := people[i*7919%len(people)]
				if err := backend.View(b.Context(), func(s projections.Snapshot) error { return question(s, id) }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(people)), "subjects")
		})
	}
	ask("timeline", func(s projections.Snapshot, id domain.SubjectID) error {
		for _, err := range history.Timeline(b.Context(), s, id, history.Filter{}) {
			if err != nil {
				return err
			}
		}
		return nil
	})
	ask("as-of", func(s projections.Snapshot, id domain.SubjectID) error {
		_, err := history.AsOf(b.Context(), s, id, history.Moment{At: time.Date(2015, 7, 1, 0, 0, 0, 0, time.UTC)})
		return err
	})
	ask("profile", func(s projections.Snapshot, id domain.SubjectID) error {
		_, _, err := profile.Get(b.Context(), s, id)
		return err
	})
}

// BenchmarkTransferExport streams every transfer as CSV and as JSON lines.
func BenchmarkTransferExport(b *testing.B) {
	backend, _ := filled(b)
	for _, f := range []export.Format{export.CSV, export.JSONL} {
		b.Run(string(f), func(b *testing.B) {
			var rows int64
			for range b.N {
				err := backend.View(b.Context(), func(s projections.Snapshot) error {
					cards, err := transfers.Recipients(b.Context(), s)
					if err != nil {
						return err
					}
					n, err := export.Transfers(io.Discard, f, transfers.List(b.Context(), s, transfers.Filter{}), cards)
					rows += n
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkFollow folds the log as the engine does while it follows it.
func BenchmarkFollow(b *testing.B) {
	log, _ := benchLog(benchEvents)
	for range b.N {
		backend := open(b, filepath.Join(b.TempDir(), "read.db"))
		e, err := projections.New(projections.Config{Source: log, Backend: backend, Projections: projtest.All()})
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := e.CatchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(benchEvents)/time.Since(start).Seconds(), "events/s")
	}
}
