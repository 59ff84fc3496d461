package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	json "github.com/go-json-experiment/json"
)

// ErrPlace marks a place where rejects must not be written: something else is there.
var ErrPlace = errors.New("rejects can't be written there")

func refusePlace(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrPlace, fmt.Sprintf(format, args...))
}

// longestReject bounds the first line that is looked at: reasons and remedies are sentences.
const longestReject = 64 << 10

// isStream tells whether the path is a pipe, a terminal or /dev/null, which hold nothing that could be lost.
func isStream(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0
}

// openStream opens a pipe or a device now, so that a pipe without a reader is told before the import begins.
// It doesn't wait for one: an interrupt could not end the waiting.
func (r *Rejects) openStream() error {
	file, err := os.OpenFile(r.target, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) {
		return refusePlace("nobody reads the pipe %s", r.target)
	}
	if err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	r.file = file
	return nil
}

// resolve finds the file behind a link, which is written beside and replaced instead of the link, and refuses
// places inside the data folder.
func (r *Rejects) resolve() error {
	if info, err := os.Lstat(r.target); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		target, err := filepath.EvalSymlinks(r.target)
		if err != nil {
			return refusePlace("%s is a link that leads nowhere", r.target)
		}
		r.target = target
	}
	within, err := inside(r.cfg.Folder, filepath.Dir(r.target))
	if err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	if within {
		return refusePlace("%s is in the data folder", r.cfg.Path)
	}
	return nil
}

// inside tells whether the folder is the root or lies under it, whatever both are called.
func inside(root, folder string) (bool, error) {
	if root == "" {
		return false, nil
	}
	info, err := os.Stat(root)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // what is there already is not in what is made later
	}
	if err != nil {
		return false, err
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return false, err
	}
	if folder, err = filepath.EvalSymlinks(folder); err != nil {
		return false, err
	}
	for {
		if here, err := os.Stat(folder); err == nil && os.SameFile(here, info) {
			return true, nil
		}
		above := filepath.Dir(folder)
		if above == folder {
			return false, nil
		}
		folder = above
	}
}

// mayReplace tells whether the rejects of this run may take the place of what is there.
func (r *Rejects) mayReplace() error {
	if err := r.mayTake(r.target); err != nil {
		return err
	}
	return r.mayTake(r.target + Partial)
}

// mayTake refuses what is not ours to overwrite. It asks the file, not its name: one file has many names.
func (r *Rejects) mayTake(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	switch {
	case r.cfg.Input.is(info):
		return refusePlace("%s is the input itself", path)
	case r.isAnswer(info):
		return refusePlace("the answer goes to %s", path)
	case info.IsDir():
		return refusePlace("%s is a folder", path)
	case !info.Mode().IsRegular():
		return refusePlace("%s is no plain file", path)
	}
	ours, err := holdsRejects(path)
	if err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	if !ours {
		return refusePlace("%s is there already and does not hold rejects", path)
	}
	return nil
}

func (r *Rejects) isAnswer(info os.FileInfo) bool {
	for _, answer := range r.cfg.Answers {
		if answer == nil {
			continue
		}
		if open, err := answer.Stat(); err == nil && os.SameFile(open, info) {
			return true
		}
	}
	return false
}

// holdsRejects tells whether a file is empty or begins with a reject. In a partial file a full disk may have cut
// off the first one.
func holdsRejects(path string) (ours bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	line, err := bufio.NewReader(io.LimitReader(file, longestReject)).ReadBytes('\n')
	switch {
	case errors.Is(err, io.EOF):
		return len(line) == 0 || strings.HasSuffix(path, Partial) && bytes.HasPrefix(line, []byte(`{"line":`)), nil
	case err != nil:
		return false, err
	}
	var first Reject
	err = json.Unmarshal(line, &first, json.RejectUnknownMembers(true))
	return err == nil && first.Line > 0 && first.Reason != "", nil
}
