package keys

import (
	"sync"
	"sync/atomic"
)

// clock is a bounded map. When it is full, a hand goes round and throws out the first entry that was not
// looked up since it passed by last: what is new stays for a whole round, what is used stays for longer, and a
// walk over many keys that are used once takes no other with it than it must. It is safe for concurrent use,
// starts no goroutine, and leaves nothing for the garbage collector but the entries.
type clock[K comparable] struct {
	shards []shard[K]     // their number is a power of two
	spread func(K) uint64 // over the shards
}

// shard is a clock of its own: callers with different keys seldom wait for each other.
type shard[K comparable] struct {
	mu    sync.RWMutex
	size  int
	at    map[K]int // in slots; guarded by mu, as what follows
	slots []slot[K] // grow up to size
	hand  int       // on the slot that is next
}

type slot[K comparable] struct {
	key   K
	entry *Entry // nil: dropped, and free
	used  atomic.Bool
}

// Each shard holds at least shardMin keys, so that a small bound is kept well.
const (
	maxShards = 64
	shardMin  = 64
)

func newClock[K comparable](size int, spread func(K) uint64) *clock[K] {
	n := 1
	for n < maxShards && size/(2*n) >= shardMin {
		n *= 2
	}
	c := &clock[K]{shards: make([]shard[K], n), spread: spread}
	for i := range c.shards {
		c.shards[i].size = max(1, size/n)
	}
	c.clear()
	return c
}

func (c *clock[K]) shard(key K) *shard[K] { return &c.shards[c.spread(key)&uint64(len(c.shards)-1)] }

func (c *clock[K]) get(key K) (*Entry, bool) {
	s := c.shard(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, ok := s.at[key]
	if !ok {
		return nil, false
	}
	x := &s.slots[i]
	if !x.used.Load() { // readers that each write would wait for one another
		x.used.Store(true)
	}
	return x.entry, true
}

func (c *clock[K]) put(key K, e *Entry) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.at[key]
	if !ok {
		i = s.free()
		s.at[key] = i
		s.slots[i].key = key
		s.slots[i].used.Store(false)
	}
	s.slots[i].entry = e
}

func (c *clock[K]) drop(key K) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.at[key]; ok {
		s.empty(i)
	}
}

func (c *clock[K]) clear() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.at, s.slots, s.hand = map[K]int{}, nil, 0
		s.mu.Unlock()
	}
}

// free gives a slot that holds nothing. The caller holds the lock for writing.
func (s *shard[K]) free() int {
	if len(s.slots) < s.size {
		s.slots = append(s.slots, slot[K]{})
		return len(s.slots) - 1
	}
	for {
		i := s.hand
		s.hand = (s.hand + 1) % s.size
		switch x := &s.slots[i]; {
		case x.entry == nil:
			return i
		case !x.used.Swap(false):
			s.empty(i)
			return i
		}
	}
}

// empty takes an entry out.
func (s *shard[K]) empty(i int) {
	x := &s.slots[i]
	delete(s.at, x.key)
	var none K
	x.key, x.entry = none, nil
}
