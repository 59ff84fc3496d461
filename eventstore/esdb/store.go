package esdb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// Store is a ledger in EventStoreDB. It is safe for concurrent use.
type Store struct {
	cfg      Config
	link     *link
	place    string // names the server in reports of damage; without credentials
	filter   *esdb.SubscriptionFilter
	identity uuid.UUID

	mu      sync.Mutex
	closed  bool                                 // guarded by mu
	running map[*running]context.CancelCauseFunc // guarded by mu; open reads and subscriptions
	busy    sync.WaitGroup                       // appends under way
	closing chan struct{}                        // closed by Close: nobody waits for another attempt
}

// running is the name of one open read or subscription; its address tells it from the others.
type running struct{ _ byte }

var _ eventstore.Store = (*Store)(nil)

// Open connects to the server, and finds the ledger's identity or gives it one. It tries as often as an
// append does, within the context. Close the store in the end.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("esdb: %w", err)
	}
	conf, err := cfg.driver()
	if err != nil {
		return nil, fmt.Errorf("esdb: %w", err)
	}
	s := &Store{
		cfg:     cfg,
		link:    newLink(conf),
		place:   placeOf(conf),
		filter:  filterOf(cfg),
		running: make(map[*running]context.CancelCauseFunc),
		closing: make(chan struct{}),
	}
	if err := s.identify(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("esdb: open: %w", err), s.Close())
	}
	return s, nil
}

// placeOf names the server: its addresses and nothing secret.
func placeOf(conf *esdb.Configuration) string {
	if len(conf.GossipSeeds) == 0 {
		return "esdb://" + conf.Address
	}
	hosts := make([]string, len(conf.GossipSeeds))
	for i, seed := range conf.GossipSeeds {
		hosts[i] = seed.String()
	}
	return "esdb://" + strings.Join(hosts, ",")
}

func filterOf(cfg Config) *esdb.SubscriptionFilter {
	prefixes := make([]string, len(cfg.Prefixes))
	for i, p := range cfg.Prefixes {
		prefixes[i] = cfg.Namespace + p
	}
	switch {
	case cfg.WholeDatabase && cfg.Namespace == "":
		return &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Regex: `^[^$]`}
	case cfg.WholeDatabase:
		prefixes = []string{cfg.Namespace}
	}
	return &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: prefixes}
}

// ours tells whether the stream is one that the readers of the log are shown.
func (s *Store) ours(stream string) bool {
	if stream == identityStream {
		return false
	}
	if s.cfg.WholeDatabase {
		return !strings.HasPrefix(stream, "$")
	}
	for _, p := range s.cfg.Prefixes {
		if strings.HasPrefix(stream, p) {
			return true
		}
	}
	return false
}

// holds tells the same of a stream by its name on the server.
func (s *Store) holds(name string) bool {
	stream, in := strings.CutPrefix(name, s.cfg.Namespace)
	return in && s.ours(stream)
}

// Identity gives the id of the ledger. It was read when the store was opened.
func (s *Store) Identity(context.Context) (uuid.UUID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return uuid.Nil, eventstore.ErrClosed
	}
	return s.identity, nil
}

// Close lets running appends finish their present attempt, ends reads and subscriptions with ErrClosed, and
// closes the connections. It does not wait for readers who are busy with what they were handed: they learn of
// it when they ask for more.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.busy.Wait()
		return nil
	}
	s.closed = true
	close(s.closing)
	for _, cancel := range s.running {
		cancel(eventstore.ErrClosed)
	}
	s.mu.Unlock()
	s.busy.Wait()
	s.link.close()
	return nil
}

// begin counts a read in; its context ends when the store closes. done must be called.
func (s *Store) begin(ctx context.Context) (context.Context, func(), error) {
	if err := ctx.Err(); err != nil {
		return ctx, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ctx, nil, eventstore.ErrClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	key := new(running)
	s.running[key] = cancel
	return ctx, func() {
		s.mu.Lock()
		delete(s.running, key)
		s.mu.Unlock()
		cancel(nil)
	}, nil
}

// beginAppend counts an append in, which is let through when the store closes. busy.Done must be called.
func (s *Store) beginAppend(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return eventstore.ErrClosed
	}
	s.busy.Add(1)
	return nil
}

// pause waits before the n-th further attempt. It ends early, with an error, when the context or the store
// does.
func (s *Store) pause(ctx context.Context, n int) error {
	wait := s.cfg.FirstWait
	for range n - 1 {
		if wait >= s.cfg.LongestWait {
			break
		}
		wait *= 2
	}
	wait = min(wait, s.cfg.LongestWait)
	wait = wait/2 + rand.N(wait/2+1) //nolint:gosec // jitter, no secret
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return over(ctx)
	case <-s.closing:
		return eventstore.ErrClosed
	}
}

// again runs a read until it succeeds, fails for good or has failed too often.
func (s *Store) again(ctx context.Context, op, stream string, read func(context.Context) error) error {
	var last error
	for n := range s.cfg.Attempts {
		if n > 0 {
			if err := s.pause(ctx, n); err != nil {
				return fmt.Errorf("%s %s: %w", op, stream, err)
			}
		}
		attempt, cancel := context.WithTimeout(ctx, s.cfg.AttemptTimeout)
		last = read(attempt)
		cancel()
		if last == nil {
			return nil
		}
		if err := over(ctx); err != nil {
			return fmt.Errorf("%s %s: %w", op, stream, err)
		}
		if final(last) {
			return last
		}
		if judge(last).final() {
			return s.explain(op, stream, last)
		}
	}
	return fmt.Errorf("%s %s: %d attempts: %w: %w", op, stream, s.cfg.Attempts, ErrUnavailable, last)
}
