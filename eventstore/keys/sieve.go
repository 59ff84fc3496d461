package keys

import (
	"sync"
	"sync/atomic"
)

// sieve is a bounded map. When it is full it throws out, in order of age, what was not looked up since the
// hand last passed by: what is used stays, and a scan over many keys that are used once leaves after one
// round. This is the algorithm SIEVE (Zhang and others, NSDI 2024). It is safe for concurrent use, and starts
// no goroutine.
type sieve[K comparable] struct {
	shards []shard[K]     // their number is a power of two
	spread func(K) uint64 // over the shards
}

// shard is a sieve of its own: callers with different keys seldom wait for each other.
type shard[K comparable] struct {
	mu    sync.RWMutex
	at    map[K]int32 // guarded by mu, as what follows
	slots []slot[K]
	size  int32
	free  int32 // first of the slots that hold nothing, linked by older; none at the end
	new   int32 // ends of the list
	old   int32
	hand  int32 // none: it begins at the oldest
}

type slot[K comparable] struct {
	key          K
	entry        *Entry
	newer, older int32
	used         atomic.Bool // since the hand last passed by
}

const none = -1

// Each shard holds at least shardMin keys, so that a small bound is kept well.
const (
	maxShards = 64
	shardMin  = 64
)

func newSieve[K comparable](size int, spread func(K) uint64) *sieve[K] {
	n := 1
	for n < maxShards && size/(2*n) >= shardMin {
		n *= 2
	}
	s := &sieve[K]{shards: make([]shard[K], n), spread: spread}
	for i := range s.shards {
		s.shards[i].size = int32(max(1, size/n)) //nolint:gosec // a bound of keys in memory
		s.shards[i].clear()
	}
	return s
}

func (s *sieve[K]) shard(key K) *shard[K] {
	return &s.shards[s.spread(key)&uint64(len(s.shards)-1)]
}

func (s *sieve[K]) get(key K) (*Entry, bool) {
	h := s.shard(key)
	h.mu.RLock()
	defer h.mu.RUnlock()
	i, ok := h.at[key]
	if !ok {
		return nil, false
	}
	x := &h.slots[i]
	if !x.used.Load() { // a store for each reader would make them wait for one another's caches
		x.used.Store(true)
	}
	return x.entry, true
}

func (s *sieve[K]) put(key K, e *Entry) {
	h := s.shard(key)
	h.mu.Lock()
	defer h.mu.Unlock()
	if i, ok := h.at[key]; ok {
		h.slots[i].entry = e
		h.slots[i].used.Store(true)
		return
	}
	i := h.take()
	x := &h.slots[i]
	x.key, x.entry = key, e
	x.used.Store(false)
	h.at[key] = i
	h.link(i)
}

func (s *sieve[K]) drop(key K) {
	h := s.shard(key)
	h.mu.Lock()
	defer h.mu.Unlock()
	if i, ok := h.at[key]; ok {
		h.release(i)
	}
}

func (s *sieve[K]) clear() {
	for i := range s.shards {
		h := &s.shards[i]
		h.mu.Lock()
		h.clear()
		h.mu.Unlock()
	}
}

func (h *shard[K]) clear() {
	h.at, h.slots = map[K]int32{}, nil
	h.free, h.new, h.old, h.hand = none, none, none, none
}

// take gives a slot that holds nothing, of an entry thrown out if need be.
func (h *shard[K]) take() int32 {
	if h.free == none && len(h.slots) == int(h.size) {
		h.release(h.victim())
	}
	if i := h.free; i != none {
		h.free = h.slots[i].older
		return i
	}
	h.slots = append(h.slots, slot[K]{})
	return int32(len(h.slots) - 1) //nolint:gosec // at most size
}

// victim moves the hand from the oldest towards the newest, to one that was not used.
func (h *shard[K]) victim() int32 {
	for {
		if h.hand == none {
			h.hand = h.old
		}
		i := h.hand
		if !h.slots[i].used.Swap(false) {
			return i
		}
		h.hand = h.slots[i].newer
	}
}

func (h *shard[K]) link(i int32) {
	h.slots[i].newer, h.slots[i].older = none, h.new
	if h.new == none {
		h.old = i
	} else {
		h.slots[h.new].newer = i
	}
	h.new = i
}

// release takes an entry out; the hand goes on behind it.
func (h *shard[K]) release(i int32) {
	x := &h.slots[i]
	if h.hand == i {
		h.hand = x.newer
	}
	if x.newer == none {
		h.new = x.older
	} else {
		h.slots[x.newer].older = x.older
	}
	if x.older == none {
		h.old = x.newer
	} else {
		h.slots[x.older].newer = x.newer
	}
	delete(h.at, x.key)
	var empty K
	x.key, x.entry = empty, nil
	x.older, h.free = h.free, i
}
