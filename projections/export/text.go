package export

import (
	"encoding/hex"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// The pieces of a line are appended to one buffer: a million rows are written without a string each.

func appendUint(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }

// appendID quotes an id.
func appendID(b []byte, id uuid.UUID) []byte { return append(appendBareID(append(b, '"'), id), '"') }

// appendBareID writes an id in lower case: 8-4-4-4-12 digits.
func appendBareID(b []byte, id uuid.UUID) []byte {
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

// appendStamp writes a time in UTC with microseconds: "2006-01-02T15:04:05.000000Z". Times within the years
// 1000 to 9999 are written digit by digit, which is what every time of a ledger is.
func appendStamp(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 1000 || year > 9999 {
		return t.AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	}
	hour, minute, second := t.Clock()
	b = strconv.AppendInt(b, int64(year), 10)
	b = append2(append(b, '-'), int(month))
	b = append2(append(b, '-'), day)
	b = append2(append(b, 'T'), hour)
	b = append2(append(b, ':'), minute)
	b = append2(append(b, ':'), second)
	micro := t.Nanosecond() / 1000
	b = append2(append(b, '.'), micro/10_000)
	b = append2(b, micro/100%100)
	return append(append2(b, micro%100), 'Z')
}

func append2(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }
