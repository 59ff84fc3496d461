package main_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"imagine.ua/litopys/eventstore/pgtest"
)

// runner is a "projection run" under way.
type runner struct {
	cmd  *exec.Cmd
	says *bufio.Scanner // its talk, line by line
}

func (h house) runner(t testing.TB) *runner {
	t.Helper()
	cmd := h.command("projection", "run", "--log-level", "info")
	talk, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return &runner{cmd, bufio.NewScanner(talk)}
}

// hears waits until the runner says something, and gives what it said until then.
func (r *runner) hears(t testing.TB, want string) string {
	t.Helper()
	var all strings.Builder
	for r.says.Scan() {
		all.WriteString(r.says.Text() + "\n")
		if strings.Contains(r.says.Text(), want) {
			return all.String()
		}
	}
	t.Fatalf("the runner ended without %q:\n%s", want, all.String())
	return ""
}

// TestRunners: one of two leads; when it is killed the other takes over, and what was recorded meanwhile
// comes into the answers. Commands work beside them, and an interrupt ends a runner cleanly.
func TestRunners(t *testing.T) {
	t.Parallel()
	s, pg := server(t), pgtest.Shared(t)
	one := onServers(t, s, pg)
	one.run(t, "init")
	first := one.runner(t)
	first.hears(t, "this runner leads")
	second := one.runner(t)
	second.hears(t, "another runner leads")
	one.run(t, "import", "access-log", generated(t, 400), "--rejects", filepath.Join(t.TempDir(), "rejects"))
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.cmd.Wait() // it was killed
	second.hears(t, "this runner leads")
	one.level(t)
	if err := second.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for second.says.Scan() { // to its end, before Wait closes the pipe
	}
	if err := second.cmd.Wait(); err != nil {
		t.Errorf("an interrupted runner ends with %v", err)
	}
}

// TestAnswersOfAnotherLedger: on a server nothing is put aside, so status says whose the rows are and ends as every
// question does.
func TestAnswersOfAnotherLedger(t *testing.T) {
	t.Parallel()
	answers := "LITOPYS_ANSWERS_URL=" + pgtest.Shared(t).Database(t)
	one, two := house{dir: t.TempDir(), env: []string{answers}}, house{dir: t.TempDir(), env: []string{answers}}
	one.run(t, "init")
	one.run(t, "recipient", "list")
	two.run(t, "init")
	for _, args := range [][]string{{"projection", "status"}, {"--json", "projection", "status"}, {"recipient", "list"}} {
		out, talk, code := two.try(t, args...)
		if code != 5 || strings.Count(talk, "name this ledger's own database in answers.url") != 1 {
			t.Errorf("%v ends with %d:\n%s%s", args, code, out, talk)
		}
		if args[len(args)-1] == "status" && !strings.Contains(out, "notices") {
			t.Errorf("%v shows no answers:\n%s", args, out)
		}
	}
	one.run(t, "projection", "status")
}

// TestCheckOnServers: each server has one line, which says what is wrong and no password.
func TestCheckOnServers(t *testing.T) {
	t.Parallel()
	s, pg := server(t), pgtest.Shared(t)
	h := onServers(t, s, pg)
	h.env = append(h.env, "LITOPYS_KMS_URL=base64key://"+base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	for range 2 {
		out := h.run(t, "config", "check")
		for _, want := range []string{"store.url: ready: ", "keys.url: ready: ", "answers.url: ready: ", "kms.url: ready: "} {
			if strings.Count(out, want) != 1 {
				t.Errorf("no line %q in:\n%s", want, out)
			}
		}
		if _, talk, code := h.try(t, "projection", "status"); code == 0 {
			t.Errorf("a question made a ledger:\n%s", talk)
		}
	}
	if n := s.Log().Records("ledger-identity"); len(n) != 0 {
		t.Error("a check or a question has written to the server")
	}
	s.Stop()
	h.env = append(h.env, "LITOPYS_ANSWERS_URL=postgres://ledger:hush%20hush@127.0.0.1:1/nowhere?password=hush", "LITOPYS_KMS_URL=base64key://hush")
	for _, args := range [][]string{{"config", "check"}, {"--json", "config", "check"}, {"config", "show"}, {"projection", "status"}, {"init"}} {
		out, talk, code := h.try(t, args...)
		if text := out + talk; strings.Contains(text, "hush") {
			t.Errorf("%v shows a secret:\n%s", args, text)
		}
		if code != 1 && args[1] != "show" {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out, talk)
		}
	}
	out, _, _ := h.try(t, "config", "check")
	for _, want := range []string{"store.url: WRONG: ", "keys.url: ready: ", "answers.url: WRONG: ", "kms.url: WRONG: "} {
		if strings.Count(out, want) != 1 {
			t.Errorf("no line %q in:\n%s", want, out)
		}
	}
}
