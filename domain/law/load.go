package law

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds a pack; those that are built in have about 10 KB.
const maxFile = 256 << 10

// Problem is one thing that is wrong in a pack.
type Problem struct {
	Line    int    // 1 is the first; 0 when the place is not one line
	Path    string // "deadlines[3].term"
	Message string
	Remedy  string
}

// String shows line, path, what is wrong and what would help.
func (p Problem) String() string {
	var parts []string
	if p.Line > 0 {
		parts = append(parts, fmt.Sprintf("line %d", p.Line))
	}
	if p.Path != "" {
		parts = append(parts, p.Path)
	}
	return strings.Join(append(parts, p.Message+"; "+p.Remedy), ": ")
}

// InvalidError lists everything that is wrong in a pack, in the order of its lines.
type InvalidError struct{ Problems []Problem }

// Error shows one problem a line.
func (e *InvalidError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rule pack: %d problem(s)", len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

func invalid(problems ...Problem) error {
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return &InvalidError{problems}
}

// Load reads a pack. It refuses unknown and repeated keys, anchors and aliases, deadlines that the ledger does
// not know, and terms that say not what they count. Its error is an *InvalidError with all problems at once.
func Load(b []byte) (p *Pack, err error) {
	// The parser is not ours and the file may come from anybody: a crash in it is a bad file, not a crash here.
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, invalid(Problem{Message: fmt.Sprintf("the YAML parser gave up: %v", r), Remedy: "check the indentation"})
		}
	}()
	if len(b) > maxFile {
		return nil, invalid(Problem{Message: fmt.Sprintf("the file has %d bytes", len(b)), Remedy: fmt.Sprintf("keep it under %d", maxFile)})
	}
	root, err := parse(b)
	if err != nil {
		return nil, err
	}
	s := &shape{lines: map[string]int{}}
	s.walk(root, reflect.TypeFor[Pack](), "", 0)
	if s.unreadable {
		return nil, invalid(s.problems...)
	}
	p = new(Pack)
	if err := yaml.NodeToValue(root, p); err != nil {
		return nil, invalid(append(s.problems, syntax(err))...)
	}
	if problems := append(s.problems, validate(p, s.lines)...); len(problems) > 0 {
		return nil, invalid(problems...)
	}
	return p, nil
}

// parse gives the one mapping that the file is.
func parse(b []byte) (ast.Node, error) {
	file, err := parser.ParseBytes(b, 0, parser.AllowDuplicateMapKey()) // the walk reports those, with all the rest
	if err != nil {
		return nil, invalid(syntax(err))
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) == 0 {
		return nil, invalid(Problem{Message: "the file is empty", Remedy: "begin with a pack that is built in"})
	}
	if len(bodies) > 1 {
		return nil, invalid(Problem{Line: lineOf(bodies[1]), Message: "a second document begins", Remedy: "keep one version of one pack in a file"})
	}
	switch bodies[0].(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return bodies[0], nil
	}
	return nil, invalid(Problem{Line: lineOf(bodies[0]), Message: "the file is not a mapping of keys", Remedy: "begin with: pack: ID"})
}

// syntax takes line and sentence from an error of the YAML library.
func syntax(err error) Problem {
	p := Problem{Message: err.Error(), Remedy: "correct the YAML"}
	var at yaml.Error
	if errors.As(err, &at) {
		p.Message = at.GetMessage()
		if t := at.GetToken(); t != nil && t.Position != nil {
			p.Line = t.Position.Line
		}
	}
	return p
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}
