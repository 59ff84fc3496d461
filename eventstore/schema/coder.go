package schema

import (
	"bytes"
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
	memory  *memory // reading: what other documents may share
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
	from := c.pos
	if from > 0 && c.b[from-1] != '{' {
		if !c.next(',') {
			return false
		}
		from++
	}
	to := from + len(name) + 3
	if to > len(c.b) {
		return false
	}
	k := c.b[from:to]
	if k[0] != '"' || string(k[1:len(k)-2]) != name || k[len(k)-2] != '"' || k[len(k)-1] != ':' {
		return false
	}
	c.pos = to
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
	c.mark('[')
	values := make([]T, 0, c.guess())
	for c.err == nil {
		var none T
		values = append(values, none)
		walk(&values[len(values)-1])
		if !c.next(',') {
			break
		}
		c.pos++
	}
	c.mark(']')
	return values
}

// maxGuess bounds the memory that is made ready for a list before it is read.
const maxGuess = 64

// guess tells how many elements the list that begins here has, if they are objects without lists in them, ids
// or plain words. A guess that is wrong costs memory or time.
func (c *coder) guess() int {
	rest := c.b[c.pos:]
	if end := bytes.IndexByte(rest, ']'); end >= 0 {
		rest = rest[:end]
	}
	n := 0
	if c.next('{') {
		n = bytes.Count(rest, []byte{'{'})
	} else {
		n = bytes.Count(rest, []byte{','}) + 1
	}
	return min(n, maxGuess)
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
	if !c.writing {
		*v = true
	}
}

// personal checks that a value may be written.
func (c *coder) personal(v domain.Value) bool {
	if v.Condition() == domain.Sealed && v.Len() > 0 {
		return true
	}
	c.fail(ErrNotSealed)
	return false
}
