package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
)

// fillTypes appends n events; every third has the type that is wanted.
func fillTypes(t testing.TB, s eventstore.Store, from, n int) (wanted []eventstore.Position) {
	t.Helper()
	for i := from; i < from+n; i++ {
		batch := events(fmt.Sprint(i), 1)
		if i%3 == 0 {
			batch[0].Type = "Wanted.v1"
		}
		done, err := s.Append(t.Context(), fmt.Sprint("s", i), eventstore.NoStream, batch)
		if err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			wanted = append(wanted, done.Position)
		}
	}
	return wanted
}

func isWanted(kind string) bool { return kind == "Wanted.v1" }

// TestSubscribeTypesHandsOverWhatIsWanted follows a log that grows, from its start and from its middle.
func TestSubscribeTypesHandsOverWhatIsWanted(t *testing.T) {
	t.Parallel()
	const before, after = 50, 20
	s := open(t, embedded.Config{Dir: t.TempDir()})
	want := fillTypes(t, s, 0, before)
	for _, from := range []eventstore.Position{0, 10, before} {
		var got []eventstore.Position
		at, rounds := from, 0
		for d, err := range s.SubscribeTypes(t.Context(), from, isWanted) {
			if err != nil {
				t.Fatal(err)
			}
			if d.Position < at {
				t.Fatalf("position %d comes after %d", d.Position, at)
			}
			at = d.Position
			if d.Record.Position != 0 {
				if d.Record.Type != "Wanted.v1" || d.Record.Position != d.Position {
					t.Fatalf("record %d of type %s is delivered at %d", d.Record.Position, d.Record.Type, d.Position)
				}
				got = append(got, d.Position)
			}
			if !d.CaughtUp {
				continue
			}
			if head, err := s.Head(t.Context()); err != nil || head != at {
				t.Fatalf("caught up at %d, the head is %d, %v", at, head, err)
			}
			if rounds++; rounds == 2 {
				break
			}
			want = append(want, fillTypes(t, s, int(at), after)...)
		}
		var rest []eventstore.Position
		for _, p := range want {
			if p > from {
				rest = append(rest, p)
			}
		}
		if diff := cmp.Diff(rest, got); diff != "" {
			t.Errorf("from %d (-want +got):\n%s", from, diff)
		}
	}
}

// TestSubscribeTypesEnds: with its context and with the store.
func TestSubscribeTypesEnds(t *testing.T) {
	t.Parallel()
	s := open(t, embedded.Config{Dir: t.TempDir()})
	fillTypes(t, s, 0, 5)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for d, err := range s.SubscribeTypes(ctx, 0, isWanted) {
		if last = err; d.CaughtUp {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("after the context: %v", last)
	}
	for d, err := range s.SubscribeTypes(t.Context(), 0, isWanted) {
		if last = err; d.CaughtUp {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !errors.Is(last, eventstore.ErrClosed) {
		t.Errorf("after the store: %v", last)
	}
}
