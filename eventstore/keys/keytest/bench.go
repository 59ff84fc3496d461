package keytest

import (
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// Reopener opens a store, again after it was closed, with a cache of so many keys; 0 is the default.
type Reopener func(b *testing.B, cache int) keys.Store

// Bench measures a store, each time on one that is empty.
func Bench(b *testing.B, fresh func(*testing.B) Reopener) {
	b.Helper()
	for _, x := range []struct {
		name string
		run  func(*testing.B, Reopener)
	}{
		{"ensure warm", ensureWarm}, {"ensure warm by 64 callers", ensureWarmConcurrent},
		{"ensure new", ensureNew}, {"ensure new by 64 callers", ensureNewConcurrent}, {"ensure new in bulk", ensureNewBulk},
		{"ensure cold", ensureCold}, {"open warm", openWarm}, {"open cold", openCold},
		{"destroy one", destroy(1)}, {"destroy 500", destroy(500)}, {"find", findOne},
	} {
		b.Run(x.name, func(b *testing.B) { x.run(b, fresh(b)) })
	}
}

// One operation is one call for five warm keys.
func ensureWarm(b *testing.B, open Reopener) {
	s, wants := open(b, 0), FiveWants(Subject())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Ensure(b.Context(), wants); err != nil {
			b.Fatal(err)
		}
	}
}

// One operation is one call for five warm keys, from 64 callers at once.
func ensureWarmConcurrent(b *testing.B, open Reopener) {
	s, wants := open(b, 0), FiveWants(Subject())
	byCallers(b, func() error { _, err := s.Ensure(b.Context(), wants); return err })
}

// One operation is one call for five new keys.
func ensureNew(b *testing.B, open Reopener) {
	s := open(b, 0)
	for b.Loop() {
		if _, err := s.Ensure(b.Context(), FiveWants(Subject())); err != nil {
			b.Fatal(err)
		}
	}
}

// One operation is one call for five new keys, from 64 callers at once.
func ensureNewConcurrent(b *testing.B, open Reopener) {
	s := open(b, 0)
	byCallers(b, func() error { _, err := s.Ensure(b.Context(), FiveWants(Subject())); return err })
}

func byCallers(b *testing.B, call func() error) {
	b.Helper()
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := call(); err != nil {
				b.Error(err)
			}
		}
	})
}

// bulkCall is how many keys a bulk import asks for at once.
const bulkCall = 5000

// One operation is one new key, of calls for bulkCall.
func ensureNewBulk(b *testing.B, open Reopener) {
	s := open(b, 0)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += bulkCall {
		Made(b, s, min(bulkCall, b.N-n), "email", "1")
	}
}

// closedWith is a store that holds so many keys, with a tag each, and was closed since.
func closedWith(b *testing.B, open Reopener, n int) []keys.Key {
	b.Helper()
	s := open(b, 0)
	all := manyTagged(b, s, n)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return all
}

func manyTagged(b *testing.B, s keys.Store, n int) (all []keys.Key) {
	b.Helper()
	for len(all) < n {
		all = append(all, Tagged(b, s, min(bulkCall, n-len(all)))...)
	}
	return all
}

// benchKeys is how many keys a store has that is read cold.
const benchKeys = 50_000

// One operation is one address whose key is in the store but in no cache, of calls for 100.
func ensureCold(b *testing.B, open Reopener) {
	all := closedWith(b, open, benchKeys)
	s, wants := open(b, 1), make([]keys.Want, 100)
	b.ResetTimer()
	for n := 0; n < b.N; n += len(wants) {
		for i := range wants {
			wants[i].Ref = all[(n*7919+i*104_729)%len(all)].Ref
		}
		if _, err := s.Ensure(b.Context(), wants); err != nil {
			b.Fatal(err)
		}
	}
}

// One operation is one call for one warm key.
func openWarm(b *testing.B, open Reopener) {
	s := open(b, 0)
	ids := idsOf(Made(b, s, 1, "email", "1"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Open(b.Context(), ids); err != nil {
			b.Fatal(err)
		}
	}
}

// One operation is one key that is in no cache: of calls for 500 that were made one after the other, as who
// reads the log wants them, or that lie anywhere; and of calls for one.
func openCold(b *testing.B, open Reopener) {
	all := closedWith(b, open, benchKeys)
	s := open(b, 1)
	for _, x := range []struct {
		name     string
		at, step int
	}{{"500 in a row", 500, 1}, {"500 anywhere", 500, 104_729}, {"one in a row", 1, 1}, {"one anywhere", 1, 104_729}} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			ids := make([]uuid.UUID, x.at)
			for n := 0; n < b.N; n += len(ids) {
				for i := range ids {
					ids[i] = all[(n+i)*x.step%len(all)].ID
				}
				if _, err := s.Open(b.Context(), ids); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// One operation is one call that destroys so many keys with a tag, in a store of 20,000 more.
func destroy(size int) func(*testing.B, Reopener) {
	return func(b *testing.B, open Reopener) {
		s := open(b, 0)
		all := manyTagged(b, s, 20_000+b.N*size)
		b.ResetTimer()
		for n := range b.N {
			fates := make([]domain.Fate, size)
			for i := range fates {
				fates[i] = Destroy(all[n*size+i].Ref)
			}
			if err := s.Follow(b.Context(), uint64(n+1), fates); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// One operation is one look for a value, of so many.
func findOne(b *testing.B, open Reopener) {
	s := open(b, 0)
	wanted := manyTagged(b, s, benchKeys)[7].Ref.Subject
	tag := s.Tag("email", taggedValue(wanted))
	for b.Loop() {
		if got, err := s.Find(b.Context(), "email", tag); err != nil || len(got) != 1 || got[0] != wanted {
			b.Fatal(got, err)
		}
	}
}
