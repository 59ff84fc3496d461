package main_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ended runs the program with its answer going to out, and gives the exit code and what it says.
func ended(t testing.TB, out *os.File, args ...string) (int, string) {
	t.Helper()
	var talk bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Stdout, cmd.Stderr = out, &talk
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), talk.String()
}

// TestFullDiskForAnAnswer: what "litopys log verify > report" could not write is a failure.
func TestFullDiskForAnAnswer(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("this system has no device that is always full: %v", err)
	}
	defer full.Close()
	dir := filepath.Join(t.TempDir(), "data")
	for _, args := range [][]string{{"init", "--dir", dir}, {"log", "verify", "--dir", dir}, {"policy", "show"}, {"--help"}} {
		if code, said := ended(t, full, args...); code != 1 || !strings.Contains(said, "the answer is not whole") {
			t.Errorf("%v ends with %d and says:\n%s", args, code, said)
		}
	}
}

// TestClosedPipe: behind "| head" the program says nothing and ends as cat does, but it closes the ledger before.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	for _, args := range [][]string{{"init", "--dir", dir}, {"log", "verify", "--dir", dir}, {"policy", "show"}} {
		if code, said := ended(t, writer, args...); code != 141 || said != "" {
			t.Errorf("%v ends with %d and says:\n%s", args, code, said)
		}
	}
}
