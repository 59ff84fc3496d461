package postgres

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/pgtest"
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

func benchEngine(b *testing.B, log projections.Source, backend projections.Backend) *projections.Engine {
	b.Helper()
	e, err := projections.New(projections.Config{Source: log, Backend: backend, Projections: projtest.All()})
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// server is one that writes to its disk as in production.
func server(b *testing.B) *pgtest.Server {
	b.Helper()
	return pgtest.New(b, pgtest.Config{Fsync: true, Settings: map[string]string{"max_wal_size": "4GB"}})
}

// BenchmarkRebuild rebuilds all projections, and copies the same rows bare into the same tables over one
// connection, in the same run.
func BenchmarkRebuild(b *testing.B) {
	log, _ := benchLog(benchEvents)
	pg, set := server(b), projtest.All()
	for range b.N {
		backend := open(b, Config{URL: pg.Database(b)})
		e := benchEngine(b, log, backend)
		runtime.GC()
		start := time.Now()
		if err := e.Rebuild(b.Context(), nil, nil); err != nil {
			b.Fatal(err)
		}
		took := time.Since(start)
		bare, rows := bareCopy(b, backend, pg.Database(b), set)
		b.ReportMetric(float64(benchEvents)/took.Seconds(), "events/s")
		b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
		b.ReportMetric(float64(rows)/bare.Seconds(), "bare-rows/s")
		b.ReportMetric(bare.Seconds()/took.Seconds(), "ratio")
	}
}

// bareCopy puts the rows of the live builds into empty tables of another database: sorted by key, one binary
// COPY a table, indexes last.
func bareCopy(b *testing.B, from *Backend, url string, set []*projections.Projection) (time.Duration, int) {
	b.Helper()
	conn, err := Config{URL: url}.connect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer closeConn(b.Context(), conn)
	rows, total := liveRows(b, from, set)
	runtime.GC()
	start := time.Now()
	for t, list := range rows {
		if err := script(b.Context(), conn, "CREATE SCHEMA bare_"+t.Name+";"+createSQL(t, "bare_"+t.Name)+keySQL(t, "bare_"+t.Name)); err != nil {
			b.Fatal(err)
		}
		err := copyRows(b.Context(), conn, table("bare_"+t.Name, t.Name), len(t.Columns), len(list), func(i int, b []byte) []byte { return appendRow(b, list[i]) })
		if err != nil {
			b.Fatal(err)
		}
		if err := script(b.Context(), conn, indexSQL(t, "bare_"+t.Name)); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start), total
}

func liveRows(b *testing.B, from *Backend, set []*projections.Projection) (map[*projections.Table][]projections.Row, int) {
	b.Helper()
	rows, total := map[*projections.Table][]projections.Row{}, 0
	err := from.View(b.Context(), func(s projections.Snapshot) error {
		for _, p := range set {
			for _, t := range p.Tables {
				for row, err := range s.Select(b.Context(), projections.Select{Table: t}) {
					if err != nil {
						return err
					}
					rows[t] = append(rows[t], slices.Clone(row))
					total++
				}
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return rows, total
}

// BenchmarkLive follows a log that is there already, in the batches of live projecting.
func BenchmarkLive(b *testing.B) {
	log, crowd := benchLog(20_000)
	backend := open(b, Config{URL: server(b).Database(b)})
	e := benchEngine(b, log, backend)
	if err := e.CatchUp(b.Context()); err != nil {
		b.Fatal(err)
	}
	const events = 50_000
	for b.Loop() {
		b.StopTimer()
		log.Append(crowd.Some(events)...)
		b.StartTimer()
		if err := e.CatchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(events*b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkLag appends 2,000 events a second, one by one, and measures from the append of an event to when
// every projection shows it.
func BenchmarkLag(b *testing.B) {
	log, crowd := benchLog(20_000)
	backend := open(b, Config{URL: server(b).Database(b)})
	e := benchEngine(b, log, backend)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	head, _ := log.Head(ctx)
	if err := e.WaitFor(ctx, head); err != nil {
		b.Fatal(err)
	}
	var lags []time.Duration
	for b.Loop() {
		lags = append(lags, pace(b, e, log, crowd.Some(4000))...)
	}
	cancel()
	<-ended
	slices.Sort(lags)
	b.ReportMetric(float64(lags[len(lags)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(lags[len(lags)*99/100].Microseconds())/1000, "p99-ms")
}

// pace appends events, one every half millisecond on average, and gives the lag of every 20th.
func pace(b *testing.B, e *projections.Engine, log *projtest.Log, events []domain.Recorded) []time.Duration {
	b.Helper()
	start := time.Now()
	lags := make(chan time.Duration, len(events))
	asked := 0
	for i, event := range events {
		time.Sleep(time.Until(start.Add(time.Duration(i) * 500 * time.Microsecond)))
		log.Append(event)
		if i%20 != 0 {
			continue
		}
		asked++
		at := time.Now()
		position, _ := log.Head(b.Context())
		go func() {
			if err := e.WaitFor(b.Context(), position); err != nil {
				b.Error(err)
			}
			lags <- time.Since(at)
		}()
	}
	out := make([]time.Duration, asked)
	for i := range out {
		out[i] = <-lags
	}
	return out
}
