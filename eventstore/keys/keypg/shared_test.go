package keypg_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/pgtest"
)

// Two stores on one database, each with its own cache: what one destroys, the other never hands out again,
// warm as its cache is.
func TestOtherStoreIsNotStale(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	destroyer, reader := s.open(t), s.open(t)
	keytest.RequireNeverStale(t, destroyer, reader, keytest.Made(t, destroyer, 40, "email", "1"))
}

// Stores that want the same refs at once, each in an order of its own and with tags, get the same keys.
func TestStoresAgreeOnKeys(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	stores := []*keypg.Store{s.open(t), s.open(t), s.open(t)}
	refs := make([]keys.Ref, 60)
	for i := range refs {
		refs[i] = keytest.Ref(keytest.Subject(), "email", "1")
	}
	results := make([][]keys.Key, 2*len(stores))
	var callers sync.WaitGroup
	for i := range results {
		callers.Go(func() {
			store := stores[i%len(stores)]
			results[i] = make([]keys.Key, len(refs))
			for n := range refs {
				at := (n*7 + i*13) % len(refs)
				tag := store.Tag("email", refs[at].String())
				got, err := store.Ensure(t.Context(), []keys.Want{{Ref: refs[at], Tag: &tag}})
				if err != nil {
					t.Error(err)
					return
				}
				results[i][at] = got[0]
			}
		})
	}
	callers.Wait()
	for _, other := range results[1:] {
		if diff := cmp.Diff(results[0], other); diff != "" {
			t.Fatalf("two stores gave different keys:\n%s", diff)
		}
	}
	for _, table := range []string{"keys", "secrets", "tags"} {
		if n := pgtest.Query[int](t, s.cfg.URL, "SELECT count(*) FROM litopys_keys."+table); n != len(refs) {
			t.Errorf("%d rows in %s for %d refs", n, table, len(refs))
		}
	}
}

// A fate that comes between the reading and the writing of another process's Ensure wins: whatever comes
// first, no key is live afterwards, and no wrapped byte or tag stands beside a destroyed one.
func TestEnsureRacesWithFate(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	maker, follower := s.open(t), s.open(t)
	for position := range uint64(60) {
		subject := keytest.Subject()
		ref := keytest.Ref(subject, "page", "2016-02")
		fate := keytest.Destroy(ref)
		if position%3 > 0 {
			fate = keytest.Through(keytest.Destroy(keytest.Ref(subject, "page", "2016-03")))
		}
		tag := maker.Tag("page", subject.String())
		if position%2 == 0 {
			if _, err := maker.Ensure(t.Context(), []keys.Want{{Ref: ref}}); err != nil {
				t.Fatal(err)
			}
		}
		var both sync.WaitGroup
		both.Go(func() {
			if _, err := maker.Ensure(t.Context(), []keys.Want{{Ref: ref, Tag: &tag}}); err != nil && !errors.Is(err, keys.ErrNotLive) {
				t.Error(err)
			}
		})
		both.Go(func() {
			if err := follower.Follow(t.Context(), position+1, []domain.Fate{fate}); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		if _, err := maker.Ensure(t.Context(), []keys.Want{{Ref: ref, Tag: &tag}}); !errors.Is(err, keys.ErrNotLive) {
			t.Errorf("the ref is live behind its fate: %v", err)
		}
	}
	if err := maker.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// Two followers of one log, each from where it stood: every fate is carried out once, in the order of the log.
func TestTwoFollowers(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	a, b := s.open(t), s.open(t)
	key := keytest.Made(t, a, 1, "name", "1")[0]
	other := keytest.Made(t, a, 1, "name", "1")[0]
	first, second := []domain.Fate{keytest.Retain(key.Ref)}, []domain.Fate{keytest.Destroy(key.Ref)}
	for _, step := range []struct {
		store    *keypg.Store
		position uint64
		fates    []domain.Fate
	}{
		{a, 5, first},
		{b, 9, append(first, second...)}, // it had not heard of the first follower
		{a, 7, []domain.Fate{keytest.Retain(key.Ref)}},
		{a, 9, second},
	} {
		if err := step.store.Follow(t.Context(), step.position, step.fates); err != nil {
			t.Fatal(err)
		}
	}
	for _, store := range []*keypg.Store{a, b} {
		got, err := store.Open(t.Context(), []uuid.UUID{key.ID, other.ID})
		if err != nil || got[0].State != keys.Destroyed || !got[1].Equal(other) {
			t.Errorf("opened %v, %v", got, err)
		}
		if position, err := store.Followed(t.Context()); err != nil || position != 9 {
			t.Errorf("followed to %d, %v", position, err)
		}
	}
}
