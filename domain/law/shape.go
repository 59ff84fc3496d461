package law

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// shape is what a walk over the syntax tree finds before anything is decoded: the line of every path, and every
// key and value that does not fit the type. A decoder would stop at the first.
type shape struct {
	lines    map[string]int
	problems []Problem
	// unreadable: a value is of the wrong nature, so checking contents would only add noise.
	unreadable bool
}

// maxDepth is far beyond the deepest path of a pack; deeper nesting is an attack on the walk.
const maxDepth = 12

func (s *shape) report(n ast.Node, path, message, remedy string) {
	s.problems = append(s.problems, Problem{Line: lineOf(n), Path: path, Message: message, Remedy: remedy})
}

func (s *shape) refuse(n ast.Node, path, message, remedy string) {
	s.unreadable = true
	s.report(n, path, message, remedy)
}

// walk compares a node with the type it is to become.
func (s *shape) walk(n ast.Node, t reflect.Type, path string, depth int) {
	if _, known := s.lines[path]; !known {
		s.lines[path] = lineOf(n)
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch n := n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		s.refuse(n, path, "anchors, aliases and tags are not taken", "write the value out")
	case *ast.NullNode:
		s.refuse(n, path, "the key has no value", "give it one or remove the key")
	case *ast.MappingNode:
		s.mapping(n, n.Values, t, path, depth+1)
	case *ast.MappingValueNode:
		s.mapping(n, []*ast.MappingValueNode{n}, t, path, depth+1)
	case *ast.SequenceNode:
		s.sequence(n, t, path, depth+1)
	default:
		s.scalar(n, t, path)
	}
}

func (s *shape) mapping(n ast.Node, values []*ast.MappingValueNode, t reflect.Type, path string, depth int) {
	if !s.fits(n, t, reflect.Struct, path, depth) {
		return
	}
	fields, seen := fieldsOf(t), map[string]bool{}
	for _, v := range values {
		key := v.Key.String()
		if token := v.Key.GetToken(); token != nil {
			key = token.Value
		}
		at := strings.TrimPrefix(path+"."+key, ".")
		field, known := fields[key]
		switch {
		case seen[key]:
			s.refuse(v.Key, at, "the key is given twice", "keep one of them")
		case !known:
			s.report(v.Key, at, "unknown key", "remove it or correct its spelling")
		default:
			s.lines[at] = lineOf(v.Key)
			s.walk(v.Value, field, at, depth)
		}
		seen[key] = true
	}
}

func (s *shape) sequence(n *ast.SequenceNode, t reflect.Type, path string, depth int) {
	if !s.fits(n, t, reflect.Slice, path, depth) {
		return
	}
	for i, v := range n.Values {
		s.walk(v, t.Elem(), fmt.Sprintf("%s[%d]", path, i), depth)
	}
}

func (s *shape) scalar(n ast.Node, t reflect.Type, path string) {
	_, number := n.(*ast.IntegerNode)
	_, truth := n.(*ast.BoolNode)
	kind := kindOf(t)
	if kind == reflect.Int && !number || kind == reflect.Bool && !truth || kind == reflect.Struct || kind == reflect.Slice {
		s.fits(n, t, reflect.Invalid, path, 0)
	}
}

// fits reports a node whose nature is not that of the type, and one that is nested too deeply.
func (s *shape) fits(n ast.Node, t reflect.Type, is reflect.Kind, path string, depth int) bool {
	switch want := kindOf(t); {
	case depth > maxDepth:
		s.refuse(n, path, "nested too deeply", "keep to the structure of the packs that are built in")
		return false
	case want != is:
		s.refuse(n, path, "the value is of another nature", "give "+natures[want])
		return false
	}
	return true
}

var natures = map[reflect.Kind]string{
	reflect.Struct: "a mapping of keys", reflect.Slice: "a list", reflect.Int: "a whole number",
	reflect.Bool: "true or false", reflect.String: "a single value",
}

// kindOf gives the kind that a value of the type has in the file: what reads itself from text is a scalar.
func kindOf(t reflect.Type) reflect.Kind {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return reflect.String
	}
	return t.Kind()
}

// fieldsOf lists the fields of a struct by their yaml keys.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); key != "" {
			fields[key] = f.Type
		}
	}
	return fields
}
