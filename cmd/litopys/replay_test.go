package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"imagine.ua/litopys/eventstore/pgtest"
)

// TestReplayReaderLeaves: "litopys log replay | head" ends as such pipes do, quietly and with the ledger
// closed, and what was read are whole lines in the order of the log.
func TestReplayReaderLeaves(t *testing.T) {
	t.Parallel()
	h := house{dir: filepath.Join(t.TempDir(), "ledger")}
	importLog(t, h.dir, generated(t, 400))
	cmd := h.command("log", "replay", "--quiet")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var talk bytes.Buffer
	cmd.Stderr = &talk
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := bufio.NewReader(out)
	for want := 1; want <= 3; want++ {
		line, err := read.ReadBytes('\n')
		var x struct{ Position int }
		if err != nil || json.Unmarshal(line, &x) != nil || x.Position != want {
			t.Errorf("line %d is %s, %v", want, line, err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 141 || talk.Len() > 0 {
		t.Errorf("the replay ends with %v:\n%s", err, talk.String())
	}
	h.run(t, "log", "verify")
}

// TestReplayHoldsNoValue: nothing that was imported stands in a replay of the whole ledger.
func TestReplayHoldsNoValue(t *testing.T) {
	t.Parallel()
	h := house{dir: filepath.Join(t.TempDir(), "ledger")}
	log := generated(t, 100)
	importLog(t, h.dir, log)
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	out := h.run(t, "log", "replay")
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		address, _, _ := strings.Cut(line, " ")
		if strings.Count(address, ".") != 3 {
			continue // a line that the import has rejected
		}
		if strings.Contains(out, address) || !strings.Contains(out, `"field":"address"`) {
			t.Fatalf("the replay holds the address of %q, or none", line)
		}
	}
}

// TestHistoryFollows: a history that is followed tells what another process records, when it does, and an
// interrupt ends it well.
func TestHistoryFollows(t *testing.T) {
	t.Parallel()
	s, pg := server(t), pgtest.Shared(t)
	h := onServers(t, s, pg)
	h.env = append(h.env, "LITOPYS_ACT_ACTOR=subject:web", "LITOPYS_ACT_PURPOSE=service", "LITOPYS_ACT_GROUNDS=ua.11.1.3", "LITOPYS_ACT_SERVICE=account")
	const id, other = "0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c01", "0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c02"
	h.run(t, "init")
	h.run(t, "subject", "register", "--subject", id)
	cmd := h.command("subject", "history", id, "--follow", "--json", "--quiet")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	tells := json.NewDecoder(out)
	next := func(want string) {
		t.Helper()
		var x struct{ Type, Stream string }
		if err := tells.Decode(&x); err != nil || x.Type != want || !strings.HasSuffix(x.Stream, id) {
			t.Fatalf("the history tells %+v, %v; want %s", x, err, want)
		}
	}
	next("SubjectRegistered")
	h.run(t, "subject", "register", "--subject", other)
	h.run(t, "subject", "collect", id, "--set", "name=Olena")
	next("DataCollected")
	h.run(t, "subject", "delete", id, "--all")
	next("DataDeleted")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	// The certificate of the destroyed keys follows the deletion, and may come before the interrupt or after it.
	for {
		var x struct{ Type string }
		if err := tells.Decode(&x); errors.Is(err, io.EOF) {
			break
		} else if err != nil || x.Type != "KeysDestroyed" {
			t.Fatalf("after that the history tells %+v, %v", x, err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("a followed history ends with %v", err)
	}
}
