package storetest

import (
	"errors"
	"sync"
	"testing"

	"imagine.ua/litopys/eventstore"
)

func testClose(t *testing.T, b Backend) {
	rules{
		{"TwiceIsOnce", closeTwice},
		{"LaterCallsAreRefused", closeLater},
		{"SubscriptionsEnd", closeSubscriptions},
		{"AcceptedAppendsAreKept", closeAccepted},
		{"ConcurrentClose", closeConcurrent},
	}.run(t, b)
}

func closeTwice(t *testing.T, e *env) {
	e.fill(t, 3)
	for range 3 {
		if err := e.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
}

func closeLater(t *testing.T, e *env) {
	e.fill(t, 3)
	if err := e.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	calls := map[string]func() error{
		"Append": func() error {
			_, err := e.Append(e.ctx, e.Stream(), eventstore.NoStream, e.Batch(1))
			return err
		},
		"ReadStream": func() error { _, err := failure(t, e.ReadStream(e.ctx, e.Stream(), eventstore.NoStream)); return err },
		"StreamHead": func() error { _, err := e.StreamHead(e.ctx, e.Stream()); return err },
		"ReadAll":    func() error { _, err := failure(t, e.ReadAll(e.ctx, eventstore.Start)); return err },
		"Head":       func() error { _, err := e.Head(e.ctx); return err },
		"Subscribe":  func() error { _, err := failure(t, e.Subscribe(e.ctx, eventstore.Start)); return err },
		"Identity":   func() error { _, err := e.Identity(e.ctx); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("%s after Close: %v, want %v", name, err, eventstore.ErrClosed)
		}
	}
}

func closeSubscriptions(t *testing.T, e *env) {
	e.fill(t, 5)
	waiting, behind := e.follow(t, eventstore.Start), e.follow(t, eventstore.Start)
	waiting.records(t, 5)
	waiting.caughtUp(t)
	behind.records(t, 2)
	closed := make(chan error, 1)
	go func() { closed <- e.Close() }()
	waiting.endedBy(t, eventstore.ErrClosed)
	behind.endedBy(t, eventstore.ErrClosed)
	if err := <-closed; err != nil {
		t.Fatalf("close: %v", err)
	}
}

// closing runs appenders into a Close and gives the batches that were acknowledged, by stream.
func (e *env) closing(t testing.TB, appenders int, close func() error) map[string][]eventstore.Event {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	kept := map[string][]eventstore.Event{}
	under := make(chan struct{}, 2*appenders) // each appender sends at most twice
	for range appenders {
		wg.Go(func() {
			defer func() { under <- struct{}{} }()
			for n := 0; ; n++ {
				s, batch := e.Stream(), e.Batch(3)
				_, err := e.Append(e.ctx, s, eventstore.NoStream, batch)
				if errors.Is(err, eventstore.ErrClosed) {
					return
				}
				if err != nil {
					t.Errorf("append while closing: %v", err)
					return
				}
				mu.Lock()
				kept[s] = batch
				mu.Unlock()
				if n == 2 {
					under <- struct{}{}
				}
			}
		})
	}
	<-under
	if err := close(); err != nil {
		t.Errorf("close: %v", err)
	}
	wg.Wait()
	return kept
}

func closeAccepted(t *testing.T, e *env) {
	kept := e.closing(t, 8, func() error { return e.Close() })
	e.reopen(t)
	for s, batch := range kept {
		holds(t, e.stream(t, s), s, 0, batch)
	}
	if rs := e.log(t); len(rs)%3 != 0 || len(rs) < 3*len(kept) {
		t.Errorf("%d records of batches of three, %d batches were acknowledged", len(rs), len(kept))
	}
}

func closeConcurrent(t *testing.T, e *env) {
	e.closing(t, 4, func() error {
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { errs[i] = e.Close() })
		}
		wg.Wait()
		return errors.Join(errs...)
	})
}
