package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"imagine.ua/litopys/eventstore"
)

// Folder is an outbox of files, one letter each, named by its id. A file appears under its name whole and
// durable or not at all; what takes letters from there looks at *.eml only.
type Folder struct{ dir string }

// OpenFolder makes the folder when it is missing.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return &Folder{dir}, nil
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,180}$`)

// Deliver writes the letter. One that is there already is left as it is.
func (f *Folder) Deliver(ctx context.Context, l Letter) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if !idPattern.MatchString(l.ID) {
		return "", errors.New("outbox: the letter's id is malformed")
	}
	path := filepath.Join(f.dir, l.ID+".eml")
	if _, err := os.Lstat(path); err == nil {
		return Already, nil
	}
	var text bytes.Buffer
	if err := l.write(&text); err != nil {
		return "", err
	}
	err := f.place(path, text.Bytes())
	if errors.Is(err, fs.ErrExist) {
		return Already, nil
	}
	if err != nil {
		return "", fmt.Errorf("outbox: %w", err)
	}
	return Sent, nil
}

// place writes beside the name and links: a link fails when the name is taken, where a rename would replace.
func (f *Folder) place(path string, text []byte) (err error) {
	file, err := os.CreateTemp(f.dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil {
		return err
	}
	return eventstore.SyncDir(f.dir)
}

// Close does nothing: every letter is durable already.
func (f *Folder) Close() error { return nil }
