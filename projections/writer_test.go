package projections

import (
	"errors"
	"testing"

	"imagine.ua/litopys/domain"
)

// What does not fit its table fails at its event, and leaves nothing of the event behind, whether rows are
// packed or not.
func TestUnfitRowsFail(t *testing.T) {
	t.Parallel()
	keyed := &Table{Name: "keyed", Key: 2, Columns: []Column{{Name: "word", Type: Text}, {Name: "n", Type: Int}, {Name: "flag", Type: Bool}}}
	rows := &Table{Name: "rows", Key: 1, Log: true, Columns: []Column{{Name: "n", Type: Int}}}
	foreign := &Table{Name: "foreign", Key: 1, Columns: []Column{{Name: "n", Type: Int}}}
	key := []Value{OfText("a"), OfInt(1)}
	for name, write := range map[string]func(*Writer){
		"upsert to a log":   func(w *Writer) { w.Upsert(rows, OfInt(1)) },
		"append to no log":  func(w *Writer) { w.Append(keyed, key[0], key[1], Value{}) },
		"a short row":       func(w *Writer) { w.Upsert(keyed, key...) },
		"another type":      func(w *Writer) { w.Upsert(keyed, key[0], key[1], OfInt(1)) },
		"nothing in a key":  func(w *Writer) { w.Upsert(keyed, key[0], Value{}, Value{}) },
		"zero byte":         func(w *Writer) { w.Upsert(keyed, OfText("a\x00b"), key[1], Value{}) },
		"zero byte deleted": func(w *Writer) { w.Delete(keyed, OfText("\x00"), key[1]) },
		"key set":           func(w *Writer) { w.Patch(keyed, Edit{Key: key, Set: []Set{{Column: 1, Value: OfInt(2)}}}) },
		"no number added":   func(w *Writer) { w.Add(keyed, key, Set{Column: 2, Value: OfBool(true)}) },
		"another table":     func(w *Writer) { w.Upsert(foreign, OfInt(1)) },
	} {
		p := &Projection{Name: "p", Version: 1, Tables: []*Table{keyed, rows}, Apply: func(_ domain.Recorded, w *Writer) error {
			w.Append(rows, OfInt(7))
			w.Upsert(keyed, key[0], key[1], OfBool(true))
			write(w)
			return nil
		}}
		for _, b := range []*Batch{NewBatch(p, Mark{}), newPacked(p, Mark{})} {
			err := b.Apply(domain.Recorded{Position: 1})
			if !errors.Is(err, ErrFailed) || !b.Empty() || b.Size() > 0 {
				t.Errorf("%s: %v, %d bytes", name, err, b.Size())
			}
		}
	}
}
