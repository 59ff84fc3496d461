package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"testing"

	"imagine.ua/litopys/eventstore/pgtest"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
)

// place is the schema of a test's place: places share a database, which is much faster to give than one each.
func place(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "t" + hex.EncodeToString(sum[:5])
}

func open(tb testing.TB, cfg Config) *Backend {
	tb.Helper()
	b, err := Open(context.Background(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := b.Close(); err != nil {
			tb.Error(err)
		}
	})
	return b
}

func TestBackend(t *testing.T) {
	t.Parallel()
	var databases sync.Map // one for each test
	url := func(t testing.TB) string {
		if known, ok := databases.Load(t.Name()); ok {
			return known.(string)
		}
		made := pgtest.Shared(t).Database(t)
		databases.Store(t.Name(), made)
		return made
	}
	projtest.Run(t, func(t testing.TB, name string) projections.Backend {
		b, err := Open(context.Background(), Config{URL: url(t), Schema: place(name)})
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}
