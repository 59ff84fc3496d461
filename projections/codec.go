package projections

import (
	"encoding/binary"
	"errors"
	"unsafe"
)

// Rows that wait on disk for the end of a rebuild's reading are written like this. They never outlive the
// rebuild, so the form may change with any version of the program.
//
//	value   type (1) | nothing (NULL) or a signed varint (Int, Time, Bool) or length (uvarint) and bytes
//	row     the values of all columns
//	change  flags (1: a sum) | count, { column (1), value } | count, { column (1), comparison (1), value }
//	entry   key (length, bytes) | kind (1) | a row, or nothing, or the values of the key, count, changes

// errSpoiled: what was written to disk is not what is read.
var errSpoiled = errors.New("rows put aside by a rebuild are damaged")

func appendValue(b []byte, v Value) []byte {
	b = append(b, byte(v.t))
	switch v.t {
	case Null:
		return b
	case Int, Time, Bool:
		return binary.AppendVarint(b, v.n)
	default:
		b = binary.AppendUvarint(b, uint64(len(v.s)))
		return append(b, v.s...)
	}
}

func appendRow(b []byte, row []Value) []byte {
	for _, v := range row {
		b = appendValue(b, v)
	}
	return b
}

func appendChange(b []byte, c Change) []byte {
	b = append(b, byte(btoi(c.Add)))
	b = binary.AppendUvarint(b, uint64(len(c.Set)))
	for _, s := range c.Set {
		b = appendValue(append(b, byte(s.Column)), s.Value)
	}
	b = binary.AppendUvarint(b, uint64(len(c.When)))
	for _, w := range c.When {
		b = appendValue(append(b, byte(w.Column), byte(w.Op)), w.Value)
	}
	return b
}

func btoi(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func appendHead[K string | []byte](b []byte, key K, kind entryKind) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
	return append(b, byte(kind))
}

// entry writes a row that is known whole.
func (c coded) entry(b, key []byte) []byte {
	b = appendHead(b, key, whole)
	if c.code != nil {
		return append(b, c.code...)
	}
	return appendRow(b, c.Row)
}

func (e *entry) append(b []byte, t *Table) []byte {
	b = appendHead(b, e.key, e.kind)
	switch e.kind {
	case whole:
		return appendRow(b, e.row)
	case unknown:
		b = appendRow(b, e.changes[0].Key[:t.Key])
		b = binary.AppendUvarint(b, uint64(len(e.changes)))
		for _, c := range e.changes {
			b = appendChange(b, c)
		}
	}
	return b
}

// reader takes values from the front of a buffer. Strings point into the buffer: they are good as long as it
// is. The first error stays.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) count() int {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > uint64(len(r.b)-size) {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return int(n) // #nosec G115 -- not above the length of the buffer
}

func (r *reader) bytes() []byte {
	n := r.count()
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) value() Value {
	v := Value{t: Type(r.byte())}
	switch {
	case v.t == Null:
	case v.t == Int || v.t == Time || v.t == Bool:
		n, size := binary.Varint(r.b)
		if size <= 0 {
			r.bad = true
			return Value{}
		}
		v.n, r.b = n, r.b[size:]
	case v.t <= Texts:
		b := r.bytes()
		v.s = unsafe.String(unsafe.SliceData(b), len(b)) // #nosec G103 -- see reader
	default:
		r.bad = true
	}
	return v
}

// row fills the row with the values of a table's first columns, which must be of their types.
func (r *reader) row(t *Table, row Row) {
	for i := range row {
		row[i] = r.value()
		if have := row[i].t; have != t.Columns[i].Type && (have != Null || i < t.Key) {
			r.bad = true
		}
	}
}

func (r *reader) column(t *Table) int {
	c := int(r.byte())
	if c >= len(t.Columns) {
		r.bad = true
		return 0
	}
	return c
}

func (r *reader) change(t *Table) Change {
	c := Change{Add: r.byte() != 0}
	for n := r.count(); n > 0 && !r.bad; n-- {
		c.Set = append(c.Set, Set{Column: r.column(t), Value: r.value()})
	}
	for n := r.count(); n > 0 && !r.bad; n-- {
		c.When = append(c.When, Where{Column: r.column(t), Op: Op(r.byte()), Value: r.value()})
	}
	return c
}

// entry reads what entry.append wrote. The row is that of e when it has one of the right length.
func (r *reader) entry(t *Table, e *entry) {
	key := r.bytes()
	e.key, e.code, e.changes = unsafe.String(unsafe.SliceData(key), len(key)), nil, e.changes[:0] // #nosec G103 -- see reader
	e.kind = entryKind(r.byte())
	if len(e.row) != len(t.Columns) {
		e.row = make(Row, len(t.Columns))
	}
	switch e.kind {
	case whole:
		e.code = r.b
		r.row(t, e.row)
	case unknown:
		keys := make(Row, t.Key)
		r.row(t, keys)
		for n := r.count(); n > 0 && !r.bad; n-- {
			c := r.change(t)
			c.Key = keys
			e.changes = append(e.changes, c)
		}
	case gone:
	default:
		r.bad = true
	}
	if len(r.b) > 0 {
		r.bad = true
	}
}
