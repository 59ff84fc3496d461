package projections

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"iter"
)

// Sum tells rows of one table from others: their number, and a digest of all their values in the order of
// their keys. It is the same on every backend.
type Sum struct {
	Rows   int64
	Digest [sha256.Size]byte
}

// String is the number and the beginning of the digest.
func (s *Sum) String() string {
	return fmt.Sprintf("%d rows (%s)", s.Rows, hex.EncodeToString(s.Digest[:8]))
}

// summer makes a Sum.
type summer struct {
	table *Table
	hash  hash.Hash
	rows  int64
	buf   []byte
}

func newSummer(t *Table) *summer { return &summer{table: t, hash: sha256.New()} }

// sumBytes is hashed at once.
const sumBytes = 8 << 10

func (s *summer) add(row coded) {
	s.rows++
	if row.code != nil {
		s.buf = append(s.buf, row.code...)
	} else {
		s.buf = appendCode(s.buf, s.table, row.Row)
	}
	if len(s.buf) >= sumBytes {
		s.hash.Write(s.buf)
		s.buf = s.buf[:0]
	}
}

func (s *summer) sum() Sum {
	s.hash.Write(s.buf)
	s.buf = s.buf[:0]
	out := Sum{Rows: s.rows}
	s.hash.Sum(out.Digest[:0])
	return out
}

// countEvery is how often rows are counted aloud.
const countEvery = 4096

// coded is a row with the bytes that appendCode makes of it where they are at hand, nil otherwise.
type coded struct {
	Row
	code []byte
}

func uncoded(rows iter.Seq2[Row, error]) iter.Seq2[coded, error] {
	return func(yield func(coded, error) bool) {
		for row, err := range rows {
			if !yield(coded{Row: row}, err) {
				return
			}
		}
	}
}

// summed passes rows on and leaves their sum when they were gone through to the end, each time anew. told
// hears of how many have passed since the last time; it may be nil.
func summed(t *Table, rows iter.Seq2[coded, error], into *Sum, told func(int64)) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		s, heard := newSummer(t), int64(0)
		for row, err := range rows {
			if err == nil {
				s.add(row)
			}
			if !yield(row.Row, err) {
				return
			}
			if told != nil && s.rows-heard >= countEvery {
				told(s.rows - heard)
				heard = s.rows
			}
		}
		if told != nil {
			told(s.rows - heard)
		}
		*into = s.sum()
	}
}
