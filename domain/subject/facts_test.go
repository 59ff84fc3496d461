package subject_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
)

// commands is one of every command that records an operation on personal data, without its operation.
var commands = []interface {
	Name() string
	By() domain.Operation
}{
	subject.Register{}, subject.Collect{}, subject.Dispute{}, subject.Rectify{}, subject.Identify{}, subject.Edit{}, subject.Delete{},
	subject.Close{}, subject.GrantConsent{}, subject.WithdrawConsent{}, subject.PlaceOrder{}, subject.ExecuteOrder{}, subject.CancelOrder{},
	subject.Publish{}, subject.WithdrawPublication{}, subject.Use{}, subject.View{}, subject.Transfer{}, subject.PlaceHold{},
	subject.ReleaseHold{}, subject.EndRetention{}, subject.Disclose{}, subject.Restrict{}, subject.LiftRestriction{}, subject.Object{},
	subject.WithdrawObjection{}, subject.GiveNotice{}, subject.AddText{},
	recipient.Add{}, recipient.Change{},
	request.Receive{}, request.Approve{}, request.Extend{}, request.Answer{},
}

// TestOrder_1_02_14_NoOperationWithoutItsFacts: the record of an operation names date and time, who did it,
// purpose and grounds. No command can be built without them, and none that lacks them is recorded.
func TestOrder_1_02_14_NoOperationWithoutItsFacts(t *testing.T) {
	t.Parallel()
	for fact, without := range map[string]func(*domain.OperationSpec){
		"key":     func(s *domain.OperationSpec) { s.Key = "" },
		"actor":   func(s *domain.OperationSpec) { s.Actor = domain.Actor{} },
		"time":    func(s *domain.OperationSpec) { s.At = time.Time{} },
		"purpose": func(s *domain.OperationSpec) { s.Purpose = "" },
		"grounds": func(s *domain.OperationSpec) { s.Grounds = "" },
		"service": func(s *domain.OperationSpec) { s.Service = "" },
	} {
		s := spec()
		without(&s)
		if op, err := domain.NewOperation(s); err == nil || !op.IsZero() {
			t.Errorf("an operation without %s is built", fact)
		}
	}
	for _, c := range commands {
		if !c.By().IsZero() {
			t.Errorf("%T without an operation has one", c)
		}
		if err := policy.Imagine().Permit(c.By()); err == nil {
			t.Errorf("%T without an operation is permitted", c)
		}
		if c, ok := c.(subject.Command); ok {
			if !refusedIncomplete(c, fold(subject.State{}, past()...)) {
				t.Errorf("%T without an operation is not refused as incomplete", c)
			}
		}
	}
	// Nothing of an operation can be set but through NewOperation.
	for f := range reflect.TypeFor[domain.Operation]().Fields() {
		if f.IsExported() {
			t.Errorf("the operation's %s can be set from outside", f.Name)
		}
	}
}

func refusedIncomplete(c subject.Command, s subject.State) bool {
	events, err := subject.Decide(subject.Case{Command: c, Context: subject.Context{Policy: policy.Imagine()}}, s)
	return len(events) == 0 && errors.Is(err, &domain.Refusal{Code: "operation.incomplete"})
}

// TestEveryCommandIsListed keeps the list above whole: it reads which types the packages name as commands.
func TestEveryCommandIsListed(t *testing.T) {
	t.Parallel()
	var listed []string
	for _, c := range commands {
		listed = append(listed, reflect.TypeOf(c).String())
	}
	for _, pkg := range []string{"subject", "recipient", "request"} {
		found := commandsOf(t, pkg)
		if len(found) < 2 {
			t.Fatalf("the package %s has %d commands", pkg, len(found))
		}
		for _, name := range found {
			if !slices.Contains(listed, name) {
				t.Errorf("the command %s is not tested", name)
			}
		}
	}
}

// commandsOf lists the types of a package that have a method Name, which every command has.
func commandsOf(t *testing.T, pkg string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", pkg, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, src, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "Name" {
				continue
			}
			if receiver, ok := f.Recv.List[0].Type.(*ast.Ident); ok {
				names = append(names, pkg+"."+receiver.Name)
			}
		}
	}
	return names
}
