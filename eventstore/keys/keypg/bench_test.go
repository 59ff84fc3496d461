package keypg_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/pgtest"
)

// onBoth runs a benchmark on keydb and on keypg, one after the other. Both sync each commit. Open gives the
// same store again, with another size of its cache; 0 is the default.
func onBoth(b *testing.B, run func(b *testing.B, open func(cache int) keys.Store)) {
	dir := b.TempDir()
	kms, err := keys.CreateLocal(filepath.Join(dir, "local.key"))
	if err != nil {
		b.Fatal(err)
	}
	ledger, n := uuid.New(), 0
	b.Run("keydb", func(b *testing.B) {
		n++ // the benchmark is called again with a larger N, and starts anew
		path := filepath.Join(dir, fmt.Sprint(n))
		run(b, opener(b, func(cache int) (keys.Store, error) {
			return keydb.Open(b.Context(), keydb.Config{Path: path, Ledger: ledger, KMS: kms, CacheKeys: cache})
		}))
	})
	server := pgtest.New(b, pgtest.Config{Fsync: true})
	b.Run("keypg", func(b *testing.B) {
		url := server.Database(b)
		run(b, opener(b, func(cache int) (keys.Store, error) {
			return keypg.Open(b.Context(), keypg.Config{URL: url, Ledger: ledger, KMS: kms, CacheKeys: cache})
		}))
	})
}

func opener(b *testing.B, open func(cache int) (keys.Store, error)) func(cache int) keys.Store {
	return func(cache int) keys.Store {
		store, err := open(cache)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = store.Close() })
		return store
	}
}

// fill makes n keys with tags, 5,000 in a call.
func fill(b *testing.B, s keys.Store, n int) (all []keys.Key) {
	b.Helper()
	for len(all) < n {
		wants := make([]keys.Want, min(5000, n-len(all)))
		for i := range wants {
			subject := keytest.Subject()
			tag := s.Tag("email", subject.String())
			wants[i] = keys.Want{Ref: keytest.Ref(subject, "email", "1"), Tag: &tag}
		}
		got, err := s.Ensure(b.Context(), wants)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, got...)
	}
	return all
}

// One operation is one call for five warm keys.
func BenchmarkEnsureWarm(b *testing.B) {
	onBoth(b, func(b *testing.B, open func(int) keys.Store) {
		store, wants := open(0), keytest.FiveWants(keytest.Subject())
		for b.Loop() {
			if _, err := store.Ensure(b.Context(), wants); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// One operation is one call for five warm keys, from 64 callers at once.
func BenchmarkEnsureWarmConcurrent(b *testing.B) {
	onBoth(b, func(b *testing.B, open func(int) keys.Store) {
		store, wants := open(0), keytest.FiveWants(keytest.Subject())
		b.SetParallelism(32)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := store.Ensure(b.Context(), wants); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// One operation is one call for five new keys, from 64 callers at once.
func BenchmarkEnsureNewConcurrent(b *testing.B) {
	onBoth(b, func(b *testing.B, open func(int) keys.Store) {
		store := open(0)
		b.SetParallelism(32)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := store.Ensure(b.Context(), keytest.FiveWants(keytest.Subject())); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// One operation is one call for five new keys, one caller.
func BenchmarkEnsureNewEach(b *testing.B) {
	onBoth(b, func(b *testing.B, open func(int) keys.Store) {
		store := open(0)
		for b.Loop() {
			if _, err := store.Ensure(b.Context(), keytest.FiveWants(keytest.Subject())); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// One operation is one new key, of calls for 5,000: a bulk import.
func BenchmarkEnsureNewBulk(b *testing.B) {
	onBoth(b, func(b *testing.B, open func(int) keys.Store) {
		store := open(0)
		b.ResetTimer()
		for n := 0; n < b.N; n += 5000 {
			wants := make([]keys.Want, min(5000, b.N-n))
			for i := range wants {
				wants[i].Ref = keytest.Ref(keytest.Subject(), "email", "1")
			}
			if _, err := store.Ensure(b.Context(), wants); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// One operation is one key that no cache holds, of calls for 100.
func BenchmarkOpenCold(b *testing.B) {
	onBoth(b, func(b *testing.B, open func(int) keys.Store) {
		store := open(0)
		all := fill(b, store, 20_000)
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
		store = open(1)
		ids := make([]uuid.UUID, 100)
		b.ResetTimer()
		for n := 0; n < b.N; n += len(ids) {
			for i := range ids {
				ids[i] = all[(n*7919+i*10_473)%len(all)].ID
			}
			if _, err := store.Open(b.Context(), ids); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// One operation is one call that destroys one key with a tag, of 20,000.
func BenchmarkDestroyOne(b *testing.B) { benchmarkDestroy(b, 1) }

// One operation is one call that destroys 500 keys with tags, in every shelf, of 20,000.
func BenchmarkDestroy500(b *testing.B) { benchmarkDestroy(b, 500) }

func benchmarkDestroy(b *testing.B, size int) {
	onBoth(b, func(b *testing.B, open func(int) keys.Store) {
		store := open(0)
		all := fill(b, store, 20_000+b.N*size)
		b.ResetTimer()
		for n := range b.N {
			fates := make([]domain.Fate, size)
			for i := range fates {
				fates[i] = keytest.Destroy(all[n*size+i].Ref)
			}
			if err := store.Follow(b.Context(), uint64(n+1), fates); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkFind(b *testing.B) {
	onBoth(b, func(b *testing.B, open func(int) keys.Store) {
		store := open(0)
		all := fill(b, store, 20_000)
		tag := store.Tag("email", all[7].Ref.Subject.String())
		for b.Loop() {
			if got, err := store.Find(b.Context(), "email", tag); err != nil || len(got) != 1 {
				b.Fatal(got, err)
			}
		}
	})
}
