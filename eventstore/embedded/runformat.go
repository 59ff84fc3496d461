package embedded

import (
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"
)

// A run file, all numbers big-endian; FORMAT.md draws it. The sizes of all four parts follow from the
// header, so a file that was cut is known by its size.
const (
	runMagic   = "litoprun"
	runVersion = 1

	runHeaderSize = 64
	blockEntries  = 256 // entries under one checksum, and under one line of the fence
	blockSize     = blockEntries*entrySize + 4
	fenceLine     = 16 // hash and revision of a block's first entry

	filterBlock = 64                    // one cache line: bits and their checksum
	filterBits  = (filterBlock - 4) * 8 // bits in a filter block
	filterHash  = 7                     // bits set for a stream
	streamBits  = 10                    // filter bits for each stream: about 1.5 % false alarms
)

// runHeader is the first part of a run file.
//
//	magic[8] version u32 ledger[16] first u64 last u64 streams u64 reserved[8] crc u32
type runHeader struct {
	ledger  uuid.UUID
	first   uint64 // first and last record that the run covers, all between included
	last    uint64
	streams uint64 // at least as many as there are distinct hashes
}

func (h runHeader) encode() []byte {
	b := make([]byte, 0, runHeaderSize)
	b = append(b, runMagic...)
	b = binary.BigEndian.AppendUint32(b, runVersion)
	b = append(b, h.ledger[:]...)
	b = binary.BigEndian.AppendUint64(b, h.first)
	b = binary.BigEndian.AppendUint64(b, h.last)
	b = binary.BigEndian.AppendUint64(b, h.streams)
	b = append(b, make([]byte, 8)...)
	return appendSum(b)
}

// errRunDamaged says that a run file is not as it was written. It is answered by rebuilding the file.
type errRunDamaged struct{ file, place string }

func (e *errRunDamaged) Error() string { return fmt.Sprintf("%s: %s is damaged", e.file, e.place) }

func decodeRunHeader(b []byte) (runHeader, bool) {
	if len(b) != runHeaderSize {
		return runHeader{}, false
	}
	body, ok := cutSum(b)
	if !ok || string(body[:8]) != runMagic || binary.BigEndian.Uint32(body[8:]) != runVersion {
		return runHeader{}, false
	}
	h := runHeader{
		ledger:  uuid.UUID(body[12:28]),
		first:   binary.BigEndian.Uint64(body[28:]),
		last:    binary.BigEndian.Uint64(body[36:]),
		streams: binary.BigEndian.Uint64(body[44:]),
	}
	// A run holds one entry for each record that it covers, and no more streams than entries.
	sane := h.first >= 1 && h.last >= h.first && h.last < 1<<56 && h.streams >= 1 && h.streams <= h.count() &&
		binary.BigEndian.Uint64(body[52:]) == 0
	return h, sane
}

func (h runHeader) count() uint64  { return h.last - h.first + 1 }
func (h runHeader) blocks() uint64 { return (h.count() + blockEntries - 1) / blockEntries }

// entriesIn gives how many entries a block has; only the last may be short.
func (h runHeader) entriesIn(block uint64) int {
	return int(min(blockEntries, h.count()-block*blockEntries))
}

func (h runHeader) filterBlocks() uint64 { return h.streams*streamBits/filterBits + 1 }
func (h runHeader) fenceOffset() int64 {
	return runHeaderSize + int64(h.count())*entrySize + int64(h.blocks())*4
}
func (h runHeader) filterOffset() int64 { return h.fenceOffset() + int64(h.blocks())*fenceLine + 4 }
func (h runHeader) fileSize() int64     { return h.filterOffset() + int64(h.filterBlocks())*filterBlock }

// name is the file's name: what it covers, so that a listing of the folder is the catalogue of the index.
func (h runHeader) name() string { return fmt.Sprintf("%020d-%020d.run", h.first, h.last) }

// filterPlace gives the filter block of a hash. It rises with the hash, so that a writer, who meets hashes
// in order, fills one block after the other.
func (h runHeader) filterPlace(hash uint64) uint64 {
	return mulHigh(hash, h.filterBlocks())
}

// eachFilterBit calls do with the bits of a hash inside its filter block, until do gives false.
func eachFilterBit(hash uint64, do func(bit uint32) bool) {
	at, step := uint32(hash), uint32(hash>>17)|1
	for range filterHash {
		if !do(at % filterBits) {
			return
		}
		at += step
	}
}
