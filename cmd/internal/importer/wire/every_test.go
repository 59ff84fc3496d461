package wire

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain"
)

var update = flag.Bool("update", false, "rewrite golden files")

// notImported are commands without a form, with the reason.
var notImported = map[string]string{
	"statistics.publish": "its figures are counted from the log, not taken from outside",
}

// commands reads from the domain's source which commands there are: the types whose Name gives a literal.
func commands(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "..", "domain", "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if name, ok := commandName(d); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// commandName reads "func (X) Name() string { return literal }".
func commandName(d ast.Decl) (string, bool) {
	f, ok := d.(*ast.FuncDecl)
	if !ok || f.Recv == nil || f.Name.Name != "Name" || f.Body == nil || len(f.Body.List) != 1 {
		return "", false
	}
	ret, ok := f.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(ret.Results) != 1 {
		return "", false
	}
	literal, ok := ret.Results[0].(*ast.BasicLit)
	if !ok {
		return "", false
	}
	name, err := strconv.Unquote(literal.Value)
	return name, err == nil
}

func TestEveryCommandOfTheDomainHasAForm(t *testing.T) {
	t.Parallel()
	all := commands(t)
	if len(all) < 34 {
		t.Fatalf("only %d commands are found in the domain's source: %v", len(all), all)
	}
	want := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return notImported[name] != "" })
	slices.Sort(want)
	if d := cmp.Diff(want, Names()); d != "" {
		t.Errorf("commands of the domain and forms (-domain +forms):\n%s", d)
	}
	for name := range notImported {
		if !slices.Contains(all, name) {
			t.Errorf("%s is left out and does not exist", name)
		}
	}
	for _, name := range Names() {
		if !strings.Contains(Format, "\n  "+name+" ") {
			t.Errorf("the help does not tell the members of %s", name)
		}
	}
}

// TestEveryPartHasAnExample proves that the examples name every command, and that between them they fill every
// part of it: a part that is added to a command of the domain needs a member here.
func TestEveryPartHasAnExample(t *testing.T) {
	t.Parallel()
	filled := map[string]map[string]bool{}
	for _, line := range lines(t) {
		c, err := Decode([]byte(line))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if !strings.Contains(line, `"command":"`+c.Name()+`"`) {
			t.Errorf("%s gives the command %q", line, c.Name())
		}
		if c.By().IsZero() {
			t.Errorf("%s lacks its operation", line)
		}
		if filled[c.Name()] == nil {
			filled[c.Name()] = map[string]bool{}
		}
		parts(filled[c.Name()], c.Name(), reflect.ValueOf(c))
	}
	for _, name := range Names() {
		if filled[name] == nil {
			t.Errorf("testdata/every-command.jsonl has no %s", name)
		}
		for part, set := range filled[name] {
			if !set {
				t.Errorf("no example of %s fills %s", name, part)
			}
		}
	}
}

// parts notes which parts of a command are not zero, in depth where the part is a struct of the domain.
func parts(into map[string]bool, path string, v reflect.Value) {
	for i := range v.NumField() {
		f, part := v.Type().Field(i), v.Field(i)
		at := path + "." + f.Name
		if part.Kind() == reflect.Struct && strings.Contains(part.Type().PkgPath(), "litopys/domain/") {
			parts(into, at, part)
			continue
		}
		into[at] = into[at] || !part.IsZero()
	}
}

// TestGolden compares what the examples decode to with what they did before.
func TestGolden(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, line := range lines(t) {
		c, err := Decode([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(c.Name() + "\n")
		golden(&b, "", reflect.ValueOf(c))
	}
	path := filepath.Join("testdata", "every-command.golden")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("the examples decode to something else (-want +got; -update rewrites):\n%s", d)
	}
}

// golden writes one part of a command a line, what is zero left out.
func golden(b *strings.Builder, path string, v reflect.Value) {
	if v.IsZero() {
		return
	}
	switch part := v.Interface().(type) {
	case domain.Value:
		text, _ := part.Reveal()
		fmt.Fprintf(b, "  %s = %q\n", path, text)
		return
	case domain.Operation:
		golden(b, path, reflect.ValueOf(part.Spec()))
		return
	case fmt.Stringer:
		fmt.Fprintf(b, "  %s = %s\n", path, part)
		return
	}
	switch v.Kind() {
	case reflect.Interface:
		golden(b, path+":"+v.Elem().Type().Name(), v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			golden(b, strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			golden(b, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	default:
		fmt.Fprintf(b, "  %s = %v\n", path, v)
	}
}
