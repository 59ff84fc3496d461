package keytest

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// bulk is more keys than a store reads by one statement, in every state that a key can be in.
type bulk struct {
	live      []keys.Key // made one after the other
	retained  keys.Key
	destroyed []keys.Key // bare; the last was buried and never had been a key of this store
}

func newBulk(t testing.TB, s keys.Store) bulk {
	t.Helper()
	all := Made(t, s, 1103, "page", "2016-02")
	retained, destroyed, buried := all[200], all[300], all[1000]
	follow(t, s, 1, Retain(retained.Ref), Destroy(destroyed.Ref))
	gone := []keys.Gone{{ID: buried.ID, Ref: buried.Ref, At: Until}, {ID: uuid.New(), Ref: Ref(Subject(), "page", "2016-02"), At: Until}}
	if _, err := s.Bury(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	b := bulk{retained: retained}
	b.retained.State, b.retained.Until, b.retained.Rule = keys.Retained, Until, "tax-1095"
	for _, k := range []keys.Key{destroyed, buried, {ID: gone[1].ID, Ref: gone[1].Ref}} {
		b.destroyed = append(b.destroyed, keys.Key{ID: k.ID, Ref: k.Ref, State: keys.Destroyed})
	}
	b.live = slices.DeleteFunc(all, func(k keys.Key) bool { return k.ID == retained.ID || k.ID == destroyed.ID || k.ID == buried.ID })
	return b
}

// every gives each n-th of the live keys, with all the others.
func (b bulk) every(n int) (list []keys.Key) {
	for i := 0; i < len(b.live); i += n {
		list = append(list, b.live[i])
	}
	return append(append(list, b.retained), b.destroyed...)
}

// openMany wants keys in any number and order, warm or cold, each as it is, and no other beside one that is
// unknown.
func openMany(t *testing.T, open Opener) {
	s := open(t)
	b := newBulk(t, s)
	backwards := b.every(1)
	slices.Reverse(backwards)
	for name, list := range map[string][]keys.Key{
		"all": b.every(1), "backwards": backwards, "each third": b.every(3), "a few": b.every(90), "twice": slices.Repeat(b.every(70), 2),
		"the ends": {b.live[0], b.live[len(b.live)-1]}, "destroyed": b.destroyed, "none": nil,
	} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = opened(t, open)
		for range 2 { // cold, then warm
			requireSame(t, s, list)
		}
		for at := range 3 {
			ids := slices.Insert(idsOf(list), at*len(list)/2, keys.NewID()) // of another ledger, or of none
			if got, err := s.Open(t.Context(), ids); !errors.Is(err, keys.ErrUnknownKey) || got != nil {
				t.Errorf("%s beside an unknown one: %d keys, %v", name, len(got), err)
			}
		}
	}
	requireSame(t, s, b.every(1))
}

func idsOf(list []keys.Key) []uuid.UUID {
	ids := make([]uuid.UUID, len(list))
	for i, k := range list {
		ids[i] = k.ID
	}
	return ids
}

// manyNeverStale opens all keys at once, again and again, while every other one is destroyed: who begins after
// a destruction has returned finds it carried out, and the neighbours are as they were.
func manyNeverStale(t *testing.T, open Opener) {
	s := opened(t, open)
	all := Made(t, s, 60, "email", "1")
	ids := idsOf(all)
	var gone atomic.Int64 // so many destructions have returned
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					requireGone(t, s, all, ids, int(gone.Load()))
				}
			}
		})
	}
	for i := 0; i < len(all); i += 2 {
		if err := s.Follow(t.Context(), uint64(i+1), []domain.Fate{Destroy(all[i].Ref)}); err != nil {
			t.Error(err)
		}
		gone.Add(1)
	}
	close(stop)
	readers.Wait()
	requireGone(t, s, all, ids, len(all)/2)
}

// requireGone opens all keys and wants that of the even ones at least so many are destroyed, and of the odd
// ones none.
func requireGone(t testing.TB, s keys.Store, all []keys.Key, ids []uuid.UUID, n int) {
	t.Helper()
	got, err := s.Open(t.Context(), ids)
	if err != nil {
		t.Error(err)
		return
	}
	for i, k := range got {
		dead := k.State == keys.Destroyed
		switch {
		case i%2 == 0 && i/2 < n && !dead, dead && k.Secret != [keys.Size]byte{}:
			t.Errorf("key %d of %d destroyed ones is %s", i, n, k)
		case i%2 == 1 && !k.Equal(all[i]):
			t.Errorf("the neighbour %s is now %s", all[i], k)
		}
	}
}
