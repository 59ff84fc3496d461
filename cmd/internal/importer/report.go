package importer

import "time"

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
