package policy

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"imagine.ua/litopys/domain/law"
)

// shape is what a walk over the syntax tree finds before anything is decoded: the line of every path, and
// all keys that do not belong. The decoder alone would stop at the first.
type shape struct {
	lines    map[string]int
	problems []Problem
	// unreadable: values are of the wrong nature, so checking their content would only add noise.
	unreadable bool
}

// maxDepth is far beyond the deepest path of a policy; deeper nesting is an attack on the walk.
const maxDepth = 16

func checkShape(root ast.Node) *shape {
	s := &shape{lines: map[string]int{}}
	s.walk(root, reflect.TypeFor[Policy](), "", 0)
	return s
}

func (s *shape) report(n ast.Node, path, message, remedy string) {
	s.problems = append(s.problems, Problem{Line: lineOf(n), Path: path, Message: message, Remedy: remedy})
}

func (s *shape) walk(n ast.Node, t reflect.Type, path string, depth int) {
	if depth > maxDepth {
		s.unreadable = true
		s.report(n, path, "nested too deeply", "keep to the structure of the built-in policy")
		return
	}
	if _, seen := s.lines[path]; !seen {
		s.lines[path] = lineOf(n)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		s.mapping(n.Values, t, path, depth)
	case *ast.MappingValueNode:
		s.mapping([]*ast.MappingValueNode{n}, t, path, depth)
	case *ast.SequenceNode:
		s.sequence(n, t, path, depth)
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		s.unreadable = true
		s.report(n, path, "anchors, aliases and tags are not taken", "write the value out")
	default:
		s.scalar(n, t, path)
	}
}

// plainText are the types that are written as a scalar though they are structs.
var plainText = map[reflect.Type]bool{reflect.TypeFor[Date](): true, reflect.TypeFor[law.Term](): true}

func (s *shape) scalar(n ast.Node, t reflect.Type, path string) {
	if _, null := n.(*ast.NullNode); null {
		s.unreadable = true
		s.report(n, path, "the key has no value", "give it one or remove the key")
		return
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Map:
		if !plainText[t] {
			s.wrong(n, t, path)
		}
	case reflect.Int:
		if _, ok := n.(*ast.IntegerNode); !ok {
			s.wrong(n, t, path)
		}
	case reflect.Bool:
		if _, ok := n.(*ast.BoolNode); !ok {
			s.wrong(n, t, path)
		}
	}
}

func (s *shape) wrong(n ast.Node, t reflect.Type, path string) {
	s.unreadable = true
	want := map[reflect.Kind]string{
		reflect.Struct: "a mapping of keys", reflect.Map: "a mapping of keys", reflect.Slice: "a list",
		reflect.Int: "a whole number", reflect.Bool: "true or false",
	}[t.Kind()]
	if want == "" || plainText[t] {
		want = "a single value"
	}
	s.report(n, path, "the value is of another nature", "give "+want)
}

func (s *shape) sequence(n *ast.SequenceNode, t reflect.Type, path string, depth int) {
	if t.Kind() != reflect.Slice {
		s.wrong(n, t, path)
		return
	}
	for i, v := range n.Values {
		s.walk(v, t.Elem(), fmt.Sprintf("%s[%d]", path, i), depth+1)
	}
}

func (s *shape) mapping(values []*ast.MappingValueNode, t reflect.Type, path string, depth int) {
	if plainText[t] || t.Kind() != reflect.Struct && t.Kind() != reflect.Map {
		if len(values) > 0 {
			s.wrong(values[0], t, path)
		}
		return
	}
	known := keysOf(t)
	seen := map[string]bool{}
	for _, v := range values {
		key := v.Key.String()
		if tok := v.Key.GetToken(); tok != nil {
			key = tok.Value
		}
		at := key
		if path != "" {
			at = path + "." + key
		}
		if seen[key] {
			s.report(v.Key, at, "the key is given twice", "keep one of them")
			s.unreadable = true
			continue
		}
		seen[key] = true
		elem, ok := known[key]
		if t.Kind() == reflect.Map {
			elem, ok = t.Elem(), true
		}
		if !ok {
			s.report(v.Key, at, "unknown key", "remove it or correct its spelling")
			continue
		}
		s.lines[at] = lineOf(v.Key)
		s.walk(v.Value, elem, at, depth+1)
	}
}

// keysOf lists the keys of a struct by its yaml tags.
func keysOf(t reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	if t.Kind() != reflect.Struct {
		return keys
	}
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" {
			keys[name] = f.Type
		}
	}
	return keys
}
