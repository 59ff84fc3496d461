package strictyaml

import (
	"fmt"
	"strings"
)

// Findings gathers what a Check dislikes of a document, each at its path and line.
type Findings struct {
	// Lines are those that the check was given.
	Lines map[string]int
	// Problems are what was found so far, in that order.
	Problems []Problem
}

// Need reports a problem at the path unless it is ok. The path need not be in the file: what is missing is reported
// at the line of the nearest thing around it.
func (f *Findings) Need(ok bool, path, remedy, format string, args ...any) {
	if !ok {
		f.Problems = append(f.Problems, Problem{Line: f.line(path), Path: path, Message: fmt.Sprintf(format, args...), Remedy: remedy})
	}
}

func (f *Findings) line(path string) int {
	for path != "" {
		if n, ok := f.Lines[path]; ok {
			return n
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return f.Lines[""]
}
