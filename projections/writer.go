package projections

import "fmt"

// Writer takes what one event changes. Nothing can be read back through it: a change is a whole row, some
// columns, a sum or a deletion, so changes of one batch melt into one per row before they go out.
//
// A Writer panics on a row that does not fit its table; the engine turns that into the projection's
// failure at that event.
type Writer struct {
	ops   []op
	lines []Value // what ops point at; all of it is good until the next event only
	sets  []Set
	when  []Where
}

// begin forgets what the event before did.
func (w *Writer) begin() {
	w.ops, w.lines, w.sets, w.when = w.ops[:0], w.lines[:0], w.sets[:0], w.when[:0]
}

// Set is a column, by its number, and its new value.
type Set struct {
	Column int
	Value  Value
}

// Edit changes the row with this key, if there is one and all conditions of When hold: every column of Set.
// Columns of the key cannot be set.
type Edit struct {
	Key  []Value
	Set  []Set
	When []Where
}

type opKind uint8

const (
	opAppend opKind = iota
	opUpsert
	opPatch
	opDelete
	opAdd
)

type op struct {
	table *Table
	kind  opKind
	row   Row    // append, upsert: the row; delete: the key
	edit  Change // patch, add
}

// Append adds a row to a Log table.
func (w *Writer) Append(t *Table, row ...Value) {
	if !t.Log {
		panic("append to table " + t.Name + ", which is no log")
	}
	w.ops = append(w.ops, op{table: t, kind: opAppend, row: w.whole(t, row)})
}

// Upsert puts the row in place of whatever has its key.
func (w *Writer) Upsert(t *Table, row ...Value) {
	keyed(t)
	w.ops = append(w.ops, op{table: t, kind: opUpsert, row: w.whole(t, row)})
}

// Patch changes columns of a row that may be there.
func (w *Writer) Patch(t *Table, e Edit) {
	keyed(t)
	w.change(t, opPatch, e)
}

// Add adds numbers to Int columns of the row with this key, which is made when missing.
func (w *Writer) Add(t *Table, key []Value, sums ...Set) {
	keyed(t)
	w.change(t, opAdd, Edit{Key: key, Set: sums})
}

// Delete removes the row with this key, if there is one.
func (w *Writer) Delete(t *Table, key ...Value) {
	keyed(t)
	w.fits(t, key, t.Key)
	w.ops = append(w.ops, op{table: t, kind: opDelete, row: w.copy(key)})
}

func (w *Writer) change(t *Table, kind opKind, e Edit) {
	w.fits(t, e.Key, t.Key)
	for _, s := range e.Set {
		if s.Column < t.Key || s.Column >= len(t.Columns) || (kind == opAdd && s.Value.t != Int) {
			panic(fmt.Sprintf("table %s: column %d cannot be set so", t.Name, s.Column))
		}
	}
	sets, when := len(w.sets), len(w.when)
	w.sets, w.when = append(w.sets, e.Set...), append(w.when, e.When...)
	c := Change{Key: w.copy(e.Key), Set: w.sets[sets:len(w.sets):len(w.sets)], When: w.when[when:], Add: kind == opAdd}
	w.ops = append(w.ops, op{table: t, kind: kind, edit: c})
}

func keyed(t *Table) {
	if t.Log {
		panic("table " + t.Name + " is a log: it takes Append only")
	}
}

func (w *Writer) whole(t *Table, row []Value) Row {
	w.fits(t, row, len(t.Columns))
	return w.copy(row)
}

func (w *Writer) fits(t *Table, row []Value, n int) {
	if len(row) != n {
		panic(fmt.Sprintf("table %s: %d values, want %d", t.Name, len(row), n))
	}
	for i, v := range row {
		if v.t != t.Columns[i].Type && (v.t != Null || i < t.Key) {
			panic(fmt.Sprintf("table %s: column %s takes no value of this type", t.Name, t.Columns[i].Name))
		}
	}
}

// copy keeps the caller's row on his stack.
func (w *Writer) copy(row []Value) Row {
	from := len(w.lines)
	w.lines = append(w.lines, row...)
	return w.lines[from:len(w.lines):len(w.lines)]
}
