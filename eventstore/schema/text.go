package schema

import (
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// text walks a required string.
func text[T ~string](c *coder, name string, v *T) {
	if c.writing && *v == "" {
		c.missing(name)
		return
	}
	if !c.need(name) {
		return
	}
	plain(c, v)
	if c.err == nil && *v == "" {
		c.missing(name)
	}
}

// maybe walks an optional string; the empty one is left out.
func maybe[T ~string](c *coder, name string, v *T) {
	if (c.writing && *v == "") || !c.key(name) {
		return
	}
	plain(c, v)
	if c.err == nil && *v == "" {
		c.malformed("no empty " + name)
	}
}

// plain walks a string without a key.
func plain[T ~string](c *coder, v *T) {
	switch {
	case c.err != nil:
	case c.writing:
		c.writeText(string(*v))
	default:
		*v = T(c.readText())
	}
}

// simple tells which bytes stand for themselves in a JSON string without a look at their neighbours.
var simple = func() (t [256]bool) {
	for b := 0x20; b < utf8.RuneSelf; b++ {
		t[b] = b != '"' && b != '\\'
	}
	return t
}()

func isSimple[T ~string | ~[]byte](s T) bool {
	for i := range len(s) {
		if !simple[s[i]] {
			return false
		}
	}
	return true
}

func (c *coder) writeText(s string) {
	if isSimple(s) {
		c.b = append(c.b, '"')
		c.b = append(c.b, s...)
		c.b = append(c.b, '"')
		return
	}
	b, err := jsontext.AppendQuote(c.b, s)
	if err != nil {
		c.fail(fmt.Errorf("%w: text is not UTF-8", ErrIncomplete))
		return
	}
	c.b = b
}

// readText reads a string that is quoted as writeText quotes it.
func (c *coder) readText() string {
	raw, ok := c.quoted()
	if !ok {
		return ""
	}
	inner := raw[1 : len(raw)-1]
	if isSimple(inner) {
		return c.texts.get(inner)
	}
	value, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		c.malformed("a JSON string")
		return ""
	}
	again, err := jsontext.AppendQuote(nil, value)
	if err != nil || string(again) != string(raw) {
		c.malformed("the shortest escapes")
		return ""
	}
	return string(value)
}

// quoted gives the next string with its quotes and moves behind it.
func (c *coder) quoted() ([]byte, bool) {
	if !c.next('"') {
		c.malformed("a string")
		return nil, false
	}
	for i := c.pos + 1; i < len(c.b); i++ {
		switch c.b[i] {
		case '\\':
			i++
		case '"':
			raw := c.b[c.pos : i+1]
			c.pos = i + 1
			return raw, true
		}
	}
	c.malformed("the end of a string")
	return nil, false
}

// texts remembers short strings that documents repeat again and again (fields, purposes, services), so
// that a million events share one copy of each. It is bounded: a newer string takes an older one's place.
type texts struct{ seen [512]string }

// maxShared is the longest string worth remembering: longer ones are digests and names, which vary.
const maxShared = 24

var textsPool = sync.Pool{New: func() any { return new(texts) }}

func borrowTexts() *texts { return textsPool.Get().(*texts) }

func (t *texts) release() {
	if t != nil {
		textsPool.Put(t)
	}
}

func (t *texts) get(b []byte) string {
	if t == nil || len(b) == 0 || len(b) > maxShared {
		return string(b)
	}
	h := uint32(2166136261) // FNV-1a
	for _, ch := range b {
		h = (h ^ uint32(ch)) * 16777619
	}
	slot := &t.seen[(h^h>>16)%uint32(len(t.seen))]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}
