package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds a policy file; the embedded one has about 20 KB.
const maxFile = 1 << 20

// Problem is one thing that is wrong in a policy file.
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

// InvalidError lists everything that is wrong in a policy file, in the order of its lines.
type InvalidError struct{ Problems []Problem }

// Error shows one problem a line.
func (e *InvalidError) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	lines = append(lines, fmt.Sprintf("policy: %d problem(s)", len(e.Problems)))
	for _, p := range e.Problems {
		lines = append(lines, "  "+p.String())
	}
	return strings.Join(lines, "\n")
}

// Load reads one version of a policy. It refuses unknown and repeated keys, anchors and aliases, and
// references to what the file does not define. Its error is an *InvalidError with all problems at once.
func Load(b []byte) (p *Policy, err error) {
	// The parser is not ours and the file may come from anybody: a crash in it is a bad file, not a crash here.
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, invalid(Problem{Message: fmt.Sprintf("the YAML parser gave up: %v", r), Remedy: "check the indentation"})
		}
	}()
	if len(b) > maxFile {
		return nil, invalid(Problem{Message: fmt.Sprintf("the file has %d bytes", len(b)), Remedy: fmt.Sprintf("keep it under %d", maxFile)})
	}
	file, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, invalid(syntaxProblem(err))
	}
	root, problem := soleMapping(file)
	if problem != nil {
		return nil, invalid(*problem)
	}
	shape := checkShape(root)
	p = new(Policy)
	if err := yaml.NodeToValue(root, p, strictness(shape)...); err != nil && !shape.unreadable {
		shape.problems = append(shape.problems, syntaxProblem(err))
		shape.unreadable = true
	}
	if shape.unreadable {
		return nil, invalid(shape.problems...)
	}
	p.join()
	p.buildIndex()
	problems := append(shape.problems, validate(p, shape.lines)...)
	if len(problems) > 0 {
		return nil, invalid(problems...)
	}
	return p, nil
}

// strictness makes the decoder strict, unless keys that do not belong were found already: then it reads on,
// so that what is wrong with the others comes in the same report.
func strictness(s *shape) []yaml.DecodeOption {
	if len(s.problems) > 0 {
		return []yaml.DecodeOption{yaml.AllowDuplicateMapKey()}
	}
	return []yaml.DecodeOption{yaml.Strict()}
}

func invalid(problems ...Problem) error {
	slices.SortStableFunc(problems, func(a, b Problem) int { return a.Line - b.Line })
	return &InvalidError{problems}
}

// syntaxProblem takes line and sentence from an error of the YAML library.
func syntaxProblem(err error) Problem {
	var at yaml.Error
	if errors.As(err, &at) {
		p := Problem{Message: at.GetMessage(), Remedy: "correct the YAML"}
		if t := at.GetToken(); t != nil && t.Position != nil {
			p.Line = t.Position.Line
		}
		return p
	}
	return Problem{Message: err.Error(), Remedy: "correct the YAML"}
}

func soleMapping(file *ast.File) (ast.Node, *Problem) {
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			return nil, &Problem{Line: lineOf(doc.Body), Message: "a second document begins", Remedy: "keep one version of the policy in a file"}
		}
		body = doc.Body
	}
	switch body.(type) {
	case nil:
		return nil, &Problem{Message: "the file is empty", Remedy: "begin with the built-in one: litopys policy show"}
	case *ast.MappingNode, *ast.MappingValueNode:
		return body, nil
	}
	return nil, &Problem{Line: lineOf(body), Message: "the file is not a mapping of keys", Remedy: "begin with: policy: NAME"}
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}
