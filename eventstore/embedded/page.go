package embedded

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
)

const (
	pageRecords = 2048    // most records read at a time
	pageBytes   = 2 << 20 // a page ends with the record that reaches this size
	maxTypes    = 256     // names of types that a page remembers
)

const selectRange = "SELECT seq, id, stream, rev, type, data, meta, crc FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq"

// appendSummed appends the bytes that a record's crc column covers: its place, and its canonical bytes.
func appendSummed(b []byte, r *eventstore.Record) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(r.Position))
	return r.AppendCanonical(b)
}

// page collects records with few allocations: their bytes stand in one buffer, laid out as the checksum
// wants them, their stream names in one string. It is filled by fill, then taken by records. A page serves
// one reader after the other, not two at once.
type page struct {
	prefix []byte // what every record's canonical bytes begin with
	types  map[string]string

	bytes []byte
	names []byte
	rows  []row
	out   []eventstore.Record
}

// row is where the parts of a record stand in the buffers.
type row struct {
	seq        uint64
	rev        int64
	id         uuid.UUID
	kind       string
	nameEnd    int // in names; it begins where the name before ends
	data, meta [2]int
}

func newPage() *page {
	const fixed = 16 + 8 + 4*4 // id, revision and four lengths
	empty := (&eventstore.Record{}).AppendCanonical(nil)
	return &page{prefix: empty[:len(empty)-fixed], types: map[string]string{}}
}

// full tells whether the page has reached its size.
func (p *page) full() bool { return len(p.rows) >= pageRecords || len(p.bytes) >= pageBytes }

// fill reads the records first..last, or until the page is full, and gives the next to read. Each must be
// there and right.
func (p *page) fill(conn *sqlite.Conn, first, last uint64) (next uint64, err error) {
	s, err := conn.Prepared(selectRange)
	if err != nil {
		return first, err
	}
	defer func() { _ = s.Reset() }()
	// Places are below 2^63: SQLite's rowids are.
	if err := s.BindInt64(1, int64(first)); err != nil {
		return first, sqlite.Translate(conn.Path(), "read", err)
	}
	if err := s.BindInt64(2, int64(last)); err != nil {
		return first, sqlite.Translate(conn.Path(), "read", err)
	}
	for next = first; next <= last && !p.full(); next++ {
		if !s.Step() {
			if err := s.Err(); err != nil {
				return next, sqlite.Translate(conn.Path(), "read", err)
			}
			return next, damagedRecord(conn.Path(), next, "it is missing")
		}
		if err := p.take(conn.Path(), s, next); err != nil {
			return next, err
		}
	}
	return next, nil
}

func damagedRecord(path string, seq uint64, detail string) error {
	return &eventstore.CorruptError{File: path, Place: fmt.Sprintf("record %d", seq), Detail: detail}
}

// take copies the row under the statement and checks it against its checksum.
func (p *page) take(path string, s *sqlite3.Stmt, want uint64) error {
	if got := uint64(s.ColumnInt64(0)); got != want {
		return damagedRecord(path, want, fmt.Sprintf("it is missing, record %d follows", got))
	}
	r := row{seq: want, rev: s.ColumnInt64(3)}
	if copy(r.id[:], s.ColumnRawBlob(1)) != len(r.id) {
		return damagedRecord(path, want, "its id is damaged")
	}
	start := len(p.bytes)
	b := binary.BigEndian.AppendUint64(p.bytes, want)
	b = append(b, p.prefix...)
	b = append(b, r.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.rev))
	name := s.ColumnRawText(2)
	b, _ = appendPart(b, name)
	p.names = append(p.names, name...)
	r.nameEnd = len(p.names)
	kind := s.ColumnRawText(4)
	b, _ = appendPart(b, kind)
	r.kind = p.intern(kind)
	b, r.data = appendPart(b, s.ColumnRawText(5))
	b, r.meta = appendPart(b, s.ColumnRawText(6))
	p.bytes = b
	if s.ColumnInt64(7) != int64(crc32.Checksum(b[start:], castagnoli())) {
		return damagedRecord(path, want, "its checksum does not match")
	}
	p.rows = append(p.rows, r)
	return nil
}

// appendPart appends a part with its length before it, and tells where it stands.
func appendPart(b, part []byte) ([]byte, [2]int) {
	b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
	b = append(b, part...)
	return b, [2]int{len(b) - len(part), len(b)}
}

// intern gives the string of a type's name. There are few types, but nobody promises it.
func (p *page) intern(b []byte) string {
	if s, ok := p.types[string(b)]; ok {
		return s
	}
	if len(p.types) >= maxTypes {
		clear(p.types)
	}
	s := string(b)
	p.types[s] = s
	return s
}

// records hands the collected records over and empties the page. The slice is good until the next call;
// the records' own bytes are never touched again.
func (p *page) records() []eventstore.Record {
	names := string(p.names)
	p.out = p.out[:0]
	begin := 0
	for i := range p.rows {
		r := &p.rows[i]
		p.out = append(p.out, eventstore.Record{
			Event: eventstore.Event{
				ID:   r.id,
				Type: r.kind,
				// The capacity ends with the part: who appends to it gets his own copy.
				Data: p.bytes[r.data[0]:r.data[1]:r.data[1]],
				Meta: p.bytes[r.meta[0]:r.meta[1]:r.meta[1]],
			},
			Stream:   names[begin:r.nameEnd],
			Revision: r.rev,
			Position: eventstore.Position(r.seq),
		})
		begin = r.nameEnd
	}
	size := len(p.bytes)
	p.bytes = nil
	if size >= pageBytes/2 {
		// Pages of a scan are alike: room for the next in one piece.
		p.bytes = make([]byte, 0, size+size/8)
	}
	p.names, p.rows = p.names[:0], p.rows[:0]
	return p.out
}
