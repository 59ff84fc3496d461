package schema

import (
	"fmt"
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
	if !c.next('"') {
		c.malformed("a string")
		return ""
	}
	rest := c.b[c.pos+1:]
	for i, ch := range rest {
		if simple[ch] {
			continue
		}
		if ch != '"' {
			break
		}
		c.pos += i + 2
		return c.memory.text(rest[:i])
	}
	return c.readEscaped()
}

// readEscaped reads a string in which something does not stand for itself.
func (c *coder) readEscaped() string {
	raw, ok := c.quoted()
	if !ok {
		return ""
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
