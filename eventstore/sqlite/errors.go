package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
)

// ErrBusy says that another connection holds a lock that this one needs.
var ErrBusy = errors.New("database is busy")

// Translate turns the driver's error into the ledger's, by code: a full disk into eventstore.ErrFull, damage
// into a *eventstore.CorruptError with the file, a lock into ErrBusy. Others are wrapped with the operation
// and the file. The text of the statement and its values never become part of the error.
func Translate(path, op string, err error) error {
	if err == nil {
		return nil
	}
	var driver *sqlite3.Error
	var code sqlite3.ErrorCode
	switch {
	case errors.As(err, &driver):
		code = driver.Code()
	case !errors.As(err, &code):
		return fmt.Errorf("%s %s: %w", op, path, err)
	}
	switch code {
	case sqlite3.FULL:
		return fmt.Errorf("%s %s: %w", op, path, eventstore.ErrFull)
	case sqlite3.CORRUPT, sqlite3.NOTADB:
		return &eventstore.CorruptError{File: path, Place: "database", Detail: code.Error()}
	case sqlite3.BUSY, sqlite3.LOCKED:
		return fmt.Errorf("%s %s: %w", op, path, ErrBusy)
	case sqlite3.IOERR:
		if (errors.Is(err, sqlite3.IOERR_WRITE) || isIndexError(err)) && noSpace(filepath.Dir(path)) {
			return fmt.Errorf("%s %s: %w: %w", op, path, eventstore.ErrFull, err)
		}
	}
	return fmt.Errorf("%s %s: %w", op, path, err)
}

// noSpace reports whether the folder takes no more bytes. The driver gives a write that failed without its
// reason, so a small file is written to ask the operating system again.
func noSpace(dir string) bool { return isNoSpace(tryRoom(dir, 64<<10)) }

// tryRoom gives the error of writing so many bytes to a file of the folder, which is removed again.
func tryRoom(dir string, bytes int) error {
	f, err := os.CreateTemp(dir, "space-*.probe")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, bytes))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
