package sqlite

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

// What is added comes out in the order of its keys, whether it stays in memory or goes through any number of runs.
func TestSorter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		s := sorter{path: filepath.Join(dir, "x"), limit: rapid.SampledFrom([]int{1, 100, 2000, sortBytes}).Draw(rt, "limit")}
		keys := rapid.SliceOfNDistinct(rapid.SliceOfN(rapid.Byte(), 0, 12), 0, 200, func(b []byte) string { return string(b) }).Draw(rt, "keys")
		for _, k := range keys {
			if err := s.add(k, append([]byte("record of "), k...)); err != nil {
				rt.Fatal(err)
			}
		}
		var got, want []string
		err := s.each(func(record []byte) error {
			got = append(got, string(record))
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
		if err := s.close(); err != nil {
			rt.Fatal(err)
		}
		slices.SortFunc(keys, bytes.Compare)
		for _, k := range keys {
			want = append(want, "record of "+string(k))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("limit %d (-want +got):\n%.1000s", s.limit, diff)
		}
	})
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// The order of sort keys is the order in which SQLite sorts the values.
func TestSortKeysAreInSQLitesOrder(t *testing.T) {
	t.Parallel()
	c, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "x")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	numbers := []int64{0, 1, -1, 255, 256, -256, math.MaxInt64, math.MinInt64, math.MaxInt32, -1 << 40}
	texts := []string{"", "\x00", "\x00\x00", "\x00\xff", "\x00\x01", "a", "a\x00", "a\x00\x00", "a\x00b", "a\x01", "ab", "\xff", "\xff\x00", "\xff\xff", "ї"}
	var sets [][]projections.Value
	sets = append(sets, []projections.Value{{}})
	for _, n := range numbers {
		sets[0] = append(sets[0], projections.OfInt(n))
	}
	sets = append(sets, []projections.Value{{}})
	for _, s := range texts {
		sets[1] = append(sets[1], projections.OfBytes([]byte(s)))
	}
	for i, values := range sets {
		table := fmt.Sprintf("t%d", i)
		if err := c.Script("CREATE TABLE " + table + " (n INTEGER PRIMARY KEY, v)"); err != nil {
			t.Fatal(err)
		}
		for n, v := range values {
			if err := c.Run("INSERT INTO "+table+" VALUES (?,?)", n, argument(v)); err != nil {
				t.Fatal(err)
			}
		}
		var want, got []int64
		for s, err := range c.Rows("SELECT n FROM " + table + " ORDER BY v") {
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, s.ColumnInt64(0))
		}
		for n := range values {
			got = append(got, int64(n))
		}
		slices.SortFunc(got, func(a, b int64) int {
			return bytes.Compare(appendSortKey(nil, values[a]), appendSortKey(nil, values[b]))
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("set %d (-SQLite +ours):\n%s", i, diff)
		}
	}
}
