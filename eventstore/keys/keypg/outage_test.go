package keypg_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/pgtest"
)

// load is goroutines that make, open and destroy keys until they are told to stop, and what they were promised.
type load struct {
	store *keypg.Store
	stop  chan struct{}
	wait  sync.WaitGroup

	mu       sync.Mutex
	promised keytest.Promises // guarded by mu
	done     int              // guarded by mu: rounds
}

// startLoad begins. No call may fail: the store outlives every trouble that passes.
func startLoad(t *testing.T, store *keypg.Store) *load {
	l := &load{store: store, stop: make(chan struct{}), promised: keytest.NewPromises()}
	var position, positions = uint64(0), sync.Mutex{}
	for worker := range 4 {
		l.wait.Go(func() {
			for round := 0; ; round++ {
				select {
				case <-l.stop:
					return
				default:
				}
				got, err := l.makeSome(t.Context(), worker, round)
				if err != nil {
					t.Errorf("ensure: %v", err)
					return
				}
				positions.Lock() // the log has an order
				position++
				err = store.Follow(t.Context(), position, []domain.Fate{keytest.Destroy(got[0].Ref)})
				positions.Unlock()
				if err != nil {
					t.Errorf("follow: %v", err)
					return
				}
				l.promise(got)
			}
		})
	}
	return l
}

func (l *load) makeSome(ctx context.Context, worker, round int) ([]keys.Key, error) {
	wants := make([]keys.Want, 5)
	for i := range wants {
		tag := l.store.Tag("email", fmt.Sprint(worker, round, i))
		wants[i] = keys.Want{Ref: keytest.Ref(keytest.Subject(), "email", "1"), Tag: &tag}
	}
	return l.store.Ensure(ctx, wants)
}

func (l *load) promise(got []keys.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done++
	l.promised.Dead[got[0].ID] = true
	for _, k := range got {
		l.promised.Live[k.ID] = k
	}
}

func (l *load) rounds() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done
}

// goOn returns after so many more rounds.
func (l *load) goOn(t testing.TB, more int) {
	t.Helper()
	for until := l.rounds() + more; l.rounds() < until; {
		if t.Failed() {
			t.FailNow()
		}
		time.Sleep(time.Millisecond) // between two looks
	}
}

// requireKept ends the load and wants every promise kept, by a store that is opened anew.
func (l *load) requireKept(t testing.TB, s storage) {
	t.Helper()
	close(l.stop)
	l.wait.Wait()
	if err := l.store.Close(); err != nil {
		t.Fatal(err)
	}
	store := s.open(t)
	if err := store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	l.promised.RequireKept(t, store)
	t.Logf("%d rounds", l.done)
}

// The server is restarted in order and at once, in the middle of everything; nobody notices but by waiting.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Config{})
	s := storageOn(t, server)
	l := startLoad(t, s.open(t))
	for range 2 {
		l.goOn(t, 10)
		server.Restart(t)
		l.goOn(t, 10)
		server.StopHard(t)
		server.Start(t)
	}
	l.goOn(t, 10)
	l.requireKept(t, s)
}

// Every connection is cut, over and over.
func TestConnectionsAreCut(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	l := startLoad(t, s.open(t))
	for range 25 {
		l.goOn(t, 3)
		pgtest.Query[int](t, s.cfg.URL, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE application_name = 'litopys keys' AND datname = current_database()`)
	}
	l.goOn(t, 3)
	l.requireKept(t, s)
}

// With the server gone for longer than patience, every call gives an error and none hangs; afterwards the
// same store works again.
func TestServerStaysAway(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Config{})
	s := storageOn(t, server)
	s.cfg.Patience = 30 * time.Millisecond
	store := s.open(t)
	key := keytest.Tagged(t, store, 1)[0]
	fates := []domain.Fate{keytest.Destroy(key.Ref)}
	calls := map[string]func() error{
		"warm ensure": func() error { _, err := store.Ensure(t.Context(), []keys.Want{{Ref: key.Ref}}); return err },
		"open":        func() error { _, err := store.Open(t.Context(), []uuid.UUID{key.ID}); return err },
		"find":        func() error { _, err := store.Find(t.Context(), "email", keys.Tag{}); return err },
		"of":          func() error { _, err := store.Of(t.Context(), key.Ref.Subject); return err },
		"followed":    func() error { _, err := store.Followed(t.Context()); return err },
		"verify":      func() error { return store.Verify(t.Context()) },
		"follow":      func() error { return store.Follow(t.Context(), 1, fates) },
		"opening":     func() error { _, err := keypg.Open(t.Context(), s.cfg); return err },
	}
	server.Stop(t)
	for name, call := range calls {
		err := call()
		if err == nil || errors.Is(err, eventstore.ErrCorrupt) || errors.Is(err, eventstore.ErrForeign) || errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("%s without a server gives %v", name, err)
		}
	}
	if _, err := store.Identity(t.Context()); err != nil {
		t.Errorf("identity needs no server: %v", err)
	}
	server.Start(t)
	s.cfg.Patience = 0
	if got, err := s.open(t).Open(t.Context(), []uuid.UUID{key.ID}); err != nil || !got[0].Equal(key) {
		t.Errorf("after the outage: %v, %v", got, err)
	}
	for { // the first calls may still meet cut connections, and this store has next to no patience
		if err := store.Follow(t.Context(), 1, fates); err == nil {
			break
		}
	}
	if _, err := store.Ensure(t.Context(), []keys.Want{{Ref: key.Ref}}); !errors.Is(err, keys.ErrNotLive) {
		t.Errorf("the destroyed key gives %v", err)
	}
}

// A context that ends frees its caller, whatever the server does.
func TestContextEndsAWait(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Config{})
	s := storageOn(t, server)
	s.cfg.Patience = time.Second
	store := s.open(t)
	server.Stop(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"ensure": func() error {
			_, err := store.Ensure(ctx, []keys.Want{{Ref: keytest.Ref(keytest.Subject(), "a", "1")}})
			return err
		},
		"follow":   func() error { return store.Follow(ctx, 1, nil) },
		"followed": func() error { _, err := store.Followed(ctx); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s gives %v", name, err)
		}
	}
}

// The server says that its disk is full, as it does in the middle of a statement: a trigger of ours raises
// its code. Nothing is half done, reading goes on, and so does writing when there is space again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	store := s.open(t)
	before := keytest.Tagged(t, store, 1)[0]
	pgtest.Exec(t, s.cfg.URL, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`,
		"CREATE TRIGGER full_disk BEFORE INSERT ON litopys_keys.tags FOR EACH ROW EXECUTE FUNCTION full_disk()",
		"CREATE TRIGGER full_disk BEFORE UPDATE ON litopys_keys.meta FOR EACH ROW EXECUTE FUNCTION full_disk()")
	tag := store.Tag("email", "x")
	want := keys.Want{Ref: keytest.Ref(keytest.Subject(), "email", "1"), Tag: &tag}
	if _, err := store.Ensure(t.Context(), []keys.Want{want}); !errors.Is(err, eventstore.ErrFull) {
		t.Errorf("ensure gives %v", err)
	}
	fates := []domain.Fate{keytest.Destroy(before.Ref)}
	if err := store.Follow(t.Context(), 1, fates); !errors.Is(err, eventstore.ErrFull) {
		t.Errorf("follow gives %v", err)
	}
	if got, err := store.Open(t.Context(), []uuid.UUID{before.ID}); err != nil || !got[0].Equal(before) {
		t.Errorf("reading gives %v, %v", got, err)
	}
	if list, err := store.Of(t.Context(), want.Ref.Subject); err != nil || len(list) != 0 {
		t.Errorf("the refused call left %v, %v", list, err)
	}
	pgtest.Exec(t, s.cfg.URL, "DROP FUNCTION full_disk CASCADE")
	if _, err := store.Ensure(t.Context(), []keys.Want{want}); err != nil {
		t.Error(err)
	}
	if err := store.Follow(t.Context(), 1, fates); err != nil {
		t.Error(err)
	}
}
