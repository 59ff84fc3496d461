package embedded

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// check refuses what no store may take, and what SQLite's tools could not show.
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
	for i := range events {
		e := &events[i]
		if e.ID == uuid.Nil {
			return invalid("event %d: nil id", i)
		}
		if err := checkName("type", e.Type, eventstore.MaxTypeName); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
		size += e.Size()
	}
	if size > eventstore.MaxAppendBytes {
		return fmt.Errorf("%d bytes, at most %d: %w", size, eventstore.MaxAppendBytes, eventstore.ErrTooLarge)
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
		// The sqlite3 shell ends a text at a NUL: an auditor would see another name.
		return invalid("%s has a NUL", what)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), eventstore.ErrInvalid)
}
