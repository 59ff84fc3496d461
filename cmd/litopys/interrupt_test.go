package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestImportInterrupted: an interrupt stops an import between two batches, says so, accounts for what was
// recorded, and another run finishes it.
func TestImportInterrupted(t *testing.T) {
	t.Parallel()
	log := generated(t, 400)
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "ledger")
	cmd := exec.Command(binary, "--dir", dir, "import", "access-log", "-", "--rejects", filepath.Join(t.TempDir(), "rejects"))
	cmd.Env = append(os.Environ(), "LITOPYS_IMPORT_BATCH=5")
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var answer, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &answer, &talk
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	half := bytes.LastIndexByte(text[:len(text)/2], '\n') + 1
	if _, err := input.Write(text[:half]); err != nil {
		t.Fatal(err)
	}
	for grown(dir) < 64<<10 {
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	// The program may wait for more, so it gets more, line by line, until it has ended.
	for line := range bytes.Lines(text[half:]) {
		if _, err := input.Write(line); err != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	_ = input.Close()
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(talk.String(), "interrupted: ") {
		t.Errorf("exit code %d, want 1\n%s", code, talk.String())
	}
	if !strings.Contains(answer.String(), "imported") {
		t.Errorf("what was recorded is not accounted for: %q", answer.String())
	}
	importLog(t, dir, log)
	want, _ := visits(t, log)
	if d := cmp.Diff(want, recorded(t, dir)); d != "" {
		t.Errorf("the ledger differs from one run (-want +got):\n%.2000s", d)
	}
}
