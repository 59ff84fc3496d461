package pgtest

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// mountSmall mounts a file system in memory.
func mountSmall(dir string, megabytes int) (unmount func() error, err error) {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		return nil, err
	}
	return func() error { return unix.Unmount(dir, unix.MNT_DETACH) }, nil
}
