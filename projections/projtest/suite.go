package projtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"imagine.ua/litopys/projections"
)

// Open opens the backend at a place of the test's own, again if it was open before. The suite closes it.
type Open func(t testing.TB, place string) projections.Backend

// Run holds a backend to the contract.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"LiveEqualsRebuild":   liveEqualsRebuild,
		"EveryTableFills":     everyTableFills,
		"TwiceChangesNothing": twiceChangesNothing,
		"CommitConflicts":     commitConflicts,
		"KilledAnywhere":      killedAnywhere,
		"BatchesAgree":        batchesAgree,
		"FailsAlone":          failsAlone,
		"UnknownEvent":        unknownEvent,
		"UnreadableEvent":     unreadableEvent,
		"OtherLog":            otherLog,
		"OtherVersion":        otherVersion,
		"Switch":              switchIsWhole,
		"SwitchRefuses":       switchRefuses,
		"Rollback":            rollback,
		"ProgressAndCancel":   progressAndCancel,
		"FollowsAndWaits":     followsAndWaits,
		"ConditionsSelect":    conditionsSelect,
		"Status":              status,
		"Interrupted":         interruptedEqualsLive,
		"GoesOn":              goesOn,
		"MemoryStays":         memoryStays,
		"CheckFinds":          checkFinds,
		"LoadConflicts":       loadConflicts,
		"EmptyLog":            emptyLog,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}

var ledger = uuid.MustParse("5c4f4f0e-9a3e-4ed2-8c37-8f8b53a4f001")

// fixture is a log with people in it.
func fixture(seed uint64, events int) (*Log, *Crowd) {
	c := NewCrowd(rand.New(rand.NewPCG(seed, seed)).IntN) // #nosec G404 -- histories to be made again
	l := NewLog(ledger)
	l.Append(c.Recipients()...)
	l.Append(c.Some(events)...)
	return l, c
}

func engine(t testing.TB, log projections.Source, b projections.Backend, adjust ...func(*projections.Config)) *projections.Engine {
	t.Helper()
	cfg := projections.Config{Source: log, Backend: b, Projections: All()}
	for _, f := range adjust {
		f(&cfg)
	}
	e, err := projections.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func batches(events int) func(*projections.Config) {
	return func(c *projections.Config) { c.BatchEvents = events }
}

func use(set ...*projections.Projection) func(*projections.Config) {
	return func(c *projections.Config) { c.Projections = set }
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got %v, want %v", err, target)
	}
}

func same(t testing.TB, what string, got, wanted Dump) {
	t.Helper()
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%.4000s", what, diff)
	}
}

// closing opens the backend and closes it with the test.
func closing(t testing.TB, open Open, place string) projections.Backend {
	t.Helper()
	b := open(t, place)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// Some gives n of all projections, from the i-th on and around. A case with all of them costs what three with some
// cost, and says no more of a backend.
func Some(i, n int) []*projections.Projection {
	all := All()
	return slices.Concat(all, all)[i%len(all):][:n]
}

// liveEqualsRebuild: whatever happened, in whatever batches it was followed, a rebuild gives the same rows.
func liveEqualsRebuild(t *testing.T, open Open) {
	place := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		crowd := NewCrowd(func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "dice") })
		log := NewLog(ledger)
		log.Append(crowd.Recipients()...)
		b := open(t, fmt.Sprintf("%s/%d", place, run))
		defer func() { must(t, b.Close()) }()
		set := Some(rapid.IntRange(0, len(All())-1).Draw(rt, "first"), 3)
		e := engine(t, log, b, batches(rapid.IntRange(1, 20).Draw(rt, "batch")), use(set...))
		for range rapid.IntRange(1, 4).Draw(rt, "stretches") {
			log.Append(crowd.Some(rapid.IntRange(0, 30).Draw(rt, "events"))...)
			must(t, e.CatchUp(context.Background()))
		}
		live := Read(t, b, set)
		must(t, e.Rebuild(context.Background(), nil, nil))
		if diff := cmp.Diff(live, Read(t, b, set)); diff != "" {
			rt.Fatalf("rebuild differs from live run (-live +rebuilt):\n%.3000s", diff)
		}
		must(t, e.CatchUp(context.Background()))
	})
}

// everyTableFills: the people of this suite do everything that a projection has a table for, so that no fold
// passes for want of events; and all of them together are rebuilt alike.
func everyTableFills(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	crowd := NewCrowd(rand.New(rand.NewPCG(12, 12)).IntN) // #nosec G404 -- histories to be made again
	crowd.Visits, crowd.Newcomers = 10, 5
	log := NewLog(ledger)
	log.Append(crowd.Recipients()...)
	log.Append(crowd.Some(700)...)
	e := engine(t, log, b)
	must(t, e.CatchUp(t.Context()))
	live := Read(t, b, All())
	for table, rows := range live {
		if len(rows) == 0 {
			t.Errorf("nothing came into %s", table)
		}
	}
	must(t, e.Rebuild(t.Context(), nil, nil))
	same(t, "rebuilt", Read(t, b, All()), live)
}

// batchesAgree: one event a batch gives the same rows as one batch for all, also for every kind of change.
func batchesAgree(t *testing.T, open Open) {
	for seed := range uint64(5) {
		log := counters(seed, 300)
		var dumps []Dump
		for i, n := range []int{1, 7, 1000} {
			b := closing(t, open, fmt.Sprintf("%s/%d-%d", t.TempDir(), seed, i))
			must(t, engine(t, log, b, batches(n), use(scribble)).CatchUp(t.Context()))
			dumps = append(dumps, Read(t, b, []*projections.Projection{scribble}))
		}
		same(t, "batches of 7", dumps[1], dumps[0])
		same(t, "one batch", dumps[2], dumps[0])
		if dumps[0].Rows() == 0 {
			t.Fatal("nothing was written")
		}
	}
}

// twiceChangesNothing: a batch whose answer was lost may be committed again.
func twiceChangesNothing(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	log, _ := fixture(1, 200)
	for _, p := range All() {
		build, err := b.Create(t.Context(), p, ledger, projections.Live)
		must(t, err)
		commit := func() {
			batch := projections.NewBatch(p, projections.Mark{})
			for _, e := range log.Events() {
				must(t, batch.Apply(e))
			}
			must(t, b.Commit(t.Context(), commitOf(p, build.Number, batch)))
		}
		commit()
		once, before := Read(t, b, []*projections.Projection{p}), live(t, b, p.Name)
		commit()
		same(t, p.Name+" committed twice", Read(t, b, []*projections.Projection{p}), once)
		if after := live(t, b, p.Name); after != before {
			t.Fatalf("the build moved: %+v, was %+v", after, before)
		}
	}
}

func commitOf(p *projections.Projection, number int64, b *projections.Batch) projections.Commit {
	return projections.Commit{Projection: p, Number: number, From: b.From(), To: b.Mark(), Events: b.Events(), Changes: b.Changes()}
}

func live(t testing.TB, b projections.Backend, name string) projections.Build {
	t.Helper()
	builds, err := b.Builds(context.Background())
	must(t, err)
	for _, x := range builds {
		if x.Projection == name && x.State == projections.Live {
			return x
		}
	}
	t.Fatalf("%s has no live build", name)
	return projections.Build{}
}

// commitConflicts: a batch that begins elsewhere than the build stands writes nothing.
func commitConflicts(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	log, _ := fixture(2, 40)
	p := scribble
	build, err := b.Create(t.Context(), p, ledger, projections.Live)
	must(t, err)
	_, err = b.Create(t.Context(), p, ledger, projections.Live)
	want(t, err, projections.ErrConflict)
	events := counters(2, 40).Events()
	first := projections.NewBatch(p, projections.Mark{})
	for _, e := range events[:10] {
		must(t, first.Apply(e))
	}
	must(t, b.Commit(t.Context(), commitOf(p, build.Number, first)))
	before := Read(t, b, []*projections.Projection{p})
	rival := projections.NewBatch(p, projections.Mark{})
	for _, e := range events[:20] {
		must(t, rival.Apply(e))
	}
	want(t, b.Commit(t.Context(), commitOf(p, build.Number, rival)), projections.ErrConflict)
	gone := commitOf(p, build.Number+5, projections.NewBatch(p, first.Mark()))
	want(t, b.Commit(t.Context(), gone), projections.ErrConflict)
	want(t, b.Drop(t.Context(), []projections.Build{build}), projections.ErrConflict)
	same(t, "after conflicts", Read(t, b, []*projections.Projection{p}), before)
	_ = log
}

// killedAnywhere: the process dies before or after each step in turn; going on gives the rows of a run that
// never died.
func killedAnywhere(t *testing.T, open Open) {
	log, _ := fixture(3, 60)
	for i := 0; i < len(All()); i += 2 {
		set := Some(i, 2)
		clean := closing(t, open, t.TempDir())
		must(t, engine(t, log, clean, use(set...)).CatchUp(t.Context()))
		wanted := Read(t, clean, set)
		for _, persisted := range []bool{false, true} {
			for step := 1; killedOnce(t, open, log, set, wanted, step, persisted); step++ {
				if step > 500 {
					t.Fatal("no run came to its end")
				}
			}
		}
	}
}

// killedOnce kills a run at one step and goes on, and reports whether the run was long enough to be killed there.
func killedOnce(t *testing.T, open Open, log *Log, set []*projections.Projection, wanted Dump, step int, persisted bool) bool {
	t.Helper()
	place := t.TempDir()
	died := killAt(t, open, place, log, set, step, persisted)
	b := open(t, place)
	e := engine(t, log, b, batches(25), use(set...))
	must(t, e.CatchUp(t.Context()))
	same(t, fmt.Sprintf("killed at step %d, live", step), Read(t, b, set), wanted)
	must(t, e.Rebuild(t.Context(), nil, nil))
	same(t, fmt.Sprintf("killed at step %d, rebuilt", step), Read(t, b, set), wanted)
	must(t, b.Close())
	return died
}

// killAt runs the engine and a rebuild until the step at which it dies, and reports whether it did.
func killAt(t *testing.T, open Open, place string, log *Log, set []*projections.Projection, step int, persisted bool) bool {
	t.Helper()
	b := &Dying{Backend: open(t, place), At: step, Persisted: persisted}
	e := engine(t, log, b, batches(25), use(set...), smallRuns)
	err := e.CatchUp(t.Context())
	if err == nil {
		err = e.Rebuild(t.Context(), nil, nil)
	}
	if b.Died() && err == nil {
		t.Fatalf("step %d failed and nobody noticed", step)
	}
	if !b.Died() {
		must(t, err)
	}
	must(t, b.Backend.Close())
	return b.Died()
}
