package sqlite

import (
	"errors"
	"io/fs"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// maxGathered bounds what a write-ahead log holds in memory before it is written.
const maxGathered = 1 << 20

// gatherWAL registers a VFS over the one of the given name, which writes what a transaction adds to the
// write-ahead log with one call instead of two a page. It gives its name; the caller unregisters it when the
// connection is closed.
func gatherWAL(name string) string {
	gathering := "gather-" + uuid.NewString()
	vfs.Register(gathering, gatheringVFS{vfs.Find(name)})
	return gathering
}

type gatheringVFS struct{ vfs.VFS }

var _ vfs.VFSFilename = gatheringVFS{}

// Open implements vfs.VFS.
func (v gatheringVFS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return vfsutil.WrapOpen(v.VFS, name, flags)
}

// OpenFilename implements vfs.VFSFilename.
func (v gatheringVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err == nil && flags&vfs.OPEN_WAL != 0 {
		f = &gatheredWAL{File: f}
	}
	return f, out, err
}

// gatheredWAL holds back what is written until it is asked for anything else, above all for a sync. That is
// safe only where every commit ends with a sync: other connections look for its frames after that. A crash
// before it loses what nobody was told of.
type gatheredWAL struct {
	vfs.File
	held []byte
	at   int64 // where held belongs
}

// WriteAt implements vfs.File.
func (f *gatheredWAL) WriteAt(p []byte, off int64) (int, error) {
	if len(f.held) > 0 && (off != f.at+int64(len(f.held)) || len(f.held)+len(p) > maxGathered) {
		if err := f.flush(); err != nil {
			return 0, err
		}
	}
	if len(f.held) == 0 {
		f.at = off
	}
	f.held = append(f.held, p...)
	return len(p), nil
}

// flush writes what is held. After an error it is dropped: SQLite writes at the same place again.
func (f *gatheredWAL) flush() error {
	if len(f.held) == 0 {
		return nil
	}
	_, err := f.File.WriteAt(f.held, f.at)
	f.held = f.held[:0]
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		// Who asked for a sync gets the code of a write: a full disk is no failed sync.
		err = vfs.SystemError(err, sqlite3.IOERR_WRITE)
	}
	return err
}

// ReadAt implements vfs.File.
func (f *gatheredWAL) ReadAt(p []byte, off int64) (int, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

// Truncate implements vfs.File.
func (f *gatheredWAL) Truncate(size int64) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

// Sync implements vfs.File.
func (f *gatheredWAL) Sync(flags vfs.SyncFlag) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.File.Sync(flags)
}

// Size implements vfs.File.
func (f *gatheredWAL) Size() (int64, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.File.Size()
}

// Close implements vfs.File. What is still held was never committed.
func (f *gatheredWAL) Close() error { return f.File.Close() }

// Unwrap implements vfs.FileUnwrap.
func (f *gatheredWAL) Unwrap() vfs.File { return f.File }
