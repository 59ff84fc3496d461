package keytest

import (
	"testing"

	"imagine.ua/litopys/eventstore/keys"
)

// Trace is what a key leaves in a store.
type Trace struct{ Wrapped, Tag []byte }

// RequirePresent looks for any 12 bytes in a row of what the keys left, so that a remnant of a cell or row
// that was partly overwritten is found as well.
func RequirePresent(t testing.TB, files []byte, all map[keys.Ref]Trace, refs []keys.Ref, present bool) {
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

// Halves cuts the keys that left traces into two.
func Halves(all map[keys.Ref]Trace) (refs, dead, alive []keys.Ref) {
	for ref := range all {
		refs = append(refs, ref)
	}
	return refs, refs[:len(refs)/2], refs[len(refs)/2:]
}
