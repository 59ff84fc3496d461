package projections

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
)

// A list comes back as it went in, is JSON that any program reads, and both ways of building it agree.
func TestTextsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.String(), 1, 6).Draw(t, "list")
		v := OfTexts(list)
		var l List
		for _, s := range list {
			half := len(s) / 2
			l.Add(s[:half], s[half:])
		}
		if v != l.Value() {
			t.Fatalf("%v and %v", v, l.Value())
		}
		var read []string
		if err := json.Unmarshal([]byte(v.Text()), &read); err != nil || !slices.Equal(read, list) {
			t.Fatalf("JSON gives %q, %v", read, err)
		}
		if got := v.Texts(); !slices.Equal(got, list) {
			t.Fatalf("%q came back as %q", list, got)
		}
	})
}

func TestNull(t *testing.T) {
	t.Parallel()
	var none List
	for name, v := range map[string]Value{
		"text": OptText(""), "bytes": OfBytes(nil), "time": OfTime(time.Time{}), "uuid": OptUUID(uuid.Nil), "texts": OfTexts[string](nil), "list": none.Value(),
	} {
		if !v.IsNull() || v.Text() != "" || v.Bytes() != nil || !v.Time().IsZero() || v.UUID() != uuid.Nil || v.Texts() != nil || Strings[string](v) != nil || v.Bool() {
			t.Errorf("%s is no NULL: %+v", name, v)
		}
	}
	if OfText("").IsNull() || OfBytes([]byte{}).IsNull() {
		t.Error("empty is not missing")
	}
}

func TestEpochRankOrdersLives(t *testing.T) {
	t.Parallel()
	for _, lives := range [][]domain.Epoch{
		{"1", "2", "9", "10", "11", "100"},
		{"2014-12", "2015-05", "2015-05.1", "2015-05.2", "2015-05.10", "2015-06", "2016-01"},
	} {
		for i := 1; i < len(lives); i++ {
			if EpochRank(lives[i-1]) >= EpochRank(lives[i]) {
				t.Errorf("%s does not rank below %s", lives[i-1], lives[i])
			}
		}
	}
}

func TestFieldText(t *testing.T) {
	t.Parallel()
	for _, v := range []domain.FieldEpoch{{Field: "email", Epoch: "2"}, {Field: "page", Epoch: "2015-05.1"}, {Field: "a/b", Epoch: "1"}, {Field: "x", Epoch: ""}} {
		if got := ParseField(FieldText(v.Field, v.Epoch)); got != v {
			t.Errorf("%+v came back as %+v", v, got)
		}
	}
}

// The order of encoded keys is the order of the keys.
func TestKeyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (int64, string) {
			return rapid.Int64().Draw(t, name), rapid.StringMatching(`[a-c]{0,3}`).Draw(t, name)
		}
		an, as := draw("a")
		bn, bs := draw("b")
		got := strings.Compare(string(AppendKey(nil, Row{OfInt(an), OfText(as)})), string(AppendKey(nil, Row{OfInt(bn), OfText(bs)})))
		want := strings.Compare(as, bs)
		if an != bn {
			want = map[bool]int{true: -1, false: 1}[an < bn]
		}
		if got != want {
			t.Fatalf("(%d, %q) and (%d, %q): %d, want %d", an, as, bn, bs, got, want)
		}
	})
}

func TestValidate(t *testing.T) {
	t.Parallel()
	apply := func(domain.Recorded, *Writer) error { return nil }
	key := []Column{{"id", Int}}
	good := &Projection{Name: "good", Version: 1, Tables: []*Table{{Name: "rows", Key: 1, Columns: key}}, Apply: apply}
	if err := Validate([]*Projection{good}); err != nil {
		t.Fatal(err)
	}
	for want, p := range map[string]*Projection{
		"claimed twice": {Name: "other", Version: 1, Tables: good.Tables, Apply: apply},
		"repeated":      {Name: "good", Version: 1, Tables: []*Table{{Name: "more", Key: 1, Columns: key}}, Apply: apply},
		"wants a name":  {Name: "Bad Name", Tables: []*Table{{Name: "more", Key: 1, Columns: key}}},
		"bad name":      {Name: "x", Version: 1, Tables: []*Table{{Name: "a; DROP", Key: 1, Columns: key}}, Apply: apply},
		"key of 2":      {Name: "x", Version: 1, Tables: []*Table{{Name: "more", Key: 2, Columns: key}}, Apply: apply},
		"no type":       {Name: "x", Version: 1, Tables: []*Table{{Name: "more", Key: 1, Columns: []Column{{"id", Int}, {"y", 0}}}}, Apply: apply},
		"in a key":      {Name: "x", Version: 1, Tables: []*Table{{Name: "more", Key: 1, Columns: []Column{{"id", Texts}}}}, Apply: apply},
		"no column 7":   {Name: "x", Version: 1, Tables: []*Table{{Name: "more", Key: 1, Columns: key, Indexes: []Index{{"i", []int{7}}}}}, Apply: apply},
	} {
		if err := Validate([]*Projection{good, p}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

// A Writer takes nothing that does not fit its table; the fold that tries fails at that event.
func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	keyed := &Table{Name: "keyed", Key: 1, Columns: []Column{{"id", Int}, {"n", Int}, {"s", Text}}}
	log := &Table{Name: "log", Key: 1, Log: true, Columns: []Column{{"id", Int}}}
	stray := &Table{Name: "stray", Key: 1, Columns: []Column{{"id", Int}}}
	for name, write := range map[string]func(*Writer){
		"append to a keyed table": func(w *Writer) { w.Append(keyed, OfInt(1), Value{}, Value{}) },
		"upsert into a log":       func(w *Writer) { w.Upsert(log, OfInt(1)) },
		"too few columns":         func(w *Writer) { w.Upsert(keyed, OfInt(1)) },
		"another type":            func(w *Writer) { w.Upsert(keyed, OfInt(1), OfText("x"), Value{}) },
		"NULL in the key":         func(w *Writer) { w.Delete(keyed, Value{}) },
		"a key that is set":       func(w *Writer) { w.Patch(keyed, Edit{Key: Row{OfInt(1)}, Set: []Set{{0, OfInt(2)}}}) },
		"a sum of texts":          func(w *Writer) { w.Add(keyed, Row{OfInt(1)}, Set{2, OfText("x")}) },
		"a table of others":       func(w *Writer) { w.Upsert(stray, OfInt(1)) },
	} {
		p := &Projection{Name: "p", Version: 1, Tables: []*Table{keyed, log}, Apply: func(_ domain.Recorded, w *Writer) error {
			w.Upsert(keyed, OfInt(9), Value{}, Value{})
			write(w)
			return nil
		}}
		b := NewBatch(p, Mark{})
		if err := b.Apply(domain.Recorded{Position: 1}); err == nil || !b.Empty() || len(b.Changes()) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTimeText(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 2, 29, 23, 59, 59, 123_456_000, time.FixedZone("", 7200))
	for _, want := range []time.Time{{}, at.UTC()} {
		got, err := ParseTime(TimeText(want))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	}
}
