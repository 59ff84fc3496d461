package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"os"
	"path/filepath"
)

// writeBuffer is how many bytes a run writer collects before it writes.
const writeBuffer = 256 << 10

func mulHigh(a, b uint64) uint64 {
	hi, _ := bits.Mul64(a, b)
	return hi
}

// offsetWriter collects bytes and writes them from a given place on.
type offsetWriter struct {
	file File
	at   int64
	buf  []byte
}

func (w *offsetWriter) write(b []byte) error {
	w.buf = append(w.buf, b...)
	if len(w.buf) < writeBuffer {
		return nil
	}
	return w.flush()
}

func (w *offsetWriter) flush() error {
	n, err := w.file.WriteAt(w.buf, w.at)
	w.at += int64(n)
	w.buf = w.buf[:0]
	return err
}

// runWriter writes the parts of one run in a single pass over its entries.
type runWriter struct {
	header  runHeader
	entries offsetWriter
	filters offsetWriter
	fence   []byte

	block    []byte // entries of the block under way
	filter   [filterBlock]byte
	filterAt uint64 // number of the filter block under way
	count    uint64
	last     entry
}

// writeRun writes the entries, which come in order, as the run that the header describes, and returns when
// the file is complete on stable storage under its name. A crash on the way leaves a file ending in .tmp.
func writeRun(fsys FS, dir string, header runHeader, entries iter.Seq2[entry, error]) error {
	path := filepath.Join(dir, header.name())
	tmp := path + tmpSuffix
	f, err := fsys.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write run: %w", err)
	}
	w := &runWriter{
		header:  header,
		entries: offsetWriter{file: f, at: runHeaderSize},
		filters: offsetWriter{file: f, at: header.filterOffset()},
	}
	if err = errors.Join(w.fill(entries), f.Close()); err == nil {
		// The name appears only when the bytes under it are on the disk.
		err = fsys.Rename(tmp, path)
	}
	if err == nil {
		err = fsys.SyncDir(dir)
	}
	if err != nil {
		_ = fsys.Remove(tmp)
		return fmt.Errorf("write run %s: %w", header.name(), err)
	}
	return nil
}

func (w *runWriter) fill(entries iter.Seq2[entry, error]) error {
	for e, err := range entries {
		if err == nil {
			err = w.add(e)
		}
		if err != nil {
			return err
		}
	}
	return w.finish()
}

func (w *runWriter) add(e entry) error {
	if w.count > 0 && compareEntries(w.last, e) >= 0 {
		return fmt.Errorf("entries out of order at record %d", e.seq)
	}
	if len(w.block) == 0 {
		w.fence = binary.BigEndian.AppendUint64(w.fence, e.hash)
		w.fence = binary.BigEndian.AppendUint64(w.fence, uint64(e.rev))
	}
	if w.count == 0 || e.hash != w.last.hash {
		if err := w.mark(e.hash); err != nil {
			return err
		}
	}
	var b [entrySize]byte
	putEntry(b[:], e)
	w.block = append(w.block, b[:]...)
	w.last = e
	w.count++
	if len(w.block) == blockEntries*entrySize {
		return w.endBlock()
	}
	return nil
}

func (w *runWriter) endBlock() error {
	w.block = appendSum(w.block)
	err := w.entries.write(w.block)
	w.block = w.block[:0]
	return err
}

// mark sets the bits of a hash, finishing the filter blocks before its own.
func (w *runWriter) mark(hash uint64) error {
	for place := w.header.filterPlace(hash); w.filterAt < place; {
		if err := w.endFilter(); err != nil {
			return err
		}
	}
	eachFilterBit(hash, func(bit uint32) bool {
		w.filter[bit/8] |= 1 << (bit % 8)
		return true
	})
	return nil
}

func (w *runWriter) endFilter() error {
	b := appendSum(w.filter[:filterBlock-4])
	w.filterAt++
	err := w.filters.write(b)
	w.filter = [filterBlock]byte{}
	return err
}

// finish writes what is under way, the fence and, after everything that it describes, the header.
func (w *runWriter) finish() error {
	if w.count != w.header.count() {
		return fmt.Errorf("%d entries for the %d records from %d", w.count, w.header.count(), w.header.first)
	}
	if len(w.block) > 0 {
		if err := w.endBlock(); err != nil {
			return err
		}
	}
	for w.filterAt < w.header.filterBlocks() {
		if err := w.endFilter(); err != nil {
			return err
		}
	}
	if err := errors.Join(w.entries.flush(), w.filters.flush()); err != nil {
		return err
	}
	if _, err := w.entries.file.WriteAt(appendSum(w.fence), w.header.fenceOffset()); err != nil {
		return err
	}
	if _, err := w.entries.file.WriteAt(w.header.encode(), 0); err != nil {
		return err
	}
	return w.entries.file.Sync()
}
