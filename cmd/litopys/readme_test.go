package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// block is the text between a fence of README.md that begins so and the next fence.
func block(t testing.TB, readme, fence, begins string) string {
	t.Helper()
	_, text, found := strings.Cut(readme, fence+"\n"+begins)
	text, _, closed := strings.Cut(text, "```")
	if !found || !closed {
		t.Fatalf("README.md has no block %s that begins with %q", fence, begins)
	}
	return begins + text
}

// TestReadmeShowsTheTestedExample holds what the README's program does equal to the example that runs as a test, and
// as short as it is promised to be.
func TestReadmeShowsTheTestedExample(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	program := block(t, read(t, filepath.Join(root, "README.md")), "```go", "")
	example := read(t, filepath.Join(root, "domain", "ledger", "example_test.go"))
	at, end := strings.Index(program, "// agreed is "), strings.Index(program, "func main()")
	if at < 0 || end < at || !strings.Contains(example, program[at:end]) {
		t.Error("agreed and record of README.md are not those of domain/ledger/example_test.go; copy them from there")
	}
	_, body, _ := strings.Cut(program, "\nfunc record(")
	body, _, whole := strings.Cut(body, "\n}\n")
	if lines := strings.Count(body, "\n") + 2; !whole || lines < 15 || lines >= 30 {
		t.Errorf("open, register, collect, consent and transfer take %d lines; want fewer than 30", lines)
	}
}

// TestReadmesProgramRunsInAnotherModule pastes the program into a module of its own, made by the lines beside it.
// Only "go mod tidy" is replaced by the requirements of this module, so that nothing is looked up or downloaded.
func TestReadmesProgramRunsInAnotherModule(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	readme, dir := read(t, filepath.Join(root, "README.md")), t.TempDir()
	write(t, filepath.Join(dir, "main.go"), block(t, readme, "```go", "package main\n"))
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	for line := range strings.Lines(block(t, readme, "```", "go mod init ")) {
		command, promised, _ := strings.Cut(strings.TrimSpace(line), "#")
		args := strings.Fields(strings.ReplaceAll(command, "../litopys", root))[1:]
		switch strings.Join(args, " ") {
		case "mod tidy":
			_, required, _ := strings.Cut(read(t, filepath.Join(root, "go.mod")), "\nrequire ")
			made := read(t, filepath.Join(dir, "go.mod"))
			write(t, filepath.Join(dir, "go.mod"), made+"\nrequire imagine.ua/litopys v0.0.0\nrequire "+required)
			write(t, filepath.Join(dir, "go.sum"), read(t, filepath.Join(root, "go.sum")))
		case "run .":
			want := strings.TrimSpace(promised) + "\n"
			if got := run("run", "-mod=mod", "."); got != want || len(want) < 10 {
				t.Errorf("the program prints %q, and README.md promises %q", got, want)
			}
			return
		default:
			run(args...)
		}
	}
	t.Error("README.md does not say how to run the program")
}

// TestReadmeNamesEveryCommand: what the program does, the README tells.
func TestReadmeNamesEveryCommand(t *testing.T) {
	t.Parallel()
	readme := read(t, filepath.Join("..", "..", "README.md"))
	help := litopys(t, "--help")
	_, commands, _ := strings.Cut(help, "Available Commands:\n")
	commands, _, _ = strings.Cut(commands, "\n\n")
	for _, line := range strings.Split(commands, "\n") {
		if strings.HasPrefix(line, "   ") {
			continue // the rest of a sentence
		}
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

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
