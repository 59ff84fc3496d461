package sqlite

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"

	"imagine.ua/litopys/projections"
)

// index is a secondary index that is being filled, in the form of https://www.sqlite.org/fileformat2.html section
// 2.5: the columns of the index, and those of the key that are not among them.
type index struct {
	name    string
	columns []int
	entries sorter
	row     projections.Row
	key     []byte
	record  []byte
}

func indexesOf(t *projections.Table, path string) []*index {
	var out []*index
	for _, x := range t.Indexes {
		columns := slices.Clone(x.Columns)
		for _, c := range t.KeyColumns() {
			if !slices.Contains(columns, c) {
				columns = append(columns, c)
			}
		}
		out = append(out, &index{name: indexName(t, x), columns: columns, entries: sorter{path: path, limit: sortBytes}})
	}
	return out
}

func (x *index) add(row projections.Row) error {
	x.row, x.key = x.row[:0], x.key[:0]
	for _, c := range x.columns {
		x.row = append(x.row, row[c])
		x.key = appendSortKey(x.key, row[c])
	}
	x.record = appendRecord(x.record[:0], x.row)
	return x.entries.add(x.key, x.record)
}

// appendSortKey encodes a value so that the order of the bytes is the order in which SQLite has such values in an
// index: NULL before all others, numbers by their size, and octets as memcmp has them, zeros among them too.
func appendSortKey(b []byte, v projections.Value) []byte {
	t, n, s := v.Parts()
	switch t {
	case projections.Null:
		return append(b, 0)
	case projections.Int, projections.Time, projections.Bool:
		return binary.BigEndian.AppendUint64(append(b, 1), uint64(n)^1<<63) // #nosec G115 -- bits, not a number
	case projections.UUID:
		return append(append(b, 1), s...)
	}
	b = append(b, 1)
	for i := range len(s) {
		if b = append(b, s[i]); s[i] == 0 {
			b = append(b, 0xff)
		}
	}
	return append(b, 0, 1)
}

// sortBytes of entries are sorted in memory; what goes beyond is put aside in sorted runs.
const sortBytes = 4 << 20

// sorter sorts entries by their keys. Its runs are in one file beside the one that they are for, which has no
// name any more: it goes with the process.
type sorter struct {
	path  string
	limit int

	data  []byte // entries, each after the lengths of its key and its record
	spots []spot
	file  *os.File
	runs  []int64 // ends in file
}

// spot is where an entry is, with the beginning of its key.
type spot struct {
	head uint64
	at   int
}

func (s *sorter) add(key, record []byte) error {
	if len(s.data) > 0 && len(s.data)+len(s.spots)*16+len(key)+len(record) > s.limit {
		if err := s.spill(); err != nil {
			return err
		}
	}
	var first [8]byte
	copy(first[:], key)
	s.spots = append(s.spots, spot{binary.BigEndian.Uint64(first[:]), len(s.data)})
	s.data = binary.AppendUvarint(s.data, uint64(len(key)))
	s.data = binary.AppendUvarint(s.data, uint64(len(record)))
	s.data = append(append(s.data, key...), record...)
	return nil
}

// entry gives the key and the record of a spot, and all its bytes.
func (s *sorter) entry(at int) (key, record, all []byte) {
	k, n := binary.Uvarint(s.data[at:])
	r, m := binary.Uvarint(s.data[at+n:])
	from := at + n + m
	to := from + int(k) // #nosec G115 -- a length of ours
	end := to + int(r)  // #nosec G115 -- a length of ours
	return s.data[from:to], s.data[to:end], s.data[at:end]
}

func (s *sorter) sort() {
	slices.SortFunc(s.spots, func(a, b spot) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		left, _, _ := s.entry(a.at)
		right, _, _ := s.entry(b.at)
		return bytes.Compare(left, right)
	})
}

// spill writes what is in memory as a run.
func (s *sorter) spill() (err error) {
	if s.file == nil {
		name := s.path + ".sort"
		if s.file, err = os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600); err != nil { // #nosec G304 -- in a folder of our own
			return err
		}
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	s.sort()
	w := bufio.NewWriterSize(s.file, 64<<10)
	end := int64(0)
	if len(s.runs) > 0 {
		end = s.runs[len(s.runs)-1]
	}
	for _, x := range s.spots {
		_, _, all := s.entry(x.at)
		end += int64(len(all))
		if _, err := w.Write(all); err != nil {
			return err
		}
	}
	s.runs = append(s.runs, end)
	s.data, s.spots = s.data[:0], s.spots[:0]
	return w.Flush()
}

// each gives the records in the order of their keys. A record is valid until the next one.
func (s *sorter) each(do func(record []byte) error) error {
	if len(s.runs) == 0 {
		s.sort()
		for _, x := range s.spots {
			_, record, _ := s.entry(x.at)
			if err := do(record); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.spill(); err != nil {
		return err
	}
	s.data, s.spots = nil, nil
	return s.merge(do)
}

func (s *sorter) merge(do func(record []byte) error) error {
	var runs runs
	from := int64(0)
	for _, end := range s.runs {
		r := &sortedRun{in: bufio.NewReaderSize(io.NewSectionReader(s.file, from, end-from), 32<<10)}
		if err := r.next(); err != nil {
			return err
		}
		runs, from = append(runs, r), end
	}
	heap.Init(&runs)
	for len(runs) > 0 {
		if err := do(runs[0].record); err != nil {
			return err
		}
		switch err := runs[0].next(); {
		case errors.Is(err, io.EOF):
			heap.Pop(&runs)
		case err != nil:
			return err
		default:
			heap.Fix(&runs, 0)
		}
	}
	return nil
}

func (s *sorter) close() error {
	s.data, s.spots = nil, nil
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// sortedRun is a run that is being read.
type sortedRun struct {
	in          *bufio.Reader
	key, record []byte
}

// next reads one entry; io.EOF says that there is none.
func (r *sortedRun) next() error {
	k, err := binary.ReadUvarint(r.in)
	if err != nil {
		return err
	}
	n, err := binary.ReadUvarint(r.in)
	if err != nil {
		return noEOF(err)
	}
	if r.key, err = fill(r.in, r.key, k); err != nil {
		return noEOF(err)
	}
	r.record, err = fill(r.in, r.record, n)
	return noEOF(err)
}

func fill(in io.Reader, b []byte, n uint64) ([]byte, error) {
	b = slices.Grow(b[:0], int(n))[:n] // #nosec G115 -- a length of ours
	_, err := io.ReadFull(in, b)
	return b, err
}

// noEOF makes an error of an end in the middle of an entry.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// runs is a heap, the least key first.
type runs []*sortedRun

func (r runs) Len() int           { return len(r) }
func (r runs) Less(i, j int) bool { return bytes.Compare(r[i].key, r[j].key) < 0 }
func (r runs) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *runs) Push(x any)        { *r = append(*r, x.(*sortedRun)) }
func (r *runs) Pop() any {
	last := (*r)[len(*r)-1]
	*r = (*r)[:len(*r)-1]
	return last
}
