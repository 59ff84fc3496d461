package cli

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	json "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"imagine.ua/litopys/cmd/internal/importer"
)

// rejectReason is a reason for which lines were rejected.
type rejectReason struct {
	Lines  int64  `json:"lines"`
	Code   string `json:"code,omitempty"`
	Clause string `json:"clause,omitempty"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy,omitempty"`
}

// Bounds of what is said of rejected lines.
const (
	reasonsTold = 5    // in JSON
	reasonsKept = 1000 // in memory: reasons that say a place within the line are as many as the lines
)

// rejectReasons counts the reasons in a file of rejects, the most frequent first. It reads what this run wrote, so
// its memory does not grow with the number of rejected lines.
func rejectReasons(path string) ([]rejectReason, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("count the reasons of rejects: %w", err)
	}
	defer file.Close()
	lines := jsontext.NewDecoder(bufio.NewReader(file))
	found := map[[2]string]*rejectReason{}
	for {
		var r importer.Reject
		err := json.UnmarshalDecode(lines, &r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("count the reasons of rejects: %w", err)
		}
		name := [2]string{r.Code, r.Reason}
		if found[name] == nil {
			if len(found) == reasonsKept {
				continue
			}
			found[name] = &rejectReason{Code: r.Code, Clause: r.Clause, Reason: r.Reason, Remedy: r.Remedy}
		}
		found[name].Lines++
	}
	out := make([]rejectReason, 0, len(found))
	for _, r := range found {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b rejectReason) int {
		return cmp.Or(cmp.Compare(b.Lines, a.Lines), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Reason, b.Reason))
	})
	return out, nil
}

// sayReason says once for which reason most lines were rejected, with its remedy.
func (p *program) sayReason(rejected int64, r rejectReason) {
	why := visible(r.Reason)
	if r.Code != "" {
		why = fmt.Sprintf("[%s, clause %s] %s", r.Code, r.Clause, why)
	}
	of := fmt.Sprintf("%d lines are rejected, %d of them", rejected, r.Lines)
	switch {
	case rejected == 1:
		of = "1 line is rejected"
	case rejected == r.Lines:
		of = fmt.Sprintf("%d lines are rejected, all of them", rejected)
	}
	p.say("%s", fitted(p.Err, of+": "+why))
	if r.Remedy != "" {
		p.say("%s", fitted(p.Err, "  remedy: "+visible(r.Remedy)))
	}
}

// errNoneTaken ends "import access-log" when lines were rejected and not one is in the ledger.
var errNoneTaken = errors.New("no line was taken")

// noneTaken is errNoneTaken. An import that acts as somebody else than it is made for is what a shell with the
// variables of another task does, so it says what made it act so.
func (p *program) noneTaken() error {
	var said []string
	for _, s := range p.cfg.Settings {
		if strings.HasPrefix(s.Name, "act.") && s.Name != "act.role" && s.From != "default" {
			said = append(said, strings.Replace(s.From, "file", s.Name+" of the file", 1))
		}
	}
	if len(said) == 0 {
		return errNoneTaken
	}
	return fmt.Errorf("%w; the import acted by %s; without these it acts as %s", errNoneTaken, strings.Join(said, ", "), accessLogActs)
}
