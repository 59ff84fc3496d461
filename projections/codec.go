package projections

import (
	"bytes"
	"encoding/binary"
	"errors"
	"unsafe"

	"github.com/google/uuid"
)

// Rows that wait on disk for the end of a rebuild's reading are written like this. They never outlive the
// rebuild, so the form may change with any version of the program.
//
//	block   length of key and body (4) | length of the key (4) | kind (1) | key | body
//	key     as AppendKey writes it: the columns of the key are nowhere else
//	body    whole    which of the other columns are there, a bit each | their values
//	        gone     nothing
//	        unknown  count, changes
//	value   eight bytes (Int, Time, Bool) or length (uvarint) and bytes
//	change  flags (1: a sum) | count, { column (1), cell } | count, { column (1), comparison (1), cell }
//	cell    type (1) | nothing (NULL) or a value

// errSpoiled: what was written to disk is not what is read.
var errSpoiled = errors.New("rows put aside by a rebuild are damaged")

// block is what becomes of one key, encoded. Of a Log table, each is a whole row.
type block []byte

const blockHead = 9

func (b block) size() int { return int(binary.LittleEndian.Uint32(b)) }

func (b block) keySize() int { return int(binary.LittleEndian.Uint32(b[4:])) }

func (b block) kind() entryKind { return entryKind(b[8]) }

func (b block) key() []byte { return b[blockHead : blockHead+b.keySize()] }

func (b block) body() []byte { return b[blockHead+b.keySize():] }

// code is key and body: of a whole row, all of it.
func (b block) code() []byte { return b[blockHead:] }

// beginBlock writes the key after room for what stands before it.
func beginBlock(b []byte, kind entryKind, key []Value) (block []byte, at int) {
	at = len(b)
	b = AppendKey(append(b, 0, 0, 0, 0, 0, 0, 0, 0, byte(kind)), key)
	binary.LittleEndian.PutUint32(b[at+4:], uint32(len(b)-at-blockHead)) // #nosec G115 -- a key is short
	return b, at
}

func endBlock(b []byte, at int) []byte {
	binary.LittleEndian.PutUint32(b[at:], uint32(len(b)-at-blockHead)) // #nosec G115 -- an event is not that large
	return b
}

func appendWhole(b []byte, t *Table, row []Value) []byte {
	b, at := beginBlock(b, whole, row[:t.Key])
	return endBlock(appendBody(b, row[t.Key:]), at)
}

func appendGone(b []byte, key []Value) []byte {
	return endBlock(beginBlock(b, gone, key))
}

func appendUnknown(b []byte, key []Value, changes ...Change) []byte {
	b, at := beginBlock(b, unknown, key)
	b = binary.AppendUvarint(b, uint64(len(changes)))
	for i := range changes {
		b = appendChange(b, &changes[i])
	}
	return endBlock(b, at)
}

func (e *entry) append(b []byte, t *Table) []byte {
	switch e.kind {
	case whole:
		return appendWhole(b, t, e.row)
	case gone:
		return appendGone(b, e.row[:t.Key])
	default:
		return appendUnknown(b, e.changes[0].Key, e.changes...)
	}
}

// appendCode writes a row as it stands in its block.
func appendCode(b []byte, t *Table, row []Value) []byte {
	return appendBody(AppendKey(b, row[:t.Key]), row[t.Key:])
}

func appendBody(b []byte, values []Value) []byte {
	there := len(b)
	for range (len(values) + 7) / 8 {
		b = append(b, 0)
	}
	for i := range values {
		if v := &values[i]; v.t != Null {
			b[there+i/8] |= 1 << (i % 8)
			b = appendValue(b, v)
		}
	}
	return b
}

func appendValue(b []byte, v *Value) []byte {
	switch v.t {
	case Int, Time, Bool:
		return binary.LittleEndian.AppendUint64(b, uint64(v.n)) // #nosec G115 -- bits, not a number
	default:
		b = binary.AppendUvarint(b, uint64(len(v.s)))
		return append(b, v.s...)
	}
}

func appendCell(b []byte, v *Value) []byte {
	b = append(b, byte(v.t))
	if v.t == Null {
		return b
	}
	return appendValue(b, v)
}

func appendChange(b []byte, c *Change) []byte {
	b = append(b, byte(btoi(c.Add)))
	b = binary.AppendUvarint(b, uint64(len(c.Set)))
	for i := range c.Set {
		b = appendCell(append(b, byte(c.Set[i].Column)), &c.Set[i].Value)
	}
	b = binary.AppendUvarint(b, uint64(len(c.When)))
	for i := range c.When {
		b = appendCell(append(b, byte(c.When[i].Column), byte(c.When[i].Op)), &c.When[i].Value)
	}
	return b
}

// addSum adds the numbers of one sum to those of another, encoded, and tells whether it did: both must be the
// only change in their bodies, of the same columns.
func addSum(to, from []byte) bool {
	const head, set, foot = 3, 10, 1 // count, flags, count | column, type, number | count
	if len(to) != len(from) || len(to) < head || [head]byte(to) != [head]byte(from) || [2]byte(to) != [2]byte{1, 1} {
		return false
	}
	n := int(to[2])
	if len(to) != head+n*set+foot {
		return false
	}
	for i := head; i < len(to)-foot; i += set {
		if to[i] != from[i] || to[i+1] != byte(Int) || from[i+1] != byte(Int) {
			return false
		}
	}
	for i := head; i < len(to)-foot; i += set {
		x, y := to[i+2:], from[i+2:]
		binary.LittleEndian.PutUint64(x, binary.LittleEndian.Uint64(x)+binary.LittleEndian.Uint64(y))
	}
	return true
}

func btoi(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// reader takes values from the front of a buffer. Strings point into the buffer: they are good as long as it
// is. The first error stays.
type reader struct {
	b   []byte
	bad bool
}

// bytes takes so many.
func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) count() int {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > uint64(len(r.b)-size) {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return int(n) // #nosec G115 -- not above the length of the buffer
}

func (r *reader) value(t Type) Value {
	switch t {
	case Int, Time, Bool:
		if b := r.bytes(8); b != nil {
			return Value{t: t, n: int64(binary.LittleEndian.Uint64(b))} // #nosec G115 -- bits, not a number
		}
		return Value{}
	default:
		return Value{t: t, s: stringOf(r.bytes(r.count()))}
	}
}

func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) } // #nosec G103 -- see reader

func (r *reader) cell() Value {
	switch t := Type(r.byte()); {
	case t == Null:
	case t <= Texts:
		return r.value(t)
	default:
		r.bad = true
	}
	return Value{}
}

// key takes what AppendKey wrote.
func (r *reader) key(t *Table, row Row) {
	for i := range row[:t.Key] {
		v := Value{t: t.Columns[i].Type}
		switch v.t {
		case Int, Time:
			if b := r.bytes(8); b != nil {
				v.n = int64(binary.BigEndian.Uint64(b) ^ 1<<63) // #nosec G115 -- bits, not a number
			}
		case Text:
			n := bytes.IndexByte(r.b, 0)
			if n < 0 {
				r.bad, n = true, len(r.b)
			}
			v.s = stringOf(r.bytes(n))
			r.bytes(1)
		default:
			v.s = stringOf(r.bytes(len(uuid.UUID{})))
		}
		row[i] = v
	}
}

func (r *reader) body(t *Table, row Row) {
	there := r.bytes((len(t.Columns) - t.Key + 7) / 8)
	for i := t.Key; i < len(t.Columns) && !r.bad; i++ {
		if n := i - t.Key; there[n/8]>>(n%8)&1 != 0 {
			row[i] = r.value(t.Columns[i].Type)
		} else {
			row[i] = Value{}
		}
	}
}

// read takes the key and gives what reads the body.
func (b block) read(t *Table, row Row) reader {
	in := reader{b: b[blockHead:]}
	in.key(t, row)
	if len(in.b) != len(b.body()) {
		in.bad = true
	}
	return in
}

// row fills a row of the table from a block that is whole.
func (b block) row(t *Table, row Row) error {
	in := b.read(t, row)
	in.body(t, row)
	return in.end()
}

func (r *reader) end() error {
	if r.bad || len(r.b) > 0 {
		return errSpoiled
	}
	return nil
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
		c.Set = append(c.Set, Set{Column: r.column(t), Value: r.cell()})
	}
	for n := r.count(); n > 0 && !r.bad; n-- {
		c.When = append(c.When, Where{Column: r.column(t), Op: Op(r.byte()), Value: r.cell()})
	}
	return c
}

// entry reads what entry.append wrote.
func (b block) entry(t *Table) (entry, error) {
	e := entry{key: stringOf(b.key()), kind: b.kind(), row: make(Row, len(t.Columns))}
	if e.kind == whole {
		return e, b.row(t, e.row)
	}
	in := b.read(t, e.row)
	e.row = e.row[:t.Key]
	switch e.kind {
	case gone:
	case unknown:
		for n := in.count(); n > 0 && !in.bad; n-- {
			c := in.change(t)
			c.Key = e.row
			e.changes = append(e.changes, c)
		}
	default:
		in.bad = true
	}
	return e, in.end()
}
