package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
)

// placed is a record without its bytes.
type placed struct {
	position eventstore.Position
	digest   [32]byte
}

// readPages gives the records as they were handed over.
func readPages(ctx context.Context, s *embedded.Store, after eventstore.Position) (got []placed, err error) {
	err = s.ReadPages(ctx, after, func(records []eventstore.Record) func() bool {
		run := make([]placed, len(records))
		for i, r := range records {
			run[i] = placed{r.Position, r.Digest()}
		}
		return func() bool { got = append(got, run...); return true }
	})
	return got, err
}

// TestPagesAreTheLog from any place on, with records of all sizes.
func TestPagesAreTheLog(t *testing.T) {
	t.Parallel()
	s := open(t, embedded.Config{Dir: t.TempDir()})
	head := eventstore.NoStream
	for _, size := range []int{0, 900_000, 10, 400_000, 900_000, 2_000, 900_000} {
		batch := events("s", 200)
		for i := range batch {
			batch[i].ID = uuid.New()
		}
		batch[7].Meta = bytes.Repeat([]byte("m"), size)
		done, err := s.Append(t.Context(), "s", head, batch)
		if err != nil {
			t.Fatal(err)
		}
		head = done.Revision
	}
	var want []placed
	for r, err := range s.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, placed{r.Position, r.Digest()})
	}
	for _, after := range []int{0, 1, 700, len(want) - 1, len(want), len(want) + 5} {
		got, err := readPages(t.Context(), s, eventstore.Position(after))
		if err != nil || !slices.Equal(got, want[min(after, len(want)):]) {
			t.Errorf("after %d: %d records come, not as they stand in the log: %v", after, len(got), err)
		}
	}
}

func TestPagesEndWhenTheReaderHasEnough(t *testing.T) {
	t.Parallel()
	s := open(t, embedded.Config{Dir: t.TempDir()})
	if _, err := s.Append(t.Context(), "s", eventstore.NoStream, events("s", 3000)); err != nil {
		t.Fatal(err)
	}
	for _, enough := range []int{1, 2, 5} {
		runs := 0
		err := s.ReadPages(t.Context(), eventstore.Start, func([]eventstore.Record) func() bool {
			return func() bool { runs++; return runs < enough }
		})
		if err != nil || runs != enough {
			t.Errorf("%d runs came, %d were wanted: %v", runs, enough, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := s.ReadPages(ctx, eventstore.Start, func([]eventstore.Record) func() bool {
		return func() bool { cancel(); return true }
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a read that is cut short gives %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := readPages(t.Context(), s, eventstore.Start); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("a closed store gives %v", err)
	}
}
