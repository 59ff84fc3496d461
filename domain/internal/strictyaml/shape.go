package strictyaml

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// shape is what a walk over the syntax tree finds before anything is decoded: the line of every path, and every
// key and value that does not fit the type.
type shape struct {
	lines    map[string]int
	problems []Problem
	// unreadable: a value is of the wrong nature, so checking contents would only add noise.
	unreadable bool
	tooDeep    string
}

// maxDepth is far beyond the deepest path of any file here; deeper nesting is an attack on the walk.
const maxDepth = 16

func shapeOf[T any](root ast.Node, f File) *shape {
	s := &shape{lines: map[string]int{}, tooDeep: f.TooDeep}
	s.walk(root, reflect.TypeFor[T](), "", 0)
	return s
}

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
	if !s.fits(n, t, path, depth, reflect.Struct, reflect.Map) {
		return
	}
	typeOf, seen := keysOf(t), map[string]bool{}
	for _, v := range values {
		key := v.Key.String()
		if token := v.Key.GetToken(); token != nil {
			key = token.Value
		}
		at := strings.TrimPrefix(path+"."+key, ".")
		field, known := typeOf(key)
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
	if !s.fits(n, t, path, depth, reflect.Slice) {
		return
	}
	for i, v := range n.Values {
		s.walk(v, t.Elem(), fmt.Sprintf("%s[%d]", path, i), depth)
	}
}

// scalar leaves it to the decoder what a text may say; only what is written otherwise than text is looked at.
func (s *shape) scalar(n ast.Node, t reflect.Type, path string) {
	fits := true
	switch kindOf(t) {
	case reflect.Int, reflect.Int64:
		fits = whole(n, t)
	case reflect.Float64:
		fits = finite(n)
	case reflect.Bool:
		_, fits = n.(*ast.BoolNode)
	case reflect.Struct, reflect.Map, reflect.Slice:
		fits = false
	}
	if !fits {
		s.wrong(n, t, path)
	}
}

// whole tells whether a node is a whole number that the type can hold.
func whole(n ast.Node, t reflect.Type) bool {
	number, ok := n.(*ast.IntegerNode)
	if !ok {
		return false
	}
	switch x := number.Value.(type) {
	case int64:
		return !t.OverflowInt(x)
	case uint64:
		return x <= math.MaxInt64 && !t.OverflowInt(int64(x))
	}
	return false
}

// finite tells whether a node is a number that is neither endless nor none. The parser takes 1e-6 for a word, which
// YAML does not and the decoder does not either.
func finite(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return true
	case *ast.FloatNode:
		return !math.IsInf(n.Value, 0) && !math.IsNaN(n.Value)
	case *ast.StringNode:
		x, err := strconv.ParseFloat(n.Value, 64)
		return err == nil && n.GetToken().Type == token.StringType && !math.IsInf(x, 0) && !math.IsNaN(x)
	}
	return false
}

// fits reports a node whose nature is not that of the type, and one that is nested too deeply.
func (s *shape) fits(n ast.Node, t reflect.Type, path string, depth int, natures ...reflect.Kind) bool {
	if depth > maxDepth {
		s.refuse(n, path, "nested too deeply", s.tooDeep)
		return false
	}
	if !slices.Contains(natures, kindOf(t)) {
		s.wrong(n, t, path)
		return false
	}
	return true
}

func (s *shape) wrong(n ast.Node, t reflect.Type, path string) {
	want := "a single value"
	switch kindOf(t) {
	case reflect.Struct, reflect.Map:
		want = "a mapping of keys"
	case reflect.Slice:
		want = "a list"
	case reflect.Int, reflect.Int64:
		want = "a whole number"
	case reflect.Float64:
		want = "a number"
	case reflect.Bool:
		want = "true or false"
	}
	s.refuse(n, path, "the value is of another nature", "give "+want)
}

// kindOf gives the kind that a value of the type has in the file: what reads itself from text is a single value.
func kindOf(t reflect.Type) reflect.Kind {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return reflect.String
	}
	return t.Kind()
}

// keysOf tells of which type the value of a key is: a struct knows its yaml tags only, a map takes every key.
func keysOf(t reflect.Type) func(key string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return func(string) (reflect.Type, bool) { return t.Elem(), true }
	}
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); key != "" {
			fields[key] = f.Type
		}
	}
	return func(key string) (reflect.Type, bool) {
		field, known := fields[key]
		return field, known
	}
}
