package keydb_test

import (
	"testing"

	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keytest"
)

func TestRotation(t *testing.T) {
	t.Parallel()
	runRotation(t, func(*keydb.Config) {})
}

// Rotation holds as well when every key comes from the file.
func TestRotationWithAColdCache(t *testing.T) {
	t.Parallel()
	runRotation(t, func(cfg *keydb.Config) { cfg.CacheKeys = 1 })
}

func runRotation(t *testing.T, change func(*keydb.Config)) {
	t.Helper()
	keytest.RunRotation(t, func(t testing.TB) keytest.Opener {
		s := newStorage(t)
		change(&s.cfg)
		return s.opener
	})
}
