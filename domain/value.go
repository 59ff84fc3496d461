package domain

import (
	"fmt"
	"log/slog"
)

// Value is one personal value in one of three conditions: clear (inside the process that handles it),
// sealed (bytes that only its key opens) or erased (its key is gone; this is an answer, not an error).
// A Value never prints: String, Format, LogValue and MarshalJSON show its condition only, so that a value
// that slips into a log line or an error leaks nothing.
type Value struct {
	condition Condition
	bytes     string
}

// Condition says in which form a Value is.
type Condition uint8

// The conditions of a value. The zero Value is absent.
const (
	Absent Condition = iota
	Clear
	Sealed
	Erased
)

// String names the condition.
func (c Condition) String() string {
	return [...]string{"absent", "clear", "sealed", "erased"}[c&3]
}

// ClearValue wraps a personal value as it was given.
func ClearValue(s string) Value { return Value{Clear, s} }

// SealedValue wraps sealed bytes; see eventstore/seal for their layout.
func SealedValue(b []byte) Value { return Value{Sealed, string(b)} }

// ErasedValue is a value whose key is destroyed.
func ErasedValue() Value { return Value{condition: Erased} }

// Condition tells the form the value is in.
func (v Value) Condition() Condition { return v.condition }

// Reveal gives the value in clear, and whether it is in that condition.
func (v Value) Reveal() (string, bool) { return v.bytes, v.condition == Clear }

// SealedBytes gives the sealed bytes, and whether the value is in that condition.
func (v Value) SealedBytes() ([]byte, bool) { return []byte(v.bytes), v.condition == Sealed }

// Len is the number of bytes held, in whichever form.
func (v Value) Len() int { return len(v.bytes) }

// Equal compares two values, contents included. go-cmp uses it.
func (v Value) Equal(w Value) bool { return v == w }

// String shows the condition, never the content.
func (v Value) String() string { return "[" + v.condition.String() + "]" }

// Format keeps every verb of package fmt, %#v included, from printing the content.
func (v Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(v.String())) }

// LogValue shows the condition, never the content.
func (v Value) LogValue() slog.Value { return slog.StringValue(v.String()) }

// MarshalJSON shows the condition, never the content. Wire formats encode values explicitly.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + v.String() + `"`), nil }
