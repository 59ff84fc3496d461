// Package strictyaml reads files that people write by hand, and says all that is wrong with one at once: each
// problem with its line, its path and what would help. It refuses unknown and repeated keys, keys without a value,
// anchors, aliases and tags.
//
// A decoder stops at its first error. So Load walks over the syntax tree before anything is decoded (shape.go), and
// hands the lines that it saw to the caller's own check, which may then name the line of whatever it dislikes.
package strictyaml

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// File says what one kind of file is like: its largest size in bytes, and remedies that its readers understand.
type File struct {
	MaxBytes   int
	Empty      string // what to do when nothing is in the file
	Documents  string // when more than one document is
	NotMapping string // when it is a list or a word
	TooDeep    string // when it is nested deeper than any such file has to be
}

// Check says what is wrong with a document that could be read. The lines are those of all paths in the file; the
// path "" is the document. It may complete the document.
type Check[T any] func(doc *T, lines map[string]int) []Problem

// Load reads the one document of a file into a struct whose fields carry yaml tags. It gives the document without
// problems, or nil and at least one problem, in the order of lines. It is safe for concurrent use if the check is.
func Load[T any](b []byte, f File, check Check[T]) (doc *T, problems []Problem) {
	// The parser is not ours and the file may come from anybody: a crash in it is a bad file, not a crash here.
	defer func() {
		if r := recover(); r != nil {
			doc, problems = nil, []Problem{{Message: fmt.Sprintf("the YAML parser gave up: %v", r), Remedy: "check the indentation"}}
		}
	}()
	if len(b) > f.MaxBytes {
		return nil, []Problem{{Message: fmt.Sprintf("the file has %d bytes", len(b)), Remedy: fmt.Sprintf("keep it under %d", f.MaxBytes)}}
	}
	root, problem := parse(b, f)
	if problem != nil {
		return nil, []Problem{*problem}
	}
	doc = new(T)
	if problems = fill(root, doc, f, check); len(problems) > 0 {
		slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
		return nil, problems
	}
	return doc, nil
}

// fill decodes the tree into the document, as far as its shape allows, and gives all problems.
func fill[T any](root ast.Node, doc *T, f File, check Check[T]) []Problem {
	s := shapeOf[T](root, f)
	if s.unreadable {
		return s.problems
	}
	if err := yaml.NodeToValue(root, doc, strictness(s)...); err != nil {
		return append(s.problems, syntax(err))
	}
	return append(s.problems, check(doc, s.lines)...)
}

// strictness makes the decoder strict, unless keys that do not belong were found already: then it reads on, so that
// what is wrong with the others comes in the same report.
func strictness(s *shape) []yaml.DecodeOption {
	if len(s.problems) > 0 {
		return []yaml.DecodeOption{yaml.AllowDuplicateMapKey()}
	}
	return []yaml.DecodeOption{yaml.Strict()}
}

// parse gives the one mapping that the file is.
func parse(b []byte, f File) (ast.Node, *Problem) {
	// The parser would stop at a key that is given twice; the walk reports those, with all the rest.
	file, err := parser.ParseBytes(b, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		p := syntax(err)
		return nil, &p
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	switch {
	case len(bodies) == 0:
		return nil, &Problem{Message: "the file is empty", Remedy: f.Empty}
	case len(bodies) > 1:
		return nil, &Problem{Line: lineOf(bodies[1]), Message: "a second document begins", Remedy: f.Documents}
	}
	switch bodies[0].(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return bodies[0], nil
	}
	return nil, &Problem{Line: lineOf(bodies[0]), Message: "the file is not a mapping of keys", Remedy: f.NotMapping}
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
