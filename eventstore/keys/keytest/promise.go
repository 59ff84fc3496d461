package keytest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
)

// Promises is what a store has acknowledged, whatever went wrong besides.
type Promises struct {
	Live  map[uuid.UUID]keys.Key
	Dead  map[uuid.UUID]bool // destroyed, acknowledged
	Maybe map[uuid.UUID]bool // a Follow that failed: may be carried out or not
}

// NewPromises makes an empty one.
func NewPromises() Promises {
	return Promises{Live: map[uuid.UUID]keys.Key{}, Dead: map[uuid.UUID]bool{}, Maybe: map[uuid.UUID]bool{}}
}

// RequireKept wants every promise kept.
func (p Promises) RequireKept(t testing.TB, s keys.Store) {
	t.Helper()
	for id, before := range p.Live {
		got, err := s.Open(t.Context(), []uuid.UUID{id})
		switch {
		case err != nil:
			t.Errorf("an acknowledged key: %v", err)
		case p.Dead[id] && got[0].State != keys.Destroyed:
			t.Errorf("an acknowledged destruction: %s", got[0])
		case !p.Dead[id] && !p.Maybe[id] && !got[0].Equal(before):
			t.Errorf("%s was not touched and is now %s", before, got[0])
		}
	}
}

// RequireNeverStale reads and wants the keys through one store while they are destroyed through another, or
// the same one: a call that begins after the destruction has returned must never be given a live key, out of
// whatever cache.
func RequireNeverStale(t testing.TB, destroyer, reader keys.Store, all []keys.Key) {
	t.Helper()
	gone := make([]atomic.Bool, len(all))
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for from := range 4 {
		readers.Go(func() {
			for i := from; ; i = (i + 1) % len(all) {
				select {
				case <-stop:
					return
				default:
					requireNoStale(t, reader, all[i], &gone[i])
				}
			}
		})
	}
	for i, k := range all {
		if err := destroyer.Follow(t.Context(), uint64(i+1), []domain.Fate{Destroy(k.Ref)}); err != nil {
			t.Error(err)
		}
		gone[i].Store(true)
	}
	close(stop)
	readers.Wait()
	for i, k := range all {
		requireNoStale(t, reader, k, &gone[i])
	}
}

func requireNoStale(t testing.TB, s keys.Store, k keys.Key, gone *atomic.Bool) {
	t.Helper()
	before := gone.Load()
	if got, err := s.Open(t.Context(), []uuid.UUID{k.ID}); err != nil || before && got[0].State != keys.Destroyed {
		t.Errorf("opened %v, %v after its destruction", got, err)
	}
	if _, err := s.Ensure(t.Context(), []keys.Want{{Ref: k.Ref}}); before && !errors.Is(err, keys.ErrNotLive) {
		t.Errorf("ensured after its destruction: %v", err)
	}
}

// RunTurn checks that keys follow a copy of the log from the same place, up or down, once, and from any other
// place not. Turn is that of the store, which is closed meanwhile.
func RunTurn(t *testing.T, open Opener, turn func(ledger uuid.UUID, from, to uint64) error) {
	t.Helper()
	store := open(t)
	ledger, err := store.Identity(t.Context())
	if err := errors.Join(err, store.Follow(t.Context(), 40, nil), store.Close()); err != nil {
		t.Fatal(err)
	}
	at := func(want uint64) {
		t.Helper()
		store := open(t)
		if got, err := store.Followed(t.Context()); err != nil || got != want {
			t.Errorf("the keys stand at %d (%v), want %d", got, err, want)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, step := range []struct{ from, to uint64 }{{40, 9000}, {40, 9000}, {9000, 12}, {9000, 12}} {
		if err := turn(ledger, step.from, step.to); err != nil {
			t.Errorf("from %d to %d: %v", step.from, step.to, err)
		}
		at(step.to)
	}
	if err := turn(ledger, 40, 50); !errors.Is(err, keys.ErrElsewhere) {
		t.Errorf("from a place where they do not stand: %v, want ErrElsewhere", err)
	}
	if err := turn(uuid.New(), 12, 50); !errors.Is(err, eventstore.ErrForeign) {
		t.Errorf("of another ledger: %v, want ErrForeign", err)
	}
	at(12)
}

// RequireForeign opens a store for another ledger, and with another key-management service: both are refused.
func RequireForeign(t testing.TB, dir string, open func(ledger uuid.UUID, kms keys.KMS) error) {
	t.Helper()
	if err := open(uuid.New(), nil); !errors.Is(err, eventstore.ErrForeign) {
		t.Errorf("another ledger gives %v", err)
	}
	if err := open(uuid.Nil, NewKMS(t, dir, "other.key")); !errors.Is(err, eventstore.ErrForeign) {
		t.Errorf("another local key gives %v", err)
	}
}

// RequireProblems wants an error that joins so many.
func RequireProblems(t testing.TB, err error, n int) {
	t.Helper()
	if err == nil {
		t.Fatal("the configuration was taken")
	}
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // the very shape is checked
	if !ok || len(joined.Unwrap()) != n {
		t.Errorf("named: %v", err)
	}
}
