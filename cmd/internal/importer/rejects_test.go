package importer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"
)

func openRejects(t testing.TB, cfg RejectsConfig) *Rejects {
	t.Helper()
	r, err := OpenRejects(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// reject writes one reject and settles it.
func reject(t testing.TB, r *Rejects, line int64) {
	t.Helper()
	r.Add(Reject{Line: line, Reason: "odd"})
	if err := r.Settle(); err != nil {
		t.Fatal(err)
	}
}

// through is a whole run with these rejects.
func through(t testing.TB, path string, lines ...int64) {
	t.Helper()
	r := openRejects(t, RejectsConfig{Path: path})
	for _, line := range lines {
		reject(t, r, line)
	}
	if err := errors.Join(r.Finish(), r.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
}

// numbers lists the rejected lines in a file, nil when there is none.
func numbers(t testing.TB, path string) []int64 {
	t.Helper()
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var list []int64
	for _, r := range readRejects(t, path) {
		list = append(list, r.Line)
	}
	return list
}

// holds compares the file of rejects and its partial file with what they should hold.
func holds(t testing.TB, when, path string, whole, partial []int64) {
	t.Helper()
	if d := cmp.Diff(whole, numbers(t, path)); d != "" {
		t.Errorf("%s: rejects (-want +got):\n%s", when, d)
	}
	if d := cmp.Diff(partial, numbers(t, path+Partial)); d != "" {
		t.Errorf("%s: partial rejects (-want +got):\n%s", when, d)
	}
}

func TestRejectsReplaceThoseOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects.jsonl")
	through(t, path, 3, 1)
	through(t, path, 2)
	holds(t, "the second run", path, []int64{2}, nil)
	through(t, path)
	holds(t, "a run without rejects", path, nil, nil)
	write(t, path, nil)
	through(t, path, 5)
	holds(t, "over an empty file", path, []int64{5}, nil)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a file for its owner alone", info, err)
	}
}

// TestRejectsOfARunThatDidNotEnd: they stand beside those of the last whole run until another goes through.
func TestRejectsOfARunThatDidNotEnd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects.jsonl")
	through(t, path, 1, 2)

	killed := openRejects(t, RejectsConfig{Path: path})
	reject(t, killed, 3)
	killed.Add(Reject{Line: 4, Reason: "not settled when the process was killed"})
	if err := errors.Join(killed.file.Close(), killed.lock.Close()); err != nil {
		t.Fatal(err)
	}
	holds(t, "killed", path, []int64{1, 2}, []int64{3})

	turnedAway := openRejects(t, RejectsConfig{Path: path})
	if err := turnedAway.Close(); err != nil || turnedAway.Path() != "" {
		t.Errorf("got %q, %v", turnedAway.Path(), err)
	}
	holds(t, "turned away before its first line", path, []int64{1, 2}, []int64{3})

	failed := openRejects(t, RejectsConfig{Path: path})
	reject(t, failed, 5)
	failed.Add(Reject{Line: 6, Reason: "odd"})
	if err := errors.Join(failed.Close(), failed.Close()); err != nil || failed.Path() != path+Partial {
		t.Errorf("got %q, %v", failed.Path(), err)
	}
	holds(t, "failed", path, []int64{1, 2}, []int64{5, 6})

	through(t, path)
	holds(t, "run again without rejects", path, nil, nil)
	write(t, path+Partial, []byte(`{"line":7,"off`)) // a full disk cut it off
	through(t, path, 8)
	holds(t, "run again", path, []int64{8}, nil)
}

func TestRejectsOfTwoImportsAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects.jsonl")
	first, second, idle := openRejects(t, RejectsConfig{Path: path}), openRejects(t, RejectsConfig{Path: path}), openRejects(t, RejectsConfig{Path: path})
	reject(t, first, 1)
	second.Add(Reject{Line: 2, Reason: "odd"})
	if err := second.Settle(); !errors.Is(err, ErrPlace) || !strings.Contains(err.Error(), "another import") {
		t.Errorf("got %v, want ErrPlace", err)
	}
	if told, finished := second.Close(), second.Finish(); told != nil || !errors.Is(finished, ErrPlace) || second.Path() != "" {
		t.Errorf("afterwards: %v, %v, rejects in %q", told, finished, second.Path())
	}
	if err := idle.Finish(); err != nil {
		t.Errorf("an import without rejects: %v", err)
	}
	if err := first.Finish(); err != nil {
		t.Fatal(err)
	}
	holds(t, "the first", path, []int64{1}, nil)
}

// TestRejectsKeepAway tries every place where something else would be lost.
func TestRejectsKeepAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	folder := at("ledger")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Mkdir(at("folder"), 0o700), os.Mkdir(at("a-folder"+Partial), 0o700)); err != nil {
		t.Fatal(err)
	}
	files := []string{at("in.log"), at("notes"), at("answer"), at("ledger/events.db"), at("ledger/empty"), at("list.jsonl")}
	for _, path := range files {
		write(t, path, []byte("of "+path+"\n"))
	}
	write(t, at("ledger/empty"), nil)
	write(t, at("answer"), nil)
	write(t, at("list.jsonl"), []byte(`{"line":1,"reason":"odd","more":2}`+"\n"))
	for name, target := range map[string]string{"to-input": "in.log", "to-log": "ledger/events.db", "to-empty": "ledger/empty",
		"nowhere": "absent", "to-folder": "ledger", "loop": "loop"} {
		if err := os.Symlink(target, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"hard": "in.log", "partial" + Partial: "in.log", "hard-log": "ledger/events.db"} {
		if err := os.Link(at(target), at(name)); err != nil {
			t.Fatal(err)
		}
	}
	in, err := Open(at("in.log"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	answer, err := os.Open(at("answer"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Close()
	before := contents(t, files)
	for path, why := range map[string]string{
		at("in.log"): "is the input itself", dir + "/./folder/../in.log": "is the input itself", at("to-input"): "is the input itself",
		at("hard"): "is the input itself", at("partial"): "is the input itself",
		at("ledger/events.db"): "in the data folder", at("ledger/new"): "in the data folder", at("to-log"): "in the data folder",
		at("to-empty"): "in the data folder", at("to-folder/new"): "in the data folder", at("folder/../ledger/new"): "in the data folder",
		at("notes"): "does not hold rejects", at("list.jsonl"): "does not hold rejects", at("hard-log"): "does not hold rejects",
		at("nowhere"): "leads nowhere", at("loop"): "leads nowhere", at("folder"): "is a folder", at("a-folder"): "is a folder",
		at("answer"): "the answer goes to",
	} {
		_, err := OpenRejects(RejectsConfig{Path: path, Input: in, Folder: folder, Answers: []*os.File{nil, answer}})
		if !errors.Is(err, ErrPlace) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: got %v, want %q", path, err, why)
		}
	}
	if d := cmp.Diff(before, contents(t, files)); d != "" {
		t.Errorf("files were changed (-before +after):\n%s", d)
	}
}

func contents(t testing.TB, paths []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[path] = string(text)
	}
	return out
}

// TestRejectsKeepAwayToTheEnd: what somebody else puts there during the run stays.
func TestRejectsKeepAwayToTheEnd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects.jsonl")
	r := openRejects(t, RejectsConfig{Path: path})
	reject(t, r, 1)
	write(t, path, []byte("letters\n"))
	if err := r.Finish(); !errors.Is(err, ErrPlace) {
		t.Errorf("got %v, want ErrPlace", err)
	}
	if err := r.Close(); err != nil || r.Path() != path+Partial {
		t.Errorf("got %q, %v", r.Path(), err)
	}
	if text, err := os.ReadFile(path); string(text) != "letters\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if d := cmp.Diff([]int64{1}, numbers(t, path+Partial)); d != "" {
		t.Error(d)
	}
}

// TestRejectsBehindALink: the file behind the link is replaced, and the link stays.
func TestRejectsBehindALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "rejects.jsonl"), filepath.Join(dir, "link")
	through(t, path, 1)
	if err := os.Symlink("rejects.jsonl", link); err != nil {
		t.Fatal(err)
	}
	through(t, link, 2)
	holds(t, "through the link", path, []int64{2}, nil)
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
}

func TestRejectsNeedAFolderThatMayBeWritten(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	if _, err := NewRejects(filepath.Join(folder, "r")); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v, want a refusal of permission", err)
	}
	if _, err := NewRejects(filepath.Join(folder, "absent", "r")); err == nil {
		t.Error("an absent folder is taken")
	}
}

// TestRejectsOfAnImportThatJustEnded: the file that was opened under the partial name is the whole one by now.
func TestRejectsOfAnImportThatJustEnded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects.jsonl")
	other := openRejects(t, RejectsConfig{Path: path})
	reject(t, other, 1)
	opened, err := os.OpenFile(path+Partial, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if err := other.Finish(); err != nil {
		t.Fatal(err)
	}
	lock := flock.New(path + Partial)
	if mine, err := lock.TryLock(); err != nil || !mine {
		t.Fatalf("lock: %v, %v", mine, err)
	}
	if err := sameFile(lock, opened); !errors.Is(err, ErrPlace) {
		t.Errorf("got %v, want ErrPlace", err)
	}
	if err := errors.Join(os.Remove(path+Partial), lock.Close()); err != nil {
		t.Error(err)
	}
	holds(t, "the other", path, []int64{1}, nil)
}
