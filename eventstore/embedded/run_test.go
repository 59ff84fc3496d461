package embedded

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// makeRun writes entries of count records, beginning with first, spread over a few hashes.
func makeRun(t rapid.TB, dir string, first uint64, count, hashes int) (*run, []entry) {
	t.Helper()
	rng := rand.New(rand.NewPCG(first, uint64(count)))
	names := make([]uint64, hashes)
	for i := range names {
		names[i] = rng.Uint64()
	}
	revs := map[uint64]int64{}
	entries := make([]entry, count)
	for i := range entries {
		hash := names[rng.IntN(hashes)]
		entries[i] = entry{hash: hash, rev: revs[hash], seq: first + uint64(i)}
		revs[hash]++
	}
	slices.SortFunc(entries, compareEntries)
	h := runHeader{ledger: uuid.Max, first: first, last: first + uint64(count) - 1, streams: uint64(len(revs))}
	if err := writeRun(OS{}, dir, h, each(entries)); err != nil {
		t.Fatal(err)
	}
	r, err := openRun(OS{}, filepath.Join(dir, h.name()))
	if err != nil {
		t.Fatal(err)
	}
	return r, entries
}

func TestRunFindsWhatASearchOfAllEntriesFinds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 2000).Draw(t, "count")
		r, entries := makeRun(t, dir, rapid.Uint64Range(1, 1<<40).Draw(t, "first"), count, rapid.IntRange(1, count).Draw(t, "hashes"))
		defer r.release()
		probe := rapid.SampledFrom(entries).Draw(t, "probe")
		if rapid.Bool().Draw(t, "missing") {
			probe.hash++
		}
		from := rapid.Int64Range(0, probe.rev+1).Draw(t, "from")
		to := rapid.Int64Range(from, probe.rev+300).Draw(t, "to")
		var want []entry
		for _, e := range entries {
			if e.hash == probe.hash && e.rev >= from && e.rev < to {
				want = append(want, e)
			}
		}
		got, err := r.window(nil, probe.hash, from, to)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("window %d..%d: %v, %v; want %v", from, to, got, err, want)
		}
		checkLast(t, r, entries, entry{hash: probe.hash, rev: math.MaxInt64, seq: math.MaxUint64})
		checkLast(t, r, entries, probe)
	})
}

func checkLast(t *rapid.T, r *run, entries []entry, before entry) {
	t.Helper()
	var want entry
	found := false
	for _, e := range entries {
		if e.hash == before.hash && compareEntries(e, before) < 0 {
			want, found = e, true
		}
	}
	got, ok, err := r.lastBefore(before)
	if err != nil || ok != found || ok && got != want {
		t.Fatalf("last before %v: %v, %v, %v; want %v, %v", before, got, ok, err, want, found)
	}
}

func TestMergeIsTheSortedUnion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var runs []*run
	var want []entry
	first := uint64(1)
	for _, count := range []int{1, 700, 256, 3} {
		r, entries := makeRun(t, dir, first, count, count/7+1)
		defer r.release()
		runs, want = append(runs, r), append(want, entries...)
		first += uint64(count)
	}
	slices.SortFunc(want, compareEntries)
	var got []entry
	for e, err := range mergeEntries(t.Context(), runs) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if !slices.Equal(got, want) {
		t.Errorf("merged %d entries, want %d, or in another order", len(got), len(want))
	}
}

func TestMergePlanKeepsFewRuns(t *testing.T) {
	t.Parallel()
	var runs []*run
	next := uint64(1)
	for range 5000 {
		runs = append(runs, &run{runHeader: runHeader{first: next, last: next + 9}})
		next += 10
		for plan := mergePlan(runs); plan != nil; plan = mergePlan(runs) {
			merged := &run{runHeader: runHeader{first: plan[0].first, last: plan[len(plan)-1].last}}
			runs = append(runs[:len(runs)-len(plan)], merged)
		}
		if len(runs) > 24 {
			t.Fatalf("%d runs for %d records", len(runs), next-1)
		}
	}
}

func TestHashOfStreamIsForEver(t *testing.T) {
	t.Parallel()
	got := map[string]uint64{}
	want := map[string]uint64{
		"": 0xefd01f60ba992926,
		"subject-6ba7b810-9dad-11d1-80b4-00c04fd430c8": 0x95a733275b4568cc,
	}
	for name := range want {
		got[name] = hashStream(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzRunHeader(f *testing.F) {
	f.Add(runHeader{ledger: uuid.Max, first: 1, last: 10, streams: 3}.encode())
	f.Add(make([]byte, runHeaderSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := decodeRunHeader(b)
		if ok && !bytes.Equal(h.encode(), b) {
			t.Errorf("%x decodes to %+v, which encodes to %x", b, h, h.encode())
		}
	})
}

// FuzzRunFile puts any bytes in the place of a small run: it is refused as damaged, or gives only entries
// that it may hold.
func FuzzRunFile(f *testing.F) {
	r, _ := makeRun(f, f.TempDir(), 1, 300, 40)
	good, err := os.ReadFile(r.path)
	r.release()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), filepath.Base(r.path))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := openRun(OS{}, path)
		var damage *errRunDamaged
		for hash := uint64(1); err == nil && hash != 0; hash <<= 3 {
			_, err = r.window(nil, hash, 0, math.MaxInt64)
		}
		if err != nil && !errors.As(err, &damage) {
			t.Fatalf("an error that is not damage: %v", err)
		}
		if r != nil {
			r.release()
		}
	})
}
