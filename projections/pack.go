package projections

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"sync"
	"unsafe"
)

// pack is what a batch of a rebuild does to one table, in the form in which it goes to disk: it is encoded
// once, and neither the rows nor the values in them cost the garbage collector anything. What melts, melts on
// the way out.
type pack struct {
	table  *Table
	batch  *Batch
	chunks [][]byte // blocks, one after the other
	large  bool     // whether a chunk was ever full
	ops    []packed // of a keyed table: where its blocks are, in the order in which they came
	rows   int64    // of a Log table: how many there are
	size   int
	block  []byte                  // scratch
	recent [1 << recentBits]uint32 // by slot: the last change of one key there, counted from 1
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
	// recentBits is how many keys are remembered, in bits, so that sums of few rows melt at once.
	recentBits = 8
)

func packedOf(b block) packed {
	key, x := b.key(), packed{place: longKey}
	if len(key) <= headBytes {
		x.place = uint64(len(key))
	}
	if len(key) < headBytes {
		var long [headBytes]byte
		copy(long[:], key)
		key = long[:]
	}
	for i := range x.head {
		x.head[i] = binary.BigEndian.Uint64(key[8*i:])
	}
	return x
}

// slot is where the key is remembered, if it is.
func (o packed) slot() int {
	h := o.head[0] ^ o.head[1]*0x9e3779b97f4a7c15 ^ o.head[2]*0xbf58476d1ce4e5b9
	return int(h * 0x94d049bb133111eb >> (64 - recentBits))
}

func (o packed) keySize() uint64 { return o.place & 0xff }

func (o packed) long() bool { return o.keySize() == longKey }

const (
	// Chunks double: many tables have few rows.
	firstChunk = 4 << 10
	lastChunk  = 256 << 10
)

// spare is memory that goes from one batch to the next, also of another projection: what all of them hold is
// bounded, what one of them holds is not. It is safe for concurrent use.
type spare struct {
	mu     sync.Mutex
	chunks [][]byte // guarded by mu; empty, of the last size
}

func (s *spare) take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.chunks)
	if n == 0 {
		return make([]byte, 0, lastChunk)
	}
	c := s.chunks[n-1]
	s.chunks = s.chunks[:n-1]
	return c
}

func (s *spare) give(c []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chunks = append(s.chunks, c[:0])
}

// drop leaves the memory to others.
func (s *spare) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chunks = nil
}

func (p *pack) take(w *Writer, change int) int {
	before, b := p.size, w.blocks[change]
	if p.table.Log {
		p.keep(b)
		p.rows++
		return p.size - before
	}
	x := packedOf(b)
	last := &p.recent[x.slot()]
	if b.kind() == unknown && *last > 0 && p.meltsInto(p.ops[*last-1], x, b) {
		return 0
	}
	chunk, at := p.keep(b)
	x.place |= chunk<<32 | at<<8
	p.ops = append(p.ops, x)
	*last = uint32(len(p.ops)) // #nosec G115 -- as many as fit in memory
	p.size += int(unsafe.Sizeof(packed{}))
	return p.size - before
}

func (p *pack) keep(b block) (chunk, at uint64) {
	n := len(p.chunks)
	if n == 0 || cap(p.chunks[n-1])-len(p.chunks[n-1]) < len(b) {
		p.chunks = append(p.chunks, p.fresh(len(b)))
		n++
	}
	last := &p.chunks[n-1]
	from := len(*last)
	*last = append(*last, b...)
	p.size += len(b)
	return uint64(n - 1), uint64(from) // #nosec G115 -- not negative
}

func (p *pack) fresh(least int) []byte {
	size := min(lastChunk, firstChunk<<min(len(p.chunks), 16))
	switch {
	case least > lastChunk:
		return make([]byte, 0, least)
	case p.large || size == lastChunk:
		p.large = true
		return p.batch.spare.take()
	}
	return make([]byte, 0, max(least, size))
}

// renew begins the next batch in the same memory.
func (p *pack) renew() {
	for _, c := range p.chunks {
		if cap(c) == lastChunk {
			p.batch.spare.give(c)
		}
	}
	clear(p.chunks)
	p.chunks, p.ops, p.rows, p.size = p.chunks[:0], p.ops[:0], 0, 0
	clear(p.recent[:])
}

func (p *pack) at(o packed) block {
	b := block(p.chunks[o.place>>32][o.place>>8&0xffffff:])
	return b[:blockHead+b.size()]
}

// meltsInto adds a sum to the last change of its key, where that one is a sum too.
func (p *pack) meltsInto(last, x packed, b block) bool {
	if last.head != x.head || last.keySize() != x.keySize() {
		return false
	}
	to := p.at(last)
	return to.kind() == unknown && bytes.Equal(to.key(), b.key()) && addSum(to.body(), b.body())
}

// sort deals the changes out by the first bytes of their keys. Most keys begin with an id, so that the piles
// become short and are sorted where they lie in the processor's cache.
func (p *pack) sort() { p.sortPile(p.ops, 0) }

const (
	smallPile = 64 // is sorted as it is
	dealings  = 2  // bytes that piles are dealt out by
)

func (p *pack) sortPile(pile []packed, depth int) {
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
	for b := range 256 {
		for next[b] < ends[b+1] {
			x := &pile[next[b]]
			to := x.head[0] >> shift & 0xff
			if int(to) != b {
				*x, pile[next[to]] = pile[next[to]], *x
			}
			next[to]++
		}
	}
	for b := range 256 {
		if ends[b] < ends[b+1] {
			p.sortPile(pile[ends[b]:ends[b+1]], depth+1)
		}
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
		if c := bytes.Compare(p.at(a).key(), p.at(b).key()); c != 0 {
			return c
		}
	} else if a.keySize() != b.keySize() {
		return cmp.Compare(a.keySize(), b.keySize())
	}
	return cmp.Compare(a.place, b.place)
}

// entries goes through what becomes of each key, sorted by key. A block is valid until the next one.
func (p *pack) entries(yield func(block) error) error {
	p.sort()
	for rest := p.ops; len(rest) > 0; {
		n := 1
		for n < len(rest) && p.same(rest[n], rest[0]) {
			n++
		}
		b, err := p.melt(rest[:n])
		if err == nil {
			err = yield(b)
		}
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// melt makes one block of all that happens to one key: what came before the last whole row or deletion counts
// no more, and what came after it changes it.
func (p *pack) melt(ops []packed) (block, error) {
	from := len(ops) - 1
	for from > 0 && p.at(ops[from]).kind() == unknown {
		from--
	}
	if from == len(ops)-1 {
		return p.at(ops[from]), nil
	}
	var e entry
	for i, o := range ops[from:] {
		next, err := p.at(o).entry(p.table)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			e = next
			continue
		}
		for _, c := range next.changes {
			e.change(p.table, c)
		}
	}
	p.block = e.append(p.block[:0], p.table)
	return p.block, nil
}

// same tells whether two changes are of one key. Short keys with one head differ in length, by zeros at the end.
func (p *pack) same(a, b packed) bool {
	return a.head == b.head && a.keySize() == b.keySize() && (!a.long() || bytes.Equal(p.at(a).key(), p.at(b).key()))
}
