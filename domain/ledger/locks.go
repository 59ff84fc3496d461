package ledger

import (
	"context"
	"hash/maphash"
	"sync"
)

// locks holds one lock a name, for the names that somebody wants right now. Unlike stripes, two different
// names never wait for each other, so holding one while taking another can't deadlock by accident.
//
// Order of taking: trace stream, then subject's file, then recipient's card; file, then reference. Nobody
// who holds a later one waits for an earlier one.
type locks struct {
	seed   maphash.Seed
	shards [64]shard
	spare  sync.Pool // of *lock
}

type shard struct {
	mu   sync.Mutex
	held map[string]*lock // guarded by mu
}

type lock struct {
	users int           // guarded by the shard's mu
	token chan struct{} // full while somebody holds it
}

func newLocks() *locks {
	l := &locks{seed: maphash.MakeSeed()}
	l.spare.New = func() any { return &lock{token: make(chan struct{}, 1)} }
	for i := range l.shards {
		l.shards[i].held = map[string]*lock{}
	}
	return l
}

func (l *locks) shard(name string) *shard {
	return &l.shards[maphash.String(l.seed, name)%uint64(len(l.shards))]
}

// acquire waits for the lock or the end of the context.
func (l *locks) acquire(ctx context.Context, name string) error {
	s := l.shard(name)
	s.mu.Lock()
	k := s.held[name]
	if k == nil {
		k = l.spare.Get().(*lock)
		s.held[name] = k
	}
	k.users++
	s.mu.Unlock()
	select {
	case k.token <- struct{}{}:
		return nil
	case <-ctx.Done():
		l.leave(s, name, k)
		return ctx.Err()
	}
}

// release gives the lock to the next who waits.
func (l *locks) release(name string) {
	s := l.shard(name)
	s.mu.Lock()
	k := s.held[name]
	s.mu.Unlock()
	<-k.token
	l.leave(s, name, k)
}

func (l *locks) leave(s *shard, name string, k *lock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(s.held, name)
		l.spare.Put(k)
	}
}
