package eventstore

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/google/uuid"
)

// Position is a record's place in the whole log. Positions rise along the log, with gaps; only a store
// gives them, nobody computes them. Start stands before every record.
type Position uint64

// Start stands before the first record of every log.
const Start Position = 0

// NoStream is the expected revision of a stream that must not exist yet.
const NoStream int64 = -1

// Event is what is given to Append: an id, a type with its version, and two JSON documents without any
// personal value in clear.
type Event struct {
	ID   uuid.UUID
	Type string
	Data []byte
	Meta []byte
}

// Record is an event with its place. Its slices belong to the reader for as long as he keeps them; they
// may share a larger buffer, so who keeps one record of many should clone it.
type Record struct {
	Event
	Stream   string
	Revision int64
	Position Position
}

// digestDomain separates record digests from every other SHA-256 in the ledger.
const digestDomain = "litopys record v1\n"

// Digest is the canonical SHA-256 of a record. It covers everything but the position, which is the
// store's own:
//
//	SHA-256( "litopys record v1\n" ‖ id[16] ‖ revision u64 ‖ len(stream) u32 ‖ stream
//	         ‖ len(type) u32 ‖ type ‖ len(data) u32 ‖ data ‖ len(meta) u32 ‖ meta )
//
// Numbers are big-endian. The layout is for ever.
func (r Record) Digest() [sha256.Size]byte {
	buf := make([]byte, 0, 512+len(r.Data)+len(r.Meta))
	return sha256.Sum256(r.AppendCanonical(buf))
}

// AppendCanonical appends the bytes that Digest hashes.
func (r Record) AppendCanonical(b []byte) []byte {
	b = append(b, digestDomain...)
	b = append(b, r.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Revision))
	for _, part := range [...]string{r.Stream, r.Type} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	for _, part := range [...][]byte{r.Data, r.Meta} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return b
}

// Appended is the answer to Append: where the last event of the batch stands.
type Appended struct {
	Revision int64    // of the last event
	Position Position // of the last event
}

// Delivery is what a subscription hands over: a record, or the news that all the log held is delivered.
type Delivery struct {
	Record   Record
	Position Position // resume after this position
	CaughtUp bool     // no record; can come more than once
}

// Limits that every store keeps, so that a ledger can move to any of them. EventStoreDB 24.10 takes
// 1 MiB per append, counting data, metadata and twice the type's name.
const (
	MaxAppendBytes = 1<<20 - 16<<10
	MaxStreamName  = 200
	MaxTypeName    = 100
)

// Size is what the event counts towards MaxAppendBytes.
func (e Event) Size() int { return len(e.Data) + len(e.Meta) + 2*len(e.Type) }
