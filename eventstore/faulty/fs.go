package faulty

import (
	"fmt"
	"io"
	"io/fs"
	"syscall"
)

// File is what the store's seam for plain files asks of an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	Sync() error
}

// FileSystem is that seam; F is the store's own name for File, so that no adapter is needed.
type FileSystem[F File] interface {
	OpenFile(name string, flag int, perm fs.FileMode) (F, error)
	Stat(name string) (fs.FileInfo, error)
	ReadDir(dir string) ([]fs.DirEntry, error)
	MkdirAll(dir string, perm fs.FileMode) error
	Rename(oldName, newName string) error
	Remove(name string) error
	SyncDir(dir string) error
}

// FS is a file system that fails as its injector says: faulty.NewFS[embedded.File](embedded.OS{}, in).
type FS[F File] struct {
	inner FileSystem[F]
	in    *Injector
}

// NewFS wraps a file system. F must be an interface that has no more than the methods of File.
func NewFS[F File](inner FileSystem[F], in *Injector) *FS[F] { return &FS[F]{inner: inner, in: in} }

// fileError is a failure as the operating system would report it, marked as injected.
func fileError(op Op) func(Flavour) error {
	return func(f Flavour) error {
		errno := syscall.EIO
		if f == Full {
			errno = syscall.ENOSPC
		}
		return &fs.PathError{Op: op.Kind, Path: op.Name, Err: fmt.Errorf("%w: %w", ErrInjected, errno)}
	}
}

func (in *Injector) file(op Op, space bool, do func() error) error {
	return in.next(op, space).around(do, fileError(op))
}

// OpenFile opens with the flags of package os.
func (f *FS[F]) OpenFile(name string, flag int, perm fs.FileMode) (out F, err error) {
	var opened F
	done := false
	err = f.in.file(Op{"open", name}, flag&syscall.O_CREAT != 0, func() (err error) {
		opened, err = f.inner.OpenFile(name, flag, perm)
		done = err == nil
		return err
	})
	if err != nil {
		if done {
			_ = opened.Close()
		}
		return out, err
	}
	return any(&plainFile{File: opened, in: f.in, name: name}).(F), nil
}

// Stat describes a file.
func (f *FS[F]) Stat(name string) (info fs.FileInfo, err error) {
	err = f.in.file(Op{"stat", name}, false, func() (err error) { info, err = f.inner.Stat(name); return err })
	return info, err
}

// ReadDir lists a folder.
func (f *FS[F]) ReadDir(dir string) (list []fs.DirEntry, err error) {
	err = f.in.file(Op{"readdir", dir}, false, func() (err error) { list, err = f.inner.ReadDir(dir); return err })
	return list, err
}

// MkdirAll makes a folder and its parents.
func (f *FS[F]) MkdirAll(dir string, perm fs.FileMode) error {
	return f.in.file(Op{"mkdir", dir}, true, func() error { return f.inner.MkdirAll(dir, perm) })
}

// Rename replaces newName by oldName.
func (f *FS[F]) Rename(oldName, newName string) error {
	return f.in.file(Op{"rename", newName}, false, func() error { return f.inner.Rename(oldName, newName) })
}

// Remove deletes a file.
func (f *FS[F]) Remove(name string) error {
	return f.in.file(Op{"delete", name}, false, func() error { return f.inner.Remove(name) })
}

// SyncDir makes the folder's names durable.
func (f *FS[F]) SyncDir(dir string) error {
	return f.in.file(Op{"syncdir", dir}, true, func() error { return f.inner.SyncDir(dir) })
}

// plainFile counts the operations of one open file. Close is not failed: it must release what it holds.
type plainFile struct {
	File
	in   *Injector
	name string
}

// ReadAt implements io.ReaderAt.
func (f *plainFile) ReadAt(p []byte, off int64) (n int, err error) {
	op := Op{"read", f.name}
	v := f.in.next(op, false)
	if v.fail && v.flavour == Short {
		n, _ = f.File.ReadAt(p[:len(p)/2], off)
		return n, fileError(op)(Short)
	}
	err = v.around(func() (err error) { n, err = f.File.ReadAt(p, off); return err }, fileError(op))
	return n, err
}

// WriteAt implements io.WriterAt.
func (f *plainFile) WriteAt(p []byte, off int64) (n int, err error) {
	op := Op{"write", f.name}
	v := f.in.next(op, true)
	if v.fail && (v.flavour == Short || v.flavour == Full) {
		n, _ = f.File.WriteAt(p[:len(p)/2], off)
		return n, fileError(op)(v.flavour)
	}
	err = v.around(func() (err error) { n, err = f.File.WriteAt(p, off); return err }, fileError(op))
	return n, err
}

// Stat describes the file.
func (f *plainFile) Stat() (info fs.FileInfo, err error) {
	err = f.in.file(Op{"stat", f.name}, false, func() (err error) { info, err = f.File.Stat(); return err })
	return info, err
}

// Truncate sets the size.
func (f *plainFile) Truncate(size int64) error {
	return f.in.file(Op{"truncate", f.name}, false, func() error { return f.File.Truncate(size) })
}

// Sync makes the content durable.
func (f *plainFile) Sync() error {
	return f.in.file(Op{"sync", f.name}, true, f.File.Sync)
}
