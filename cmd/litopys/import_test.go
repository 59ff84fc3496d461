package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/cmd/internal/importer/accesslog"
)

// report is what "import --json" answers.
type report struct{ Lines, Imported, Already, Rejected int }

// litopys runs the program and gives its standard output; any exit code but 0 fails the test.
func litopys(t testing.TB, args ...string) string {
	t.Helper()
	out, talk, code := try(t, args...)
	if code != 0 {
		t.Fatalf("litopys %s: exit code %d\n%s", strings.Join(args, " "), code, talk)
	}
	return out
}

func try(t testing.TB, args ...string) (out, talk string, code int) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

func importLog(t testing.TB, dir, log string) report {
	t.Helper()
	out := litopys(t, "--dir", dir, "--json", "import", "access-log", log, "--rejects", filepath.Join(t.TempDir(), "rejects"))
	var r report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Imported+r.Already+r.Rejected != r.Lines {
		t.Errorf("lines are not accounted for: %+v", r)
	}
	return r
}

// generated writes a log with repeated visitors, identical lines and some odd ones.
func generated(t testing.TB, lines int) string {
	t.Helper()
	var text strings.Builder
	dice := rand.New(rand.NewPCG(7, 11))
	at := time.Date(2025, 12, 30, 8, 0, 0, 0, time.UTC)
	for i := range lines {
		at = at.Add(time.Duration(dice.IntN(120)) * time.Second)
		n := dice.IntN(lines / 8)
		line := fmt.Sprintf("10.%d.%d.%d - - [%s] \"GET /goods/%d-of-interest HTTP/1.1\" 200 77 \"https://example.org/from/%d\" \"GeneratedAgent/%d.%d\"\n",
			n/200, n%200, 10+n%90, at.Format("02/Jan/2006:15:04:05 -0700"), dice.IntN(300), dice.IntN(50), 10+n%7, n%3)
		text.WriteString(line)
		if i%50 == 0 {
			text.WriteString(line)
		}
		if i%170 == 0 {
			text.WriteString("an odd line\n")
		}
	}
	path := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// real gives the log of a real server, or skips.
func real(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("LITOPYS_TEST_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, "access.log")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no real log: %v (set LITOPYS_TEST_DATA to its folder)", err)
	}
	return path
}

// visits tells, for every visitor of a log, how often he did what; and how many lines are odd.
func visits(t testing.TB, log string) (map[string][]string, int) {
	t.Helper()
	file, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	out, odd := map[string][]string{}, 0
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		v, err := accesslog.Parse(scanner.Bytes())
		if err != nil {
			odd++
			continue
		}
		out[v.Visitor()] = append(out[v.Visitor()], v.At.Format(time.RFC3339)+" "+v.Page+" "+v.Referrer)
	}
	for _, list := range out {
		slices.Sort(list)
	}
	return out, odd
}

func TestImportGenerated(t *testing.T) {
	t.Parallel()
	checkImport(t, generated(t, 1500))
}

func TestImportReal(t *testing.T) {
	t.Parallel()
	checkImport(t, real(t))
}

// checkImport imports a log twice and looks for its text in every byte of the data folder.
func checkImport(t *testing.T, log string) {
	dir := filepath.Join(t.TempDir(), "ledger")
	want, odd := visits(t, log)
	total := 0
	for _, list := range want {
		total += len(list)
	}
	first := importLog(t, dir, log)
	if d := cmp.Diff(report{total + odd, total, 0, odd}, first); d != "" {
		t.Errorf("first run (-want +got):\n%s", d)
	}
	litopys(t, "--dir", dir, "projection", "rebuild")
	if d := cmp.Diff(report{total + odd, 0, total, odd}, importLog(t, dir, log)); d != "" {
		t.Errorf("second run (-want +got):\n%s", d)
	}
	litopys(t, "--dir", dir, "transfer", "export")
	litopys(t, "--dir", dir, "log", "verify")
	if d := cmp.Diff(want, recorded(t, dir)); d != "" {
		t.Errorf("the ledger holds other visits than the log (-log +ledger):\n%.2000s", d)
	}
	nothingInClear(t, dir, clearTexts(t, log))
}

// clearTexts lists what of a log must not be found in a data folder: whatever is long enough not to be
// there by chance.
func clearTexts(t testing.TB, log string) []string {
	t.Helper()
	file, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	set := map[string]bool{}
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		v, err := accesslog.Parse(scanner.Bytes())
		if err != nil {
			continue
		}
		for _, text := range []string{v.Address, v.Page, v.Referrer, v.Browser} {
			if len(text) >= 8 {
				set[text] = true
			}
		}
	}
	var out []string
	for text := range set {
		out = append(out, text)
	}
	return out
}

// nothingInClear reads every byte of every file of the folder. It looks for each text by its first eight
// bytes, then for the whole of it.
func nothingInClear(t testing.TB, dir string, texts []string) {
	t.Helper()
	if len(texts) < 10 {
		t.Fatalf("only %d texts to look for", len(texts))
	}
	starts := map[[8]byte][]string{}
	for _, text := range texts {
		key := [8]byte([]byte(text[:8]))
		starts[key] = append(starts[key], text)
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for i := 0; i+8 <= len(content); i++ {
			for _, text := range starts[[8]byte(content[i:i+8])] {
				if bytes.HasPrefix(content[i:], []byte(text)) {
					t.Errorf("%s holds the imported text %q in clear at byte %d", path, text, i)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestImportKilled kills the program at several moments of an import and runs it again: the ledger must be
// the one of an import that ran through.
func TestImportKilled(t *testing.T) {
	t.Parallel()
	log := generated(t, 1200)
	want, odd := visits(t, log)
	for _, after := range []int64{1, 150 << 10, 700 << 10, 1500 << 10} {
		t.Run(fmt.Sprintf("after %d bytes", after), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "ledger")
			killImport(t, dir, log, after)
			r := importLog(t, dir, log)
			if r.Rejected != odd {
				t.Errorf("%d lines are rejected, want %d", r.Rejected, odd)
			}
			t.Logf("the killed run had recorded %d of %d lines", r.Already, r.Lines)
			if d := cmp.Diff(want, recorded(t, dir)); d != "" {
				t.Errorf("the ledger differs from one run (-want +got):\n%.2000s", d)
			}
			litopys(t, "--dir", dir, "log", "verify")
		})
	}
}

// killImport feeds the log through standard input, which it keeps open, and kills the program (SIGKILL) when
// the log of events has grown to so many bytes: somewhere within a batch.
func killImport(t testing.TB, dir, log string, size int64) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "--dir", dir, "import", "access-log", "-", "--rejects", filepath.Join(t.TempDir(), "rejects"))
	cmd.Env = append(os.Environ(), "LITOPYS_IMPORT_BATCH=50")
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		_, _ = input.Write(text) // fails when the program dies, which it must
	}()
	for grown(dir) < size {
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-fed
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the program ended by itself: %v", err)
	}
}

// grown is how many bytes the log of events has, its write-ahead log included.
func grown(dir string) (size int64) {
	for _, name := range []string{"events.db", "events.db-wal"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			size += info.Size()
		}
	}
	return size
}
