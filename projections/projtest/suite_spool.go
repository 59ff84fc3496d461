package projtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
)

// cutting is a source whose reading is cut off after so many events, which is as far as the run gets.
type cutting struct {
	*Log
	left atomic.Int64
	cut  func() error
}

func (c *cutting) ReadAll(ctx context.Context, after uint64) iter.Seq2[domain.Recorded, error] {
	return func(yield func(domain.Recorded, error) bool) {
		for r, err := range c.Log.ReadAll(ctx, after) {
			if err == nil && c.left.Add(-1) == 0 {
				if err := c.cut(); err != nil {
					yield(domain.Recorded{}, err)
					return
				}
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

var errCut = errors.New("the log broke off")

// spoolDir is a folder of the test's own.
func spoolDir(dir string) func(*projections.Config) {
	return func(c *projections.Config) { c.SpoolDir = dir }
}

func smallRuns(c *projections.Config) { c.RebuildBytes = 1 }

// interruptedEqualsLive: a rebuild that is cancelled, broken off and killed at random places, several times,
// with erasures before, between and after, ends with the rows of a live run; and a check finds them equal.
func interruptedEqualsLive(t *testing.T, open Open) {
	place, run := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		if run > propertyRuns {
			return // a build takes its time on a server; the seeds change with every run of the suite
		}
		crowd := NewCrowd(func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "dice") })
		log := NewLog(ledger)
		log.Append(crowd.Recipients()...)
		log.Append(crowd.Some(rapid.IntRange(1, 250).Draw(rt, "events"))...)
		here := fmt.Sprintf("%s/%d", place, run)
		b := open(t, here)
		following := engine(t, log, b, batches(200))
		must(t, following.CatchUp(context.Background()))
		for range rapid.IntRange(1, 4).Draw(rt, "interruptions") {
			kind := rapid.SampledFrom([]string{"cancelled", "broken off", "killed", "damaged"}).Draw(rt, "kind")
			interrupt(t, b, log, here+"-spool", kind, int64(rapid.IntRange(1, 250).Draw(rt, "after")), rapid.IntRange(1, 30).Draw(rt, "step"))
			log.Append(crowd.Some(rapid.IntRange(0, 40).Draw(rt, "more"))...)
			must(t, following.CatchUp(context.Background()))
		}
		wanted := Read(t, b, All())
		e := engine(t, log, b, spoolDir(here+"-spool"))
		must(t, e.Rebuild(context.Background(), nil, nil))
		same(t, "rebuilt after interruptions", Read(t, b, All()), wanted)
		for _, p := range All() {
			if got := live(t, b, p.Name); got.Events != int64(len(log.Events())) {
				t.Fatalf("%s counts %d events of %d", p.Name, got.Events, len(log.Events()))
			}
		}
		if left, err := filepath.Glob(here + "-spool/*/*"); err != nil || len(left) > 0 {
			t.Fatalf("left behind: %q, %v", left, err)
		}
		_, err := e.Check(context.Background(), nil, nil)
		must(t, err)
		must(t, b.Close())
	})
}

// propertyRuns is enough to meet every kind of interruption at least once.
const propertyRuns = 8

// interrupt begins a rebuild and ends it early, or lets it end when the place was never reached.
func interrupt(t *testing.T, b projections.Backend, log *Log, spool, kind string, after int64, step int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	source := &cutting{Log: log, cut: func() error { return errCut }}
	var backend = b
	switch kind {
	case "cancelled":
		source.cut = func() error { cancel(); return nil }
	case "killed":
		backend, after = &Dying{Backend: b, At: step, Persisted: step%2 == 0}, 1<<40
	}
	source.left.Store(after)
	err := engine(t, log, backend, smallRuns, spoolDir(spool), func(c *projections.Config) { c.Source = source }).Rebuild(ctx, nil, nil)
	if err != nil && !errors.Is(err, errCut) && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrDied) {
		t.Fatalf("%s: %v", kind, err)
	}
	if kind == "damaged" {
		damage(t, spool)
	}
}

// damage is what a machine without power may leave: a file that is shorter than it was said to be.
func damage(t *testing.T, spool string) {
	t.Helper()
	files, err := filepath.Glob(spool + "/*/*.1")
	must(t, err)
	for _, f := range files {
		info, err := os.Stat(f)
		must(t, err)
		must(t, os.Truncate(f, info.Size()/2))
		must(t, os.WriteFile(filepath.Join(filepath.Dir(f), "profile_fields.7777"), []byte("a run that nobody ended"), 0o600))
	}
}

// goesOn: a rebuild that broke off reads no event twice that it had put aside, and what it had is of use only
// for its own build and log.
func goesOn(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	log, _ := fixture(21, 3500)
	dir := t.TempDir()
	source := &cutting{Log: log, cut: func() error { return errCut }}
	source.left.Store(3000)
	with := func(c *projections.Config) { c.Source, c.Projections = source, Some(3, 4) }
	want(t, engine(t, log, b, smallRuns, with, spoolDir(dir)).Rebuild(t.Context(), nil, nil), errCut)
	source.left.Store(0)
	var last projections.Progress
	must(t, engine(t, log, b, smallRuns, with, spoolDir(dir)).Rebuild(t.Context(), nil, func(p projections.Progress) { last = p }))
	if all := int64(len(log.Events())); last.Events >= all-1000 || last.Events == 0 || last.Rows == 0 {
		t.Errorf("the second run read %d events of %d, and stored %d rows", last.Events, all, last.Rows)
	}
	must(t, engine(t, log, b, with).CatchUp(t.Context()))
	_, err := engine(t, log, b, with).Check(t.Context(), nil, nil)
	must(t, err)
}

// emptyLog: a ledger without events has answers too, and they can be computed anew and compared.
func emptyLog(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	e := engine(t, NewLog(ledger), b)
	must(t, e.CatchUp(t.Context()))
	must(t, e.Rebuild(t.Context(), nil, nil))
	all, err := e.Check(t.Context(), nil, nil)
	must(t, err)
	for _, c := range all {
		if c.Difference != "" || c.Live.Rows != 0 {
			t.Errorf("%+v", c)
		}
	}
}

// memoryStays: what a rebuild holds does not grow with the log. Held rows are counted by what the runs on
// disk hold: the more events, the more runs, each no larger.
func memoryStays(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	const bound = 200 << 10
	for _, events := range []int{3000, 9000} {
		log, _ := fixture(22, events)
		dir := t.TempDir()
		source := &cutting{Log: log, cut: func() error { return errCut }}
		source.left.Store(int64(events))
		e := engine(t, log, b, use(Some(0, 4)...), spoolDir(dir), func(c *projections.Config) { c.Source, c.RebuildBytes = source, bound })
		want(t, e.Rebuild(t.Context(), nil, nil), errCut)
		runs := 0
		must(t, filepath.Walk(dir, func(path string, f os.FileInfo, err error) error {
			if err != nil || f.IsDir() || strings.HasSuffix(path, ".json") {
				return err
			}
			// One chunk may come on top, and a stretch of a Log table leaves memory while it is written.
			if runs++; f.Size() > 3*bound+(512<<10) {
				t.Errorf("%d events: %s holds %d bytes", events, filepath.Base(path), f.Size())
			}
			return nil
		}))
		if runs < events/1000 {
			t.Errorf("%d events: %d runs", events, runs)
		}
	}
}

// checkFinds: rows that were changed, lost or added are found and named, whoever did it; and a check of a
// moving log compares the same moment.
func checkFinds(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	log, crowd := fixture(23, 300)
	honest := engine(t, log, b)
	if _, err := honest.Check(t.Context(), nil, nil); !errors.Is(err, projections.ErrNoBuild) {
		t.Errorf("nothing to compare with: %v", err)
	}
	must(t, honest.CatchUp(t.Context()))
	moved := false
	all, err := honest.Check(t.Context(), nil, func(p projections.Progress) {
		if p.Stage == projections.Comparing && !moved {
			moved = true
			log.Append(crowd.Some(30)...)
			must(t, honest.CatchUp(t.Context()))
		}
	})
	must(t, err)
	head, _ := log.Head(t.Context())
	for _, c := range all {
		if c.Difference != "" || c.Fresh != c.Live || c.Position != head {
			t.Errorf("%+v", c)
		}
	}
	for kind, wrong := range map[string]func(int64, *projections.Table, *projections.Writer){
		"is missing":          func(int64, *projections.Table, *projections.Writer) {},
		"differs in note":     func(n int64, t *projections.Table, w *projections.Writer) { note(n, "other", t, w) },
		"should not be there": func(n int64, t *projections.Table, w *projections.Writer) { note(n, "same", t, w); note(-n, "", t, w) },
	} {
		place := closing(t, open, t.TempDir()+kind)
		must(t, engine(t, log, place, use(noting(wrong))).CatchUp(t.Context()))
		right := engine(t, log, place, use(noting(func(n int64, t *projections.Table, w *projections.Writer) { note(n, "same", t, w) })))
		all, err := right.Check(t.Context(), nil, nil)
		want(t, err, projections.ErrMismatch)
		if len(all) != 1 || !strings.Contains(all[0].Difference, kind) || all[0].Fresh == all[0].Live {
			t.Errorf("%s: %+v", kind, all)
		}
		must(t, right.Rebuild(t.Context(), nil, nil))
		_, err = right.Check(t.Context(), nil, nil)
		must(t, err)
	}
}

// noting is a projection that does as it is told at one event and right at all others.
func noting(at func(int64, *projections.Table, *projections.Writer)) *projections.Projection {
	table := &projections.Table{Name: "noting_rows", Key: 1, Columns: []projections.Column{{Name: "n", Type: projections.Int}, {Name: "note", Type: projections.Text}}}
	return &projections.Projection{Name: "noting", Version: 1, Tables: []*projections.Table{table},
		Apply: func(r domain.Recorded, w *projections.Writer) error {
			n := int64(r.Position) // #nosec G115 -- a few thousand
			if r.Position == 100*stride {
				at(n, table, w)
				return nil
			}
			note(n, "same", table, w)
			return nil
		}}
}

func note(n int64, text string, t *projections.Table, w *projections.Writer) {
	w.Upsert(t, projections.OfInt(n), projections.OfText(text))
}

// loadConflicts: what is filled already, or is no hidden build, takes no load.
func loadConflicts(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	p := noting(func(int64, *projections.Table, *projections.Writer) {})
	build, err := b.Create(t.Context(), p, ledger, projections.Building)
	must(t, err)
	row := func(n int64) projections.Row { return projections.Row{projections.OfInt(n), projections.OfText("x")} }
	load := func(number int64, to uint64, rows ...projections.Row) error {
		feed := func(yield func(projections.Row, error) bool) {
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
		}
		return b.Load(t.Context(), projections.Load{Projection: p, Number: number, To: projections.Mark{Position: to, Event: ledger}, Events: 1,
			Tables: []projections.Filling{{Table: p.Tables[0], Rows: feed}}})
	}
	want(t, load(build.Number+7, 5, row(1)), projections.ErrConflict)
	if err := load(build.Number, 5, row(1), row(1)); err == nil {
		t.Error("a key twice is taken")
	}
	must(t, load(build.Number, 5, row(1), row(2)))
	must(t, load(build.Number, 5, row(1), row(2)))
	want(t, load(build.Number, 6, row(1)), projections.ErrConflict)
	broken := errors.New("no more")
	for n, err := range b.Rows(t.Context(), build, p.Tables[0]) {
		must(t, err)
		if n[0].Int() > 2 {
			t.Errorf("row %v", n)
		}
	}
	for _, err := range b.Rows(t.Context(), projections.Build{Projection: p.Name, Number: 99}, p.Tables[0]) {
		want(t, err, projections.ErrConflict)
	}
	other := noting(nil)
	other.Name = "noting2"
	other.Tables[0].Name = "noting2_rows"
	next, err := b.Create(t.Context(), other, ledger, projections.Building)
	must(t, err)
	err = b.Load(t.Context(), projections.Load{Projection: other, Number: next.Number, To: projections.Mark{Position: 1, Event: ledger},
		Tables: []projections.Filling{{Table: other.Tables[0], Rows: func(yield func(projections.Row, error) bool) { yield(nil, broken) }}}})
	want(t, err, broken)
}
