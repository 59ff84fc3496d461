package sqlite

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ncruces/go-sqlite3"
	"pgregory.net/rapid"

	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

var paged = &projections.Table{Name: "paged", Key: 2, Indexes: []projections.Index{
	{Name: "all", Columns: []int{5, 2, 3}}, {Name: "flag", Columns: []int{4}}, {Name: "back", Columns: []int{1, 3, 0}},
}, Columns: []projections.Column{
	{Name: "n", Type: projections.Int}, {Name: "name", Type: projections.Text}, {Name: "raw", Type: projections.Bytes},
	{Name: "other", Type: projections.Int}, {Name: "flag", Type: projections.Bool}, {Name: "list", Type: projections.Texts},
}}

func feed(rows []projections.Row) iter.Seq2[projections.Row, error] {
	return func(yield func(projections.Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// writeFile makes a file with two tables, of which the second is written between others.
func writeFile(t testing.TB, path string, rows []projections.Row) error {
	t.Helper()
	other := *paged
	other.Name = "other"
	cfg := Config{Path: path, CacheKiB: 1024}
	l := projections.Load{Projection: &projections.Projection{Name: "p", Tables: []*projections.Table{&other, paged}},
		Tables: []projections.Filling{{Table: &other, Rows: feed(rows)}, {Table: paged, Rows: feed(rows)}}}
	f := newFiles(cfg)
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	made, err := f.fill(t.Context(), projections.Build{Projection: "p", Number: 1}, l)
	if err == nil {
		err = os.Rename(made, path)
	}
	return err
}

// throughPages writes rows as pages, lets SQLite prove the file, and gives what it reads there.
func throughPages(t testing.TB, path string, rows []projections.Row) []projections.Row {
	t.Helper()
	if err := writeFile(t, path, rows); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	var said string
	if _, err := c.Row(func(s *sqlite3.Stmt) { said = s.ColumnText(0) }, "PRAGMA integrity_check"); err != nil || said != "ok" {
		t.Fatalf("integrity: %s, %v", said, err)
	}
	s := &snapshot{words: map[string]string{}}
	var out []projections.Row
	for row, err := range s.rows(c, projections.Select{Table: paged}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, slices.Clone(row))
	}
	// By the key as well, which goes down the tree.
	for i := 0; i < len(rows); i += 1 + len(rows)/50 {
		found, err := number(c, "SELECT count(*) FROM "+"paged"+" WHERE n = ? AND name = ?", rows[i][0].Int(), rows[i][1].Text())
		if err != nil || found != 1 {
			t.Fatalf("row %d is found %d times, %v", i, found, err)
		}
	}
	return out
}

func equalRows(t testing.TB, got, want []projections.Row) {
	t.Helper()
	text := func(rows []projections.Row) (out []string) {
		for _, r := range rows {
			line := ""
			for _, v := range r {
				kind, n, s := v.Parts()
				line += fmt.Sprintf("%d:%d:%q ", kind, n, s)
			}
			out = append(out, line)
		}
		return out
	}
	if diff := cmp.Diff(text(want), text(got)); diff != "" {
		t.Fatalf("rows changed (-want +got):\n%.2000s", diff)
	}
}

// Any rows that rise by key come back as they were, and SQLite finds nothing wrong with the file.
func TestPagesKeepRows(t *testing.T) {
	t.Parallel()
	dir, run := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		if run > 15 {
			return
		}
		edge := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, 1, -1, 127, -128, 128, 1 << 15, -1 << 15, 1 << 23, -1<<23 - 1, 1 << 31, 1 << 47, -1<<47 - 1, math.MaxInt64, math.MinInt64}))
		var rows []projections.Row
		size := rapid.IntRange(0, 3000)
		for n := range rapid.IntRange(0, 400).Draw(rt, "rows") {
			rows = append(rows, projections.Row{projections.OfInt(int64(n)), projections.OfText(rapid.StringN(0, 5, 20).Draw(rt, "name")),
				projections.OfBytes(make([]byte, size.Draw(rt, "size"))), projections.OfInt(edge.Draw(rt, "edge")), {}, projections.OfTexts([]string{"a", "ї"})})
		}
		rows = slices.DeleteFunc(rows, func(r projections.Row) bool { return strings.Contains(r[1].Text(), "\x00") })
		equalRows(t, throughPages(t, filepath.Join(dir, fmt.Sprint(run)), rows), rows)
	})
}

// Three levels of pages, every length of a record around the bounds of overflow, and values over many pages.
func TestPagesOfEverySize(t *testing.T) {
	t.Parallel()
	var rows []projections.Row
	add := func(size int) {
		rows = append(rows, projections.Row{projections.OfInt(int64(len(rows))), projections.OfText(strings.Repeat("k", len(rows)%700)),
			projections.OfBytes([]byte(strings.Repeat("x", size))), {}, projections.OfBool(size%2 == 0), {}})
	}
	for size := minLocal - 800; size < maxLocal+40; size++ {
		add(size)
	}
	for _, size := range []int{loadPageSize - 4, loadPageSize, 2*loadPageSize + maxLocal, 10 * loadPageSize} {
		for d := -20; d < 20; d++ {
			add(size + d)
		}
	}
	for range 2500 {
		add(1500)
	}
	equalRows(t, throughPages(t, filepath.Join(t.TempDir(), "x"), rows), rows)
}

// SQLite would believe pages whose rows are out of order, so they are refused.
func TestPagesRefuseDisorder(t *testing.T) {
	t.Parallel()
	row := func(n int64) projections.Row {
		return projections.Row{projections.OfInt(n), projections.OfText("a"), {}, {}, {}, {}}
	}
	for _, rows := range [][]projections.Row{{row(1), row(1)}, {row(2), row(1)}, {row(0), row(-1)}} {
		if err := writeFile(t, filepath.Join(t.TempDir(), "x"), rows); !errors.Is(err, errUnsorted) {
			t.Errorf("%v", err)
		}
	}
}
