package memory

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// check refuses what no store may take. It looks at nothing but its arguments, so it comes first.
func check(stream string, expected int64, events []eventstore.Event) error {
	if err := checkName("stream name", stream, eventstore.MaxStreamName); err != nil {
		return err
	}
	if expected < eventstore.NoStream {
		return invalid("expected revision %d", expected)
	}
	if len(events) == 0 {
		return invalid("empty batch")
	}
	size := 0
	for i, e := range events {
		if e.ID == uuid.Nil {
			return invalid("event %d: nil id", i)
		}
		if err := checkName("type", e.Type, eventstore.MaxTypeName); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
		size += e.Size()
	}
	if size > eventstore.MaxAppendBytes {
		return fmt.Errorf("%d bytes: %w", size, eventstore.ErrTooLarge)
	}
	return nil
}

func checkName(what, s string, most int) error {
	switch {
	case s == "":
		return invalid("%s is empty", what)
	case len(s) > most:
		return invalid("%s has %d bytes, at most %d", what, len(s), most)
	case !utf8.ValidString(s):
		return invalid("%s is not UTF-8", what)
	case strings.IndexByte(s, 0) >= 0:
		return invalid("%s has a NUL", what) // many tools would show it cut off there
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), eventstore.ErrInvalid)
}

// alive gives the context's error; a nil context is a bug of the caller.
func alive(ctx context.Context) error {
	if ctx == nil {
		panic("memory: nil context")
	}
	return ctx.Err()
}
