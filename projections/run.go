package projections

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"path/filepath"
)

// run is a file of blocks: each is its length (uvarint) and its bytes.
type run struct {
	File string
	Size int64
	Sum  uint32 // CRC-32C
	Rows int64
}

const (
	// runBuffer is gathered before it is written; half of it is read ahead in each of the many runs open at once.
	runBuffer = 32 << 10
	// maxBlock bounds what a damaged length can ask for.
	maxBlock = 64 << 20
)

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// runWriter writes one run.
type runWriter struct {
	run
	f   *os.File
	buf []byte
}

// block writes one block.
func (w *runWriter) block(b []byte) error {
	w.buf = append(binary.AppendUvarint(w.buf, uint64(len(b))), b...)
	w.Rows++
	if len(w.buf) < runBuffer {
		return nil
	}
	return w.flush()
}

// write writes blocks that have their lengths already.
func (w *runWriter) write(p *pack) error {
	if err := w.flush(); err != nil {
		return err
	}
	w.Rows += p.rows
	for _, blocks := range p.chunks {
		if err := w.out(blocks); err != nil {
			return err
		}
	}
	return nil
}

func (w *runWriter) flush() error {
	err := w.out(w.buf)
	w.buf = w.buf[:0]
	return err
}

func (w *runWriter) out(b []byte) error {
	w.Sum = crc32.Update(w.Sum, castagnoli(), b)
	w.Size += int64(len(b))
	_, err := w.f.Write(b)
	return err
}

// close ends the run. It is not synced: a sum tells whether it is all there.
func (w *runWriter) close() (run, error) {
	err := errors.Join(w.flush(), w.f.Close())
	return w.run, err
}

// runReader reads a run block by block.
type runReader struct {
	run
	f    *os.File
	in   *bufio.Reader
	sum  uint32
	read int64
	buf  []byte
}

// Read reads the file as far as the run goes, and sums it up.
func (r *runReader) Read(p []byte) (int, error) {
	if left := r.Size - r.read; int64(len(p)) > left {
		p = p[:left]
	}
	if len(p) == 0 {
		return 0, io.EOF
	}
	n, err := r.f.Read(p)
	r.sum = crc32.Update(r.sum, castagnoli(), p[:n])
	r.read += int64(n)
	return n, err
}

// open gives the blocks of a file one by one, each valid until the next, and nil after the last. stop may be
// called at any time.
func (r run) open(dir string) (next func() ([]byte, error), stop func()) {
	in := &runReader{run: r}
	stop = func() {
		if in.f != nil {
			_ = in.f.Close()
			in.f, in.in = nil, nil
		}
	}
	next = func() ([]byte, error) {
		if in.f == nil {
			f, err := os.Open(filepath.Join(dir, r.File)) // #nosec G304 -- a name that this package gave
			if err != nil {
				return nil, err
			}
			in.f, in.in = f, bufio.NewReaderSize(in, runBuffer/2)
		}
		block, err := in.next()
		if block == nil {
			stop()
		}
		return block, err
	}
	return next, stop
}

// next gives an error when the file ends early, is longer within than it says, or does not agree with its sum.
func (r *runReader) next() ([]byte, error) {
	n, err := binary.ReadUvarint(r.in)
	switch {
	case errors.Is(err, io.EOF) && r.read == r.Size && r.sum == r.Sum:
		return nil, nil
	case err != nil || n > maxBlock:
		return nil, errors.Join(errSpoiled, err)
	}
	if uint64(cap(r.buf)) < n || r.buf == nil {
		r.buf = make([]byte, n, 2*n+1)
	}
	r.buf = r.buf[:n]
	if _, err := io.ReadFull(r.in, r.buf); err != nil {
		return nil, errors.Join(errSpoiled, err)
	}
	return r.buf, nil
}

// blocks goes through a file. An error comes once and last.
func (r run) blocks(dir string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		next, stop := r.open(dir)
		defer stop()
		for {
			block, err := next()
			if block == nil && err == nil || !yield(block, err) || err != nil {
				return
			}
		}
	}
}
