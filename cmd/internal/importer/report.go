package importer

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	json "github.com/go-json-experiment/json"
)

// Report accounts for every line: Imported + Already + Rejected = Lines.
type Report struct {
	Lines    int64         `json:"lines"`
	Imported int64         `json:"imported"`
	Already  int64         `json:"already"`
	Rejected int64         `json:"rejected"`
	Rejects  string        `json:"rejects,omitempty"` // where the rejects were written, when there are any
	Took     time.Duration `json:"-"`
}

func (r *Report) reject() {
	r.Lines++
	r.Rejected++
}

// Reject is one line that was not taken. It never holds text of the line.
type Reject struct {
	Line   int64  `json:"line"`   // 1 is the first
	Offset int64  `json:"offset"` // bytes before the line in the uncompressed text
	Code   string `json:"code,omitempty"`
	Clause string `json:"clause,omitempty"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy,omitempty"`
}

// Rejects writes rejects beside the input, one JSON object a line. The file appears with the first reject;
// rejects of an earlier run of the same input are replaced, because this run judges every line anew.
type Rejects struct {
	path    string
	file    *os.File
	out     *bufio.Writer
	pending []Reject // of the lines that are judged together, not yet in order
}

// NewRejects prepares the file and removes the rejects of an earlier run. It fails when the folder can't
// be written to, before anything is imported, so that no reject is lost later.
func NewRejects(path string) (*Rejects, error) {
	folder := filepath.Dir(path)
	// A folder whose mode allows nobody to write is left alone, also by those whom no mode stops.
	if info, err := os.Stat(folder); err == nil && info.Mode().Perm()&0o222 == 0 {
		return nil, fmt.Errorf("rejects: %s: %w", folder, os.ErrPermission)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("rejects: %w", err)
	}
	probe, err := os.CreateTemp(folder, ".rejects-*")
	if err != nil {
		return nil, fmt.Errorf("rejects: %w", err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return nil, fmt.Errorf("rejects: %w", err)
	}
	return &Rejects{path: path}, nil
}

// Add takes one reject; Settle writes it.
func (r *Rejects) Add(reject Reject) { r.pending = append(r.pending, reject) }

// Settle writes what was added since the last time, in the order of lines.
func (r *Rejects) Settle() error {
	if len(r.pending) == 0 {
		return nil
	}
	if r.file == nil {
		file, err := os.OpenFile(r.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("rejects: %w", err)
		}
		r.file, r.out = file, bufio.NewWriter(file)
	}
	slices.SortFunc(r.pending, func(a, b Reject) int { return cmp.Compare(a.Line, b.Line) })
	for _, reject := range r.pending {
		if err := json.MarshalWrite(r.out, reject); err != nil {
			return fmt.Errorf("rejects: %w", err)
		}
		if err := r.out.WriteByte('\n'); err != nil {
			return fmt.Errorf("rejects: %w", err)
		}
	}
	r.pending = r.pending[:0]
	return nil
}

// Path is where the rejects are, or empty when there were none.
func (r *Rejects) Path() string {
	if r.file == nil {
		return ""
	}
	return r.path
}

// Close writes out what is left. Closing twice is a no-op.
func (r *Rejects) Close() error {
	settled := r.Settle()
	if r.file == nil || r.out == nil {
		return settled
	}
	err := errors.Join(settled, r.out.Flush(), r.file.Sync(), r.file.Close())
	r.out = nil
	return err
}
