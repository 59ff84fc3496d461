//go:build linux

package embedded_test

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
)

// TestRealFullDisk fills a real, small file system, which takes the right to mount one.
func TestRealFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("a small file system can't be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s, err := embedded.Open(t.Context(), embedded.Config{Dir: dir, Logger: quiet(), CheckpointPages: 100, TailEvents: 500})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }() // before the file system goes, however the test ends
	n := 0
	for ; err == nil; n++ {
		_, err = s.Append(t.Context(), "s", int64(n)-1, events(fmt.Sprint(n), 1))
	}
	n-- // the last was refused
	if !errors.Is(err, eventstore.ErrFull) || n < 100 {
		t.Fatalf("append %d: %v", n, err)
	}
	verify(t, s, n)
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if _, err := s.Append(t.Context(), "s", int64(n+i)-1, events(fmt.Sprint(n+i), 1)); err != nil {
			t.Fatalf("append after room was made: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, embedded.Config{Dir: dir})
	verify(t, s, n+100)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
