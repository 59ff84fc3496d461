package keys

import (
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// small is a clock of one shard, so that its order shows.
func small(size int) *clock[int] { return newClock(size, func(int) uint64 { return 0 }) }

func (s *clock[K]) len() (n int) {
	for i := range s.shards {
		n += len(s.shards[i].at)
	}
	return n
}

// Whatever is done, a clock keeps its bound, gives the newest entry of a key or none, and never what was
// dropped.
func TestClockAgainstAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 9).Draw(t, "size")
		s, known := small(size), map[int]*Entry{}
		key := rapid.IntRange(0, 14)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k := key.Draw(t, "key")
				known[k] = &Entry{}
				s.put(k, known[k])
				if e, ok := s.get(k); !ok || e != known[k] {
					t.Fatal("what was just put is not there")
				}
			},
			"drop":  func(t *rapid.T) { k := key.Draw(t, "key"); delete(known, k); s.drop(k) },
			"get":   func(t *rapid.T) { s.get(key.Draw(t, "key")) },
			"clear": func(*rapid.T) { clear(known); s.clear() },
			"": func(t *rapid.T) {
				if s.len() > size {
					t.Fatalf("%d keys of at most %d", s.len(), size)
				}
				for k := range 15 {
					if e, ok := s.get(k); ok && e != known[k] {
						t.Fatalf("key %d has an entry that was dropped or is old", k)
					}
				}
			},
		})
	})
}

// What is used outlives a walk over many keys that are used once, and so does what is new, for a round.
func TestClockKeepsWhatIsUsedOrNew(t *testing.T) {
	t.Parallel()
	s := small(100)
	for k := range 20 {
		s.put(k, &Entry{})
	}
	for once := range 10_000 {
		s.put(1000+once, &Entry{})
		s.get(once % 20)
	}
	for k := range 20 {
		if _, ok := s.get(k); !ok {
			t.Errorf("key %d was thrown out", k)
		}
	}
	for k := 10_999; k > 10_999-60; k-- {
		if _, ok := s.get(k); !ok {
			t.Errorf("the new key %d was thrown out", k)
		}
	}
	if s.len() != 100 {
		t.Errorf("%d keys of 100", s.len())
	}
}

// A window of keys that moves on, each used a few times, is found in memory. When it is as large as half of the
// bound, now and then a key goes that came when all others had just been used.
func TestClockFollowsAWindow(t *testing.T) {
	t.Parallel()
	for window, most := range map[int]int{10: 5000, 20: 5000, 40: 6500} {
		s, missed := small(100), 0
		for first := 0; first < 5000; first += window {
			for range 4 {
				for k := first; k < first+window; k++ {
					if _, ok := s.get(k); !ok {
						missed++
						s.put(k, &Entry{})
					}
				}
			}
		}
		if missed > most {
			t.Errorf("window of %d: read %d times for 5000 keys", window, missed)
		}
	}
}

func TestClockIsSharedByGoroutines(t *testing.T) {
	t.Parallel()
	s := newClock(1000, func(k int) uint64 { return uint64(k) })
	var all sync.WaitGroup
	for from := range 4 {
		all.Go(func() {
			for n := range 5000 {
				k := (n*7 + from) % 3000
				if n%3 == 0 {
					s.put(k, &Entry{})
				} else if n%17 == 0 {
					s.drop(k)
				} else {
					s.get(k)
				}
			}
		})
	}
	all.Wait()
	if n := s.len(); n == 0 || n > 1000 {
		t.Errorf("%d keys of at most 1000", n)
	}
}
