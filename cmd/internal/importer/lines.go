// Package importer takes text from outside into the ledger: lines of a web server's access log, and
// commands as JSON lines. Every line is accounted for: it is recorded now, was recorded before, or is
// rejected with its number and a reason. No reason and no reject file repeats what a line said, since
// the line may hold personal data and the reject file lies outside the ledger.
//
// Memory is bounded whatever the size of the input: one batch of lines, a window of digests of recent
// lines, and a cache of recent visitors.
package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
)

// Line is one line of the input without its ending.
type Line struct {
	Number int64  // 1 is the first
	Offset int64  // bytes before it in the (uncompressed) text
	Text   []byte // belongs to the receiver
	Long   bool   // longer than the limit: Text is empty
}

// Lines cuts the text into lines of at most limit bytes. A longer line comes as one Line with Long set.
// "\n" and "\r\n" end a line; what follows the last ending is a line when it is not empty. The error
// comes once and last.
func Lines(r io.Reader, limit int) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		buffered := bufio.NewReaderSize(r, 64<<10)
		line := Line{Number: 1}
		for {
			size, ended, err := readLine(buffered, limit, &line)
			if err != nil {
				// What was read of the line is not the line, and is not judged as one.
				yield(Line{Number: line.Number, Offset: line.Offset}, err)
				return
			}
			if size > 0 && !yield(line, nil) {
				return
			}
			if !ended {
				return
			}
			line = Line{Number: line.Number + 1, Offset: line.Offset + size}
		}
	}
}

// readLine fills one line and tells how many bytes it took with its ending, and whether there was one.
func readLine(r *bufio.Reader, limit int, line *Line) (size int64, ended bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		size += int64(len(part))
		// Two bytes more than the limit may be the ending; beyond that nothing is kept.
		if !line.Long && len(line.Text)+len(part) <= limit+2 {
			line.Text = append(line.Text, part...)
		} else {
			line.Long, line.Text = true, nil
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return size, false, err
		}
		line.trim(limit)
		return size, err == nil, nil
	}
}

func (l *Line) trim(limit int) {
	l.Text = bytes.TrimSuffix(l.Text, []byte("\n"))
	l.Text = bytes.TrimSuffix(l.Text, []byte("\r"))
	if l.Number == 1 {
		l.Text = bytes.TrimPrefix(l.Text, []byte("\xef\xbb\xbf"))
	}
	if len(l.Text) > limit {
		l.Long, l.Text = true, nil
	}
}
