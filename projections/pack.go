package projections

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"unsafe"
)

// pack is what a batch of a rebuild does to one table, in the form in which it goes to disk: it is encoded
// once, and neither the rows nor the values in them cost the garbage collector anything. What melts, melts on
// the way out.
type pack struct {
	table  *Table
	chunks [][]byte // blocks, each after its length
	spare  [][]byte // chunks of the batch before
	ops    []packed // of a keyed table: where its blocks are, in the order in which they came
	rows   int64    // of a Log table: how many there are
	size   int
	key    []byte // scratch
	block  []byte // scratch
}

// packed is one block with the beginning of its key: an id and as much of what follows it as tells most keys
// apart.
type packed struct {
	head [3]uint64
	// place is the block's chunk (32 bits), where it begins there (24) and the length of the key (8; longKey when
	// it goes on after the head), so that of two changes the later one has the greater place.
	place uint64
}

const (
	headBytes = 24
	longKey   = 0xff
)

func (o packed) keySize() uint64 { return o.place & 0xff }

func (o packed) long() bool { return o.keySize() == longKey }

const (
	// Chunks double: many tables have few rows.
	firstChunk = 4 << 10
	lastChunk  = 256 << 10
	// spareChunks of the last size are kept from one batch to the next.
	spareChunks = 4
)

// take keeps one change and gives the memory it costs.
func (p *pack) take(o op) int {
	before := p.size
	p.block = p.encode(p.block[:0], o)
	chunk, at := p.keep(p.block)
	if p.table.Log {
		p.rows++
		return p.size - before
	}
	size := uint64(longKey)
	if len(p.key) <= headBytes {
		size = uint64(len(p.key))
	}
	x := packed{place: chunk<<32 | at<<8 | size}
	for i := range x.head {
		x.head[i] = head(p.key[min(8*i, len(p.key)):])
	}
	p.ops = append(p.ops, x)
	p.size += int(unsafe.Sizeof(packed{}))
	return p.size - before
}

// encode writes a row of a Log table as it is, and everything else as an entry.
func (p *pack) encode(b []byte, o op) []byte {
	key := o.row
	switch o.kind {
	case opAppend:
		return appendRow(b, o.row)
	case opPatch, opAdd:
		key = o.edit.Key
	}
	p.key = AppendKey(p.key[:0], key[:p.table.Key])
	switch o.kind {
	case opUpsert:
		return appendRow(appendHead(b, p.key, whole), o.row)
	case opDelete:
		return appendHead(b, p.key, gone)
	}
	b = appendRow(appendHead(b, p.key, unknown), key[:p.table.Key])
	return appendChange(append(b, 1), o.edit)
}

func (p *pack) keep(block []byte) (chunk, at uint64) {
	n := len(p.chunks)
	if n == 0 || cap(p.chunks[n-1])-len(p.chunks[n-1]) < len(block)+binary.MaxVarintLen64 {
		p.chunks = append(p.chunks, p.fresh(len(block)+binary.MaxVarintLen64))
		n++
	}
	last := &p.chunks[n-1]
	from := len(*last)
	*last = append(binary.AppendUvarint(*last, uint64(len(block))), block...)
	p.size += len(*last) - from
	return uint64(n - 1), uint64(from) // #nosec G115 -- not negative
}

func (p *pack) fresh(least int) []byte {
	if n := len(p.spare); n > 0 && least <= lastChunk {
		c := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return c
	}
	return make([]byte, 0, max(least, min(lastChunk, firstChunk<<min(len(p.chunks), 16))))
}

// renew begins the next batch in the same memory.
func (p *pack) renew() {
	for _, c := range p.chunks {
		if len(p.spare) < spareChunks && cap(c) == lastChunk {
			p.spare = append(p.spare, c[:0])
		}
	}
	p.chunks, p.ops, p.rows, p.size = p.chunks[:0], p.ops[:0], 0, 0
}

func (p *pack) at(o packed) []byte {
	c := p.chunks[o.place>>32][o.place>>8&0xffffff:]
	n, size := binary.Uvarint(c)
	return c[size:][:n]
}

func (p *pack) keyAt(o packed) string {
	b := p.at(o)
	n, size := binary.Uvarint(b)
	return unsafe.String(unsafe.SliceData(b[size:]), int(n)) // #nosec G103 G115 -- chunks stand still until renew
}

// sort deals the changes out by the first bytes of their keys. Most keys begin with an id, so that the piles
// become short and are sorted where they lie in the processor's cache.
func (p *pack) sort() { p.sortPile(p.ops, make([]packed, len(p.ops)), 0) }

const (
	smallPile = 64 // is sorted as it is
	dealings  = 2  // bytes that piles are dealt out by
)

func (p *pack) sortPile(pile, room []packed, depth int) {
	if len(pile) <= smallPile || depth == dealings {
		slices.SortFunc(pile, p.compare)
		return
	}
	shift := 56 - 8*depth
	var ends [257]int // of the piles; the pile of byte b begins at ends[b]
	for i := range pile {
		ends[pile[i].head[0]>>shift&0xff+1]++
	}
	for b := range 256 {
		ends[b+1] += ends[b]
	}
	next := ends
	for i := range pile {
		b := pile[i].head[0] >> shift & 0xff
		room[next[b]] = pile[i]
		next[b]++
	}
	copy(pile, room)
	for b := range 256 {
		p.sortPile(pile[ends[b]:ends[b+1]], room[ends[b]:ends[b+1]], depth+1)
	}
}

// compare sorts by key, and changes of one key by when they came.
func (p *pack) compare(a, b packed) int {
	for i, h := range a.head {
		if h != b.head[i] {
			return cmp.Compare(h, b.head[i])
		}
	}
	if a.long() || b.long() {
		if c := strings.Compare(p.keyAt(a), p.keyAt(b)); c != 0 {
			return c
		}
	} else if a.keySize() != b.keySize() {
		return cmp.Compare(a.keySize(), b.keySize())
	}
	return cmp.Compare(a.place, b.place)
}

// entries goes through what becomes of each key, sorted by key. A block is valid until the next one.
func (p *pack) entries(yield func(block []byte) error) error {
	p.sort()
	for rest := p.ops; len(rest) > 0; {
		n := 1
		for n < len(rest) && p.same(rest[n], rest[0]) {
			n++
		}
		if err := yield(p.melt(rest[:n])); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// melt makes one block of all that happens to one key: what came before the last whole row or deletion counts
// no more, and what came after it changes it.
func (p *pack) melt(ops []packed) []byte {
	from := len(ops) - 1
	for from > 0 && p.kindAt(ops[from]) == unknown {
		from--
	}
	if from == len(ops)-1 {
		return p.at(ops[from])
	}
	var e entry
	for _, o := range ops[from:] {
		var next entry
		in := reader{b: p.at(o)}
		in.entry(p.table, &next)
		if o == ops[from] {
			e = next
			continue
		}
		for _, c := range next.changes {
			e.change(p.table, c)
		}
	}
	p.block = e.append(p.block[:0], p.table)
	return p.block
}

// same tells whether two changes are of one key. Short keys with one head differ in length, by zeros at the end.
func (p *pack) same(a, b packed) bool {
	return a.head == b.head && a.keySize() == b.keySize() && (!a.long() || p.keyAt(a) == p.keyAt(b))
}

func (p *pack) kindAt(o packed) entryKind {
	b := p.at(o)
	n, size := binary.Uvarint(b)
	return entryKind(b[size+int(n)]) // #nosec G115 -- within the block
}
