package keydb_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/faulty"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keytest"
)

// noRoom fails what is written to files of this name.
func noRoom(names ...string) faulty.Plan {
	return faulty.Plan{At: 1, Flavour: faulty.Full, Sticky: true, Only: func(op faulty.Op) bool {
		for _, name := range names {
			if op.Kind == "write" && filepath.Base(op.Name) == name {
				return true
			}
		}
		return false
	}}
}

// TestAFullDiskKeepsNobodyFromReading: the WAL of a crash, with bytes of a destroyed key in it, can't be copied
// back. The store opens and answers, but nothing is listed as gone before those bytes are.
func TestAFullDiskKeepsNobodyFromReading(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	in := faulty.New(faulty.Plan{})
	s.cfg.VFS = faulty.VFS(t, in)
	store := s.open(t)
	keytest.Tagged(t, store, 2)
	left := traces(t, s.cfg.Path)
	var refs []keys.Ref
	var ids []uuid.UUID
	for ref := range left {
		got, err := store.Ensure(t.Context(), []keys.Want{{Ref: ref}})
		if err != nil {
			t.Fatal(err)
		}
		refs, ids = append(refs, ref), append(ids, got[0].ID)
	}
	in.Arm(noRoom("keys.db"))
	if err := store.Follow(t.Context(), 1, []domain.Fate{keytest.Destroy(refs[0])}); !errors.Is(err, eventstore.ErrFull) {
		t.Fatalf("a destruction that can't be finished: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatalf("close on a full disk: %v", err)
	}
	in.Arm(noRoom("keys.db", "keys.db-wal"))
	store = s.open(t)
	if got, err := store.Open(t.Context(), ids); err != nil || got[0].State != keys.Destroyed || got[1].State != keys.Live {
		t.Errorf("on a full disk the keys are %v, %v", got, err)
	}
	if err := store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if gone, err := store.Uncertified(t.Context(), 10); !errors.Is(err, eventstore.ErrFull) || gone != nil {
		t.Errorf("to be certified while bytes are left: %v, %v", gone, err)
	}
	if _, err := store.Ensure(t.Context(), []keys.Want{{Ref: keytest.Ref(keytest.Subject(), "email", "1")}}); !errors.Is(err, eventstore.ErrFull) {
		t.Errorf("a new key: %v", err)
	}
	in.Disarm()
	if gone, err := store.Uncertified(t.Context(), 10); err != nil || len(gone) != 1 || gone[0].ID != ids[0] {
		t.Errorf("to be certified after room was made: %v, %v", gone, err)
	}
	trace := left[refs[0]]
	if files := fileBytes(t, s.cfg.Path); bytes.Contains(files, trace.Wrapped) || bytes.Contains(files, trace.Tag) {
		t.Error("bytes are left")
	}
}

// TestPassedIsWrittenWithTheNextKeys: a place that was passed outlives a crash behind the next key.
func TestPassedIsWrittenWithTheNextKeys(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	store := s.open(t)
	want := func(position uint64) {
		t.Helper()
		if got, err := store.Followed(t.Context()); err != nil || got != position {
			t.Errorf("followed to %d, %v; want %d", got, err, position)
		}
	}
	ensure := func() {
		t.Helper()
		if _, err := store.Ensure(t.Context(), []keys.Want{{Ref: keytest.Ref(keytest.Subject(), "email", "1")}}); err != nil {
			t.Fatal(err)
		}
	}
	store.Passed(7)
	want(0)
	ensure()
	want(7)
	if err := store.Follow(t.Context(), 9, nil); err != nil {
		t.Fatal(err)
	}
	store.Passed(8) // older than what was followed meanwhile
	ensure()
	want(9)
}
