package domain

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Content writes the parts of a command, without personal values, as one JSON object in a fixed order. Its
// digest stands beside the events and tells a retry from an idempotency key that was used for something
// else. What is written, and in which order, is for ever.
type Content struct {
	b     []byte
	comma bool
}

// NewContent begins with the command's name and with what its operation says, except key, time,
// correlation and causation: a retry may differ in these.
func NewContent(buffer []byte, command string, o OperationSpec) *Content {
	c := &Content{b: append(buffer[:0], '{')}
	c.Text("command", command)
	c.Text("actor", string(o.Actor.Kind)+":"+string(o.Actor.ID))
	c.Text("purpose", string(o.Purpose))
	c.Text("grounds", string(o.Grounds))
	c.Text("service", string(o.Service))
	return c
}

// Digest gives the first 16 bytes of the SHA-256 of the object, in hex.
func (c *Content) Digest() string {
	c.b = append(c.b, '}')
	sum := sha256.Sum256(c.b)
	return hex.EncodeToString(sum[:16])
}

// Buffer gives the memory back for the next Content.
func (c *Content) Buffer() []byte { return c.b }

func (c *Content) name(n string) {
	if c.comma {
		c.b = append(c.b, ',')
	}
	c.comma = true
	c.b = append(c.b, '"')
	c.b = append(c.b, n...)
	c.b = append(c.b, '"', ':')
}

// Text writes a member; an empty text is left out.
func (c *Content) Text(name, value string) {
	if value == "" {
		return
	}
	c.name(name)
	c.b = appendText(c.b, value)
}

// ID writes a member; the zero id is left out.
func (c *Content) ID(name string, id uuid.UUID) {
	if id != uuid.Nil {
		c.name(name)
		c.b = append(c.b, '"')
		c.b = appendUUID(c.b, id)
		c.b = append(c.b, '"')
	}
}

// Flag writes a member; false is left out.
func (c *Content) Flag(name string, set bool) {
	if set {
		c.name(name)
		c.b = append(c.b, "true"...)
	}
}

// Time writes a member; the zero time is left out.
func (c *Content) Time(name string, t time.Time) {
	if !t.IsZero() {
		c.name(name)
		c.b = append(c.b, '"')
		c.b = t.UTC().AppendFormat(c.b, time.RFC3339Nano)
		c.b = append(c.b, '"')
	}
}

// ContentList writes a list of words; an empty list is left out.
func ContentList[T ~string](c *Content, name string, list []T) {
	if len(list) == 0 {
		return
	}
	c.name(name)
	for i, v := range list {
		c.b = append(c.b, "[,"[min(i, 1)])
		c.b = appendText(c.b, string(v))
	}
	c.b = append(c.b, ']')
}

// ContentIDs writes a list of ids; an empty list is left out.
func ContentIDs[T any](c *Content, name string, list []T, id func(T) uuid.UUID) {
	if len(list) == 0 {
		return
	}
	c.name(name)
	for i, v := range list {
		c.b = append(c.b, "[,"[min(i, 1)], '"')
		c.b = appendUUID(c.b, id(v))
		c.b = append(c.b, '"')
	}
	c.b = append(c.b, ']')
}

func appendUUID(b []byte, id uuid.UUID) []byte {
	b = hex.AppendEncode(b, id[:4])
	for _, part := range [...][]byte{id[4:6], id[6:8], id[8:10], id[10:]} {
		b = append(b, '-')
		b = hex.AppendEncode(b, part)
	}
	return b
}

// appendText writes a JSON string. What is not valid UTF-8 is written byte by byte, so that two different
// texts never become one.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	if plain(s) {
		b = append(b, s...)
		return append(b, '"')
	}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, `\u`...)
			b = append(b, "dc"...) // a lone surrogate, which no valid text has
			b = hex.AppendEncode(b, []byte{s[i]})
		case r == '"' || r == '\\':
			b = append(b, '\\', s[i])
		case r < 0x20:
			b = append(b, `\u00`...)
			b = hex.AppendEncode(b, []byte{s[i]})
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return append(b, '"')
}

// plain reports whether the text stands in JSON as it is. Nearly all do.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x80 || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
