package projections

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Whatever happens to whichever row, in however many batches: the rows that were put aside are those that come
// of doing one change after the other. The bytes that come with a row are its own.
func TestPutAsideIsDoneInOrder(t *testing.T) {
	t.Parallel()
	table := &Table{Name: "rows", Key: 2, Columns: []Column{{Name: "id", Type: Text}, {Name: "n", Type: Int}, {Name: "word", Type: Text}, {Name: "sum", Type: Int}, {Name: "more", Type: Int}}}
	p := &Projection{Name: "rows", Version: 1, Tables: []*Table{table}}
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "pack")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		s, err := openSpool(dir, p, Build{Number: 1, Version: 1})
		if err != nil {
			t.Fatal(err)
		}
		b, model := newPacked(p, Mark{}), map[string]Row{}
		for n := range uint64(rapid.IntRange(1, 60).Draw(t, "changes")) {
			b.writer.begin()
			someChange(t, table, &b.writer, model)
			b.tables[0].take(&b.writer, 0)
			b.mark = Mark{Position: n + 1, Previous: n}
			if rapid.IntRange(0, 9).Draw(t, "put") == 0 {
				must(t, s.put(b))
			}
		}
		must(t, s.put(b))
		var got []Row
		for row, err := range s.rows(0) {
			must(t, err)
			if have := string(appendCode(nil, table, row.Row)); row.code != nil && have != string(row.code) {
				t.Fatalf("%v comes with the bytes of another row", row.Row)
			}
			mine := slices.Clone(row.Row)
			for i := range mine {
				mine[i].s = strings.Clone(mine[i].s) // it is good until the next row only
			}
			got = append(got, mine)
		}
		var want []Row
		for _, key := range slices.Sorted(maps.Keys(model)) {
			want = append(want, model[key])
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Value{})); diff != "" {
			t.Fatal(diff)
		}
	})
}

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// someChange draws one change and does it to the model too.
func someChange(t *rapid.T, table *Table, w *Writer, model map[string]Row) {
	// Keys that begin alike in their first eight, sixteen and twenty-four bytes.
	id := OfText(rapid.SampledFrom([]string{"", "a", "a23456789", "a23456780", "a2345678901234567890123456", "a2345678901234567890123457"}).Draw(t, "id"))
	key := []Value{id, OfInt(rapid.Int64Range(-1, 1).Draw(t, "n"))}
	at, word, sum := string(AppendKey(nil, key)), OfText(rapid.SampledFrom([]string{"x", "y"}).Draw(t, "word")), OfInt(rapid.Int64Range(0, 3).Draw(t, "sum"))
	row, there := model[at]
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		w.Upsert(table, key[0], key[1], word, sum, OfInt(1))
		model[at] = Row{key[0], key[1], word, sum, OfInt(1)}
	case 1:
		w.Delete(table, key...)
		delete(model, at)
	case 2:
		column := rapid.IntRange(3, 4).Draw(t, "column")
		w.Add(table, key, Set{Column: column, Value: sum})
		if !there {
			row = Row{key[0], key[1], {}, {}, {}}
		}
		row[column] = OfInt(row[column].Int() + sum.Int())
		model[at] = row
	case 3:
		w.Patch(table, Edit{Key: key, Set: []Set{{Column: 3, Value: sum}}})
		if there {
			row[3] = sum
		}
	default:
		w.Patch(table, Edit{Key: key, Set: []Set{{Column: 2, Value: word}}, When: []Where{{Column: 3, Op: Gt, Value: sum}}})
		if there && !row[3].IsNull() && row[3].Int() > sum.Int() {
			row[2] = word
		}
	}
}

// What is changed in a later run than where it is known whole is changed whole, also when none of the runs fits in
// what is read of it at once.
func TestLateChangesOfManyRows(t *testing.T) {
	t.Parallel()
	const rows = 3 * runBuffer / 100
	table := &Table{Name: "rows", Key: 1, Columns: []Column{{Name: "n", Type: Int}, {Name: "word", Type: Text}, {Name: "again", Type: Text}}}
	p := &Projection{Name: "rows", Version: 1, Tables: []*Table{table}}
	s, err := openSpool(t.TempDir(), p, Build{Number: 1, Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	b := newPacked(p, Mark{})
	word := func(run, n int) Value { return OfText(fmt.Sprintf("%100d", run*rows+n)) }
	for run := range 4 {
		for n := range rows {
			b.writer.begin()
			if run == 0 {
				b.writer.Upsert(table, OfInt(int64(n)), word(run, n), Value{})
			} else {
				b.writer.Patch(table, Edit{Key: []Value{OfInt(int64(n))}, Set: []Set{{Column: 1 + run%2, Value: word(run, n)}}})
			}
			b.tables[0].take(&b.writer, 0)
		}
		b.mark.Position++
		if err := s.put(b); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for row, err := range s.rows(0) {
		if err != nil || row.Row[0].Int() != int64(n) || row.Row[1] != word(2, n) || row.Row[2] != word(3, n) {
			t.Fatalf("row %d: %v, %v", n, row.Row, err)
		}
		n++
	}
	if n != rows {
		t.Errorf("%d rows of %d", n, rows)
	}
}

// Memory goes from a batch that was written to the next one, of whichever projection, and no row of either is
// lost or changed by it. Blocks may be larger than what is read at once.
func TestMemoryIsHandedOn(t *testing.T) {
	t.Parallel()
	const rounds, rows, large = 12, 20, 30 << 10
	var shared spare
	var spools [2]*spool
	var batches [2]*Batch
	for i, name := range []string{"even", "odd"} {
		columns := []Column{{Name: "n", Type: Int}, {Name: "word", Type: Text}}
		p := &Projection{Name: name, Version: 1, Tables: []*Table{
			{Name: name, Key: 1, Columns: columns}, {Name: name + "_copy", Key: 1, Columns: columns}, {Name: name + "_log", Key: 1, Log: true, Columns: columns}}}
		s, err := openSpool(t.TempDir(), p, Build{Number: 1, Version: 1})
		if err != nil {
			t.Fatal(err)
		}
		spools[i], batches[i] = s, newPacked(p, Mark{})
		batches[i].spare = &shared
	}
	word := func(i, n int) string { return strings.Repeat(string(rune('a'+(i+n)%26)), large) }
	for round := range rounds {
		for i, b := range batches {
			for n := round * rows; n < (round+1)*rows; n++ {
				b.writer.begin()
				row := []Value{OfInt(int64(n)), OfText(word(i, n))}
				b.writer.Upsert(b.projection.Tables[0], row...)
				b.writer.Upsert(b.projection.Tables[1], row...)
				b.writer.Append(b.projection.Tables[2], row...)
				for change := range b.writer.tables {
					b.tables[change].take(&b.writer, change)
				}
			}
			b.mark.Position++
			if (round+i)%3 == 0 {
				if err := spools[i].put(b); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for i, s := range spools {
		if err := s.put(batches[i]); err != nil {
			t.Fatal(err)
		}
		for table := range s.projection.Tables {
			n := 0
			for row, err := range s.rows(table) {
				if err != nil || row.Row[0].Int() != int64(n) || row.Row[1].Text() != word(i, n) {
					t.Fatalf("table %d, row %d: %v", table, n, err)
				}
				n++
			}
			if n != rounds*rows {
				t.Errorf("table %d: %d rows", table, n)
			}
		}
	}
	// Two batches of three rounds each, in three tables; what was written long ago is not kept for ever.
	if most := 2 * 3 * 3 * rows * large / lastChunk * 3 / 2; len(shared.chunks) == 0 || len(shared.chunks) > most {
		t.Errorf("%d chunks, want %d at most", len(shared.chunks), most)
	}
}
