package schema

import (
	"bytes"
	"encoding/base64"

	"imagine.ua/litopys/domain"
)

// base64Strict refuses padding bits that Encode never sets.
var base64Strict = base64.StdEncoding.Strict()

// other walks the subject of a part; it is left out when it is the event's own.
func (c *coder) other(owner domain.SubjectID, v *domain.SubjectID) {
	if c.writing {
		if *v != owner {
			c.id("subject", &v.UUID)
		}
		return
	}
	*v = owner
	if !c.key("subject") {
		return
	}
	c.bareID(&v.UUID)
	if c.err == nil && (*v == owner || v.IsZero()) {
		c.malformed("another subject than the event's")
	}
}

// item walks {"subject"?,"field","epoch","sealed"}.
func (c *coder) item(owner domain.SubjectID, v *domain.Item) {
	c.mark('{')
	c.other(owner, &v.Subject)
	text(c, "field", &v.Field)
	text(c, "epoch", &v.Epoch)
	c.sealed(&v.Value)
	c.mark('}')
}

// sealed walks the sealed bytes of a value.
func (c *coder) sealed(v *domain.Value) {
	if c.writing {
		if c.personal(*v) && c.key("sealed") {
			sealed, _ := v.SealedBytes()
			c.b = append(c.b, '"')
			c.b = base64Strict.AppendEncode(c.b, sealed)
			c.b = append(c.b, '"')
		}
		return
	}
	if c.need("sealed") {
		c.readSealed(v)
	}
}

// readSealed reads a string of base64. Its end is looked for at once, for nothing is escaped in it.
func (c *coder) readSealed(v *domain.Value) {
	rest := c.b[c.pos:]
	if !c.next('"') {
		c.malformed("a string")
		return
	}
	rest = rest[1:]
	inner := rest[:max(bytes.IndexByte(rest, '"'), 0)]
	var small [256]byte
	sealed, err := base64Strict.AppendDecode(small[:0], inner)
	// The decoder skips line breaks; then fewer bytes come out than the text's length stands for.
	if err != nil || len(sealed) == 0 || base64.StdEncoding.EncodedLen(len(sealed)) != len(inner) {
		c.malformed("sealed bytes in base64")
		return
	}
	c.pos += len(inner) + 2
	*v = domain.SealedValue(sealed)
}

// items walks an optional array of values.
func (c *coder) items(name string, owner domain.SubjectID, v *[]domain.Item) {
	list(c, name, v, func(i *domain.Item) { c.item(owner, i) })
}

// maybeItem walks an optional value; an absent one is left out.
func (c *coder) maybeItem(name string, owner domain.SubjectID, v *domain.Item) {
	if (c.writing && v.Value.Condition() == domain.Absent) || !c.key(name) {
		return
	}
	c.item(owner, v)
}

// pointer walks {"field","epoch"}.
func (c *coder) pointer(v *domain.FieldEpoch) {
	c.mark('{')
	text(c, "field", &v.Field)
	text(c, "epoch", &v.Epoch)
	c.mark('}')
}

// pointers walks an optional array of pointers to values.
func (c *coder) pointers(name string, v *[]domain.FieldEpoch) { list(c, name, v, c.pointer) }

// fates walks an optional array of {"subject"?,"field","epoch","through"?,"action","until"?,"rule"?}.
func (c *coder) fates(name string, owner domain.SubjectID, v *[]domain.Fate) {
	list(c, name, v, func(f *domain.Fate) { c.fate(owner, f) })
}

func (c *coder) fate(owner domain.SubjectID, v *domain.Fate) {
	c.mark('{')
	c.other(owner, &v.Subject)
	text(c, "field", &v.Field)
	text(c, "epoch", &v.Epoch)
	c.flag("through", &v.Through)
	text(c, "action", &v.Action)
	c.maybeMoment("until", &v.Until)
	maybe(c, "rule", &v.Rule)
	c.mark('}')
}

// words walks an optional array of strings.
func words[T ~string](c *coder, name string, v *[]T) {
	list(c, name, v, func(s *T) { plain(c, s) })
}
