package journal_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/memory"
	"imagine.ua/litopys/eventstore/schema"
)

// lender is a log that lends its records: who still looks at their bytes later finds others.
type lender struct {
	eventstore.Store
	change func(*eventstore.Record) // nil for none
}

// ReadPages works on all runs at once.
func (l lender) ReadPages(ctx context.Context, after eventstore.Position, work func([]eventstore.Record) func() bool) error {
	var log []eventstore.Record
	for r, err := range l.ReadAll(ctx, after) {
		if err != nil {
			return err
		}
		r.Data, r.Meta = bytes.Clone(r.Data), bytes.Clone(r.Meta)
		if l.change != nil {
			l.change(&r)
		}
		log = append(log, r)
	}
	runs := slices.Collect(slices.Chunk(log, 100))
	hands := make([]func() bool, len(runs))
	var working sync.WaitGroup
	for i, run := range runs {
		working.Go(func() {
			hands[i] = work(run)
			for n := range run {
				for _, lent := range [][]byte{run[n].Data, run[n].Meta} {
					copy(lent, bytes.Repeat([]byte{'?'}, len(lent)))
				}
				run[n] = eventstore.Record{}
			}
		})
	}
	working.Wait()
	for _, hand := range hands {
		if err := ctx.Err(); err != nil || !hand() {
			return err
		}
	}
	return nil
}

// onEachLog gives a ledger of n events on a log that gives its records away, and on one that lends them.
func onEachLog(t testing.TB, n int) []*journal.Journal {
	t.Helper()
	p := newBench(t, memory.Config{}).parts(t)
	p.Store = lender{Store: p.Store}
	return []*journal.Journal{filled(t, newBench(t, memory.Config{}), n), fill(t, open(t, p), n)}
}

// Nothing of an event changes when the bytes that it was read from do.
func TestEventsKeepNothingThatWasLent(t *testing.T) {
	t.Parallel()
	p := newBench(t, memory.Config{}).parts(t)
	p.Store = lender{Store: p.Store}
	j := fill(t, open(t, p), 1000)
	var got []domain.Recorded
	for r, err := range j.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if len(got) != 1000 {
		t.Fatalf("%d events", len(got))
	}
	for i := 0; i < len(got); i += 10 {
		n := 0
		for want, err := range j.Events(t.Context(), got[i].Stream, domain.NoStream) {
			if diff := cmp.Diff(want, got[i+n]); err != nil || diff != "" {
				t.Fatalf("event %d (-stream +log): %v\n%s", i+n, err, diff)
			}
			n++
		}
	}
}

// What stands before a record that can't be decoded comes, then the error.
func TestEventsBeforeADamageCome(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	j := filled(t, b, 400)
	n, wrong := 0, uint64(0)
	for r, err := range j.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 331 {
			wrong = r.Position
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b.store = memory.Reopen(b.store)
	p := b.parts(t)
	p.Store = lender{Store: p.Store, change: func(r *eventstore.Record) {
		if uint64(r.Position) == wrong {
			r.Type = "DataForgotten.v7"
		}
	}}
	n = 0
	var last error
	for _, err := range open(t, p).ReadAll(t.Context(), 0) {
		if last = err; err == nil {
			n++
		}
	}
	if n != 330 || !errors.Is(last, schema.ErrUnknownEvent) {
		t.Errorf("%d events, then %v", n, last)
	}
}
