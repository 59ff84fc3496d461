package faulty_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"imagine.ua/litopys/eventstore/faulty"
)

// disk is a seam like a store's, with its own name for an open file.
type disk struct{}

func (disk) OpenFile(name string, flag int, perm fs.FileMode) (faulty.File, error) {
	return os.OpenFile(name, flag, perm)
}
func (disk) Stat(name string) (fs.FileInfo, error)       { return os.Stat(name) }
func (disk) ReadDir(dir string) ([]fs.DirEntry, error)   { return os.ReadDir(dir) }
func (disk) MkdirAll(dir string, perm fs.FileMode) error { return os.MkdirAll(dir, perm) }
func (disk) Rename(oldName, newName string) error        { return os.Rename(oldName, newName) }
func (disk) Remove(name string) error                    { return os.Remove(name) }
func (disk) SyncDir(string) error                        { return nil }

// replace writes a file beside the old one, syncs it and puts it in the old one's place.
func replace(f *faulty.FS[faulty.File], path string, content []byte) (err error) {
	tmp := path + ".new"
	out, err := f.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = out.WriteAt(content, 0)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	if err := f.Rename(tmp, path); err != nil {
		return err
	}
	return f.SyncDir(filepath.Dir(path))
}

func TestEachOperationOfAFile(t *testing.T) {
	t.Parallel()
	before, after := bytes.Repeat([]byte("old"), 100), bytes.Repeat([]byte("newer"), 100)
	for _, flavour := range faulty.Flavours() {
		t.Run(flavour.String(), func(t *testing.T) {
			t.Parallel()
			clean := faulty.Loop(t, func(t *testing.T, i int) bool {
				path := filepath.Join(t.TempDir(), "f")
				if err := os.WriteFile(path, before, 0o600); err != nil {
					t.Fatal(err)
				}
				in := faulty.New(faulty.Plan{At: i, Flavour: flavour, Sticky: true})
				err := replace(faulty.NewFS(disk{}, in), path, after)
				op, hit := in.Hit()
				if hit != errors.Is(err, faulty.ErrInjected) {
					t.Fatalf("hit %v, but: %v", hit, err)
				}
				if full := errors.Is(err, syscall.ENOSPC); hit && full != (flavour == faulty.Full) {
					t.Errorf("%s failed as %v with %v", op.Kind, flavour, err)
				}
				got, readErr := os.ReadFile(path)
				if readErr != nil || !bytes.Equal(got, after) && (err == nil || !bytes.Equal(got, before)) {
					t.Errorf("after %v the file holds %d bytes, %v", err, len(got), readErr)
				}
				return hit
			})
			// open, write, sync, rename, syncdir; renaming takes no space.
			if want := map[bool]int{false: 6, true: 5}[flavour == faulty.Full]; clean != want {
				t.Errorf("the clean run was number %d", clean)
			}
		})
	}
}

func TestShortWriteLeavesHalf(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	in := faulty.New(faulty.Plan{At: 1, Flavour: faulty.Short, Only: func(op faulty.Op) bool { return op.Kind == "write" }})
	err := replace(faulty.NewFS(disk{}, in), path, make([]byte, 100))
	info, statErr := os.Stat(path + ".new")
	if !errors.Is(err, syscall.EIO) || statErr != nil || info.Size() != 50 {
		t.Errorf("%v, then %v with %v", err, info, statErr)
	}
}
