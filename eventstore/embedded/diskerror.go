package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
)

// isFull tells whether the error means that there is no space left. The operating system's number counts
// as much as SQLite's code, for the driver gives the plain "write failed" with the number inside. A failed
// sync is never "full": what it left on the disk is unknown.
func isFull(err error) bool {
	if errors.Is(err, sqlite3.IOERR_FSYNC) || errors.Is(err, sqlite3.IOERR_DIR_FSYNC) {
		return false
	}
	return errors.Is(err, sqlite3.FULL) || errors.Is(err, eventstore.ErrFull) ||
		errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// isBusy tells whether another connection holds a lock: somebody has the file open in a shell.
func isBusy(err error) bool {
	return errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.LOCKED)
}

// unlessFull leaves out an error that means "no space".
func unlessFull(err error) error {
	if isFull(err) {
		return nil
	}
	return err
}

// diskError marks an error that means "no space" as the contract's.
func diskError(err error) error {
	if isFull(err) && !errors.Is(err, eventstore.ErrFull) {
		return fmt.Errorf("%w: %w", eventstore.ErrFull, err)
	}
	return err
}

const (
	probeName = "space.probe"
	probeSize = 64 << 10
)

// probeSpace gives the error of writing a small file to the folder. The file is removed again.
func probeSpace(fsys FS, dir string) error {
	path := filepath.Join(dir, probeName)
	f, err := fsys.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(make([]byte, probeSize), 0)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), fsys.Remove(path))
}
