package storetest

import (
	"context"
	"testing"
	"time"

	"imagine.ua/litopys/eventstore"
)

// hang is when a test that waits gives up. No test passes because of it.
const hang = 5 * time.Minute

// Fresh prepares a new empty ledger (a folder, a database, a server) and returns the function that opens
// it. The suite closes what it opened, and opens the same ledger again to see what survived.
type Fresh func(t testing.TB) (open func() eventstore.Store)

// Backend describes a store to the suite. The fields beside Fresh name what a store cannot do; each is the
// reason, which is printed where a rule is skipped.
type Backend struct {
	Fresh Fresh
	// NoRestart: the ledger cannot be opened again.
	NoRestart string
	// CaughtUpOnce: a subscriber is told that he has caught up when the first catch-up ends, but perhaps
	// not again after live records.
	CaughtUpOnce string
}

// Run proves the contract on the backend. It takes some seconds.
func Run(t *testing.T, b Backend) {
	t.Helper()
	for _, group := range []struct {
		name string
		run  func(*testing.T, Backend)
	}{
		{"Append", testAppend},
		{"Idempotency", testIdempotency},
		{"Limits", testLimits},
		{"Read", testRead},
		{"Log", testLog},
		{"Subscribe", testSubscribe},
		{"Concurrency", testConcurrency},
		{"Restart", testRestart},
		{"Close", testClose},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			group.run(t, b)
		})
	}
}

// rules runs each rule as a named, parallel subtest on a fresh ledger.
type rules []struct {
	name string
	test func(*testing.T, *env)
}

func (rs rules) run(t *testing.T, b Backend) {
	t.Helper()
	for _, r := range rs {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.test(t, newEnv(t, b))
		})
	}
}

// env is one fresh, open ledger and what a test needs around it.
type env struct {
	eventstore.Store
	*Maker
	backend Backend
	ctx     context.Context
	open    func() eventstore.Store
}

func newEnv(t testing.TB, b Backend) *env {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), hang)
	t.Cleanup(cancel)
	e := &env{Maker: NewMaker(SeedOf(t.Name())), backend: b, ctx: ctx, open: b.Fresh(t)}
	e.Store = e.open()
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

// reopen closes the ledger and opens it again, or skips where the backend can't.
func (e *env) reopen(t testing.TB) {
	t.Helper()
	if e.backend.NoRestart != "" {
		t.Skipf("cannot be opened again: %s", e.backend.NoRestart)
	}
	if err := e.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	e.Store = e.open()
}
