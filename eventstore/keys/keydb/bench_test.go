package keydb_test

import (
	"testing"

	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keytest"
)

func BenchmarkStore(b *testing.B) {
	keytest.Bench(b, func(b *testing.B) keytest.Reopener {
		s := newStorage(b)
		return func(b *testing.B, cache int) keys.Store {
			s.cfg.CacheKeys = cache
			return s.open(b)
		}
	})
}
