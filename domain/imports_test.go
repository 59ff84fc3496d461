package domain_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "imagine.ua/litopys"

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

// packages lists every package of the module, broken ones included: the law is about imports, not about
// whether a neighbour compiles at this moment.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) < 5 {
		t.Fatalf("go list gives %d packages only", len(list))
	}
	return list
}

// room is the package's path inside the module: "domain/policy".
func (p pkg) room() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/") }

// under reports whether a path is the folder or lies below it.
func under(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// allowedOutside lists what the packages of domain import beside the standard library and one another.
var allowedOutside = map[string][]string{
	"domain":            {"github.com/google/uuid"},
	"domain/subject":    {"github.com/google/uuid"},
	"domain/recipient":  {"github.com/google/uuid"},
	"domain/request":    {"github.com/google/uuid"},
	"domain/statistics": {"github.com/google/uuid"},
	"domain/policy":     {"github.com/google/uuid"},
	"domain/law":        {"github.com/rickar/cal/v2"},
	"domain/ledger":     {"github.com/google/uuid", "github.com/maypok86/otter/v2"},
	"domain/domaintest": {"github.com/google/go-cmp"},

	"domain/internal/strictyaml": {"github.com/goccy/go-yaml"},
}

func TestDomainImportsLittle(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if !under(p.room(), "domain") {
			continue
		}
		allowed, known := allowedOutside[p.room()]
		if !known {
			t.Errorf("%s: say in allowedOutside what it may import", p.room())
		}
		for _, imp := range p.Imports {
			inside := under(imp, module+"/domain")
			listed := slices.ContainsFunc(allowed, func(a string) bool { return under(imp, a) })
			if !standard(imp) && !inside && !listed {
				t.Errorf("%s imports %s: a decision needs the standard library and uuid; hand it the rest as data", p.room(), imp)
			}
		}
	}
}

// impure are the packages that bring time, chance, waiting or the outside world into a decision.
var impure = []string{"context", "math/rand", "math/rand/v2", "crypto/rand", "os", "os/exec", "net", "net/http", "io/ioutil", "database/sql", "log"}

// hasDoor are the packages of domain that are not pure: ledger talks to a journal, domaintest to package testing.
var hasDoor = []string{"domain/ledger", "domain/domaintest"}

func TestDecisionsArePure(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if !under(p.room(), "domain") || slices.Contains(hasDoor, p.room()) {
			continue
		}
		for _, imp := range p.Imports {
			if slices.Contains(impure, imp) {
				t.Errorf("%s imports %s: time, chance and the outside come inside the command", p.room(), imp)
			}
		}
		for _, name := range p.GoFiles {
			for _, call := range forbiddenCalls(t, filepath.Join(p.Dir, name)) {
				t.Errorf("%s: %s: a decision knows no clock and no chance", p.room(), call)
			}
		}
	}
}

// forbiddenCalls finds uses of the clock, and of ids made by chance.
func forbiddenCalls(t *testing.T, path string) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	forbidden := map[string][]string{
		"time": {"Now", "Since", "Until", "Sleep", "After", "NewTimer", "NewTicker", "Tick"},
		"uuid": {"New", "NewString", "NewRandom", "NewUUID", "NewV6", "NewV7"},
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil && slices.Contains(forbidden[x.Name], sel.Sel.Name) {
			found = append(found, files.Position(sel.Pos()).String()+": "+x.Name+"."+sel.Sel.Name)
		}
		return true
	})
	return found
}

// arrows says what a room must not import, and why.
var arrows = []struct{ room, banned, why string }{
	{"domain", "eventstore", "a decision knows no store"},
	{"domain", "projections", "a decision knows no read model"},
	{"domain", "cmd", "doors open inward"},
	{"domain", "config", "only doors read knobs"},
	{"eventstore", "projections", "facts know no answers"},
	{"eventstore", "cmd", "doors open inward"},
	{"eventstore", "config", "only doors read knobs"},
	{"projections", "cmd", "doors open inward"},
	{"projections", "config", "only doors read knobs"},
	{"config", "domain", "knobs are plain values"},
	{"config", "eventstore", "knobs are plain values"},
	{"config", "projections", "knobs are plain values"},
	{"config", "cmd", "doors open inward"},
}

func TestArrowsPointInward(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, a := range arrows {
			for _, imp := range p.Imports {
				if under(p.room(), a.room) && under(imp, module+"/"+a.banned) {
					t.Errorf("%s imports %s: %s", p.room(), imp, a.why)
				}
			}
		}
	}
}

// alone says which rooms may import a library; all others must not.
var alone = map[string][]string{
	"github.com/spf13/viper":                     {"config"},
	"github.com/EventStore/EventStore-Client-Go": {"eventstore/esdb"},
	"github.com/goccy/go-yaml":                   {"domain/internal/strictyaml"},
	"github.com/rickar/cal":                      {"domain/law"},
	"github.com/maypok86/otter":                  {"domain/ledger", "eventstore/keys"},
}

func TestSomeLibrariesStayInTheirRooms(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			for library, rooms := range alone {
				at := func(room string) bool { return under(p.room(), room) }
				if under(imp, library) && !slices.ContainsFunc(rooms, at) {
					t.Errorf("%s imports %s, which belongs in %s only", p.room(), imp, strings.Join(rooms, ", "))
				}
			}
		}
	}
}

// TestPackageTestingStaysOutOfBinaries: what imports testing serves tests, and only its like may import it.
func TestPackageTestingStaysOutOfBinaries(t *testing.T) {
	t.Parallel()
	list := packages(t)
	forTests := map[string]bool{}
	for _, p := range list {
		if slices.Contains(p.Imports, "testing") {
			forTests[p.ImportPath] = true
		}
	}
	for _, p := range list {
		for _, imp := range p.Imports {
			if forTests[imp] && !forTests[p.ImportPath] {
				t.Errorf("%s imports %s, which imports testing", p.room(), imp)
			}
		}
	}
}

func TestEachFolderHasOnePackageDoc(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		docs := 0
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if file.Doc != nil {
				docs++
			}
		}
		if len(p.GoFiles) > 0 && docs != 1 {
			t.Errorf("%s has %d package comments, want one", p.room(), docs)
		}
	}
}

func TestTheHouseHasItsRoomsOnly(t *testing.T) {
	t.Parallel()
	rooms := []string{"cmd", "config", "domain", "eventstore", "projections"}
	files := []string{"go.mod", "go.sum", "README.md", "LICENSE", "Makefile", "CHANGELOG.md", "compose.yaml", "Dockerfile"}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "."):
		case strings.HasSuffix(name, ".go"):
			t.Errorf("%s stands at the root; Go lives in the rooms", name)
		case e.IsDir() && !slices.Contains(rooms, name) && holdsGo(t, filepath.Join("..", name)):
			t.Errorf("the folder %s holds Go and is no room of the house", name)
		case !e.IsDir() && !slices.Contains(files, name):
			t.Logf("the file %s is not one that the house knows", strconv.Quote(name))
		}
	}
}

func holdsGo(t *testing.T, dir string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		found = found || strings.HasSuffix(path, ".go")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
