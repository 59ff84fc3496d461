package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// output is where the answer goes. It keeps the first error of writing, so that what prints need not ask after
// every line, and the run asks once at its end: an answer that was cut off must not look whole to a script.
// After that error nothing more is written. It is used by one goroutine.
type output struct {
	w   io.Writer
	err error // the first one
}

// Write writes, or gives the first error again.
func (o *output) Write(b []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(b)
	if err != nil {
		o.err = &answerError{err}
	}
	return n, o.err
}

// answerError is an answer that could not be written.
type answerError struct{ cause error }

func (e *answerError) Error() string { return fmt.Sprintf("the answer is not whole: %v", e.cause) }
func (e *answerError) Unwrap() error { return e.cause }

// closedPipe tells whether the reader of the answer went away before its end, as head does.
func (e *answerError) closedPipe() bool {
	return errors.Is(e.cause, syscall.EPIPE) || errors.Is(e.cause, io.ErrClosedPipe)
}

// ended gives the error with which the run ends. What the command itself failed of comes first; the commands that
// look at what writing gives fail of the answer, and then it is told once and without what they were about.
func (o *output) ended(err error) error {
	if o.err != nil && (err == nil || errors.Is(err, o.err) && exitCode(err) == exitFailed) {
		return o.err
	}
	return err
}

// unheard tells whether a run ended because nobody read its answer to the end. It ends quietly then.
func unheard(err error) bool {
	var cut *answerError
	return errors.As(err, &cut) && cut.closedPipe()
}

// fileOf is the file behind a writer of this program, nil when there is none.
func fileOf(w io.Writer) *os.File {
	if o, ok := w.(*output); ok {
		w = o.w
	}
	f, _ := w.(*os.File)
	return f
}
