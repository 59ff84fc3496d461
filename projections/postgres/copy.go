package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/projections"
)

// The binary COPY format: a header, then for each row the number of its fields and each field as its length
// and its bytes, in network order; a length of -1 is NULL; a count of -1 ends it all.
//
//	"PGCOPY\n\xff\r\n\x00" | flags 0 (4) | extension 0 (4) | { fields (2) | { length (4) | bytes } } | -1 (2)
//
// The driver's own CopyFrom finds an encoder for each value by reflection, which costs more than the server
// takes to store the row.
const copyHeader = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// epoch2000 is the zero of PostgreSQL's times, in microseconds since 1970.
const epoch2000 = 946_684_800_000_000

// textOID is the type of a list's elements.
const textOID = 25

// copyRows sends n rows of so many fields; row appends the fields of the i-th. What is encoded but not sent
// stays under a few hundred kilobytes, whatever the batch.
func copyRows(ctx context.Context, conn *pgx.Conn, into string, fields, n int, row func(i int, b []byte) []byte) error {
	e := &copyReader{buf: append(make([]byte, 0, 2*chunk), copyHeader...), n: n, row: func(i int, b []byte) []byte {
		return row(i, binary.BigEndian.AppendUint16(b, uint16(fields))) // #nosec G115 -- a table has at most 1600
	}}
	defer e.stop()
	tag, err := conn.PgConn().CopyFrom(ctx, e, "COPY "+into+" FROM STDIN (FORMAT binary)")
	if err == nil && tag.RowsAffected() != int64(n) {
		return fmt.Errorf("copied %d rows of %d", tag.RowsAffected(), n)
	}
	return err
}

const chunk = 64 << 10

// copyReader encodes rows as they are read. When a connection breaks, the driver's CopyFrom returns without
// waiting for the goroutine in which it reads: from then on the rows must be left alone.
type copyReader struct {
	mu    sync.Mutex // guards all
	buf   []byte
	off   int // of what is read already
	next  int
	n     int
	row   func(i int, b []byte) []byte
	ended bool
	// stopped: CopyFrom has returned.
	stopped bool
}

func (e *copyReader) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
}

// Read fills p as far as there are rows.
func (e *copyReader) Read(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return 0, io.ErrClosedPipe
	}
	if len(e.buf)-e.off < len(p) && !e.ended {
		e.buf = append(e.buf[:0], e.buf[e.off:]...)
		e.off = 0
		for ; e.next < e.n && len(e.buf) < max(len(p), chunk); e.next++ {
			e.buf = e.row(e.next, e.buf)
		}
		if e.next == e.n {
			e.buf = append(e.buf, 0xff, 0xff)
			e.ended = true
		}
	}
	n := copy(p, e.buf[e.off:])
	e.off += n
	if n == 0 && e.ended {
		return 0, io.EOF
	}
	return n, nil
}

func appendRow(b []byte, row []projections.Value) []byte {
	for _, v := range row {
		b = appendValue(b, v)
	}
	return b
}

// appendValue writes one field in the binary form of its column's type.
func appendValue(b []byte, v projections.Value) []byte {
	t, n, s := v.Parts()
	switch t {
	case projections.Null:
		return append(b, 0xff, 0xff, 0xff, 0xff)
	case projections.Text, projections.Bytes, projections.UUID:
		return append(appendLength(b, len(s)), s...)
	case projections.Int:
		return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), uint64(n)) // #nosec G115 -- bits
	case projections.Time:
		return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), uint64(n-epoch2000)) // #nosec G115 -- bits
	case projections.Bool:
		return append(b, 0, 0, 0, 1, byte(n))
	case projections.Texts:
		return appendTexts(b, v)
	}
	panic(fmt.Sprintf("postgres: a value of type %d", t))
}

func appendLength(b []byte, n int) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(n)) // #nosec G115 -- a value is far under 2 GiB
}

// appendArray writes the header of an array of one dimension: dimensions (4) | has NULLs (4) | type (4) |
// count (4), which is put there at the end | first index (4). Each element follows as its length and its bytes.
func appendArray(b []byte, nulls byte, element uint32) []byte {
	b = append(b, 0, 0, 0, 1, 0, 0, 0, nulls)
	b = binary.BigEndian.AppendUint32(b, element)
	return append(b, 0, 0, 0, 0, 0, 0, 0, 1)
}

// arrayCount is where the count stands.
const arrayCount = 12

// appendTexts writes a list as an array.
func appendTexts(b []byte, v projections.Value) []byte {
	at := len(b)
	b = appendLength(b, 0)
	b = appendArray(b, 0, textOID)
	n := uint32(0)
	for s := range elements(v) {
		b = append(appendLength(b, len(s)), s...)
		n++
	}
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4)) // #nosec G115 -- as above
	binary.BigEndian.PutUint32(b[at+4+arrayCount:], n)
	return b
}

// elements goes through a list without making one: a list without escapes is split where it stands.
func elements(v projections.Value) iter.Seq[string] {
	_, _, s := v.Parts()
	if strings.IndexByte(s, '\\') >= 0 {
		return slices.Values(v.Texts())
	}
	return strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(s, `["`), `"]`), `","`)
}
