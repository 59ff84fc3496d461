//go:build linux

package sqlite

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	"golang.org/x/sys/unix"

	"imagine.ua/litopys/eventstore"
)

// noIndex is the operating system's VFS, on which the index of a write-ahead log can't be made beside its file.
type noIndex struct {
	vfs.VFS
	pipe string // takes locks like a file, and can't be cut to a size
}

func (v noIndex) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err == nil && flags&vfs.OPEN_MAIN_DB != 0 {
		f = indexless{f, vfs.NewSharedMemory(v.pipe, flags)}
	}
	return f, out, err
}

type indexless struct {
	vfs.File
	index vfs.SharedMemory
}

func (f indexless) SharedMemory() vfs.SharedMemory { return f.index }

func (f indexless) Unwrap() vfs.File { return f.File }

func noIndexVFS(t testing.TB) string {
	t.Helper()
	name, pipe := "no-index-"+uuid.NewString(), filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	vfs.Register(name, noIndex{vfs.Find(""), pipe})
	t.Cleanup(func() { vfs.Unregister(name) })
	return name
}

// value writes a row and reads it back through another connection.
func value(t testing.TB, cfg Config, writer *Conn, n int) {
	t.Helper()
	if err := writer.Script("CREATE TABLE IF NOT EXISTS v(a)"); err != nil {
		t.Fatal(err)
	}
	if err := writer.Run("INSERT INTO v VALUES (?)", n); err != nil {
		t.Fatal(err)
	}
	cfg.ReadOnly = true
	reader, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	_, err = reader.Row(func(s *sqlite3.Stmt) { got = s.ColumnInt(0) }, "SELECT max(a) FROM v")
	if err = errors.Join(err, reader.Close()); err != nil || got != n {
		t.Errorf("read %d, %v; want %d", got, err, n)
	}
}

// TestIndexGoesElsewhere: a file whose index finds no room beside it is read and written all the same, by
// every connection of the process, and its place is free when the last of them has closed.
func TestIndexGoesElsewhere(t *testing.T) {
	t.Parallel()
	cfg := Config{Path: filepath.Join(t.TempDir(), "x.db"), VFS: noIndexVFS(t), GatherWAL: true, full: func(string) bool { return true }}
	first, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	dir := first.elsewhere.dir
	if second.elsewhere != first.elsewhere {
		t.Error("two connections have two indexes")
	}
	value(t, cfg, first, 1)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	value(t, cfg, second, 2)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) || joinElsewhere(cfg) != nil {
		t.Errorf("the index is left in %s: %v", dir, err)
	}
	cfg.VFS = ""
	third, err := Open(t.Context(), cfg)
	if err != nil || third.elsewhere != nil {
		t.Fatalf("with room beside the file: %v", err)
	}
	value(t, cfg, third, 3)
	if err := third.Close(); err != nil {
		t.Error(err)
	}
}

// TestIndexErrorIsNoFullDisk: with room on the disk the error stays what it is.
func TestIndexErrorIsNoFullDisk(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "x.db"), VFS: noIndexVFS(t)})
	if !isIndexError(err) || errors.Is(err, eventstore.ErrFull) {
		t.Errorf("got %v", err)
	}
}

// TestReadOnFullDisk: a real file system without a free byte.
func TestReadOnFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a small file system can't be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	cfg := Config{Path: filepath.Join(dir, "x.db")}
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	value(t, cfg, c, 1)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !isNoSpace(err) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if c, err = Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	got := 0
	if _, err := c.Row(func(s *sqlite3.Stmt) { got = s.ColumnInt(0) }, "SELECT a FROM v"); err != nil || got != 1 {
		t.Errorf("read %d, %v", got, err)
	}
	if err := c.Run("INSERT INTO v VALUES (2)"); !errors.Is(err, eventstore.ErrFull) {
		t.Errorf("a write gives %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	value(t, cfg, c, 3)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestFilesAreTheirOwnersAlone whatever the umask says, and no wider beside a file than the file.
func TestFilesAreTheirOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	for _, want := range []os.FileMode{0o600, 0o640} {
		if want != 0o600 {
			if err := os.Chmod(path, want); err != nil {
				t.Fatal(err)
			}
		}
		c, err := Open(t.Context(), Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{path, path + "-wal", path + "-shm"} {
			if info, err := os.Stat(file); err != nil || info.Mode().Perm()&^want != 0 {
				t.Errorf("%s: %v, %v", filepath.Base(file), info, err)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
