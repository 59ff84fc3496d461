package eventstore

import (
	"errors"
	"fmt"
)

// The errors of the contract; compare with errors.Is.
var (
	ErrWrongRevision  = errors.New("wrong expected revision")
	ErrTooLarge       = errors.New("append too large")
	ErrInvalid        = errors.New("invalid append")
	ErrUnknownOutcome = errors.New("outcome of the append is unknown; repeat it unchanged")
	ErrFull           = errors.New("no space left for the log")
	ErrClosed         = errors.New("store is closed")
	ErrCorrupt        = errors.New("log is damaged")
	ErrLocked         = errors.New("data folder is in use")
	ErrForeign        = errors.New("belongs to another ledger")
)

// WrongRevisionError tells what was expected and what was found.
type WrongRevisionError struct {
	Stream   string
	Expected int64
	Actual   int64
}

// Error names the stream and both revisions; NoStream is written as "no stream".
func (e *WrongRevisionError) Error() string {
	return fmt.Sprintf("stream %s: expected %s, found %s", e.Stream, revisionText(e.Expected), revisionText(e.Actual))
}

// Is makes it an ErrWrongRevision.
func (e *WrongRevisionError) Is(target error) bool { return target == ErrWrongRevision }

func revisionText(r int64) string {
	if r == NoStream {
		return "no stream"
	}
	return fmt.Sprintf("revision %d", r)
}

// CorruptError tells where the damage is. It never quotes the bytes.
type CorruptError struct {
	File   string // path
	Place  string // "record 4711", "page 12", "header"
	Detail string
}

// Error names file, place and finding.
func (e *CorruptError) Error() string { return fmt.Sprintf("%s: %s: %s", e.File, e.Place, e.Detail) }

// Is makes it an ErrCorrupt.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }
