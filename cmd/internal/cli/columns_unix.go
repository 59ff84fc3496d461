//go:build unix

package cli

import (
	"io"

	"golang.org/x/sys/unix"
)

// columns is the width of the terminal behind a writer, 0 where none is known.
func columns(w io.Writer) int {
	f := fileOf(w)
	if f == nil {
		return 0
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}
