package keydb_test

import (
	"testing"

	"imagine.ua/litopys/eventstore/keys/keytest"
)

// Rotation, with a cache that keeps next to nothing, so that every key comes from the file.
func TestRotation(t *testing.T) {
	t.Parallel()
	keytest.RunRotation(t, func(t testing.TB) keytest.Opener {
		s := newStorage(t)
		s.cfg.CacheKeys = 1
		return s.opener
	})
}
