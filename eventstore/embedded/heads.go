package embedded

import "sync"

// heads remembers the newest revision of the streams that were last used: at least size and at most twice
// as many, however many streams there are. It never holds anything but the truth: only the writer puts,
// after each commit, for every stream that it wrote.
type heads struct {
	size int

	mu    sync.Mutex
	young map[string]int64 // guarded by mu
	old   map[string]int64 // guarded by mu; dropped when young is full
}

func newHeads(size int) *heads {
	return &heads{size: size, young: make(map[string]int64)}
}

// get gives the head of the stream when it is remembered.
func (h *heads) get(stream string) (int64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if rev, ok := h.young[stream]; ok {
		return rev, true
	}
	rev, ok := h.old[stream]
	if ok {
		h.putLocked(stream, rev)
	}
	return rev, ok
}

// put remembers the head of a stream after a commit.
func (h *heads) put(stream string, rev int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.putLocked(stream, rev)
}

func (h *heads) putLocked(stream string, rev int64) {
	if len(h.young) >= h.size {
		h.old, h.young = h.young, make(map[string]int64, h.size)
	}
	h.young[stream] = rev
}
