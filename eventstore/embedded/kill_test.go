package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
)

// childFolder names the folder to a re-executed test binary, which then is the process to kill.
const childFolder = "LITOPYS_TEST_APPEND_TO"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		appendUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// childConfig makes run files, merges and checkpoints frequent, so that many kills fall into them.
func childConfig(dir string) embedded.Config {
	return embedded.Config{Dir: dir, TailEvents: 20, CheckpointPages: 8, Logger: quiet()}
}

// appendUntilKilled appends from several goroutines, batches of three, and prints each acknowledged batch.
func appendUntilKilled(dir string) {
	ctx := context.Background()
	s, err := embedded.Open(ctx, childConfig(dir))
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for n := range 4 {
		go func() {
			stream := fmt.Sprintf("s%d", n)
			for {
				head, err := s.StreamHead(ctx, stream)
				if err == nil {
					_, err = s.Append(ctx, stream, head, events(fmt.Sprintf("%s/%d", stream, head+1), 3))
				}
				if err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				// One write a line: a kill cuts a line, but does not mix two.
				fmt.Printf("done %s %d\n", stream, head+3)
			}
		}()
	}
	select {}
}

// TestKilledProcessLosesNothingAcknowledged kills a real process at random moments, again and again on the
// same folder, each time in the middle of its appends.
func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	acknowledged := map[string]int64{}
	for range 12 {
		runAndKill(t, dir, 1+rng.IntN(60), acknowledged)
		audit(t, dir, acknowledged)
	}
}

// runAndKill starts a child, waits for so many acknowledgements and kills it.
func runAndKill(t testing.TB, dir string, wait int, acknowledged map[string]int64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childFolder+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	// After the kill, what the child had printed before it died still counts.
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		var stream string
		var rev int64
		if _, err := fmt.Sscanf(line, "done %s %d", &stream, &rev); err != nil {
			t.Fatalf("child: %s", strings.TrimSpace(line))
		}
		acknowledged[stream] = max(acknowledged[stream], rev)
		if seen++; seen == wait {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // "signal: killed" is what is wanted
}

// audit opens the folder and checks every record, that batches are whole and that all acknowledged ones
// are there.
func audit(t testing.TB, dir string, acknowledged map[string]int64) {
	t.Helper()
	log, err := readEverything(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	heads := map[string]int64{}
	for _, r := range log {
		heads[r.Stream] = r.Revision
		want := events(fmt.Sprintf("%s/%d", r.Stream, r.Revision-r.Revision%3), 3)[r.Revision%3]
		if r.ID != want.ID || string(r.Data) != string(want.Data) {
			t.Fatalf("record %d is not what was appended", r.Position)
		}
	}
	for stream, rev := range acknowledged {
		if heads[stream] < rev {
			t.Errorf("%s: acknowledged up to %d, found up to %d", stream, rev, heads[stream])
		}
	}
	for stream, head := range heads {
		if head%3 != 2 {
			t.Errorf("%s ends inside a batch, at revision %d", stream, head)
		}
	}
}

// TestSecondProcessIsToldWhoHasTheFolder holds a folder in a child process.
func TestSecondProcessIsToldWhoHasTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childFolder+"="+dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "done") {
		t.Fatalf("child: %q, %v", line, err)
	}
	_, err = embedded.Open(t.Context(), embedded.Config{Dir: dir})
	if !isLockedBy(err, cmd.Process.Pid) {
		t.Errorf("open beside process %d: %v", cmd.Process.Pid, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	s := open(t, embedded.Config{Dir: dir})
	if _, err := s.Head(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "litopys.lock")); err != nil {
		t.Error(err)
	}
}

func isLockedBy(err error, pid int) bool {
	return errors.Is(err, eventstore.ErrLocked) && strings.Contains(err.Error(), fmt.Sprintf("pid=%d", pid))
}
