package esdbtest

import "sync"

// live is the buffer between the writer and one live subscription. The writer never waits: when the buffer
// is full the oldest item is dropped, and the reader, who finds a number missing, catches up by reading
// again. So a slow subscriber slows nobody and loses nothing.
type live struct {
	wants    func(*entry) bool // false: not the business of this subscription at all
	spec     filterSpec
	capacity int
	wake     chan struct{} // capacity 1: something is there

	mu         sync.Mutex
	items      []liveItem
	next       uint64 // number of the next item
	considered int    // records since the last checkpoint
}

// liveItem is a record, or a checkpoint when entry was only considered.
type liveItem struct {
	seq        uint64
	entry      *entry
	checkpoint bool
}

// offer is called by the writer, under the lock of the log.
func (s *live) offer(e *entry) {
	if e.hidden || !s.wants(e) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spec.keep.allows(e) {
		s.push(liveItem{entry: e})
	}
	s.considered++
	if s.spec.interval > 0 && s.considered >= s.spec.interval {
		s.considered = 0
		s.push(liveItem{entry: e, checkpoint: true})
	}
}

func (s *live) push(item liveItem) {
	item.seq = s.next
	s.next++
	if len(s.items) >= s.capacity {
		s.items = append(s.items[:0], s.items[1:]...)
	}
	s.items = append(s.items, item)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take gives what is buffered and empties the buffer.
func (s *live) take() []liveItem {
	s.mu.Lock()
	defer s.mu.Unlock()
	items := s.items
	s.items = nil
	return items
}

// goLive registers the buffer; every record from index upTo on will be offered to it.
func (l *Log) goLive(s *live) (upTo int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lives[s] = struct{}{}
	return len(l.entries)
}

func (l *Log) leaveLive(s *live) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.lives, s)
}
