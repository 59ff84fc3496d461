package faulty

import (
	"errors"
	"io"
	"testing"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// VFS registers the operating system's VFS, failing as the injector says, and gives its name. It is
// unregistered when the test ends, so what uses it must be closed by then.
func VFS(t testing.TB, in *Injector) (name string) {
	t.Helper()
	name = "faulty-" + uuid.NewString()
	vfs.Register(name, sqliteVFS{inner: vfs.Find("").(vfs.VFSFilename), in: in})
	t.Cleanup(func() { vfs.Unregister(name) })
	return name
}

// failWith gives the code by which SQLite reports the failure.
func failWith(code sqlite3.ExtendedErrorCode) func(Flavour) error {
	return func(f Flavour) error {
		if f == Full {
			return vfs.SystemError(ErrInjected, sqlite3.FULL)
		}
		return vfs.SystemError(ErrInjected, code)
	}
}

type sqliteVFS struct {
	inner vfs.VFSFilename
	in    *Injector
}

// Open is called for temporary files only.
func (v sqliteVFS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return v.open(name, flags, func() (vfs.File, vfs.OpenFlag, error) { return vfsutil.WrapOpen(v.inner, name, flags) })
}

// OpenFilename implements vfs.VFSFilename.
func (v sqliteVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return v.open(name.String(), flags, func() (vfs.File, vfs.OpenFlag, error) { return v.inner.OpenFilename(name, flags) })
}

func (v sqliteVFS) open(name string, flags vfs.OpenFlag, open func() (vfs.File, vfs.OpenFlag, error)) (f vfs.File, out vfs.OpenFlag, err error) {
	creates := flags&vfs.OPEN_CREATE != 0
	err = v.in.next(Op{"open", name}, creates).around(
		func() (err error) { f, out, err = open(); return err },
		func(flavour Flavour) error {
			if f != nil {
				_ = f.Close()
			}
			return vfs.SystemError(ErrInjected, sqlite3.CANTOPEN)
		})
	if err != nil {
		return nil, flags, err
	}
	return &sqliteFile{File: f, in: v.in, name: name}, out, nil
}

// Delete implements vfs.VFS.
func (v sqliteVFS) Delete(name string, syncDir bool) error {
	return v.in.next(Op{"delete", name}, false).around(
		func() error { return v.inner.Delete(name, syncDir) }, failWith(sqlite3.IOERR_DELETE))
}

// Access implements vfs.VFS.
func (v sqliteVFS) Access(name string, flags vfs.AccessFlag) (ok bool, err error) {
	err = v.in.next(Op{"access", name}, false).around(
		func() (err error) { ok, err = v.inner.Access(name, flags); return err }, failWith(sqlite3.IOERR_ACCESS))
	return ok, err
}

// FullPathname implements vfs.VFS. It is not counted: it touches no content.
func (v sqliteVFS) FullPathname(name string) (string, error) { return v.inner.FullPathname(name) }

// sqliteFile counts the file's operations. It offers no memory mapping, so that each read is a call.
type sqliteFile struct {
	vfs.File
	in   *Injector
	name string
}

var (
	_ vfs.FileUnwrap             = (*sqliteFile)(nil)
	_ vfs.FileLockState          = (*sqliteFile)(nil)
	_ vfs.FilePersistWAL         = (*sqliteFile)(nil)
	_ vfs.FilePowersafeOverwrite = (*sqliteFile)(nil)
	_ vfs.FileHasMoved           = (*sqliteFile)(nil)
	_ vfs.FileSizeHint           = (*sqliteFile)(nil)
	_ vfs.FileSharedMemory       = (*sqliteFile)(nil)
)

func (f *sqliteFile) op(kind string, space bool, do func() error, code sqlite3.ExtendedErrorCode) error {
	return f.in.next(Op{kind, f.name}, space).around(do, failWith(code))
}

// ReadAt implements vfs.File. A short read gives half of the bytes and an I/O error, not the zeros that
// SQLite fills in at the end of a file: it must never take cut content for content.
func (f *sqliteFile) ReadAt(p []byte, off int64) (n int, err error) {
	v := f.in.next(Op{"read", f.name}, false)
	if v.fail && v.flavour == Short {
		n, _ = f.File.ReadAt(p[:len(p)/2], off)
		return n, vfs.SystemError(ErrInjected, sqlite3.IOERR_READ)
	}
	err = v.around(func() (err error) {
		n, err = f.File.ReadAt(p, off)
		if v.fail && errors.Is(err, io.EOF) {
			err = nil
		}
		return err
	}, failWith(sqlite3.IOERR_READ))
	if v.fail {
		n = 0 // all bytes and an error would be taken for success
	}
	return n, err
}

// WriteAt implements vfs.File.
func (f *sqliteFile) WriteAt(p []byte, off int64) (n int, err error) {
	v := f.in.next(Op{"write", f.name}, true)
	if v.fail && (v.flavour == Short || v.flavour == Full) {
		n, _ = f.File.WriteAt(p[:len(p)/2], off)
		return n, failWith(sqlite3.IOERR_WRITE)(v.flavour)
	}
	err = v.around(func() (err error) { n, err = f.File.WriteAt(p, off); return err }, failWith(sqlite3.IOERR_WRITE))
	return n, err
}

// Truncate implements vfs.File.
func (f *sqliteFile) Truncate(size int64) error {
	return f.op("truncate", false, func() error { return f.File.Truncate(size) }, sqlite3.IOERR_TRUNCATE)
}

// Sync implements vfs.File. SQLite's own VFS never says "full" of a sync: what was written before it may be
// on the disk, so nobody may take the failure for a refused write.
func (f *sqliteFile) Sync(flags vfs.SyncFlag) error {
	return f.in.next(Op{"sync", f.name}, true).around(
		func() error { return f.File.Sync(flags) },
		func(Flavour) error { return vfs.SystemError(ErrInjected, sqlite3.IOERR_FSYNC) })
}

// Size implements vfs.File.
func (f *sqliteFile) Size() (n int64, err error) {
	err = f.op("size", false, func() (err error) { n, err = f.File.Size(); return err }, sqlite3.IOERR_FSTAT)
	return n, err
}

// Lock implements vfs.File.
func (f *sqliteFile) Lock(level vfs.LockLevel) error {
	// Never After: SQLite would not know of a lock that it holds, and no operating system does that.
	v := f.in.next(Op{"lock", f.name}, false)
	if v.fail {
		return vfs.SystemError(ErrInjected, sqlite3.IOERR_LOCK)
	}
	return f.File.Lock(level)
}

// SizeHint implements vfs.FileSizeHint.
func (f *sqliteFile) SizeHint(size int64) error {
	return f.op("hint", true, func() error { return vfsutil.WrapSizeHint(f.File, size) }, sqlite3.IOERR_TRUNCATE)
}

// DeviceCharacteristics hides batch-atomic writes, which go past the counted calls.
func (f *sqliteFile) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return f.File.DeviceCharacteristics() &^ vfs.IOCAP_BATCH_ATOMIC
}

// Unwrap gives the file of the operating system's VFS.
func (f *sqliteFile) Unwrap() vfs.File { return f.File }

// LockState implements vfs.FileLockState.
func (f *sqliteFile) LockState() vfs.LockLevel { return vfsutil.WrapLockState(f.File) }

// PersistWAL implements vfs.FilePersistWAL.
func (f *sqliteFile) PersistWAL() bool { return vfsutil.WrapPersistWAL(f.File) }

// SetPersistWAL implements vfs.FilePersistWAL.
func (f *sqliteFile) SetPersistWAL(keep bool) { vfsutil.WrapSetPersistWAL(f.File, keep) }

// PowersafeOverwrite implements vfs.FilePowersafeOverwrite.
func (f *sqliteFile) PowersafeOverwrite() bool { return vfsutil.WrapPowersafeOverwrite(f.File) }

// SetPowersafeOverwrite implements vfs.FilePowersafeOverwrite.
func (f *sqliteFile) SetPowersafeOverwrite(on bool) { vfsutil.WrapSetPowersafeOverwrite(f.File, on) }

// HasMoved implements vfs.FileHasMoved.
func (f *sqliteFile) HasMoved() (bool, error) { return vfsutil.WrapHasMoved(f.File) }

// SharedMemory implements vfs.FileSharedMemory.
func (f *sqliteFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
