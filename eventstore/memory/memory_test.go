package memory_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/memory"
	"imagine.ua/litopys/eventstore/storetest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Backend{Fresh: func(t testing.TB) func() eventstore.Store {
		var last *memory.Store
		return func() eventstore.Store {
			if last == nil {
				last = memory.New(memory.Config{Seed: storetest.SeedOf(t.Name())})
			} else {
				last = memory.Reopen(last)
			}
			return last
		}
	}})
}

// Both flavours of an unknown outcome must occur, and repeating unchanged must end in one copy.
func TestAbortsEndWhenRepeated(t *testing.T) {
	t.Parallel()
	ctx, m := t.Context(), storetest.NewMaker(1)
	s := memory.New(memory.Config{Seed: 7, AbortRate: 0.5})
	var unwritten, written, head int64 = 0, 0, eventstore.NoStream
	for range 200 {
		batch := m.Batch(2)
		for {
			got, err := s.Append(ctx, "s", head, batch)
			if err == nil {
				head = got.Revision
				break
			}
			if !errors.Is(err, eventstore.ErrUnknownOutcome) {
				t.Fatalf("append: %v", err)
			}
			if now, err := s.StreamHead(ctx, "s"); err != nil {
				t.Fatalf("head: %v", err)
			} else if now == head {
				unwritten++
			} else {
				written++
			}
		}
	}
	seen := map[uuid.UUID]bool{}
	for r, err := range s.ReadAll(ctx, eventstore.Start) {
		if err != nil || seen[r.ID] {
			t.Fatalf("record %d: %v, seen before: %v", r.Revision, err, seen[r.ID])
		}
		seen[r.ID] = true
	}
	if len(seen) != 400 || unwritten == 0 || written == 0 {
		t.Errorf("%d events, %d aborts unwritten, %d written; want 400 and some of each", len(seen), unwritten, written)
	}
}

func TestMisusePanics(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{})
	var none context.Context
	for name, misuse := range map[string]func(){
		"nil context": func() { _, _ = s.Head(none) },
		"invented position": func() {
			for range s.ReadAll(t.Context(), 1) {
			}
		},
		"invented start": func() {
			for range s.Subscribe(t.Context(), 1) {
			}
		},
		"reopening an open":   func() { memory.Reopen(s) },
		"abort rate of one":   func() { memory.New(memory.Config{AbortRate: 1}) },
		"negative abort rate": func() { memory.New(memory.Config{AbortRate: -0.1}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", name)
				}
			}()
			misuse()
		}()
	}
	if _, err := s.Head(t.Context()); err != nil {
		t.Errorf("after the misuse: %v", err)
	}
}
