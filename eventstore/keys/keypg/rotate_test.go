package keypg_test

import (
	"strings"
	"testing"

	"imagine.ua/litopys/eventstore/keys/keytest"
)

// The least role that may rotate is enough for it, and every key comes from the database.
func TestRotation(t *testing.T) {
	t.Parallel()
	keytest.RunRotation(t, func(t testing.TB) keytest.Opener {
		s := newStorage(t)
		s.cfg.URL = loginAs(t, s.cfg.URL, "litopys_keys_rotator")
		s.cfg.CacheKeys = 1
		return s.opener
	})
}

// What another process remembers of the master keys does no harm.
func TestRotationBesideAnotherProcess(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	a, b := s.open(t), s.open(t)
	all := keytest.Made(t, b, 50, "email", "1") // b knows the master key from now on
	for range 2 {
		keytest.Rotated(t, a)
		all = append(all, keytest.Made(t, b, 50, "email", "1")...)
		keytest.RequireSound(t, b)
	}
	if r := keytest.Rotated(t, a); r.Rewrapped != len(all) || len(r.Died) != 1 {
		t.Errorf("%d keys, %+v", len(all), r)
	}
}

// A writer rewrites no wrapped key.
func TestWriterMayNotRotate(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	s.cfg.URL = loginAs(t, s.cfg.URL, "litopys_keys_writer")
	store := s.open(t)
	keytest.Made(t, store, 1, "email", "1")
	if _, err := store.Rotate(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "lacks a right") {
		t.Errorf("got %v", err)
	}
}
