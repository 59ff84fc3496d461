//go:build !unix

package cli

import "io"

// columns is the width of the terminal behind a writer, 0 where none is known.
func columns(io.Writer) int { return 0 }
