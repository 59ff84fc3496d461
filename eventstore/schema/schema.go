package schema

import (
	"errors"
	"fmt"

	"imagine.ua/litopys/domain"
)

// The errors of this package; compare with errors.Is. No message quotes a document's content.
var (
	// ErrUnknownEvent says that the type, or its version, is not known to this program. The reader must
	// stop: skipping it would be deciding without a fact.
	ErrUnknownEvent = errors.New("unknown event type")
	// ErrMalformed says that a document is not the one form that Encode writes.
	ErrMalformed = errors.New("malformed document")
	// ErrNotSealed says that an event carries a personal value that is not sealed. Nothing was written.
	ErrNotSealed = errors.New("personal value is not sealed")
	// ErrIncomplete says that a part is missing or cannot be written: no subject, text that is not UTF-8.
	ErrIncomplete = errors.New("event cannot be written")
)

// known is the table of this program's event types. It is never changed.
var known = newRegistry(currentTypes(), nil)

// Encode gives the event's type and document. Every personal value in it must be sealed (ErrNotSealed).
// Times are cut to microseconds.
func Encode(e domain.Event) (string, []byte, error) {
	return AppendEvent(nil, e)
}

// AppendEvent appends the event's document to dst and gives its type. On error dst comes back as it was.
func AppendEvent(dst []byte, e domain.Event) (string, []byte, error) {
	return known.append(dst, e)
}

// Decode gives the event of a document; its personal values are sealed. It keeps no part of data.
// Errors: ErrUnknownEvent, ErrMalformed.
func Decode(name string, data []byte) (domain.Event, error) {
	return known.decode(name, data)
}

// CarriesFates tells whether events of this type can change the state of keys, without decoding one.
// A type that is not known gives ErrUnknownEvent.
func CarriesFates(name string) (bool, error) {
	return known.carriesFates(name)
}

// EncodeMeta gives the metadata's document. Times are cut to microseconds.
func EncodeMeta(m domain.Meta) ([]byte, error) { return AppendMeta(nil, m) }

// AppendMeta appends the metadata's document to dst. On error dst comes back as it was.
func AppendMeta(dst []byte, m domain.Meta) ([]byte, error) {
	c := coder{b: dst, start: len(dst), writing: true}
	walkMeta(&c, &m)
	if c.err != nil {
		return dst, fmt.Errorf("encode metadata: %w", c.err)
	}
	return c.b, nil
}

// DecodeMeta gives the metadata of a document. It keeps no part of data.
func DecodeMeta(data []byte) (m domain.Meta, err error) {
	err = ReadMeta(data, &m)
	return m, err
}

// ReadMeta is DecodeMeta into metadata that the caller has, for the many of a long read. After an error they
// are empty.
func ReadMeta(data []byte, m *domain.Meta) error { return known.readMeta(data, m) }
