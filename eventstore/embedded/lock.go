package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"imagine.ua/litopys/eventstore"
)

const lockName = "litopys.lock"

// maxHolder bounds what is read from a lock file that somebody else wrote.
const maxHolder = 1 << 10

// lockFolder takes the folder for this process, or tells who has it. The lock belongs to the open file and
// goes with the process, however that ends; the text in it is only for people.
func lockFolder(fsys FS, dir string) (*flock.Flock, error) {
	path := filepath.Join(dir, lockName)
	lock := flock.New(path, flock.SetPermissions(0o600))
	taken, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !taken {
		return nil, fmt.Errorf("%s: %w: %s", dir, eventstore.ErrLocked, holder(fsys, path))
	}
	// On a full disk the text stays that of an earlier holder; the lock itself takes no space.
	if err := writeHolder(fsys, path); err != nil && !isFull(err) {
		_ = lock.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return lock, nil
}

// holder reads who has the lock. A holder that has not written his name yet is told as such.
func holder(fsys FS, path string) string {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return "the holder's name can't be read"
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.NewSectionReader(f, 0, maxHolder))
	if err != nil || len(text) == 0 {
		return "the holder has not written its name"
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

func writeHolder(fsys FS, path string) error {
	f, err := fsys.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	text := fmt.Sprintf("pid=%d\nhost=%q\ncommand=%q\nsince=%s\n",
		os.Getpid(), host, filepath.Base(os.Args[0]), time.Now().UTC().Format(time.RFC3339))
	_, writeErr := f.WriteAt([]byte(text), 0)
	return errors.Join(f.Truncate(int64(len(text))), writeErr, f.Close())
}
