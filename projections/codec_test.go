package projections

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

var anything = &Table{Name: "anything", Key: 2, Columns: []Column{
	{Name: "n", Type: Int}, {Name: "id", Type: UUID}, {Name: "word", Type: Text}, {Name: "raw", Type: Bytes},
	{Name: "at", Type: Time}, {Name: "flag", Type: Bool}, {Name: "list", Type: Texts}, {Name: "sum", Type: Int}}}

func someEntries() []entry {
	id := OfUUID(uuid.MustParse("5c4f4f0e-9a3e-4ed2-8c37-8f8b53a4f001"))
	row := Row{OfInt(-5), id, OfText("ї"), OfBytes([]byte{0, 1}), Stored(Time, 1, ""), OfBool(true), OfTexts([]string{"a", "b"}), {}}
	key := string(AppendKey(nil, row[:2]))
	return []entry{
		{key: key, kind: whole, row: row},
		{key: key, kind: gone, row: row[:2]},
		{key: key, kind: unknown, row: row[:2], changes: []Change{
			{Key: row[:2], Add: true, Set: []Set{{Column: 7, Value: OfInt(3)}}},
			{Key: row[:2], Set: []Set{{Column: 2}, {Column: 3, Value: OfBytes([]byte("x"))}}, When: []Where{{Column: 7, Op: Le, Value: OfInt(1 << 40)}}},
		}},
	}
}

// What is put aside comes back as it was; whatever else is read there is refused, or is a form of the same.
func FuzzEntry(f *testing.F) {
	for _, e := range someEntries() {
		b := e.append(nil, anything)
		f.Add(b)
		longer := bytes.Clone(b)
		longer[4]++
		f.Add(longer)
	}
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < blockHead || block(b).keySize() > len(b)-blockHead {
			return // is refused before
		}
		e, err := block(b).entry(anything)
		if err != nil || e.kind == unknown && len(e.changes) == 0 {
			return
		}
		if key := string(AppendKey(nil, e.row[:anything.Key])); e.key != key {
			t.Errorf("%x of the key %x", e.row, e.key)
		}
		out := e.append(nil, anything)
		again, err := block(out).entry(anything)
		if err != nil || !bytes.Equal(again.append(nil, anything), out) {
			t.Errorf("%x became %x, %v", b, out, err)
		}
	})
}

func TestEntriesComeBack(t *testing.T) {
	t.Parallel()
	for _, e := range someEntries() {
		got, err := block(e.append(nil, anything)).entry(anything)
		if diff := cmp.Diff(e, got, cmp.AllowUnexported(entry{}, Value{})); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
}

// Every bit of a run that is turned is noticed, and so is every missing end.
func TestRunsNoticeDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	w := newRunWriter(f, 0, nil)
	for _, e := range someEntries() {
		if err := w.block(e.append(nil, anything)); err != nil {
			t.Fatal(err)
		}
	}
	err = errors.Join(w.flush(), f.Close())
	whole := w.run
	if err != nil || whole.sound(dir) != nil || whole.Rows != 3 {
		t.Fatalf("%+v, %v", whole, err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	put := func(b []byte) {
		if err := os.WriteFile(filepath.Join(dir, "run"), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range content {
		if put(content[:i]); whole.sound(dir) == nil || merged(whole, dir) == nil {
			t.Errorf("cut at %d", i)
		}
		turned := bytes.Clone(content)
		turned[i] ^= 1 << (i % 8)
		if put(turned); whole.sound(dir) == nil || merged(whole, dir) == nil {
			t.Errorf("turned at %d", i)
		}
	}
	if put(append(content, 1, 2, 3)); whole.sound(dir) != nil || merged(whole, dir) != nil {
		t.Error("what stands behind the run counts")
	}
}

func merged(r run, dir string) (err error) {
	in := r.open(dir)
	defer in.close()
	merge(anything, []*runReader{in}, func(_ coded, bad error) bool {
		err = bad
		return true
	})
	return err
}

// More runs than may be open are merged, and nothing of what they say is lost.
func TestManyRunsMelt(t *testing.T) {
	t.Parallel()
	table := &Table{Name: "sums", Key: 1, Columns: []Column{{Name: "n", Type: Int}, {Name: "sum", Type: Int}}}
	p := &Projection{Name: "sums", Version: 1, Tables: []*Table{table}}
	s, err := openSpool(t.TempDir(), p, Build{Number: 1, Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	b := newPacked(p, Mark{})
	const rounds = 3*maxRuns + 5
	for i := range uint64(rounds) {
		b.writer.begin()
		for key := range int64(3) {
			b.writer.Add(table, []Value{OfInt(key)}, Set{Column: 1, Value: OfInt(key)})
		}
		if i%2 == 0 {
			b.writer.Delete(table, OfInt(0))
		}
		for change := range b.writer.tables {
			b.tables[0].take(&b.writer, change)
		}
		b.mark = Mark{Position: i + 1, Previous: i}
		if err := s.put(b); err != nil {
			t.Fatal(err)
		}
		if n := len(s.said.Tables[0]); n > maxRuns {
			t.Fatalf("%d runs", n)
		}
	}
	again, err := openSpool(filepath.Dir(s.dir), p, Build{Number: 1, Version: 1})
	if err != nil || again.said.Mark != b.mark {
		t.Fatalf("%+v, %v", again.said, err)
	}
	var got []int64
	for row, err := range again.rows(0) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, row.Row[0].Int(), row.Row[1].Int())
	}
	if want := []int64{1, rounds, 2, 2 * rounds}; !cmp.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
