package embedded

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
)

// entry is what the index knows of one record: whose it is, by hash, and where it stands. Two streams may
// share a hash; who follows an entry compares the name in the record.
type entry struct {
	hash uint64
	rev  int64
	seq  uint64
}

const entrySize = 24

// compareEntries orders entries as run files hold them: the events of one stream lie together, by revision.
func compareEntries(a, b entry) int {
	return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.rev, b.rev), cmp.Compare(a.seq, b.seq))
}

func putEntry(b []byte, e entry) {
	binary.BigEndian.PutUint64(b, e.hash)
	binary.BigEndian.PutUint64(b[8:], uint64(e.rev))
	binary.BigEndian.PutUint64(b[16:], e.seq)
}

func getEntry(b []byte) entry {
	return entry{
		hash: binary.BigEndian.Uint64(b),
		rev:  int64(binary.BigEndian.Uint64(b[8:])),
		seq:  binary.BigEndian.Uint64(b[16:]),
	}
}

// hashStream is FNV-1a of 64 bits with the finishing step of MurmurHash3, which spreads it evenly over the
// whole range: run files place their filter by the upper bits. It is part of the file format.
func hashStream(stream string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(stream) {
		h = (h ^ uint64(stream[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// castagnoli is the table of CRC-32C, which processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendSum appends the CRC-32C of b to b.
func appendSum(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// cutSum gives b without the CRC-32C at its end, and whether that was right.
func cutSum(b []byte) ([]byte, bool) {
	n := len(b) - crc32.Size
	if n < 0 {
		return nil, false
	}
	return b[:n], binary.BigEndian.Uint32(b[n:]) == crc32.Checksum(b[:n], castagnoli)
}
