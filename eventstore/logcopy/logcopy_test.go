package logcopy_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/faulty"
	"imagine.ua/litopys/eventstore/logcopy"
	"imagine.ua/litopys/eventstore/memory"
	"imagine.ua/litopys/eventstore/storetest"
)

func TestEveryStoreIntoEveryOther(t *testing.T) {
	t.Parallel()
	for from, open := range kinds {
		for to, openTo := range kinds {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				id := uuid.New()
				source, target := open(t, id), openTo(t, id)
				fill(t, source, 60)
				report, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: target, BatchEvents: 3})
				if err != nil {
					t.Fatal(err)
				}
				want := content(t, source)
				if d := cmp.Diff(want, content(t, target)); d != "" {
					t.Errorf("the copy differs:\n%s", d)
				}
				sum := sha256.New()
				for _, d := range want {
					sum.Write(d[:])
				}
				if report.Digest != [32]byte(sum.Sum(nil)) {
					t.Error("the report has another digest than the records")
				}
				head, err := target.Head(t.Context())
				if n := int64(len(want)); report.Records != n || report.Copied != n || report.Identity != id || report.To != head || report.Grown {
					t.Errorf("report %+v, want %d records up to %d (%v)", report, n, head, err)
				}
				again, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: target})
				if err != nil || again.Copied != 0 || again.Digest != report.Digest || again.Records != report.Records {
					t.Errorf("a second copy: %+v, %v", again, err)
				}
			})
		}
	}
}

func TestEmptyLog(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	report, err := logcopy.Copy(t.Context(), logcopy.Config{From: kinds["memory"](t, id), To: kinds["esdb"](t, id)})
	if err != nil || report.Records != 0 || report.Digest != sha256.Sum256(nil) {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestKilledAnywhere fails each operation of a copy in turn, on either side and in every way, and every
// later one too, as a process that dies. The next copy goes on and ends equal.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	source := kinds["memory"](t, id)
	fill(t, source, 12)
	want := content(t, source)
	for _, flavour := range []faulty.Flavour{faulty.Before, faulty.After, faulty.Short} {
		for _, side := range []string{"source", "target"} {
			t.Run(fmt.Sprint(flavour, " ", side), func(t *testing.T) {
				t.Parallel()
				faulty.Loop(t, func(t *testing.T, i int) bool {
					target := kinds["memory"](t, id)
					in := faulty.New(faulty.Plan{At: i, Flavour: flavour, Sticky: true})
					cfg := logcopy.Config{From: source, To: target, BatchEvents: 2, Attempts: 2, FirstWait: time.Nanosecond}
					failing := cfg
					if side == "source" {
						failing.From = faulty.NewStore(source, in)
					} else {
						failing.To = faulty.NewStore(target, in)
					}
					_, err := logcopy.Copy(t.Context(), failing)
					_, hit := in.Hit()
					if hit && !errors.Is(err, faulty.ErrInjected) || !hit && err != nil {
						t.Fatalf("hit %v, but %v", hit, err)
					}
					report, err := logcopy.Copy(t.Context(), cfg)
					if err != nil {
						t.Fatal(err)
					}
					if d := cmp.Diff(want, content(t, target)); d != "" || report.Records != int64(len(want)) {
						t.Errorf("%+v, the copy differs:\n%s", report, d)
					}
					return hit
				})
			})
		}
	}
}

// copyThroughAborts copies everything, in one run, into a target that loses every other answer.
func copyThroughAborts(t testing.TB, source eventstore.Store, id uuid.UUID, atOnce int) eventstore.Store {
	t.Helper()
	target := closing(t, memory.New(memory.Config{Identity: id, AbortRate: 0.5, Seed: 7}))
	report, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: target, Attempts: 100, FirstWait: time.Nanosecond, AtOnce: atOnce})
	if err != nil || report.Grown {
		t.Fatalf("%+v, %v", report, err)
	}
	return target
}

// TestUnknownOutcomes: a target that loses answers gets every record once.
func TestUnknownOutcomes(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	source := kinds["memory"](t, id)
	fill(t, source, 200)
	if d := cmp.Diff(content(t, source), content(t, copyThroughAborts(t, source, id, 1))); d != "" {
		t.Errorf("the copy differs:\n%s", d)
	}
}

// TestOtherContentIsLeftAlone: what the target holds and the source does not have there is never overwritten.
func TestOtherContentIsLeftAlone(t *testing.T) {
	t.Parallel()
	maker := storetest.NewMaker(5)
	add := func(s eventstore.Store, stream string, after int64, batch []eventstore.Event) {
		if _, err := s.Append(t.Context(), stream, after, batch); err != nil {
			t.Fatal(err)
		}
	}
	one, two := maker.Batch(3), maker.Batch(2)
	for name, prepare := range map[string]func(source, target eventstore.Store){
		"another first record": func(source, target eventstore.Store) {
			add(source, "subject-a", eventstore.NoStream, one)
			add(target, "subject-b", eventstore.NoStream, two)
		},
		"the same, then another": func(source, target eventstore.Store) {
			add(source, "subject-a", eventstore.NoStream, one)
			add(target, "subject-a", eventstore.NoStream, one[:2])
			add(target, "subject-b", eventstore.NoStream, two)
		},
		"all, and more": func(source, target eventstore.Store) {
			add(source, "subject-a", eventstore.NoStream, one)
			add(target, "subject-a", eventstore.NoStream, one)
			add(target, "subject-b", eventstore.NoStream, two)
		},
		"an empty source": func(_, target eventstore.Store) { add(target, "subject-b", eventstore.NoStream, two) },
		"one byte": func(source, target eventstore.Store) {
			add(source, "subject-a", eventstore.NoStream, one)
			other := append([]eventstore.Event(nil), one...)
			other[1].Meta = append([]byte(" "), other[1].Meta...)
			add(target, "subject-a", eventstore.NoStream, other)
		},
	} {
		id := uuid.New()
		source, target := kinds["memory"](t, id), kinds["memory"](t, id)
		prepare(source, target)
		before := content(t, target)
		_, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: target})
		var where *logcopy.DifferentError
		if !errors.Is(err, logcopy.ErrDifferent) || !errors.As(err, &where) || where.Number < 1 {
			t.Errorf("%s: got %v, want ErrDifferent with the record's number", name, err)
		}
		if d := cmp.Diff(before, content(t, target)); d != "" {
			t.Errorf("%s: the target was changed:\n%s", name, d)
		}
	}
}

func TestAnotherLedgerIsRefused(t *testing.T) {
	t.Parallel()
	source, target := kinds["memory"](t, uuid.New()), kinds["memory"](t, uuid.New())
	fill(t, source, 3)
	_, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: target})
	if !errors.Is(err, eventstore.ErrForeign) || len(content(t, target)) != 0 {
		t.Errorf("got %v, want ErrForeign and an empty target", err)
	}
}

// meddling copies, and appends a record to one of the stores as soon as the first batch was copied.
func meddling(t testing.TB, source, target, into eventstore.Store) (logcopy.Report, error) {
	t.Helper()
	meddled := false
	return logcopy.Copy(t.Context(), logcopy.Config{From: source, To: target, Watch: func(p logcopy.Progress) {
		if p.Stage != logcopy.Copying || meddled {
			return
		}
		meddled = true
		if _, err := into.Append(t.Context(), "subject-other", eventstore.NoStream, storetest.NewMaker(1).Batch(1)); err != nil {
			t.Error(err)
		}
	}})
}

// TestSecondWriter: records that appear in the target while the copy runs are found.
func TestSecondWriter(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	source, target := kinds["memory"](t, id), kinds["memory"](t, id)
	fill(t, source, 10)
	if _, err := meddling(t, source, target, target); !errors.Is(err, logcopy.ErrDifferent) {
		t.Errorf("got %v, want ErrDifferent", err)
	}
}

// TestGrowingSource: what the source gains in the meantime is told, and comes with the next copy.
func TestGrowingSource(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	source, target := kinds["memory"](t, id), kinds["memory"](t, id)
	fill(t, source, 10)
	first, err := meddling(t, source, target, source)
	if err != nil {
		t.Fatal(err)
	}
	second, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: target})
	if err != nil || second.Grown {
		t.Fatalf("%+v, %v", second, err)
	}
	if first.Grown != (second.Copied == 1) {
		t.Errorf("first %+v, second %+v", first, second)
	}
	if d := cmp.Diff(content(t, source), content(t, target)); d != "" {
		t.Error(d)
	}
}

func TestStopsWithTheContext(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	source, target := kinds["memory"](t, id), kinds["memory"](t, id)
	fill(t, source, 10)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := logcopy.Copy(ctx, logcopy.Config{From: source, To: target, Watch: func(logcopy.Progress) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	s := kinds["memory"](t, uuid.New())
	for name, cfg := range map[string]logcopy.Config{
		"no target":      {From: s},
		"no source":      {To: s},
		"negative":       {From: s, To: s, BatchEvents: -1},
		"too large":      {From: s, To: s, BatchBytes: eventstore.MaxAppendBytes + 1},
		"negative pause": {From: s, To: s, FirstWait: -1},
	} {
		if _, err := logcopy.Copy(t.Context(), cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
