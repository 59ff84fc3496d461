package projections

import (
	"fmt"
	"strings"
)

// Writer takes what one event changes. Nothing can be read back through it: a change is a whole row, some
// columns, a sum or a deletion, so changes of one batch melt into one per row before they go out.
//
// A Writer panics on a row that does not fit its table; the engine turns that into the projection's
// failure at that event.
type Writer struct {
	tables []*Table // of each change
	ops    []op     // the changes, unless they are packed
	lines  []Value  // what ops point at; all of it is good until the next event only
	sets   []Set
	when   []Where

	packs  bool    // changes are encoded at once
	blocks []block // the changes, encoded
	code   []byte  // what blocks point at
}

// begin forgets what the event before did.
func (w *Writer) begin() {
	w.tables, w.ops, w.lines, w.sets, w.when = w.tables[:0], w.ops[:0], w.lines[:0], w.sets[:0], w.when[:0]
	w.blocks, w.code = w.blocks[:0], w.code[:0]
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
	kind opKind
	row  Row    // append, upsert: the row; delete: the key
	edit Change // patch, add
}

// Append adds a row to a Log table.
func (w *Writer) Append(t *Table, row ...Value) {
	if !t.Log {
		panic("append to table " + t.Name + ", which is no log")
	}
	w.whole(t, opAppend, row)
}

// Upsert puts the row in place of whatever has its key.
func (w *Writer) Upsert(t *Table, row ...Value) {
	keyed(t)
	w.whole(t, opUpsert, row)
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
	w.tables = append(w.tables, t)
	if w.packs {
		w.keep(appendGone(w.code, key))
		return
	}
	w.ops = append(w.ops, op{kind: opDelete, row: w.copy(key)})
}

func (w *Writer) change(t *Table, kind opKind, e Edit) {
	w.fits(t, e.Key, t.Key)
	for _, s := range e.Set {
		if s.Column < t.Key || s.Column >= len(t.Columns) || (kind == opAdd && s.Value.t != Int) {
			panic(fmt.Sprintf("table %s: column %d cannot be set so", t.Name, s.Column))
		}
	}
	w.tables = append(w.tables, t)
	if w.packs {
		w.keep(appendUnknown(w.code, e.Key, Change{Set: e.Set, When: e.When, Add: kind == opAdd}))
		return
	}
	sets, when := len(w.sets), len(w.when)
	w.sets, w.when = append(w.sets, e.Set...), append(w.when, e.When...)
	c := Change{Key: w.copy(e.Key), Set: w.sets[sets:len(w.sets):len(w.sets)], When: w.when[when:], Add: kind == opAdd}
	w.ops = append(w.ops, op{kind: kind, edit: c})
}

func keyed(t *Table) {
	if t.Log {
		panic("table " + t.Name + " is a log: it takes Append only")
	}
}

func (w *Writer) whole(t *Table, kind opKind, row []Value) {
	w.fits(t, row, len(t.Columns))
	w.tables = append(w.tables, t)
	if w.packs {
		w.keep(appendWhole(w.code, t, row))
		return
	}
	w.ops = append(w.ops, op{kind: kind, row: w.copy(row)})
}

// keep takes the code with one more block at its end.
func (w *Writer) keep(code []byte) {
	w.blocks = append(w.blocks, code[len(w.code):len(code):len(code)])
	w.code = code
}

func (w *Writer) fits(t *Table, row []Value, n int) {
	if len(row) != n {
		panic(fmt.Sprintf("table %s: %d values, want %d", t.Name, len(row), n))
	}
	for i, v := range row {
		if v.t != t.Columns[i].Type && (v.t != Null || i < t.Key) {
			panic(fmt.Sprintf("table %s: column %s takes no value of this type", t.Name, t.Columns[i].Name))
		}
		if i < t.Key && v.t == Text && strings.IndexByte(v.s, 0) >= 0 {
			panic(fmt.Sprintf("table %s: column %s takes no zero byte", t.Name, t.Columns[i].Name))
		}
	}
}

// copy keeps the caller's row on his stack.
func (w *Writer) copy(row []Value) Row {
	from := len(w.lines)
	w.lines = append(w.lines, row...)
	return w.lines[from:len(w.lines):len(w.lines)]
}
