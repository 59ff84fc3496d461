package projections

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unsafe"

	"github.com/google/uuid"
)

// Value is one typed cell. The zero Value is NULL.
type Value struct {
	s string // Text, Bytes, UUID (16 bytes), Texts (a JSON array)
	n int64  // Int, Time (microseconds since 1970 UTC), Bool
	t Type
}

// Row is the values of one row, in the order of the table's columns.
type Row []Value

// OfInt makes an Int.
func OfInt(n int64) Value { return Value{n: n, t: Int} }

// OfPosition makes an Int of a place in the log.
func OfPosition(p uint64) Value { return Value{n: int64(p), t: Int} } // #nosec G115 -- stores count below 2^63

// OfText makes a Text, also of an empty string.
func OfText[S ~string](s S) Value { return Value{s: string(s), t: Text} }

// OptText makes a Text, or NULL of an empty string.
func OptText[S ~string](s S) Value {
	if s == "" {
		return Value{}
	}
	return Value{s: string(s), t: Text}
}

// OfBytes makes Bytes, or NULL of nil. The slice must not be changed afterwards.
func OfBytes(b []byte) Value {
	if b == nil {
		return Value{}
	}
	return Value{s: unsafe.String(unsafe.SliceData(b), len(b)), t: Bytes} // #nosec G103 -- ownership passes, see the comment
}

// OfTime makes a Time, or NULL of the zero time.
func OfTime(t time.Time) Value {
	if t.IsZero() {
		return Value{}
	}
	return Value{n: t.UnixMicro(), t: Time}
}

// OfUUID makes a UUID.
func OfUUID(id uuid.UUID) Value { return Value{s: string(id[:]), t: UUID} }

// OptUUID makes a UUID, or NULL of the nil UUID.
func OptUUID(id uuid.UUID) Value {
	if id == uuid.Nil {
		return Value{}
	}
	return OfUUID(id)
}

// OfBool makes a Bool.
func OfBool(b bool) Value {
	v := Value{t: Bool}
	if b {
		v.n = 1
	}
	return v
}

// OfTexts makes a list, or NULL of an empty one.
func OfTexts[S ~string](list []S) Value {
	if len(list) == 0 {
		return Value{}
	}
	size := 2
	for _, s := range list {
		size += len(s) + 3
	}
	b := append(make([]byte, 0, size), '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, string(s))
	}
	b = append(b, ']')
	return Value{s: unsafe.String(unsafe.SliceData(b), len(b)), t: Texts} // #nosec G103 -- b is never touched again
}

// List builds a Texts value in one piece of memory, for folds that run a hundred thousand times a second.
// The zero List is empty.
type List struct{ b []byte }

// Add adds one string, given in parts.
func (l *List) Add(parts ...string) {
	if l.b == nil {
		l.b = append(make([]byte, 0, 128), '[')
	} else {
		l.b = append(l.b, ',')
	}
	l.b = append(l.b, '"')
	from := len(l.b)
	for _, p := range parts {
		l.b = append(l.b, p...)
	}
	if !plain(l.b[from:]) {
		whole := string(l.b[from:])
		l.b = appendJSON(l.b[:from-1], whole)
		return
	}
	l.b = append(l.b, '"')
}

// Value gives the list, or NULL of an empty one. The List must not be used afterwards.
func (l *List) Value() Value {
	if l.b == nil {
		return Value{}
	}
	l.b = append(l.b, ']')
	return Value{s: unsafe.String(unsafe.SliceData(l.b), len(l.b)), t: Texts} // #nosec G103 -- see the comment
}

// plain tells whether a string stands in JSON as it is.
func plain(s []byte) bool {
	for _, c := range s {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// appendJSON quotes s. Names of the policy need no escape, so the general encoder is the rare way.
func appendJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			var buf bytes.Buffer
			enc := json.NewEncoder(&buf)
			enc.SetEscapeHTML(false)
			_ = enc.Encode(s) // a string always encodes
			return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// Stored rebuilds a value that a backend stored, from its parts: s for Text, Bytes, UUID and Texts, n for
// Int, Time and Bool. Only backends call it.
func Stored(t Type, n int64, s string) Value { return Value{s: s, n: n, t: t} }

// Parts gives what Stored takes. Only backends call it.
func (v Value) Parts() (t Type, n int64, s string) { return v.t, v.n, v.s }

// IsNull reports whether the cell is empty.
func (v Value) IsNull() bool { return v.t == Null }

// Int gives the number; 0 of NULL.
func (v Value) Int() int64 { return v.n }

// Position gives the place in the log; 0 of NULL.
func (v Value) Position() uint64 { return uint64(v.n) } // #nosec G115 -- made by OfPosition

// Text gives the string; "" of NULL.
func (v Value) Text() string { return v.s }

// Bytes gives the octets; nil of NULL.
func (v Value) Bytes() []byte {
	if v.t == Null {
		return nil
	}
	return []byte(v.s)
}

// Time gives the time in UTC; the zero time of NULL.
func (v Value) Time() time.Time {
	if v.t == Null {
		return time.Time{}
	}
	return time.UnixMicro(v.n).UTC()
}

// UUID gives the id; the nil UUID of NULL.
func (v Value) UUID() uuid.UUID {
	var id uuid.UUID
	copy(id[:], v.s)
	return id
}

// Bool gives the truth; false of NULL.
func (v Value) Bool() bool { return v.n != 0 }

// Texts gives the list; nil of NULL.
func (v Value) Texts() []string {
	if v.t == Null {
		return nil
	}
	if !strings.Contains(v.s, `\`) {
		return plainTexts(v.s)
	}
	var list []string
	if json.Unmarshal([]byte(v.s), &list) != nil {
		return nil
	}
	return list
}

// plainTexts splits a JSON array of strings that hold no escape: no quote can stand inside one.
func plainTexts(s string) []string {
	s = strings.TrimSuffix(strings.TrimPrefix(s, `["`), `"]`)
	return strings.Split(s, `","`)
}

// Strings converts a list of Texts to the caller's string type.
func Strings[S ~string](v Value) []S {
	list := v.Texts()
	if list == nil {
		return nil
	}
	out := make([]S, len(list))
	for i, s := range list {
		out[i] = S(s)
	}
	return out
}

// size estimates the memory that the value holds beyond its own struct.
func (v Value) size() int { return len(v.s) }
