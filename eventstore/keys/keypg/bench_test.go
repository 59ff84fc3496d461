package keypg_test

import (
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/pgtest"
)

// BenchmarkStore measures keydb beside keypg, in one run, for their ratio. Both sync each commit.
func BenchmarkStore(b *testing.B) {
	kms, ledger := keytest.NewKMS(b, b.TempDir(), "local.key"), uuid.New()
	b.Run("keydb", func(b *testing.B) {
		keytest.Bench(b, func(b *testing.B) keytest.Reopener {
			path := filepath.Join(b.TempDir(), "keys.db")
			return reopener(func(b *testing.B, cache int) (keys.Store, error) {
				return keydb.Open(b.Context(), keydb.Config{Path: path, Ledger: ledger, KMS: kms, CacheKeys: cache})
			})
		})
	})
	server := pgtest.New(b, pgtest.Config{Fsync: true})
	b.Run("keypg", func(b *testing.B) {
		keytest.Bench(b, func(b *testing.B) keytest.Reopener {
			url := server.Database(b)
			return reopener(func(b *testing.B, cache int) (keys.Store, error) {
				return keypg.Open(b.Context(), keypg.Config{URL: url, Ledger: ledger, KMS: kms, CacheKeys: cache})
			})
		})
	})
}

func reopener(open func(b *testing.B, cache int) (keys.Store, error)) keytest.Reopener {
	return func(b *testing.B, cache int) keys.Store {
		b.Helper()
		s, err := open(b, cache)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.Close() })
		return s
	}
}
