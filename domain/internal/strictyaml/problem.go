package strictyaml

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong in a file.
type Problem struct {
	Line    int    // 1 is the first; 0 when the place is not one line
	Path    string // "fields[3].purposes[0]"
	Message string
	Remedy  string
}

// String shows line, path, what is wrong and what would help.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Path != "" {
		fmt.Fprintf(&b, "%s: ", p.Path)
	}
	b.WriteString(p.Message)
	if p.Remedy != "" {
		b.WriteString("; " + p.Remedy)
	}
	return b.String()
}

// Report shows how many problems a file of that kind has, then one problem a line.
func Report(kind string, problems []Problem) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d problem(s)", kind, len(problems))
	for _, p := range problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}
