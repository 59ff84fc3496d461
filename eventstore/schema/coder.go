package schema

import (
	"fmt"

	"imagine.ua/litopys/domain"
)

// coder runs a walk over a document's fields, either writing them or reading them. The first error stays
// and makes every further call a no-op, so walks are plain lists of fields.
type coder struct {
	b       []byte // writing: what stands so far; reading: the whole document
	start   int    // writing: where the document begins in b
	pos     int    // reading: how far b is read
	writing bool
	texts   *texts // reading: strings seen before
	err     error
}

// fail keeps the first error.
func (c *coder) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// malformed is the error of a document that is not as Encode writes it. It names the place, not the bytes.
func (c *coder) malformed(want string) {
	c.fail(fmt.Errorf("%w: byte %d: want %s", ErrMalformed, c.pos, want))
}

// finish ends the reading: nothing may follow the document.
func (c *coder) finish() {
	if c.err == nil && c.pos != len(c.b) {
		c.malformed("the end")
	}
	c.texts.release()
	c.texts = nil
}

// mark writes or expects one byte of punctuation.
func (c *coder) mark(ch byte) {
	switch {
	case c.err != nil:
	case c.writing:
		c.b = append(c.b, ch)
	case c.pos < len(c.b) && c.b[c.pos] == ch:
		c.pos++
	default:
		c.malformed(string(rune(ch)))
	}
}

// next reports whether the byte stands next in what is read.
func (c *coder) next(ch byte) bool {
	return c.err == nil && c.pos < len(c.b) && c.b[c.pos] == ch
}

// key writes the key with its comma, or reads it. Reading, it reports whether the key stands next.
func (c *coder) key(name string) bool {
	if c.err != nil {
		return false
	}
	if c.writing {
		if c.b[len(c.b)-1] != '{' {
			c.b = append(c.b, ',')
		}
		c.b = append(c.b, '"')
		c.b = append(c.b, name...)
		c.b = append(c.b, '"', ':')
		return true
	}
	rest := c.b[c.pos:]
	comma := 0
	if c.pos > 0 && c.b[c.pos-1] != '{' {
		comma = 1
	}
	n := comma + len(name) + 3
	if len(rest) < n || (comma == 1 && rest[0] != ',') {
		return false
	}
	if rest[comma] != '"' || string(rest[comma+1:n-2]) != name || rest[n-2] != '"' || rest[n-1] != ':' {
		return false
	}
	c.pos += n
	return true
}

// need is key for a field that every document has.
func (c *coder) need(name string) bool {
	if c.key(name) {
		return true
	}
	c.malformed("key " + name)
	return false
}

// missing is the error of an event whose required part is zero.
func (c *coder) missing(name string) {
	if c.writing {
		c.fail(fmt.Errorf("%w: %s is missing", ErrIncomplete, name))
		return
	}
	c.malformed("a value of " + name + " that is not empty")
}

// list walks an optional array; an empty one is left out.
func list[T any](c *coder, name string, values *[]T, walk func(*T)) {
	if c.writing {
		writeList(c, name, *values, walk)
	} else if c.key(name) {
		*values = readList(c, walk)
	}
}

func writeList[T any](c *coder, name string, values []T, walk func(*T)) {
	if len(values) == 0 || !c.key(name) {
		return
	}
	c.mark('[')
	for i := range values {
		if i > 0 {
			c.mark(',')
		}
		walk(&values[i])
	}
	c.mark(']')
}

func readList[T any](c *coder, walk func(*T)) []T {
	values := make([]T, 0, 2)
	c.mark('[')
	for c.err == nil {
		var v T
		walk(&v)
		values = append(values, v)
		if !c.next(',') {
			break
		}
		c.pos++
	}
	c.mark(']')
	return values
}

// flag walks an optional true; false is left out.
func (c *coder) flag(name string, v *bool) {
	if c.writing && !*v {
		return
	}
	if !c.key(name) {
		return
	}
	for _, ch := range []byte("true") {
		c.mark(ch)
	}
	*v = true
}

// personal checks that a value may be written.
func (c *coder) personal(v domain.Value) bool {
	if v.Condition() == domain.Sealed && v.Len() > 0 {
		return true
	}
	c.fail(ErrNotSealed)
	return false
}
