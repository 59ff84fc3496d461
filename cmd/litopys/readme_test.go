package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeShowsTheTestedExample holds the README's snippet equal to the example that runs as a test.
func TestReadmeShowsTheTestedExample(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	readme := read(t, filepath.Join(root, "README.md"))
	example := read(t, filepath.Join(root, "domain", "ledger", "example_test.go"))
	_, snippet, found := strings.Cut(readme, "```go\n")
	snippet, _, closed := strings.Cut(snippet, "```")
	if !found || !closed || !strings.Contains(example, snippet) {
		t.Error("the first Go snippet of README.md is not in domain/ledger/example_test.go; copy it from there")
	}
	if lines := strings.Count(snippet, "\n"); lines < 10 {
		t.Errorf("the snippet has %d lines", lines)
	}
}

// TestReadmeNamesEveryCommand: what the program does, the README tells.
func TestReadmeNamesEveryCommand(t *testing.T) {
	t.Parallel()
	readme := read(t, filepath.Join("..", "..", "README.md"))
	help := litopys(t, "--help")
	_, commands, _ := strings.Cut(help, "Available Commands:\n")
	commands, _, _ = strings.Cut(commands, "\n\n")
	for _, line := range strings.Split(commands, "\n") {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name != "help" && !strings.Contains(readme, "`"+name+" ") && !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("README.md does not name %q", name)
		}
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
