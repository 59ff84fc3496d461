package embedded

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// The body of a record is all of it but its numbers, in one piece: one value to write, one to read, one to
// check. Three lengths stand before it, as decimal digits, so that the view events can take it apart in SQL:
//
//	0        3      6        13     29                                                          end
//	┌────────┬──────┬────────┬──────┬────────┬──────┬──────┬──────────────────────────────────────┐
//	│ stream │ type │ data   │ id   │ stream │ type │ data │ meta                                 │
//	│ 3      │ 3    │ 7      │ 16   │        │      │      │ the rest                             │
//	└────────┴──────┴────────┴──────┴────────┴──────┴──────┴──────────────────────────────────────┘
const (
	nameDigits = 3 // eventstore.MaxStreamName and MaxTypeName
	dataDigits = 7 // eventstore.MaxAppendBytes
	bodyID     = 2*nameDigits + dataDigits
	bodyText   = bodyID + 16
)

// body is where the parts of a record end in its bytes; each begins where the one before ends.
type body struct {
	stream, kind, data int
}

// bodySize is how long the body of an event is.
func bodySize(stream string, e *eventstore.Event) int {
	return bodyText + len(stream) + len(e.Type) + len(e.Data) + len(e.Meta)
}

// appendBody appends the body of an event, whose parts are within the contract's limits.
func appendBody(b []byte, stream string, e *eventstore.Event) []byte {
	b = appendDigits(b, len(stream), nameDigits)
	b = appendDigits(b, len(e.Type), nameDigits)
	b = appendDigits(b, len(e.Data), dataDigits)
	b = append(b, e.ID[:]...)
	b = append(b, stream...)
	b = append(b, e.Type...)
	b = append(b, e.Data...)
	return append(b, e.Meta...)
}

// splitBody finds the parts, and tells whether the bytes are a body.
func splitBody(b []byte) (parts body, ok bool) {
	if len(b) < bodyText {
		return body{}, false
	}
	stream, okStream := digits(b[:nameDigits])
	kind, okKind := digits(b[nameDigits : 2*nameDigits])
	data, okData := digits(b[2*nameDigits : bodyID])
	parts.stream = bodyText + stream
	parts.kind = parts.stream + kind
	parts.data = parts.kind + data
	return parts, okStream && okKind && okData && parts.data <= len(b)
}

func bodyUUID(b []byte) uuid.UUID { return uuid.UUID(b[bodyID:bodyText]) }

// appendDigits appends n with leading zeros.
func appendDigits(b []byte, n, width int) []byte {
	b = append(b, "0000000"[:width]...)
	for i := len(b) - 1; n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

func digits(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

// summer computes checksums. Its memory for numbers is kept, for the processor's CRC lets it escape.
type summer struct{ numbers [16]byte }

// body begins the checksum of a record; placed ends it when the place is known.
func (s *summer) body(body []byte, rev int64) uint32 {
	return s.add(crc32.Checksum(body, castagnoli), binary.BigEndian.AppendUint64(s.numbers[:0], uint64(rev)))
}

// placed gives the crc column: the CRC-32C of the body, the revision and the place.
func (s *summer) placed(sum uint32, seq uint64) uint32 {
	return s.add(sum, binary.BigEndian.AppendUint64(s.numbers[:0], seq))
}

// record gives the crc column at once.
func (s *summer) record(body []byte, rev int64, seq uint64) uint32 {
	numbers := binary.BigEndian.AppendUint64(s.numbers[:0], uint64(rev))
	return s.add(crc32.Checksum(body, castagnoli), binary.BigEndian.AppendUint64(numbers, seq))
}

func (s *summer) add(sum uint32, numbers []byte) uint32 {
	return crc32.Update(sum, castagnoli, numbers)
}
