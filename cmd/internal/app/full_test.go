//go:build linux

package app

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/projections/sqlite"
)

// fillUp leaves no byte free and gives what makes room again.
func fillUp(t testing.TB, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// TestAnswersOnAFullDisk fills a real, small file system: with answers that are level, with answers that lag
// behind, and without a file of answers. All are given; what lags is computed in memory.
func TestAnswersOnAFullDisk(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("a small file system can't be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
	dir := filepath.Join(disk, "data")
	first := recordOne(t, dir, true)
	free := fillUp(t, disk)
	askOnFullDisk(t, dir, true, first)
	free()
	second := recordOne(t, dir, false)
	free = fillUp(t, disk)
	askOnFullDisk(t, dir, false, first, second)
	free()
	if err := sqlite.Remove(filepath.Join(dir, readFile)); err != nil {
		t.Fatal(err)
	}
	free = fillUp(t, disk)
	askOnFullDisk(t, dir, false, first, second)
	free()
	if err := With(t.Context(), options(dir), func(a *App) error {
		if !known(t, a, second) || a.full != nil {
			t.Errorf("with room again: %v", a.full)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// recordOne opens the file of a subject, and brings the answers up to it when it is told to.
func recordOne(t testing.TB, dir string, level bool) (id domain.SubjectID) {
	t.Helper()
	if err := With(t.Context(), options(dir), func(a *App) error {
		id = register(t, a)
		if !level {
			return nil
		}
		return a.Level(t.Context())
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

// askOnFullDisk wants the answers about the subjects, from the file or from memory, and the log to be sound.
func askOnFullDisk(t testing.TB, dir string, fromFile bool, ids ...domain.SubjectID) {
	t.Helper()
	if err := With(t.Context(), options(dir), func(a *App) error {
		for _, id := range ids {
			if !known(t, a, id) {
				t.Errorf("%s is not known", id)
			}
		}
		if fromFile != (a.full == nil) || !fromFile && !errors.Is(a.Run(t.Context()), eventstore.ErrFull) {
			t.Errorf("answers in memory because of %v", a.full)
		}
		report, err := a.Journal.Verify(t.Context())
		if report.Records != int64(len(ids)) {
			t.Errorf("%d records", report.Records)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
