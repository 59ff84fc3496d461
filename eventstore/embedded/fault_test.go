package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/faulty"
)

// batch is one append of the story and what became of it. When it was tried again, the best answer counts.
type batch struct {
	stream string
	after  int64
	events []eventstore.Event
	err    error
}

// uncertain tells whether the batch may be stored or not.
func (b batch) uncertain() bool { return errors.Is(b.err, eventstore.ErrUnknownOutcome) }

// better takes the stronger of two answers: acknowledged, uncertain, refused.
func (b batch) better(other batch) batch {
	if other.err == nil || b.err != nil && other.uncertain() {
		return other
	}
	return b
}

// story opens a folder, appends to a few streams so that run files, a merge and checkpoints fall into it,
// reads, and closes. It goes on after errors, as a program would that serves many callers. Its batches are
// those that it tried.
func story(ctx context.Context, cfg embedded.Config) map[string]batch {
	cfg.TailEvents, cfg.CheckpointPages, cfg.HeadCache, cfg.Readers = 4, 4, 1, 1
	s, err := embedded.Open(ctx, cfg)
	if err != nil {
		return nil
	}
	tried := map[string]batch{}
	for n := range 9 {
		b := batch{stream: fmt.Sprintf("s%d", n%3)}
		if b.after, err = s.StreamHead(ctx, b.stream); err != nil {
			continue
		}
		b.events = events(fmt.Sprintf("%s/%d", b.stream, b.after+1), 2)
		_, b.err = s.Append(ctx, b.stream, b.after, b.events)
		key := fmt.Sprint(b.stream, b.after)
		if before, again := tried[key]; again {
			b = before.better(b)
		}
		tried[key] = b
	}
	for range s.ReadAll(ctx, eventstore.Start) {
		continue // an error is not the story's concern; a wrong answer is settle's
	}
	_ = s.Close() // may report the failure
	return tried
}

// settle opens the folder without faults and checks that everything acknowledged is there, everything
// refused is not, everything uncertain is whole or absent, and that repeating the uncertain settles it.
func settle(t *testing.T, dir string, tried map[string]batch) {
	t.Helper()
	log, err := readEverything(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for _, r := range log {
		at[fmt.Sprint(r.Stream, r.ID)]++
	}
	s := open(t, embedded.Config{Dir: dir})
	for _, b := range tried {
		found := 0
		for _, e := range b.events {
			found += at[fmt.Sprint(b.stream, e.ID)]
		}
		switch {
		case found != 0 && found != len(b.events):
			t.Errorf("%s after %d: %d of %d events", b.stream, b.after, found, len(b.events))
		case b.err == nil && found == 0:
			t.Errorf("%s after %d: acknowledged, but lost", b.stream, b.after)
		case b.err != nil && !b.uncertain() && found != 0:
			t.Errorf("%s after %d: refused, but stored: %v", b.stream, b.after, b.err)
		}
		if b.err == nil || found > 0 {
			if _, err := s.Append(t.Context(), b.stream, b.after, b.events); err != nil {
				t.Errorf("%s after %d: repeated: %v", b.stream, b.after, err)
			}
		}
	}
	if head, err := s.Head(t.Context()); err != nil || int(head) != len(log) {
		t.Errorf("head %d after the repeats, %v; the log had %d", head, err, len(log))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestEveryOperationMayFail(t *testing.T) {
	t.Parallel()
	for _, flavour := range faulty.Flavours() {
		for _, sticky := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/sticky=%v", flavour, sticky), func(t *testing.T) {
				t.Parallel()
				faulty.Loop(t, func(t *testing.T, i int) bool {
					return storyWithFault(t, faulty.Plan{At: i, Flavour: flavour, Sticky: sticky, Only: worthFailing(flavour, i)})
				})
			})
		}
	}
}

// worthFailing leaves out what another run proves already. Only a read or a write can be Short, elsewhere that
// is Before; what changes nothing fails After as it fails Before; and of the reads that the story repeats the
// first four of each file and then each fourth stand for the rest. What changes a file fails every time. After
// the failure everything counts, so that a sticky one takes all that follows.
func worthFailing(flavour faulty.Flavour, at int) func(faulty.Op) bool {
	if flavour == faulty.Full {
		return nil // counts by itself only what takes space
	}
	counted, seen := 0, map[string]int{}
	return func(op faulty.Op) bool {
		if counted == at {
			return true
		}
		looks := slices.Contains([]string{"read", "size", "stat", "access", "readdir"}, op.Kind)
		if flavour == faulty.Short && op.Kind != "read" && op.Kind != "write" || flavour == faulty.After && looks {
			return false
		}
		kind := op.Kind + strings.Trim(filepath.Base(op.Name), "0123456789-")
		seen[kind]++
		if n := seen[kind]; looks && n > 4 && n%4 != 0 {
			return false
		}
		counted++
		return true
	}
}

func storyWithFault(t *testing.T, plan faulty.Plan) bool {
	t.Helper()
	in := faulty.New(plan)
	cfg := embedded.Config{
		Dir:    t.TempDir(),
		VFS:    faulty.VFS(t, in),
		FS:     faulty.NewFS[embedded.File](embedded.OS{}, in),
		Logger: quiet(),
	}
	tried := story(t.Context(), cfg)
	op, hit := in.Hit()
	if hit {
		t.Logf("failed %s of %s", op.Kind, filepath.Base(op.Name))
	}
	settle(t, cfg.Dir, tried)
	return hit
}

// TestFullDiskRefusesAndRecovers fills the disk under a running store and makes room again.
func TestFullDiskRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	in := faulty.New(faulty.Plan{})
	cfg := embedded.Config{Dir: t.TempDir(), VFS: faulty.VFS(t, in), FS: faulty.NewFS[embedded.File](embedded.OS{}, in), CheckpointPages: 4}
	s := open(t, cfg)
	fill(t, s, 20)
	in.Arm(faulty.Plan{At: 1, Flavour: faulty.Full, Sticky: true})
	for range 3 {
		_, err := s.Append(t.Context(), "full", eventstore.NoStream, events("full", 5))
		if !errors.Is(err, eventstore.ErrFull) || errors.Is(err, eventstore.ErrUnknownOutcome) {
			t.Fatalf("append on a full disk: %v", err)
		}
		verify(t, s, 20)
	}
	in.Disarm()
	fill(t, s, 20)
	verify(t, s, 40)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, open(t, embedded.Config{Dir: cfg.Dir}), 40)
}

// TestFailedSyncEndsWriting: after a failed sync nobody knows what is on the disk, so the store takes
// nothing more, but it still answers readers.
func TestFailedSyncEndsWriting(t *testing.T) {
	t.Parallel()
	in := faulty.New(faulty.Plan{})
	cfg := embedded.Config{Dir: t.TempDir(), VFS: faulty.VFS(t, in), Logger: quiet()}
	s := open(t, cfg)
	fill(t, s, 20)
	in.Arm(faulty.Plan{At: 1, Only: func(op faulty.Op) bool { return op.Kind == "sync" }})
	for _, stream := range []string{"a", "b"} {
		if _, err := s.Append(t.Context(), stream, eventstore.NoStream, events(stream, 1)); !errors.Is(err, eventstore.ErrUnknownOutcome) {
			t.Fatalf("append to %s: %v", stream, err)
		}
	}
	verify(t, s, 20)
	if err := s.Close(); err != nil && !strings.Contains(err.Error(), "events.db") {
		t.Fatal(err)
	}
	s = open(t, embedded.Config{Dir: cfg.Dir})
	for _, stream := range []string{"a", "b"} {
		if _, err := s.Append(t.Context(), stream, eventstore.NoStream, events(stream, 1)); err != nil {
			t.Fatalf("repeat: %v", err)
		}
	}
	verify(t, s, 22)
}
