//go:build unix

package importer

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRejectsIntoAPipe: a pipe takes them as they come; without a reader it is refused, not waited for.
func TestRejectsIntoAPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewRejects(path); !errors.Is(err, ErrPlace) {
		t.Errorf("without a reader: %v, want ErrPlace", err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	r := openRejects(t, RejectsConfig{Path: path})
	r.Add(Reject{Line: 1, Reason: "odd"})
	if err := errors.Join(r.Finish(), r.Close()); err != nil || r.Path() != "" {
		t.Errorf("got %q, %v", r.Path(), err)
	}
	got, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(`{"line":1,"offset":0,"reason":"odd"}`+"\n", string(got)); d != "" {
		t.Error(d)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe is gone: %v, %v", info, err)
	}
}

func TestRejectsIntoNothing(t *testing.T) {
	t.Parallel()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	in, err := Open("-", null) // both ends are the same device
	if err != nil {
		t.Fatal(err)
	}
	r := openRejects(t, RejectsConfig{Path: os.DevNull, Input: in})
	r.Add(Reject{Line: 1, Reason: "odd"})
	if err := errors.Join(r.Finish(), null.Close()); err != nil {
		t.Error(err)
	}
}
