package keydb_test

import (
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keytest"
)

// One operation is one key, of calls for five.
func BenchmarkEnsureWarm(b *testing.B) {
	store := newStorage(b).open(b)
	wants := keytest.FiveWants(keytest.Subject())
	if _, err := store.Ensure(b.Context(), wants); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += len(wants) {
		if _, err := store.Ensure(b.Context(), wants); err != nil {
			b.Fatal(err)
		}
	}
}

// One operation is one new key, of calls for 10,000: a bulk import.
func BenchmarkEnsureNewBulk(b *testing.B) {
	store := newStorage(b).open(b)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += 10_000 {
		keytest.Made(b, store, min(10_000, b.N-n), "email", "1")
	}
}

// One operation is one call for five new keys, from 64 callers at once.
func BenchmarkEnsureNewConcurrent(b *testing.B) {
	store := newStorage(b).open(b)
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := store.Ensure(b.Context(), keytest.FiveWants(keytest.Subject())); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkOpenWarm(b *testing.B) {
	store := newStorage(b).open(b)
	id := []uuid.UUID{keytest.Made(b, store, 1, "email", "1")[0].ID}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Open(b.Context(), id); err != nil {
			b.Fatal(err)
		}
	}
}

// One operation is one key that no cache holds: of calls for 500 that were made one after the other, as who
// reads the log wants them, or that lie anywhere, or of calls for one.
func BenchmarkOpenCold(b *testing.B) {
	s := newStorage(b)
	store := s.open(b)
	all := keytest.Made(b, store, 100_000, "email", "1")
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	s.cfg.CacheKeys = 1
	store = s.open(b)
	for name, x := range map[string]struct{ at, step int }{
		"500 in a row": {500, 1},
		"500 anywhere": {500, 104_729},
		"one in a row": {1, 1},
		"one anywhere": {1, 104_729},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			ids := make([]uuid.UUID, x.at)
			for n := 0; n < b.N; n += len(ids) {
				for i := range ids {
					ids[i] = all[(n+i)*x.step%len(all)].ID
				}
				if _, err := store.Open(b.Context(), ids); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// One operation is one address whose key is in the file but in no cache, of calls for 100.
func BenchmarkEnsureCold(b *testing.B) {
	s := newStorage(b)
	store := s.open(b)
	all := keytest.Made(b, store, 50_000, "email", "1")
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	s.cfg.CacheKeys = 1
	store = s.open(b)
	wants := make([]keys.Want, 100)
	b.ResetTimer()
	for n := 0; n < b.N; n += len(wants) {
		for i := range wants {
			wants[i].Ref = all[(n*7919+i*104_729)%len(all)].Ref
		}
		if _, err := store.Ensure(b.Context(), wants); err != nil {
			b.Fatal(err)
		}
	}
}

// One operation is one destroyed key with a tag; each call brings the fates of so many.
func BenchmarkDestroy(b *testing.B) {
	for name, size := range map[string]int{"each": 1, "by100": 100, "by10000": 10_000} {
		b.Run(name, func(b *testing.B) {
			s := newStorage(b)
			store := s.open(b)
			keytest.Tagged(b, store, b.N)
			var fates []domain.Fate
			for ref := range traces(b, s.cfg.Path) {
				fates = append(fates, keytest.Destroy(ref))
			}
			b.ResetTimer()
			for position := uint64(1); len(fates) > 0; position++ {
				n := min(size, len(fates))
				if err := store.Follow(b.Context(), position, fates[:n]); err != nil {
					b.Fatal(err)
				}
				fates = fates[n:]
			}
		})
	}
}

func BenchmarkFind(b *testing.B) {
	store := newStorage(b).open(b)
	keytest.Tagged(b, store, 50_000)
	subject := keytest.Subject()
	tag := store.Tag("email", "oksana@example.com")
	if _, err := store.Ensure(b.Context(), []keys.Want{{Ref: keytest.Ref(subject, "email", "1"), Tag: &tag}}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if got, err := store.Find(b.Context(), "email", tag); err != nil || len(got) != 1 {
			b.Fatal(got, err)
		}
	}
}
