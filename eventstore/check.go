package eventstore

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Check refuses what no store may take. It looks at nothing but its arguments, so every store asks it
// first, before it looks at the stream: what can never be appended is told before a conflict is.
//
// Errors: ErrInvalid, ErrTooLarge.
func Check(stream string, expected int64, events []Event) error {
	if err := CheckName("stream name", stream, MaxStreamName); err != nil {
		return err
	}
	if expected < NoStream {
		return invalid("expected revision %d", expected)
	}
	if len(events) == 0 {
		return invalid("empty batch")
	}
	size := 0
	for i := range events {
		e := &events[i]
		if e.ID == uuid.Nil {
			return invalid("event %d: nil id", i)
		}
		if err := CheckName("type", e.Type, MaxTypeName); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
		size += e.Size()
	}
	if size > MaxAppendBytes {
		return fmt.Errorf("%d bytes, at most %d: %w", size, MaxAppendBytes, ErrTooLarge)
	}
	return nil
}

// CheckName refuses a name of a stream or a type that some store could not keep as it is.
func CheckName(what, name string, most int) error {
	switch {
	case name == "":
		return invalid("%s is empty", what)
	case len(name) > most:
		return invalid("%s has %d bytes, at most %d", what, len(name), most)
	case !utf8.ValidString(name):
		return invalid("%s is not UTF-8", what)
	case strings.IndexByte(name, 0) >= 0:
		// Many tools end a text at a NUL: an auditor would see another name.
		return invalid("%s has a NUL", what)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrInvalid)
}
