package keydb_test

import (
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// fault is how an operation of the file system goes wrong.
type fault struct {
	name      string
	persisted bool // it is done and then reported as failed
	sticky    bool // every later one fails as well
	code      sqlite3.ExtendedErrorCode
}

var faults = []fault{
	{name: "failed", code: sqlite3.IOERR_WRITE},
	{name: "failed but persisted", persisted: true, code: sqlite3.IOERR_FSYNC},
	{name: "disk gone", sticky: true, code: sqlite3.IOERR_WRITE},
	{name: "disk full", sticky: true, code: sqlite3.ExtendedErrorCode(sqlite3.FULL)},
}

// faultyVFS is the operating system's VFS in which the n-th write, sync, truncation or deletion fails.
type faultyVFS struct {
	vfs.VFS
	fault fault

	mu    sync.Mutex
	count int
	at    int // fails at this one, from 1; 0 is never
}

func registerFaulty(t testing.TB, name string, f fault, at int) *faultyVFS {
	t.Helper()
	v := &faultyVFS{VFS: vfs.Find(""), fault: f, at: at}
	vfs.Register(name, v)
	t.Cleanup(func() { vfs.Unregister(name) })
	return v
}

func (v *faultyVFS) operations() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.count
}

func (v *faultyVFS) do(operation func() error) error {
	v.mu.Lock()
	v.count++
	fails := v.at > 0 && (v.count == v.at || v.fault.sticky && v.count > v.at)
	v.mu.Unlock()
	if !fails {
		return operation()
	}
	if v.fault.persisted {
		_ = operation()
	}
	return v.fault.code
}

func (v *faultyVFS) Delete(name string, syncDir bool) error {
	return v.do(func() error { return v.VFS.Delete(name, syncDir) })
}

func (v *faultyVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err != nil {
		return nil, out, err
	}
	return &faultyFile{File: f, vfs: v}, out, nil
}

type faultyFile struct {
	vfs.File
	vfs *faultyVFS
}

func (f *faultyFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.vfs.do(func() error {
		n, err = f.File.WriteAt(p, off)
		return err
	})
	return n, err
}

func (f *faultyFile) Sync(flags vfs.SyncFlag) error {
	return f.vfs.do(func() error { return f.File.Sync(flags) })
}

func (f *faultyFile) Truncate(size int64) error {
	return f.vfs.do(func() error { return f.File.Truncate(size) })
}

func (f *faultyFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
