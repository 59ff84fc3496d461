package main_test

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
)

// recorded opens the ledger and tells, for every visitor, what he did, as visits does of a log.
func recorded(t testing.TB, dir string) map[string][]string {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}()
	marks, out := map[domain.SubjectID]string{}, map[string][]string{}
	for r, err := range j.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		opened, err := j.Unseal(t.Context(), journal.LiveOnly, r)
		if err != nil {
			t.Fatal(err)
		}
		switch e := opened[0].Event.(type) {
		case subject.Registered:
			mark, ok := e.Reference.Value.Reveal()
			if !ok {
				t.Fatalf("the mark of %s is %s", e.Subject, e.Reference.Value)
			}
			if _, twice := marks[e.Subject]; twice {
				t.Errorf("%s is registered twice", e.Subject)
			}
			marks[e.Subject] = mark
		case subject.Collected:
			v := map[domain.Field]string{}
			for _, item := range e.Items {
				v[item.Field], _ = item.Value.Reveal()
			}
			mark := marks[e.Subject]
			out[mark] = append(out[mark], v["access_time"]+" "+v["page"]+" "+v["referrer"])
			if v["address"]+"\n"+v["browser"] != mark {
				t.Errorf("a visit of %s stands in the file of another visitor", e.Subject)
			}
		default:
			t.Errorf("an import recorded %T", e)
		}
	}
	for _, list := range out {
		slices.Sort(list)
	}
	return out
}

// snapshot gives the content of every file of a folder.
func snapshot(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// copied gives a copy of a folder.
func copied(t testing.TB, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "ledger")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	// A copy is readable by others, which a local key must not be.
	if err := os.Chmod(filepath.Join(to, "local.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

func flip(t testing.TB, path string, at int64) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if at < 0 {
		at += int64(len(content))
	}
	content[at] ^= 0x40
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDamage breaks a ledger in many ways. What can't be made again ends with exit code 5, file and place,
// and is left as it was; what can be made again is.
func TestDamage(t *testing.T) {
	t.Parallel()
	sound := filepath.Join(t.TempDir(), "ledger")
	importLog(t, sound, generated(t, 400))
	litopys(t, "--dir", sound, "recipient", "list")
	other := filepath.Join(t.TempDir(), "other")
	litopys(t, "--dir", other, "init")
	for name, test := range map[string]struct {
		damage func(testing.TB, string)
		file   string // that the message names
	}{
		"a flipped byte in a record": {func(t testing.TB, dir string) { flip(t, filepath.Join(dir, "events.db"), 40_000) }, "events.db"},
		"a truncated log": {func(t testing.TB, dir string) {
			if err := os.Truncate(filepath.Join(dir, "events.db"), 30_000); err != nil {
				t.Fatal(err)
			}
		}, "events.db"},
		"a log that is gone":        {func(t testing.TB, dir string) { remove(t, dir, "events.db") }, "events.db"},
		"a key store that is gone":  {func(t testing.TB, dir string) { remove(t, dir, "keys.db") }, "keys.db"},
		"a local key that is gone":  {func(t testing.TB, dir string) { remove(t, dir, "local.key") }, "local.key"},
		"a key store of another":    {func(t testing.TB, dir string) { replace(t, dir, other, "keys.db", "local.key") }, "keys"},
		"a log of another":          {func(t testing.TB, dir string) { replace(t, dir, other, "events.db") }, "another ledger"},
		"a key store that is noise": {func(t testing.TB, dir string) { flip(t, filepath.Join(dir, "keys.db"), 3) }, "keys.db"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := copied(t, sound)
			test.damage(t, dir)
			before := snapshot(t, dir)
			out, talk, code := try(t, "--dir", dir, "log", "verify")
			if code != 5 || out != "" {
				t.Errorf("exit code %d, want 5\n%s%s", code, out, talk)
			}
			if !strings.Contains(talk, test.file) {
				t.Errorf("the message does not name %s: %s", test.file, talk)
			}
			changedOnly(t, before, snapshot(t, dir))
		})
	}
}

// changedOnly allows what opening may touch: the lock, the derivable index and answers.
func changedOnly(t testing.TB, before, after map[string]string) {
	t.Helper()
	for name, content := range before {
		derivable := strings.HasPrefix(name, "index") || strings.HasPrefix(name, "read.db") || name == "litopys.lock" ||
			strings.HasSuffix(name, "-shm") || strings.HasSuffix(name, "-wal")
		if now, there := after[name]; !derivable && (!there || now != content) {
			t.Errorf("%s was changed", name)
		}
	}
}

func remove(t testing.TB, dir, name string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(dir, name+suffix)); err != nil && suffix == "" {
			t.Fatal(err)
		}
	}
}

func replace(t testing.TB, dir, from string, names ...string) {
	t.Helper()
	for _, name := range names {
		remove(t, dir, name)
		content, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDerivable loses and breaks what can be made again from the log.
func TestDerivable(t *testing.T) {
	t.Parallel()
	sound := filepath.Join(t.TempDir(), "ledger")
	log := generated(t, 400)
	importLog(t, sound, log)
	want := litopys(t, "--dir", sound, "projection", "rebuild", "--json")
	if !strings.Contains(want, `"events":`) {
		t.Fatal(want)
	}
	for name, damage := range map[string]func(testing.TB, string){
		"no index": func(t testing.TB, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "index")); err != nil {
				t.Fatal(err)
			}
		},
		"no answers":      func(t testing.TB, dir string) { remove(t, dir, "read.db") },
		"damaged answers": func(t testing.TB, dir string) { flip(t, filepath.Join(dir, "read.db"), 2) },
		"damaged build":   func(t testing.TB, dir string) { flip(t, buildOf(t, dir, "profile"), 2) },
		"no build": func(t testing.TB, dir string) {
			remove(t, filepath.Dir(buildOf(t, dir, "history")), filepath.Base(buildOf(t, dir, "history")))
		},
		"another's build": func(t testing.TB, dir string) {
			theirs, err := os.ReadFile(buildOf(t, dir, "notices"))
			if err == nil {
				err = os.WriteFile(buildOf(t, dir, "profile"), theirs, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := copied(t, sound)
			damage(t, dir)
			litopys(t, "--dir", dir, "transfer", "list")
			status := litopys(t, "--dir", dir, "projection", "status")
			if _, rows, _ := strings.Cut(status, "--\n"); rows == "" || strings.Count(rows, "level") != strings.Count(rows, "\n") {
				t.Errorf("the answers are not level:\n%s", status)
			}
			want, _ := visits(t, log)
			if d := cmp.Diff(want, recorded(t, dir)); d != "" {
				t.Errorf("-want +got:\n%.1000s", d)
			}
		})
	}
}

// buildOf is the file with the rows of a projection.
func buildOf(t testing.TB, dir, projection string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "read.db-builds", projection+".*.db"))
	if err != nil || len(found) != 1 {
		t.Fatalf("files of %s: %q, %v", projection, found, err)
	}
	return found[0]
}

// TestSecondProcess: who comes second is told who has the folder, and changes nothing.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ledger")
	litopys(t, "--dir", dir, "init")
	cmd := exec.Command(binary, "--dir", dir, "import", "access-log", "-", "--rejects", filepath.Join(t.TempDir(), "rejects"))
	cmd.Env = append(os.Environ(), "LITOPYS_IMPORT_BATCH=1")
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var talk bytes.Buffer
	cmd.Stderr = &talk
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The import reads its input before it opens the folder, so the first line comes first; it then holds
	// the folder until its input ends. Until it does, others may still come in.
	visit := `203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 1 "-" "Agent/1.0"` + "\n"
	if _, err := input.Write([]byte(visit + strings.Repeat("an odd line\n", 10_000))); err != nil {
		t.Fatal(err)
	}
	code, told := 0, ""
	for range 1000 {
		if _, told, code = try(t, "--dir", dir, "recipient", "list"); code != 0 {
			break
		}
	}
	if code != 1 || !strings.HasPrefix(told, "busy: ") || !strings.Contains(told, "remedy: ") {
		t.Errorf("the second process ends with %d: %s", code, told)
	}
	if want := strconv.Itoa(cmd.Process.Pid); !strings.Contains(told, want) {
		t.Errorf("%q does not name the process %s", told, want)
	}
	if err := input.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the first process: %v\n%s", err, talk.String())
	}
}
