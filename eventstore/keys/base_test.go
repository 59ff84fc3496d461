package keys_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// slow is a backend whose readers have read before they can say so.
type slow struct {
	cache *keys.Cache

	mu    sync.Mutex
	known map[uuid.UUID]keys.Key // guarded by mu
	loads int                    // guarded by mu
	// between runs between the reading and the answer of the next Load.
	between func()
}

func (s *slow) Fresh(context.Context) error { return nil }

func (s *slow) Load(_ context.Context, ids []uuid.UUID) ([]*keys.Entry, error) {
	s.mu.Lock()
	s.loads++
	var read []*keys.Entry
	for _, id := range ids {
		k, ok := s.known[id]
		if !ok {
			s.mu.Unlock()
			return nil, fmt.Errorf("key %s: %w", id, keys.ErrUnknownKey)
		}
		read = append(read, keys.NewEntry(k))
	}
	between := s.between
	s.between = nil
	s.mu.Unlock()
	if between != nil {
		between()
	}
	return read, nil
}

func (s *slow) Make([]*keys.Call) ([]*keys.Entry, error) { return nil, nil }

func (s *slow) CarryOut(_ uint64, fates []domain.Fate) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var changed []keys.Key
	for id, k := range s.known {
		if slices.ContainsFunc(fates, func(f domain.Fate) bool { return keys.RefOf(f) == k.Ref }) {
			changed = append(changed, k)
			s.known[id] = keys.Key{ID: k.ID, Ref: k.Ref, State: keys.Destroyed}
		}
	}
	s.cache.Drop(changed)
	return nil
}

// A destruction that comes and goes while a reader of many keys has read and not yet remembered them: the
// reader has begun before it and may still be given the key, nobody after him is.
func TestBulkLoadNeverOutlivesADestruction(t *testing.T) {
	t.Parallel()
	s := &slow{cache: keys.NewCache(100), known: map[uuid.UUID]keys.Key{}}
	var ids []uuid.UUID
	for range 5 {
		k := keys.NewKey(keys.Ref{Subject: domain.SubjectID{UUID: uuid.New()}, Field: "email", Epoch: "1"})
		s.known[k.ID], ids = k, append(ids, k.ID)
	}
	b := keys.NewBase(uuid.New(), keys.NewIndex(keys.NewSecret()), s.cache, s)
	defer b.Shut()
	victim := s.known[ids[2]]
	fate := domain.Fate{Subject: victim.Ref.Subject, Field: victim.Ref.Field, Epoch: victim.Ref.Epoch, Action: domain.Destroy}
	s.between = func() {
		if err := b.Follow(t.Context(), 1, []domain.Fate{fate}); err != nil {
			t.Error(err)
		}
	}
	early := open(t, b, ids)
	if early[2].State != keys.Live {
		t.Errorf("the early reader was given %s", early[2])
	}
	late := open(t, b, ids)
	for i, k := range late {
		if (k.State == keys.Destroyed) != (i == 2) || k.State == keys.Destroyed && k.Cipher() != nil || i != 2 && !k.Equal(early[i]) {
			t.Errorf("key %d is %s after the destruction", i, k)
		}
	}
	if again := open(t, b, ids); s.loads != 2 || again[2].State != keys.Destroyed {
		t.Errorf("loaded %d times; the key is %s", s.loads, again[2])
	}
}

func open(t testing.TB, b *keys.Base, ids []uuid.UUID) []keys.Key {
	t.Helper()
	got, err := b.Open(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
