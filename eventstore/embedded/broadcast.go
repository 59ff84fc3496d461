package embedded

import "sync"

// broadcast wakes everybody who waits for the next announcement.
type broadcast struct {
	mu   sync.Mutex
	next chan struct{} // guarded by mu; nil while nobody waits
}

// wait gives a channel that is closed by the next announcement. Who takes it before he looks misses none.
func (b *broadcast) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *broadcast) announce() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}
