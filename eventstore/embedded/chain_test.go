package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/faulty"
)

// moved is what a log of n batches in a few streams would hand to a copy.
func moved(n int) (records []eventstore.Record) {
	heads := map[string]int64{}
	for i := range n {
		stream := fmt.Sprintf("s%d", i*i%5)
		for _, e := range events(fmt.Sprint("moved ", i), 1+i%3) {
			records = append(records, eventstore.Record{Event: e, Stream: stream, Revision: heads[stream]})
			heads[stream]++
		}
	}
	return records
}

// wholeBatches gives the last place up to n where another stream begins.
func wholeBatches(records []eventstore.Record, n int) int {
	for n > 0 && n < len(records) && records[n-1].Stream == records[n].Stream {
		n--
	}
	return n
}

// digests of the records, whatever their positions.
func digests(records []eventstore.Record) (sums [][32]byte) {
	for _, r := range records {
		sums = append(sums, r.Digest())
	}
	return sums
}

func logOf(t testing.TB, s eventstore.LogReader) (records []eventstore.Record) {
	t.Helper()
	for r, err := range s.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

// isBeginning checks that the log holds the first n records and nothing else.
func isBeginning(t testing.TB, s eventstore.LogReader, records []eventstore.Record, n int) {
	t.Helper()
	if d := cmp.Diff(digests(records[:n]), digests(logOf(t, s))); d != "" {
		t.Errorf("the log is not the first %d records:\n%s", n, d)
	}
}

func TestAppendRecordsKeepsTheirOrder(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]embedded.Config{
		"one commit": {}, "a commit for each batch": {GroupBytes: 1, TailEvents: 10, HeadCache: 1, CheckpointPages: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg.Dir = t.TempDir()
			s, records := open(t, cfg), moved(60)
			for _, upTo := range []int{0, 7, 50, len(records), len(records)} { // each also repeats what is there
				upTo = wholeBatches(records, upTo)
				done, err := s.AppendRecords(t.Context(), records[:upTo])
				if err != nil || done != upTo {
					t.Fatalf("%d of %d: %v", done, upTo, err)
				}
				isBeginning(t, s, records, upTo)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			isBeginning(t, open(t, embedded.Config{Dir: cfg.Dir}), records, len(records))
			if _, err := s.AppendRecords(t.Context(), records); !errors.Is(err, eventstore.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
		})
	}
}

// TestNothingIsWrittenBehindARefusedBatch: in one commit and over several.
func TestNothingIsWrittenBehindARefusedBatch(t *testing.T) {
	t.Parallel()
	for _, group := range []int{1, 1 << 20} {
		s, records := open(t, embedded.Config{Dir: t.TempDir(), GroupBytes: group}), moved(20)
		wrong := append([]eventstore.Record(nil), records...)
		wrong[len(records)/2].Revision += 5
		at := wholeBatches(records, len(records)/2)
		done, err := s.AppendRecords(t.Context(), wrong)
		if !errors.Is(err, eventstore.ErrWrongRevision) || done > len(records)/2 || done < at {
			t.Errorf("done %d, %v", done, err)
		}
		isBeginning(t, s, records, done)
		wrong[len(wrong)-1].ID = uuid.Nil
		if again, err := s.AppendRecords(t.Context(), wrong); !errors.Is(err, eventstore.ErrInvalid) || again != 0 {
			t.Errorf("an invalid record at the end: done %d, %v", again, err)
		}
		other := append([]eventstore.Record(nil), records...)
		other[1].ID = uuid.New()
		if _, err := s.AppendRecords(t.Context(), other); !errors.Is(err, eventstore.ErrWrongRevision) {
			t.Errorf("another record where one stands: %v", err)
		}
		isBeginning(t, s, records, done)
	}
}

// TestAppendRecordsEndsWithTheContext: whenever that ends, done tells exactly what is in the log.
func TestAppendRecordsEndsWithTheContext(t *testing.T) {
	t.Parallel()
	records := moved(40)
	for turn := range 40 {
		s := open(t, embedded.Config{Dir: t.TempDir(), GroupBytes: 1})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { // somewhere in the middle, sooner or later by turns
			defer close(ended)
			for range turn % 20 {
				if head, err := s.Head(context.Background()); err != nil || int(head) > turn {
					break
				}
			}
			cancel()
		}()
		done, err := s.AppendRecords(ctx, records)
		<-ended
		if err == nil && done != len(records) || err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("done %d, %v", done, err)
		}
		isBeginning(t, s, records, done)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAppendRecordsWhenAnythingFails fails each change of a file in turn, once or for good. What is there
// afterwards is a beginning, and the same call completes it.
func TestAppendRecordsWhenAnythingFails(t *testing.T) {
	t.Parallel()
	records := moved(8)
	for _, flavour := range []faulty.Flavour{faulty.Before, faulty.After, faulty.Full} {
		t.Run(fmt.Sprint(flavour), func(t *testing.T) {
			t.Parallel()
			faulty.Loop(t, func(t *testing.T, i int) bool {
				in := faulty.New(faulty.Plan{})
				cfg := embedded.Config{Dir: t.TempDir(), VFS: faulty.VFS(t, in), FS: faulty.NewFS[embedded.File](embedded.OS{}, in),
					GroupBytes: 1, CheckpointPages: 4, Logger: quiet()}
				s := open(t, cfg)
				in.Arm(faulty.Plan{At: i, Flavour: flavour, Only: func(op faulty.Op) bool {
					return op.Kind == "write" || op.Kind == "sync" || op.Kind == "truncate"
				}})
				done, err := s.AppendRecords(t.Context(), records)
				_, hit := in.Hit()
				in.Disarm()
				_ = s.Close() // may report the failure
				s = open(t, embedded.Config{Dir: cfg.Dir})
				there := len(logOf(t, s))
				if there < done || there > done && !errors.Is(err, eventstore.ErrUnknownOutcome) || err == nil && done != len(records) {
					t.Errorf("%d records in the log, done %d, %v", there, done, err)
				}
				isBeginning(t, s, records, there)
				if done, err := s.AppendRecords(t.Context(), records); err != nil || done != len(records) {
					t.Errorf("the same call again: %d, %v", done, err)
				}
				isBeginning(t, s, records, len(records))
				return hit
			})
		})
	}
}

// TestAppendRecordsBesideOthers: other appends come in between, and change nothing in their order.
func TestAppendRecordsBesideOthers(t *testing.T) {
	t.Parallel()
	records := moved(30)
	for _, group := range []int{1, 500, 1 << 20} {
		s := open(t, embedded.Config{Dir: t.TempDir(), GroupBytes: group})
		others := make(chan error, 1)
		go func() {
			var err error
			for i := 0; i < 20 && err == nil; i++ {
				_, err = s.Append(context.Background(), "other", int64(i)-1, events(fmt.Sprint("other ", i), 1))
			}
			others <- err
		}()
		done, err := s.AppendRecords(t.Context(), records)
		if other := <-others; err != nil || other != nil || done != len(records) {
			t.Fatal(done, err, other)
		}
		var got []eventstore.Record
		for _, r := range logOf(t, s) {
			if r.Stream != "other" {
				got = append(got, r)
			}
		}
		if d := cmp.Diff(digests(records), digests(got)); d != "" {
			t.Error(d)
		}
	}
}
