package keypg_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keypg"
)

// TestTurn: the keys follow a copy from the same place, up or down, once; from any other place they do not.
func TestTurn(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	place := s.cfg.URL
	at := func(want uint64) {
		t.Helper()
		store := s.open(t)
		if got, err := store.Followed(t.Context()); err != nil || got != want {
			t.Errorf("the keys stand at %d (%v), want %d", got, err, want)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	store := s.open(t)
	if err := errors.Join(store.Follow(t.Context(), 40, nil), store.Close()); err != nil {
		t.Fatal(err)
	}
	for _, turn := range []struct{ from, to uint64 }{{40, 9000}, {40, 9000}, {9000, 12}, {9000, 12}} {
		if err := keypg.Turn(t.Context(), place, s.cfg.Ledger, turn.from, turn.to); err != nil {
			t.Errorf("from %d to %d: %v", turn.from, turn.to, err)
		}
		at(turn.to)
	}
	if err := keypg.Turn(t.Context(), place, s.cfg.Ledger, 40, 50); !errors.Is(err, keys.ErrElsewhere) {
		t.Errorf("from a place where they do not stand: %v, want ErrElsewhere", err)
	}
	if err := keypg.Turn(t.Context(), place, uuid.New(), 12, 50); !errors.Is(err, eventstore.ErrForeign) {
		t.Errorf("of another ledger: %v, want ErrForeign", err)
	}
	at(12)
}
