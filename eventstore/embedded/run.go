package embedded

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"sync/atomic"
)

// run is an open run file. It is immutable; any number of goroutines may look things up. It is closed when
// the last of those who hold it lets go.
type run struct {
	runHeader
	path  string
	file  File
	fence []fenceKey
	refs  atomic.Int64
	pool  sync.Pool // *[]byte of blockSize
}

// fenceKey is where a block begins.
type fenceKey struct {
	hash uint64
	rev  int64
}

// openRun opens a run file and checks its header, size and fence. Blocks of entries and filters are checked
// each time they are read. Damage gives *errRunDamaged.
func openRun(fsys FS, path string) (*run, error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("open run: %w", err)
	}
	r := &run{path: path, file: f}
	if err := r.load(); err != nil {
		_ = f.Close()
		return nil, err
	}
	r.pool.New = func() any { return new([blockSize]byte) }
	r.refs.Store(1)
	return r, nil
}

func (r *run) load() error {
	info, err := r.file.Stat()
	if err != nil {
		return fmt.Errorf("open run: %w", err)
	}
	head := make([]byte, runHeaderSize)
	if err := r.read(head, 0, "header"); err != nil {
		return err
	}
	var ok bool
	if r.runHeader, ok = decodeRunHeader(head); !ok {
		return r.damaged("header")
	}
	if info.Size() != r.fileSize() || filepath.Base(r.path) != r.name() {
		return r.damaged("size or name")
	}
	raw := make([]byte, int64(r.blocks())*fenceLine+4)
	if err := r.read(raw, r.fenceOffset(), "fence"); err != nil {
		return err
	}
	body, ok := cutSum(raw)
	if !ok {
		return r.damaged("fence")
	}
	r.fence = make([]fenceKey, r.blocks())
	for i := range r.fence {
		r.fence[i].hash = binary.BigEndian.Uint64(body[i*fenceLine:])
		r.fence[i].rev = int64(binary.BigEndian.Uint64(body[i*fenceLine+8:]))
	}
	return nil
}

func (r *run) damaged(place string) error { return &errRunDamaged{file: r.path, place: place} }

// read fills b. The end of the file is damage; other errors are the disk's.
func (r *run) read(b []byte, at int64, place string) error {
	_, err := r.file.ReadAt(b, at)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.damaged(place)
	}
	if err != nil {
		return fmt.Errorf("read run %s: %w", r.path, err)
	}
	return nil
}

// hold keeps the file open until release.
func (r *run) hold() { r.refs.Add(1) }

// release lets go; the last one closes the file.
func (r *run) release() {
	if r.refs.Add(-1) == 0 {
		_ = r.file.Close() // nothing was written through it
	}
}

// mayHave is false when the run surely has nothing of the hash.
func (r *run) mayHave(hash uint64) (bool, error) {
	var b [filterBlock]byte
	place := r.filterPlace(hash)
	if err := r.read(b[:], r.filterOffset()+int64(place)*filterBlock, "filter"); err != nil {
		return false, err
	}
	body, ok := cutSum(b[:])
	if !ok {
		return false, r.damaged(fmt.Sprintf("filter block %d", place))
	}
	found := true
	eachFilterBit(hash, func(bit uint32) bool {
		found = body[bit/8]&(1<<(bit%8)) != 0
		return found
	})
	return found, nil
}

// block reads the entries of one block and hands their bytes to do, which must not keep them.
func (r *run) block(n uint64, do func(b []byte) error) error {
	buf := r.pool.Get().(*[blockSize]byte)
	defer r.pool.Put(buf)
	raw := buf[:r.entriesIn(n)*entrySize+4]
	if err := r.read(raw, runHeaderSize+int64(n)*blockSize, "entries"); err != nil {
		return err
	}
	body, ok := cutSum(raw)
	if !ok {
		return r.damaged(fmt.Sprintf("entry block %d", n))
	}
	return do(body)
}

// blockBefore gives the last block that begins before (hash, rev): entries from there on may be at or
// after it. It is 0 when none does.
func (r *run) blockBefore(hash uint64, rev int64) uint64 {
	i := sort.Search(len(r.fence), func(i int) bool {
		f := r.fence[i]
		return cmp.Or(cmp.Compare(f.hash, hash), cmp.Compare(f.rev, rev)) >= 0
	})
	return uint64(max(i-1, 0))
}

// blockUpTo gives the last block that begins at or before (hash, rev), or 0.
func (r *run) blockUpTo(hash uint64, rev int64) uint64 {
	i := sort.Search(len(r.fence), func(i int) bool {
		f := r.fence[i]
		return cmp.Or(cmp.Compare(f.hash, hash), cmp.Compare(f.rev, rev)) > 0
	})
	return uint64(max(i-1, 0))
}

// window appends the entries of the hash with from <= revision < to.
func (r *run) window(into []entry, hash uint64, from, to int64) ([]entry, error) {
	if found, err := r.mayHave(hash); err != nil || !found {
		return into, err
	}
	lower := entry{hash: hash, rev: from}
	for n, more := r.blockBefore(hash, from), true; more && n < r.blocks(); n++ {
		err := r.block(n, func(b []byte) error {
			for i := searchEntries(b, lower); i < len(b)/entrySize; i++ {
				e := getEntry(b[i*entrySize:])
				if e.hash != hash || e.rev >= to {
					more = false
					return nil
				}
				into = append(into, e)
			}
			return nil
		})
		if err != nil {
			return into, err
		}
	}
	return into, nil
}

// lastBefore gives the last entry of the hash before the given one, or false.
func (r *run) lastBefore(before entry) (found entry, ok bool, err error) {
	if ok, err = r.mayHave(before.hash); err != nil || !ok {
		return entry{}, false, err
	}
	ok = false
	for n := r.blockUpTo(before.hash, before.rev); ; n-- {
		first := false
		err = r.block(n, func(b []byte) error {
			i := searchEntries(b, before)
			if first = i == 0; !first {
				found = getEntry(b[(i-1)*entrySize:])
				ok = found.hash == before.hash
			}
			return nil
		})
		if err != nil || !first || n == 0 {
			return found, ok, err
		}
	}
}

// searchEntries gives the index of the first entry in b that is not before e.
func searchEntries(b []byte, e entry) int {
	return sort.Search(len(b)/entrySize, func(i int) bool {
		return compareEntries(getEntry(b[i*entrySize:]), e) >= 0
	})
}
