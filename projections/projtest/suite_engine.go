package projtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/projections"
)

// picky is a projection that refuses the events at which refuse says so.
func picky(name string, refuse func(domain.Recorded) error) *projections.Projection {
	table := &projections.Table{Name: name + "_rows", Key: 1, Log: true, Columns: []projections.Column{{Name: "position", Type: projections.Int}}}
	return &projections.Projection{Name: name, Version: 1, Tables: []*projections.Table{table},
		Apply: func(r domain.Recorded, w *projections.Writer) error {
			w.Append(table, projections.OfPosition(r.Position))
			return refuse(r)
		}}
}

func never(domain.Recorded) error { return nil }

// failsAlone: the projection that fails names event and reason, keeps what it had, and goes on when mended;
// the other one does not notice. A panic is a failure like any other.
func failsAlone(t *testing.T, open Open) {
	for name, fail := range map[string]func() error{
		"refuses": func() error { return errors.New("does not add up") },
		"panics":  func() error { panic("does not add up") },
	} {
		b := closing(t, open, t.TempDir()+name)
		log, _ := fixture(4, 50)
		bad := log.Events()[30]
		var mended atomic.Bool
		weak := picky("weak", func(r domain.Recorded) error {
			if r.ID == bad.ID && !mended.Load() {
				return fail()
			}
			return nil
		})
		e := engine(t, log, b, use(weak, picky("strong", never)), batches(8))
		err := e.CatchUp(t.Context())
		var failure *projections.FailureError
		if want(t, err, projections.ErrFailed); !errors.As(err, &failure) {
			t.Fatalf("%v is no FailureError", err)
		}
		if failure.Projection != "weak" || failure.Failure.Event != bad.ID || failure.Failure.Position != bad.Position || failure.Failure.Reason == "" {
			t.Errorf("wrong failure: %+v", failure)
		}
		if at := live(t, b, "weak").Mark.Position; at != log.Events()[29].Position {
			t.Errorf("weak stands at %d", at)
		}
		if stored := live(t, b, "weak").Failure; stored == nil || stored.Event != bad.ID {
			t.Errorf("stored failure: %+v", stored)
		}
		head := log.Events()[len(log.Events())-1].Position
		must(t, e.WaitFor(t.Context(), head, "strong"))
		want(t, e.WaitFor(t.Context(), head, "weak"), projections.ErrFailed)
		want(t, e.Rebuild(t.Context(), nil, nil), projections.ErrFailed)
		mended.Store(true)
		must(t, e.CatchUp(t.Context()))
		must(t, e.WaitFor(t.Context(), head))
		must(t, e.Rebuild(t.Context(), nil, nil))
		for _, name := range []string{"weak", "strong"} {
			if got := live(t, b, name); got.Events != int64(len(log.Events())) || got.Failure != nil {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
}

type stranger struct {
	domain.NoPersonal
	domain.NoFates
}

// unknownEvent: no fold skips an event that it does not know.
func unknownEvent(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	log, _ := fixture(5, 20)
	before := log.Events()[len(log.Events())-1].Position
	log.Append(domain.Recorded{Stream: "subject-unknown", Event: stranger{}})
	log.Append(log.Events()[3])
	e := engine(t, log, b)
	want(t, e.CatchUp(t.Context()), projections.ErrUnknownEvent)
	for _, p := range All() {
		if got := live(t, b, p.Name); got.Mark.Position != before || got.Failure == nil {
			t.Errorf("%s went to %d: %+v", p.Name, got.Mark.Position, got.Failure)
		}
	}
}

// unreadableEvent: what cannot be decoded stops everybody, after what stands before it is in.
func unreadableEvent(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	log, _ := fixture(6, 20)
	bad, reason := log.Events()[12].Position, errors.New("cannot be decoded")
	log.Break(bad, reason)
	e := engine(t, log, b)
	want(t, e.CatchUp(t.Context()), reason)
	want(t, e.Run(t.Context()), reason)
	want(t, e.Rebuild(t.Context(), nil, nil), reason)
	if got := live(t, b, "history").Mark.Position; got != log.Events()[11].Position {
		t.Errorf("history stands at %d", got)
	}
	log.Break(bad, nil)
	must(t, e.CatchUp(t.Context()))
}

// otherLog: rows of another ledger's log, and rows ahead of a log that was cut back, are told apart and
// named; a rebuild mends both.
func otherLog(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	log, crowd := fixture(7, 60)
	must(t, engine(t, log, b).CatchUp(t.Context()))
	foreign := NewLog(uuid.New())
	foreign.Append(log.Events()...)
	err := engine(t, foreign, b).CatchUp(t.Context())
	want(t, err, projections.ErrForeign)
	want(t, err, eventstore.ErrForeign)
	var of *projections.ForeignError
	if !errors.As(err, &of) || len(of.Projections) < 2 || strings.Contains(err.Error(), "\n") {
		t.Errorf("rows of one other ledger are told of more than once: %v", err)
	}
	cut := log.Cut(40)
	want(t, engine(t, cut, b).CatchUp(t.Context()), projections.ErrDiverged)
	cut.Append(crowd.Some(50)...) // longer than before, but another way
	e := engine(t, cut, b)
	want(t, e.CatchUp(t.Context()), projections.ErrDiverged)
	must(t, e.Rebuild(t.Context(), nil, nil))
	must(t, e.CatchUp(t.Context()))
	fresh := closing(t, open, t.TempDir())
	must(t, engine(t, cut, fresh).CatchUp(t.Context()))
	same(t, "rebuilt from the restored log", Read(t, b, All()), Read(t, fresh, All()))
	must(t, engine(t, foreign, b).Rebuild(t.Context(), nil, nil))
	must(t, engine(t, foreign, b).CatchUp(t.Context()))
}

// otherVersion: rows of another version of a projection are not followed, but rebuilt.
func otherVersion(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	log, _ := fixture(8, 30)
	one := picky("shape", never)
	must(t, engine(t, log, b, use(one)).CatchUp(t.Context()))
	two := *one
	two.Version = 2
	e := engine(t, log, b, use(&two))
	want(t, e.CatchUp(t.Context()), projections.ErrVersion)
	must(t, e.Rebuild(t.Context(), nil, nil))
	must(t, e.CatchUp(t.Context()))
	if v := live(t, b, "shape").Version; v != 2 {
		t.Errorf("live version %d", v)
	}
}

// followsAndWaits: Run shows what comes, WaitFor returns when it is shown, and a failing projection can be
// resumed while the others follow.
func followsAndWaits(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	log, crowd := fixture(9, 20)
	var mended atomic.Bool
	weak := picky("weak", func(r domain.Recorded) error {
		if r.Position == 100*stride && !mended.Load() {
			return errors.New("not yet")
		}
		return nil
	})
	e := engine(t, log, b, use(weak, picky("strong", never)))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	for range 20 {
		log.Append(crowd.Some(10)...)
		must(t, e.WaitFor(ctx, log.Events()[len(log.Events())-1].Position, "strong"))
	}
	head := log.Events()[len(log.Events())-1].Position
	want(t, e.WaitFor(ctx, head, "weak"), projections.ErrFailed)
	want(t, e.CatchUp(ctx), projections.ErrRunning)
	mended.Store(true)
	e.Resume()
	for e.WaitFor(ctx, head, "weak") != nil {
		if ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
	}
	must(t, e.Rebuild(ctx, nil, nil))
	log.Append(crowd.Some(10)...)
	must(t, e.WaitFor(ctx, log.Events()[len(log.Events())-1].Position))
	cancel()
	want(t, <-ended, context.Canceled)
	expired, stop := context.WithTimeout(t.Context(), time.Nanosecond)
	defer stop()
	want(t, e.WaitFor(expired, 1<<40), context.DeadlineExceeded)
	want(t, e.WaitFor(t.Context(), 1, "nobody"), projections.ErrNoProjection)
}

// status: where everything stands, with the reasons of what stands still.
func status(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	log, crowd := fixture(10, 30)
	e := engine(t, log, b)
	for _, s := range states(t, e) {
		if s.Build != 0 || s.Lag != s.Head || s.Head == 0 || s.Behind.Events != len(log.Events()) || s.Behind.Time <= 0 {
			t.Errorf("before anything: %+v", s)
		}
	}
	must(t, e.CatchUp(t.Context()))
	log.Append(crowd.Some(2)...)
	for _, s := range states(t, e) {
		if s.Build != 1 || s.Lag != 2*stride || s.Position+s.Lag != s.Head || s.Problem != nil || s.Next != nil || s.Old != nil || s.Behind.Events != 2 || s.Behind.More || s.Gap != 0 {
			t.Errorf("two behind: %+v", s)
		}
	}
	must(t, e.Rebuild(t.Context(), []string{"profile"}, nil))
	for _, s := range states(t, e) {
		if rebuilt := s.Projection == "profile"; rebuilt != (s.Old != nil) || rebuilt != (s.Lag == 0) || rebuilt != (s.Gap == 0) || rebuilt != (s.Behind == projections.Lag{}) {
			t.Errorf("after rebuilding profile: %+v", s)
		}
	}
	for _, s := range states(t, engine(t, log.Cut(5), b)) {
		want(t, s.Problem, projections.ErrDiverged)
	}
}

func states(t *testing.T, e *projections.Engine) []projections.Status {
	t.Helper()
	all, err := e.Status(t.Context())
	must(t, err)
	return all
}

// conditionsSelect: every comparison, order, limit and choice of columns, against the rows read whole.
func conditionsSelect(t *testing.T, open Open) {
	b := closing(t, open, t.TempDir())
	must(t, engine(t, counters(11, 200), b, use(scribble)).CatchUp(t.Context()))
	must(t, b.View(t.Context(), func(s projections.Snapshot) error {
		var positions []uint64
		for row, err := range s.Select(t.Context(), projections.Select{Table: scribbleLog}) {
			must(t, err)
			positions = append(positions, row[0].Position())
		}
		mid := projections.OfPosition(positions[100])
		for op, n := range map[projections.Op]int{projections.Eq: 1, projections.Lt: 100, projections.Le: 101, projections.Gt: 99, projections.Ge: 100, projections.Ne: 199} {
			q := projections.Select{Table: scribbleLog, Columns: []int{0}, Where: []projections.Where{{Column: 0, Op: op, Value: mid}}}
			if got := count(t, s, q); got != n {
				t.Errorf("%s: %d rows, want %d", op, got, n)
			}
		}
		last := projections.Select{Table: scribbleLog, Reverse: true, Limit: 3}
		var got []string
		for row, err := range s.Select(t.Context(), last) {
			must(t, err)
			got = append(got, fmt.Sprint(row[0].Position()))
		}
		if fmt.Sprint(got) != fmt.Sprint([]uint64{positions[199], positions[198], positions[197]}) {
			t.Errorf("last three: %v", got)
		}
		return nil
	}))
	err := b.View(t.Context(), func(s projections.Snapshot) error {
		_, err := s.Live(t.Context(), "nobody")
		return err
	})
	want(t, err, projections.ErrNoBuild)
}

func count(t testing.TB, s projections.Snapshot, q projections.Select) (n int) {
	t.Helper()
	for _, err := range s.Select(context.Background(), q) {
		must(t, err)
		n++
	}
	return n
}
