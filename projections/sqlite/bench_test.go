package sqlite

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
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
			if err := conn.Script(createSQL(t, 1)); err != nil {
				return err
			}
			s, err := conn.Prepared("INSERT INTO " + physical(t.Name, 1) + " VALUES (" + strings.TrimSuffix(strings.Repeat("?,", len(t.Columns)), ",") + ")")
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
			if err := conn.Script(indexSQL(t, 1)); err != nil {
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
