package projections

import (
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync/atomic"
)

// run is a stretch of a file: blocks, one after the other.
type run struct {
	File string
	At   int64 // where it begins in the file
	Size int64
	Sum  uint32 // CRC-32C
	Rows int64
}

const (
	// runBuffer is gathered before it is written; half of it is read ahead in each of the many runs open at once.
	runBuffer = 32 << 10
)

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// runWriter writes one run.
type runWriter struct {
	run
	f   *os.File
	buf []byte
}

func newRunWriter(f *os.File, at int64, buf []byte) *runWriter {
	return &runWriter{f: f, run: run{File: filepath.Base(f.Name()), At: at}, buf: buf}
}

// block writes one block.
func (w *runWriter) block(b block) error {
	w.buf = append(w.buf, b...)
	w.Rows++
	if len(w.buf) < runBuffer {
		return nil
	}
	return w.flush()
}

// write writes all blocks of a pack as they lie there.
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
	_, err := w.f.WriteAt(b, w.At+w.Size)
	w.Size += int64(len(b))
	return err
}

// runReader reads a run block by block.
type runReader struct {
	run
	path string
	f    *os.File
	sum  uint32
	read int64 // so far
	// passed counts what is read of many runs; nil when nobody asks.
	passed *atomic.Int64
	buf    []byte
	from   int // what of buf is not given yet
}

// sound goes through the run, and gives an error unless it is all there.
func (r run) sound(dir string) error {
	in := r.open(dir)
	defer in.close()
	for {
		if b, err := in.next(); b == nil || err != nil {
			return err
		}
	}
}

func (r run) open(dir string) *runReader { return &runReader{run: r, path: filepath.Join(dir, r.File)} }

// close may be called at any time.
func (r *runReader) close() {
	if r.f != nil {
		_ = r.f.Close()
		r.f = nil
	}
}

// next gives blocks one by one, each valid until the next, and nil after the last. It gives an error when the
// file ends early, is longer within than it says, or does not agree with its sum.
func (r *runReader) next() (block, error) {
	if err := r.have(blockHead); err != nil {
		return nil, err
	}
	b := block(r.buf[r.from:])
	if len(b) == 0 {
		return nil, r.end()
	}
	if len(b) < blockHead || b.keySize() > b.size() || int64(b.size()) > int64(len(b)-blockHead)+r.left() {
		return nil, errSpoiled
	}
	n := blockHead + b.size()
	if err := r.have(n); err != nil {
		return nil, err
	}
	r.from += n
	return block(r.buf[r.from-n : r.from]), nil
}

func (r *runReader) left() int64 { return r.Size - r.read }

// have makes sure that so many bytes are there, or all that are left.
func (r *runReader) have(n int) error {
	if len(r.buf)-r.from >= n || r.left() == 0 {
		return nil
	}
	return r.fill(n)
}

func (r *runReader) fill(n int) (err error) {
	if r.f == nil {
		if r.f, err = os.Open(r.path); err != nil { // #nosec G304 -- a name that this package gave
			return err
		}
	}
	rest := r.buf[r.from:]
	if n > cap(r.buf) {
		r.buf = make([]byte, 0, max(n, runBuffer/2))
	}
	r.buf, r.from = r.buf[:copy(r.buf[:cap(r.buf)], rest)], 0
	into := r.buf[len(r.buf):cap(r.buf)]
	into = into[:min(int64(len(into)), r.left())]
	if _, err := r.f.ReadAt(into, r.At+r.read); err != nil {
		return errors.Join(errSpoiled, err)
	}
	r.sum = crc32.Update(r.sum, castagnoli(), into)
	r.read += int64(len(into))
	if r.passed != nil {
		r.passed.Add(int64(len(into)))
	}
	r.buf = r.buf[:len(r.buf)+len(into)]
	return nil
}

func (r *runReader) end() error {
	r.close()
	if r.sum != r.Sum {
		return errSpoiled
	}
	return nil
}
