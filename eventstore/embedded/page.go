package embedded

import (
	"fmt"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
)

const (
	pageRecords = 2048    // most records read at a time
	pageBytes   = 2 << 20 // a page ends with the record that reaches this size
	maxTypes    = 256     // names of types that a page remembers

	firstPiece = 8 << 10   // size of the first piece of memory of a page
	lastPiece  = 256 << 10 // and up to where they grow: the processor's cache still has what was cleared
	lentPiece  = 1 << 20   // the same for memory that is used again, and so need not be cleared
)

// selectFrom has no end: who reads knows when to stop, and SQLite would compare each place with it. It gives
// no places either: the checksum of a record covers its own.
const selectFrom = "SELECT rev, crc, body FROM records WHERE seq >= ? ORDER BY seq"

// page collects records with few allocations: their bodies stand in a few large pieces of memory, their
// stream names in one string. It is filled by fill, then taken by records. A page serves one reader after
// the other, not two at once.
type page struct {
	wanted func(kind string) bool // which records are kept; nil for all
	types  map[string]string
	sum    summer

	piece []byte // takes the next bodies
	most  int    // size of the largest piece
	bytes int    // of all bodies
	names []byte
	ends  []int // where each stream's name ends in names
	out   []eventstore.Record
}

func newPage() *page { return &page{types: map[string]string{}, most: lastPiece} }

// full tells whether the page has reached its size.
func (p *page) full() bool { return len(p.out) >= pageRecords || p.bytes >= pageBytes }

// fill reads the records first..last, or until the page is full, and gives the next to read. Each must be
// there and right.
func (p *page) fill(conn *sqlite.Conn, first, last uint64) (next uint64, err error) {
	s, err := conn.Prepared(selectFrom)
	if err != nil {
		return first, err
	}
	return p.read(conn, s, first, last)
}

// gather reads the records of the entries until the page is full.
func (p *page) gather(conn *sqlite.Conn, entries []entry) error {
	s, err := conn.Prepared(selectFrom)
	if err != nil {
		return err
	}
	room := min(len(entries), pageRecords)
	p.out, p.ends = slices.Grow(p.out, room), slices.Grow(p.ends, room)
	for i := 0; i < len(entries) && !p.full(); {
		n := neighbours(entries[i:])
		if _, err := p.read(conn, s, entries[i].seq, entries[i+n-1].seq); err != nil {
			return err
		}
		i += n
	}
	return nil
}

// read is fill with the statement at hand, which it leaves reset.
func (p *page) read(conn *sqlite.Conn, s *sqlite3.Stmt, first, last uint64) (next uint64, err error) {
	defer func() { _ = s.Reset() }()
	// Places are below 2^63: SQLite's rowids are.
	if err := s.BindInt64(1, int64(first)); err != nil {
		return first, sqlite.Translate(conn.Path(), "read", err)
	}
	for next = first; next <= last && !p.full(); next++ {
		if !s.Step() {
			if err := s.Err(); err != nil {
				return next, sqlite.Translate(conn.Path(), "read", err)
			}
			return next, damagedRecord(conn.Path(), next, "it is missing")
		}
		if !p.take(s, next) {
			return next, diagnose(conn, next)
		}
	}
	return next, nil
}

// diagnose tells what is wrong with a place of the log where not the record stands that should.
func diagnose(conn *sqlite.Conn, want uint64) error {
	detail := "its checksum does not match"
	_, err := conn.Row(func(s *sqlite3.Stmt) {
		if got := uint64(s.ColumnInt64(0)); got != want {
			detail = fmt.Sprintf("it is missing, record %d follows", got)
		}
	}, "SELECT seq FROM records WHERE seq >= ? LIMIT 1", want)
	if err != nil {
		return err
	}
	return damagedRecord(conn.Path(), want, detail)
}

// neighbours tells how many of the first entries lie side by side in the log: one query reads them all.
func neighbours(entries []entry) int {
	n := 1
	for n < len(entries) && entries[n].seq == entries[n-1].seq+1 {
		n++
	}
	return n
}

func damagedRecord(path string, seq uint64, detail string) error {
	return &eventstore.CorruptError{File: path, Place: fmt.Sprintf("record %d", seq), Detail: detail}
}

// take copies the row under the statement, if its type is wanted. It tells whether the row is whole and the
// one of that place: its checksum says both.
func (p *page) take(s *sqlite3.Stmt, want uint64) bool {
	rev, sum := s.ColumnInt64(0), s.ColumnInt64(1)
	b := s.ColumnRawBlob(2)
	parts, ok := splitBody(b)
	if !ok || sum != int64(p.sum.record(b, rev, want)) {
		return false
	}
	kind := p.intern(b[parts.stream:parts.kind])
	if p.wanted != nil && !p.wanted(kind) {
		return true
	}
	b = p.keep(b)
	p.names = append(p.names, b[bodyText:parts.stream]...)
	p.ends = append(p.ends, len(p.names))
	p.out = append(p.out, eventstore.Record{})
	r := &p.out[len(p.out)-1]
	r.ID, r.Type, r.Revision, r.Position = bodyUUID(b), kind, rev, eventstore.Position(want)
	// The capacity ends with the part: who appends to it gets his own copy.
	r.Data, r.Meta = b[parts.kind:parts.data:parts.data], b[parts.data:len(b):len(b)]
	return true
}

// keep copies a body to where it stays.
func (p *page) keep(b []byte) []byte {
	if len(b) > cap(p.piece)-len(p.piece) {
		// What was kept so far stays where it is. The first piece is small, for many readers take little.
		p.piece = make([]byte, 0, max(len(b), min(max(firstPiece, 2*cap(p.piece)), p.most)))
	}
	begin := len(p.piece)
	p.piece = append(p.piece, b...)
	p.bytes += len(b)
	return p.piece[begin:len(p.piece):len(p.piece)]
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

// records hands the collected records over and empties the page. The slice is good until the page is filled
// again; the records' own bytes are never touched again.
func (p *page) records() []eventstore.Record {
	names := string(p.names)
	begin := 0
	for i, end := range p.ends {
		p.out[i].Stream = names[begin:end]
		begin = end
	}
	out := p.out
	p.bytes, p.names, p.ends, p.out = 0, p.names[:0], p.ends[:0], p.out[:0]
	return out
}

// takeBack lets the next records take the memory of those that the page gave last.
func (p *page) takeBack() { p.piece, p.most = p.piece[:0], lentPiece }
