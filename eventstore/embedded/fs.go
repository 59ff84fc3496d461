package embedded

import (
	"io"
	"io/fs"
	"os"

	"imagine.ua/litopys/eventstore"
)

// FS is the file system as the store uses it for everything but the pages of SQLite: the stream index, the
// text in the lock file, creating and renaming events.db. A test puts a failing one here; SQLite's own I/O
// goes through Config.VFS.
type FS interface {
	// OpenFile opens with the flags of package os.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Stat describes a file.
	Stat(name string) (fs.FileInfo, error)
	// ReadDir lists a folder, sorted by name.
	ReadDir(dir string) ([]fs.DirEntry, error)
	// MkdirAll makes a folder and its parents.
	MkdirAll(dir string, perm fs.FileMode) error
	// Rename replaces newName by oldName in one step.
	Rename(oldName, newName string) error
	// Remove deletes a file.
	Remove(name string) error
	// SyncDir makes names created, renamed or removed in the folder survive a crash of the machine.
	SyncDir(dir string) error
}

// File is one open file of an FS. ReadAt and WriteAt may be called concurrently.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Stat describes the file; the store uses its size.
	Stat() (fs.FileInfo, error)
	// Truncate sets the size.
	Truncate(size int64) error
	// Sync makes what was written survive a crash of the machine.
	Sync() error
}

// OS is the file system of the operating system.
type OS struct{}

var _ FS = OS{}

// OpenFile implements FS.
func (OS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err // a nil *os.File must not become a non-nil File
	}
	return f, nil
}

// Stat implements FS.
func (OS) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// ReadDir implements FS.
func (OS) ReadDir(dir string) ([]fs.DirEntry, error) { return os.ReadDir(dir) }

// MkdirAll implements FS.
func (OS) MkdirAll(dir string, perm fs.FileMode) error { return os.MkdirAll(dir, perm) }

// Rename implements FS.
func (OS) Rename(oldName, newName string) error { return os.Rename(oldName, newName) }

// Remove implements FS.
func (OS) Remove(name string) error { return os.Remove(name) }

// SyncDir implements FS.
func (OS) SyncDir(dir string) error { return eventstore.SyncDir(dir) }
