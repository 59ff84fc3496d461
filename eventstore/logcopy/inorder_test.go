package logcopy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/faulty"
	"imagine.ua/litopys/eventstore/logcopy"
	"imagine.ua/litopys/eventstore/storetest"
)

// counting is a data folder that counts what reaches it and may lose the answer or die.
type counting struct {
	*embedded.Store
	whole  int // one at a time
	single atomic.Int64
	after  func(turn int) error // the answer that comes in the place of the true one
}

func (k *counting) AppendRecords(ctx context.Context, records []eventstore.Record) (int, error) {
	k.whole++
	done, err := k.Store.AppendRecords(ctx, records)
	if k.after != nil && err == nil {
		if err = k.after(k.whole); err != nil {
			done = 0
		}
	}
	return done, err
}

func (k *counting) Append(ctx context.Context, stream string, expected int64, events []eventstore.Event) (eventstore.Appended, error) {
	k.single.Add(1)
	return k.Store.Append(ctx, stream, expected, events)
}

func folder(t testing.TB, id uuid.UUID) *counting {
	t.Helper()
	s, ok := kinds["embedded"](t, id).(*embedded.Store)
	if !ok {
		t.Fatal("a data folder is another type now")
	}
	return &counting{Store: s}
}

// TestManyStreamsAtOnceInOrder: a data folder gets many streams with one call, in the order of the source,
// also where several appends at once are allowed.
func TestManyStreamsAtOnceInOrder(t *testing.T) {
	t.Parallel()
	for _, atOnce := range []int{1, 16} {
		id := uuid.New()
		source, target := kinds["memory"](t, id), folder(t, id)
		people(t, source, 400)
		lost := 0
		target.after = func(turn int) error {
			if turn%3 != 0 {
				return nil
			}
			lost++
			return fmt.Errorf("the answer is lost: %w", eventstore.ErrUnknownOutcome)
		}
		report, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: target, BatchEvents: 50, AtOnce: atOnce, FirstWait: time.Nanosecond})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(content(t, source), content(t, target)); d != "" {
			t.Errorf("the copy differs:\n%s", d)
		}
		if want := int(report.Copied+49)/50 + lost; target.single.Load() != 0 || target.whole != want || lost == 0 {
			t.Errorf("%d single appends and %d of many records, %d of which lost their answer; want 0 and %d", target.single.Load(), target.whole, lost, want)
		}
	}
}

// TestKilledAmongManyStreams fails each change of the target's files in turn; the next copy, of a fresh
// process, goes on and ends equal.
func TestKilledAmongManyStreams(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	source := kinds["memory"](t, id)
	people(t, source, 40)
	want := content(t, source)
	faulty.Loop(t, func(t *testing.T, i int) bool {
		in := faulty.New(faulty.Plan{})
		cfg := embedded.Config{Dir: t.TempDir(), Identity: id, VFS: faulty.VFS(t, in), GroupBytes: 2000, CheckpointPages: 8,
			Logger: slog.New(slog.DiscardHandler)}
		target, err := embedded.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		in.Arm(faulty.Plan{At: i, Sticky: true, Only: func(op faulty.Op) bool { return op.Kind == "write" || op.Kind == "sync" }})
		_, err = logcopy.Copy(t.Context(), logcopy.Config{From: source, To: target, BatchEvents: 20, Attempts: 2, FirstWait: time.Nanosecond})
		if _, hit := in.Hit(); !hit && err != nil {
			t.Fatal(err)
		}
		in.Disarm()
		_ = target.Close() // may report the failure
		again, err := embedded.Open(t.Context(), embedded.Config{Dir: cfg.Dir, Logger: cfg.Logger})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = again.Close() }()
		if got := content(t, again); !slices.Equal(got, want[:min(len(got), len(want))]) {
			t.Error("what is left is no beginning of the source")
		}
		report, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: again, BatchEvents: 20})
		if err != nil || report.Records != int64(len(want)) {
			t.Fatalf("%+v, %v", report, err)
		}
		if d := cmp.Diff(want, content(t, again)); d != "" {
			t.Errorf("the copy differs:\n%s", d)
		}
		_, hit := in.Hit()
		return hit
	})
}

// TestHolesOfAnEarlierCopyAreFilledFirst: what several appends at once have left open is closed append by
// append, since the target already holds records behind it.
func TestHolesOfAnEarlierCopyAreFilledFirst(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	source, target := kinds["memory"](t, id), folder(t, id)
	people(t, source, 60)
	var records []eventstore.Record
	for r, err := range source.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	// The last stream that appears among the first records goes before its neighbour.
	if _, err := target.AppendRecords(t.Context(), append(append([]eventstore.Record(nil), records[:4]...), later(t, records)...)); err != nil {
		t.Fatal(err)
	}
	target.whole = 0
	report, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: target, AtOnce: 16})
	if err != nil || target.whole != 0 || target.single.Load() == 0 {
		t.Fatalf("%+v, %v; %d calls for many records, %d single", report, err, target.whole, target.single.Load())
	}
	if d := cmp.Diff(orders(t, source), orders(t, target)); d != "" {
		t.Errorf("an order differs:\n%s", d)
	}
	exact, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: folder(t, id)})
	if err != nil || exact.Digest != report.Digest {
		t.Errorf("the digest differs from that of an exact copy (%v)", err)
	}
}

// later gives the first run of records, behind the fourth, of a stream that the first four know, with one of
// another such stream before it: two that may change places.
func later(t testing.TB, records []eventstore.Record) []eventstore.Record {
	t.Helper()
	for i := 5; i < len(records); i++ {
		r := records[i]
		known := 0
		for _, k := range records[:4] {
			if k.Stream == r.Stream {
				known++
			}
		}
		if int64(known) == r.Revision && known > 0 && records[i-1].Stream != r.Stream {
			return records[i : i+1]
		}
	}
	t.Fatal("no such record")
	return nil
}

// TestSecondWriterAmongManyStreams: a stream that somebody else moved ends the copy, which names the record.
func TestSecondWriterAmongManyStreams(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	source, target := kinds["memory"](t, id), folder(t, id)
	fill(t, source, 40)
	target.after = func(turn int) error {
		if turn != 1 {
			return nil
		}
		for i := range 7 {
			stream := fmt.Sprintf("subject-%d", i)
			head, err := target.StreamHead(t.Context(), stream)
			if err != nil {
				return err
			}
			if _, err := target.Store.Append(t.Context(), stream, head, storetest.NewMaker(uint64(i)).Batch(1)); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: target, BatchEvents: 10})
	var where *logcopy.DifferentError
	if !errors.Is(err, logcopy.ErrDifferent) || !errors.As(err, &where) || where.Number != 11 {
		t.Errorf("got %v, want ErrDifferent at record 11", err)
	}
}
