package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// SQLite reads a file in WAL mode by an index of the write-ahead log, which stands in a file beside it ("-shm")
// and takes 32 KiB or more of disk. A disk that is full would keep everybody from reading for want of that.
// The index holds numbers of pages alone and is made anew by whoever opens the file first, so it can stand on
// another file system meanwhile. All connections of one process then share it there; programs of others can't
// see it, and must leave the file alone until it is closed.

// roomForIndex is what a place for an index must have: that of a write-ahead log of some 32,000 pages.
const roomForIndex = 256 << 10

// indexElsewhere is a VFS for one database, whose WAL index stands in dir. It is registered while a
// connection uses it.
type indexElsewhere struct {
	vfs.VFS
	name string
	dir  string

	mu   sync.Mutex
	uses int // guarded by mu; 0 for one that is gone
}

var _ vfs.VFSFilename = (*indexElsewhere)(nil)

// elsewhereName is the name of the VFS of a file whose index stands elsewhere.
func elsewhereName(cfg Config) string {
	path := cfg.Path
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return "index-elsewhere:" + cfg.VFS + ":" + path
}

// joinElsewhere gives the VFS that other connections of this process use for the file; nil when its index
// stands beside it, as it does nearly always.
func joinElsewhere(cfg Config) *indexElsewhere {
	v, _ := vfs.Find(elsewhereName(cfg)).(*indexElsewhere)
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.uses == 0 {
		return nil
	}
	v.uses++
	return v
}

// moveIndex finds another place for the index of a file.
func moveIndex(cfg Config) (*indexElsewhere, error) {
	var errs []error
	for _, place := range []string{"/dev/shm", os.TempDir()} {
		dir, err := os.MkdirTemp(place, "litopys-index-*")
		if err == nil {
			err = tryRoom(dir, roomForIndex)
		}
		if err != nil {
			errs = append(errs, err, os.RemoveAll(dir))
			continue
		}
		v := &indexElsewhere{VFS: vfs.Find(cfg.VFS), name: elsewhereName(cfg), dir: dir, uses: 1}
		vfs.Register(v.name, v)
		return v, nil
	}
	return nil, fmt.Errorf("no other place for the index of the write-ahead log: %w", errors.Join(errs...))
}

// leave ends the use of one connection; after the last of them nothing is left of the index.
func (v *indexElsewhere) leave() {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.uses--; v.uses == 0 {
		vfs.Unregister(v.name)
		_ = os.RemoveAll(v.dir)
	}
}

// Open implements vfs.VFS.
func (v *indexElsewhere) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return vfsutil.WrapOpen(v.VFS, name, flags)
}

// OpenFilename implements vfs.VFSFilename.
func (v *indexElsewhere) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err == nil && flags&vfs.OPEN_MAIN_DB != 0 {
		f = &fileElsewhere{File: f, index: vfs.NewSharedMemory(filepath.Join(v.dir, "shm"), flags)}
	}
	return f, out, err
}

// fileElsewhere is a database whose index stands elsewhere.
type fileElsewhere struct {
	vfs.File
	index vfs.SharedMemory
}

var (
	_ vfs.FileSharedMemory       = (*fileElsewhere)(nil)
	_ vfs.FileUnwrap             = (*fileElsewhere)(nil)
	_ vfs.FileLockState          = (*fileElsewhere)(nil)
	_ vfs.FilePersistWAL         = (*fileElsewhere)(nil)
	_ vfs.FilePowersafeOverwrite = (*fileElsewhere)(nil)
)

// SharedMemory implements vfs.FileSharedMemory.
func (f *fileElsewhere) SharedMemory() vfs.SharedMemory { return f.index }

// Unwrap implements vfs.FileUnwrap.
func (f *fileElsewhere) Unwrap() vfs.File { return f.File }

// LockState implements vfs.FileLockState.
func (f *fileElsewhere) LockState() vfs.LockLevel { return vfsutil.WrapLockState(f.File) }

// PersistWAL implements vfs.FilePersistWAL.
func (f *fileElsewhere) PersistWAL() bool { return vfsutil.WrapPersistWAL(f.File) }

// SetPersistWAL implements vfs.FilePersistWAL.
func (f *fileElsewhere) SetPersistWAL(keep bool) { vfsutil.WrapSetPersistWAL(f.File, keep) }

// PowersafeOverwrite implements vfs.FilePowersafeOverwrite.
func (f *fileElsewhere) PowersafeOverwrite() bool { return vfsutil.WrapPowersafeOverwrite(f.File) }

// SetPowersafeOverwrite implements vfs.FilePowersafeOverwrite.
func (f *fileElsewhere) SetPowersafeOverwrite(safe bool) {
	vfsutil.WrapSetPowersafeOverwrite(f.File, safe)
}

// isIndexError tells whether the index of the write-ahead log could not be made.
func isIndexError(err error) bool {
	return errors.Is(err, sqlite3.IOERR_SHMOPEN) || errors.Is(err, sqlite3.IOERR_SHMSIZE) || errors.Is(err, sqlite3.IOERR_SHMMAP)
}
