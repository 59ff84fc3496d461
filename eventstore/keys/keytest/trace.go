package keytest

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// Trace is what a key leaves in a store.
type Trace struct{ Wrapped, Tag []byte }

// Medium is what a store keeps its keys on, looked at from outside.
type Medium struct {
	// Traces are what the keys with a tag have left, by their addresses.
	Traces func(testing.TB) map[keys.Ref]Trace
	// Masters are the wrapped master keys, by any addresses.
	Masters func(testing.TB) map[keys.Ref]Trace
	// Bytes are those of every file that outlives a change.
	Bytes func(testing.TB) []byte
	// Settle does what the database does in the background from time to time; it may be nil.
	Settle func(testing.TB)
}

func (m Medium) settle(t testing.TB) {
	if m.Settle != nil {
		m.Settle(t)
	}
}

// require looks for what keys left.
func (m Medium) require(t testing.TB, present bool, traces map[keys.Ref]Trace, refs ...keys.Ref) {
	t.Helper()
	requirePresent(t, m.Bytes(t), traces, refs, present)
}

// DestroyHalf makes keys and tags in as many transactions, in an order that splits pages everywhere; then it
// destroys a random half, in many transactions again, after beforehand was called, which may be nil. No file may
// hold anything of that half at any point after. Left looks once more, when the store was closed, say.
func DestroyHalf(t testing.TB, s keys.Store, m Medium, transactions int, beforehand func()) (left func()) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // to be repeated
	for range transactions {
		Tagged(t, s, 1+random.IntN(150))
	}
	before := m.Traces(t)
	refs := slices.Collect(maps.Keys(before))
	dead, alive := refs[:len(refs)/2], refs[len(refs)/2:]
	m.settle(t)
	m.require(t, true, before, refs...)
	if beforehand != nil {
		beforehand()
	}
	for position, rest := uint64(1), dead; len(rest) > 0; position++ {
		n := min(len(rest), 1+random.IntN(300))
		follow(t, s, position, each(rest[:n], Destroy)...)
		m.require(t, false, before, rest[:n]...)
		Tagged(t, s, 20)
		m.settle(t)
		rest = rest[n:]
	}
	RequireSound(t, s)
	return func() {
		t.Helper()
		m.require(t, false, before, dead...)
		m.require(t, true, before, alive...)
	}
}

// RotateAndDestroy rotates, after which no file holds a wrapped key as it was, nor the master key that had
// wrapped it; and what was retained and then destroyed leaves as little as what was destroyed at once. Left
// looks once more.
func RotateAndDestroy(t testing.TB, s keys.Store, m Medium) (left func()) {
	t.Helper()
	for range 4 {
		Tagged(t, s, 100)
	}
	before, masters := m.Traces(t), m.Masters(t)
	refs, names := slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(masters))
	dead := refs[:len(refs)/2]
	follow(t, s, 1, each(dead, Retain)...)
	m.settle(t)
	m.require(t, true, before, refs...)
	m.require(t, true, masters, names...)
	Rotated(t, s)
	m.settle(t)
	m.require(t, false, withoutTags(before), refs...)
	m.require(t, false, masters, names...)
	rotated := m.Traces(t)
	follow(t, s, 2, each(dead, Destroy)...)
	m.settle(t)
	left = func() {
		t.Helper()
		m.require(t, false, before, dead...)
		m.require(t, false, rotated, dead...)
	}
	left()
	return left
}

func each(refs []keys.Ref, fate func(keys.Ref) domain.Fate) []domain.Fate {
	fates := make([]domain.Fate, len(refs))
	for i, ref := range refs {
		fates[i] = fate(ref)
	}
	return fates
}

// withoutTags forgets the tags, which a rotation leaves where they are.
func withoutTags(all map[keys.Ref]Trace) map[keys.Ref]Trace {
	out := map[keys.Ref]Trace{}
	for ref, left := range all {
		out[ref] = Trace{Wrapped: left.Wrapped}
	}
	return out
}

// requirePresent looks for any 12 bytes in a row of what the keys left, so that a remnant of a cell or row
// that was partly overwritten is found as well.
func requirePresent(t testing.TB, files []byte, all map[keys.Ref]Trace, refs []keys.Ref, present bool) {
	t.Helper()
	const window = 12
	grams := map[[window]byte]keys.Ref{}
	// Most windows of the files begin with two bytes that no gram begins with.
	var heads [1 << 16]bool
	for _, ref := range refs {
		for _, b := range [][]byte{all[ref].Wrapped, all[ref].Tag} {
			for i := 0; i+window <= len(b); i += 4 {
				grams[[window]byte(b[i:])] = ref
				heads[int(b[i])<<8|int(b[i+1])] = true
			}
		}
	}
	found := map[keys.Ref]bool{}
	for i := 0; i+window <= len(files); i++ {
		if !heads[int(files[i])<<8|int(files[i+1])] {
			continue
		}
		if ref, ok := grams[[window]byte(files[i:])]; ok {
			found[ref] = true
		}
	}
	if present && len(found) != len(refs) || !present && len(found) > 0 {
		t.Fatalf("bytes of %d keys of %d are in the files; want present = %v", len(found), len(refs), present)
	}
}
