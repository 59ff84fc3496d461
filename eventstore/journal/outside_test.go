package journal_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// outsideProgram is an app of another module: it opens a ledger, records a fact and reads it again.
const outsideProgram = `package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
)

func run(ctx context.Context, dir string) (err error) {
	j, err := journal.Open(ctx, journal.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer func() {
		if closing := j.Close(); err == nil {
			err = closing
		}
	}()
	who := domain.SubjectID{UUID: uuid.New()}
	now := time.Now()
	meta := domain.Meta{
		Actor: domain.Actor{Kind: domain.ActorSystem, ID: "app"}, OccurredAt: now, RecordedAt: now,
		Purpose: "service", Grounds: "ua.11.1.3", Service: "portal",
	}
	event := subject.Collected{Subject: who, Source: subject.BySubject, Items: []domain.Item{
		{Subject: who, Field: "email", Epoch: "1", Value: domain.ClearValue("oksana@example.com")},
	}}
	stream := domain.SubjectStream(who)
	if _, err := j.Append(ctx, stream, domain.NoStream, []ledger.Fact{{ID: uuid.New(), Meta: meta, Event: event}}); err != nil {
		return err
	}
	for r, err := range j.Events(ctx, stream, domain.NoStream) {
		if err != nil {
			return err
		}
		opened, err := j.Unseal(ctx, journal.LiveOnly, r)
		if err != nil {
			return err
		}
		value, _ := opened[0].Event.Personal()[0].Value.Reveal()
		fmt.Println("read", value)
	}
	return nil
}

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
`

// An app outside this module opens everything with public calls: no internal package stands in its way.
func TestAnotherModuleOpensALedger(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("the go tool is needed to build a program of another module: %v", err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	// The requirements are ours, so that nothing is resolved or downloaded.
	mod := strings.Replace(string(ours), "module imagine.ua/litopys", "module example.org/app", 1)
	mod += fmt.Sprintf("\nrequire imagine.ua/litopys v0.0.0\nreplace imagine.ua/litopys => %s\n", root)
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"go.mod": mod, "go.sum": string(sums), "main.go": outsideProgram} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), tool, "run", "-mod=mod", ".", filepath.Join(dir, "data"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "read oksana@example.com\n" {
		t.Errorf("%v\n%s", err, out)
	}
}
