package sqlite

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"imagine.ua/litopys/projections"
)

// Loading a row by a statement costs more than all that was done to make it: every value crosses into the
// engine by a call of its own, and its page goes to the write-ahead log and back. So SQLite makes the empty
// tables of a new file, and the pages of their rows are written here. The form of the file is
// https://www.sqlite.org/fileformat2.html; what is needed of it is the b-tree of a WITHOUT ROWID table, and of an index:
//
//	leaf       | 0x0a | 0 (2) | cells (2) | content (2) | 0 | offsets (2 each) ... free ... cells |
//	interior   | 0x02 | 0 (2) | cells (2) | content (2) | 0 | right child (4) | offsets ... free ... cells |
//	cell       | left child (4), interior only | size of record (varint) | record | overflow page (4), if it is long |
//	overflow   | next (4) | bytes |
//	record     | size of header (varint) | serial types (varint each) | values |
//
// Rows come sorted by key. A full page goes out, but for its last cell, which becomes the divider to the next
// page in the parent: so no page but the root is ever empty. The root has its place already and goes there.
const (
	loadPageSize = pageSize
	leafPage     = 0x0a
	interiorPage = 0x02
	leafHeader   = 8
	innerHeader  = 12
	// A longer record lies on overflow pages but for a part between these.
	maxLocal = (loadPageSize-12)*64/255 - 23
	minLocal = (loadPageSize-12)*32/255 - 23
)

var errUnsorted = errors.New("rows are not in the order of their keys")

// pageWriter adds pages to the end of a file, in the order in which they become full: one b-tree after the
// other, each bottom up.
type pageWriter struct {
	file   *os.File
	out    *bufio.Writer
	last   uint32 // page written last
	levels []*level
	record []byte
	cell   []byte
}

// Places in the header of a file.
const (
	headerSize    = 100
	pageCount     = 28
	changeCounter = 24
	countValidFor = 92 // the change at which the page count was right
)

// newPages goes on at the end of a file.
func newPages(f *os.File) (*pageWriter, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil && (size == 0 || size%loadPageSize != 0) {
		err = fmt.Errorf("a file of %d bytes does not consist of pages", size)
	}
	return &pageWriter{file: f, out: bufio.NewWriterSize(f, 32*loadPageSize), last: uint32(size / loadPageSize)}, err // #nosec G115 -- SQLite counts so
}

// finish writes what is held and counts the pages in the header.
func (w *pageWriter) finish() error {
	if err := w.out.Flush(); err != nil {
		return err
	}
	var header [headerSize]byte
	if _, err := w.file.ReadAt(header[:], 0); err != nil {
		return err
	}
	change := binary.BigEndian.Uint32(header[changeCounter:]) + 1
	for at, n := range map[int]uint32{pageCount: w.last, changeCounter: change, countValidFor: change} {
		binary.BigEndian.PutUint32(header[at:], n)
	}
	_, err := w.file.WriteAt(header[:], 0)
	return err
}

// level is the page of one height that is being filled.
type level struct {
	page  [loadPageSize]byte
	cells int
	front int // end of the offsets
	back  int // beginning of the cells
}

func newLevel(inner bool) *level {
	l := &level{}
	l.reset(inner)
	return l
}

func (l *level) reset(inner bool) {
	clear(l.page[:])
	l.page[0], l.front, l.back, l.cells = leafPage, leafHeader, loadPageSize, 0
	if inner {
		l.page[0], l.front = interiorPage, innerHeader
	}
}

func (l *level) fits(cell []byte) bool { return l.front+2 <= l.back-len(cell) }

func (l *level) add(cell []byte) {
	l.back -= len(cell)
	copy(l.page[l.back:], cell)
	binary.BigEndian.PutUint16(l.page[l.front:], uint16(l.back)) // #nosec G115 -- within a page
	l.front += 2
	l.cells++
}

// pop takes the last cell off; it lies where the cells begin. It is valid until the next add.
func (l *level) pop() []byte {
	l.front -= 2
	l.cells--
	start := l.back
	l.back = loadPageSize
	if l.cells > 0 {
		l.back = int(binary.BigEndian.Uint16(l.page[l.front-2:]))
	}
	binary.BigEndian.PutUint16(l.page[l.front:], 0)
	return l.page[start:l.back]
}

// write sends the page out and gives its number.
func (w *pageWriter) write(page []byte) (uint32, error) {
	w.last++
	_, err := w.out.Write(page)
	return w.last, err
}

// close gives the page its header.
func (l *level) close() []byte {
	binary.BigEndian.PutUint16(l.page[3:], uint16(l.cells)) // #nosec G115 -- within a page
	binary.BigEndian.PutUint16(l.page[5:], uint16(l.back))  // #nosec G115 -- within a page
	return l.page[:]
}

// row adds one row to the leaves.
func (w *pageWriter) row(row projections.Row) error {
	w.record = appendRecord(w.record[:0], row)
	return w.put(w.record)
}

// put adds one record to the leaves, of a table or of an index: their pages are alike.
func (w *pageWriter) put(record []byte) (err error) {
	if w.cell, err = w.appendCell(w.cell[:0], record); err != nil {
		return err
	}
	if len(w.levels) == 0 {
		w.levels = append(w.levels, newLevel(false))
	}
	l := w.levels[0]
	if l.fits(w.cell) {
		l.add(w.cell)
		return nil
	}
	divider := append(make([]byte, 4, 4+maxLocal+16), l.pop()...)
	page, err := w.write(l.close())
	if err != nil {
		return err
	}
	l.reset(false)
	l.add(w.cell)
	return w.divide(1, page, divider)
}

// divide adds a divider, with the finished page to the left of it, to the interior page of a height.
func (w *pageWriter) divide(height int, left uint32, divider []byte) error {
	binary.BigEndian.PutUint32(divider, left)
	if len(w.levels) == height {
		w.levels = append(w.levels, newLevel(true))
	}
	l := w.levels[height]
	if l.fits(divider) {
		l.add(divider)
		return nil
	}
	up := append(make([]byte, 0, 4+maxLocal+16), l.pop()...)
	copy(l.page[8:], up[:4]) // what was left of the cell that goes up is the rightmost here
	page, err := w.write(l.close())
	if err != nil {
		return err
	}
	l.reset(true)
	l.add(divider)
	return w.divide(height+1, page, up)
}

// close writes the pages that are still being filled, the topmost to the place of the root.
func (w *pageWriter) close(root uint32) error {
	if len(w.levels) == 0 {
		return nil
	}
	top := len(w.levels) - 1
	for i, l := range w.levels[:top] {
		page, err := w.write(l.close())
		if err != nil {
			return err
		}
		binary.BigEndian.PutUint32(w.levels[i+1].page[8:], page)
	}
	_, err := w.file.WriteAt(w.levels[top].close(), int64(root-1)*loadPageSize)
	w.levels = nil
	return err
}

// appendCell makes the leaf cell of the record. What does not fit goes to overflow pages.
func (w *pageWriter) appendCell(b, record []byte) ([]byte, error) {
	n := len(record)
	b = appendVarint(b, uint64(n))
	if n <= maxLocal {
		return append(b, record...), nil
	}
	local := minLocal + (n-minLocal)%(loadPageSize-4)
	if local > maxLocal {
		local = minLocal
	}
	b = append(b, record[:local]...)
	b = binary.BigEndian.AppendUint32(b, w.last+1)
	var page [loadPageSize]byte
	for rest := record[local:]; len(rest) > 0; {
		part := rest[:min(len(rest), loadPageSize-4)]
		rest = rest[len(part):]
		next := uint32(0)
		if len(rest) > 0 {
			next = w.last + 2
		}
		clear(page[:])
		binary.BigEndian.PutUint32(page[:], next)
		copy(page[4:], part)
		if _, err := w.write(page[:]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// appendRecord writes the values in SQLite's form.
func appendRecord(b []byte, row projections.Row) []byte {
	// The header's own size is one byte up to 127 and two up to 16383: as many columns as we allow.
	size := 0
	for _, v := range row {
		size += varintSize(serial(v))
	}
	size++
	if size > 127 {
		size++
	}
	b = appendVarint(b, uint64(size)) // #nosec G115 -- a few hundred
	for _, v := range row {
		b = appendVarint(b, serial(v))
	}
	for _, v := range row {
		b = appendBody(b, v)
	}
	return b
}

// serial is the type of a value with its length.
func serial(v projections.Value) uint64 {
	t, n, s := v.Parts()
	switch t {
	case projections.Null:
		return 0
	case projections.Text, projections.Texts:
		return uint64(len(s))*2 + 13
	case projections.Bytes, projections.UUID:
		return uint64(len(s))*2 + 12
	}
	switch {
	case n == 0:
		return 8
	case n == 1:
		return 9
	case n == int64(int8(n)): // #nosec G115 -- that is the question
		return 1
	case n == int64(int16(n)): // #nosec G115 -- that is the question
		return 2
	case n >= -1<<23 && n < 1<<23:
		return 3
	case n == int64(int32(n)): // #nosec G115 -- that is the question
		return 4
	case n >= -1<<47 && n < 1<<47:
		return 5
	}
	return 6
}

// intSize is how many bytes an integer of a serial type takes.
var intSize = [...]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 9: 0}

func appendBody(b []byte, v projections.Value) []byte {
	t, n, s := v.Parts()
	switch t {
	case projections.Null:
		return b
	case projections.Text, projections.Texts, projections.Bytes, projections.UUID:
		return append(b, s...)
	}
	var be [8]byte
	binary.BigEndian.PutUint64(be[:], uint64(n)) // #nosec G115 -- bits
	return append(b, be[8-intSize[serial(v)]:]...)
}

// appendVarint is SQLite's: seven bits a byte, the highest first. Ours never need the ninth byte.
func appendVarint(b []byte, n uint64) []byte {
	if n < 0x80 {
		return append(b, byte(n))
	}
	for shift := 7 * (varintSize(n) - 1); shift > 0; shift -= 7 {
		b = append(b, byte(n>>shift)|0x80) // #nosec G115 -- seven bits of it
	}
	return append(b, byte(n)&0x7f)
}

func varintSize(n uint64) int {
	size := 1
	for n >>= 7; n > 0; n >>= 7 {
		size++
	}
	return size
}

// keeper remembers a key, to see that they rise: SQLite believes the pages.
type keeper struct{ key, next []byte }

func (k *keeper) rises(key []projections.Value) error {
	k.next = projections.AppendKey(k.next[:0], key)
	if string(k.next) <= string(k.key) {
		return errUnsorted
	}
	k.key, k.next = k.next, k.key
	return nil
}
