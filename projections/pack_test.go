package projections

import (
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
	table := &Table{Name: "rows", Key: 2, Columns: []Column{{Name: "id", Type: Text}, {Name: "n", Type: Int}, {Name: "word", Type: Text}, {Name: "sum", Type: Int}}}
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
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		w.Upsert(table, key[0], key[1], word, sum)
		model[at] = Row{key[0], key[1], word, sum}
	case 1:
		w.Delete(table, key...)
		delete(model, at)
	case 2:
		w.Add(table, key, Set{Column: 3, Value: sum})
		if !there {
			row = Row{key[0], key[1], {}, OfInt(0)}
		}
		row[3] = OfInt(row[3].Int() + sum.Int())
		model[at] = row
	default:
		w.Patch(table, Edit{Key: key, Set: []Set{{Column: 2, Value: word}}, When: []Where{{Column: 3, Op: Gt, Value: sum}}})
		if there && row[3].Int() > sum.Int() {
			row[2] = word
		}
	}
}
