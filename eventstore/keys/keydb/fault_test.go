package keydb_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/sqlite"
)

// promises is what a store has acknowledged, and what its keys had left in the file.
type promises struct {
	keytest.Promises
	bytes map[uuid.UUID]keytest.Trace
}

// history makes, destroys and retains keys, and goes on after errors. Every error must be one that a full or
// broken disk explains.
func history(t testing.TB, s *keydb.Store, path string) (p promises, failed []error) {
	t.Helper()
	p = promises{Promises: keytest.NewPromises(), bytes: map[uuid.UUID]keytest.Trace{}}
	for step := range uint64(3) {
		wants := make([]keys.Want, 6)
		for i := range wants {
			tag := s.Tag("email", fmt.Sprint(step, i))
			wants[i] = keys.Want{Ref: keytest.Ref(keytest.Subject(), "email", "1"), Tag: &tag}
		}
		got, err := s.Ensure(t.Context(), wants)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		all := traces(t, path)
		var fates []domain.Fate
		for i, k := range got {
			p.Live[k.ID] = k
			p.bytes[k.ID] = all[k.Ref]
			if i%2 == 0 {
				fates = append(fates, keytest.Destroy(k.Ref))
				p.Maybe[k.ID] = true
			}
		}
		if err := s.Follow(t.Context(), step+1, fates); err != nil {
			failed = append(failed, err)
			continue
		}
		for _, f := range fates {
			for id, k := range p.Live {
				if k.Ref == keytest.Ref(f.Subject, f.Field, f.Epoch) {
					p.Dead[id] = true
				}
			}
		}
	}
	return p, failed
}

// requireKept opens the store anew and wants every promise kept.
func (p promises) requireKept(t testing.TB, s *keydb.Store, path string) {
	t.Helper()
	p.RequireKept(t, s)
	files := fileBytes(t, path)
	for id, left := range p.bytes {
		got, err := s.Open(t.Context(), []uuid.UUID{id})
		if err == nil && got[0].State == keys.Destroyed && (bytes.Contains(files, left.Wrapped) || bytes.Contains(files, left.Tag)) {
			t.Errorf("%s has left bytes in a file", got[0])
		}
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// Every operation of the file system fails, until a run is clean. The ways to fail share the operations.
func TestEveryFailingOperation(t *testing.T) {
	t.Parallel()
	for i, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for at := 1 + i; ; at += len(faults) {
				if clean := runWithFault(t, f, at); clean {
					t.Logf("%d operations", at-1)
					return
				}
				if t.Failed() {
					t.Fatalf("operation %d", at)
				}
			}
		})
	}
}

func runWithFault(t *testing.T, f fault, at int) (clean bool) {
	t.Helper()
	s := newStorage(t)
	cfg := s.cfg
	cfg.VFS = fmt.Sprintf("keydb-%s-%d", strings.ReplaceAll(f.name, " ", "-"), at)
	v := registerFaulty(t, cfg.VFS, f, at)
	var p promises
	var failed []error
	store, err := keydb.Open(t.Context(), cfg)
	if err == nil {
		p, failed = history(t, store, cfg.Path)
		err = store.Close()
	}
	for _, err := range append(failed, err) {
		if errors.Is(err, eventstore.ErrCorrupt) || errors.Is(err, eventstore.ErrForeign) {
			t.Errorf("a broken disk is reported as %v", err)
		}
		if err != nil && f.name == "disk full" && !errors.Is(err, eventstore.ErrFull) {
			t.Errorf("a full disk is reported as %v", err)
		}
	}
	p.requireKept(t, s.open(t), cfg.Path)
	clean = v.operations() < at
	if clean && (err != nil || len(failed) > 0 || len(p.Dead) != 9) {
		t.Errorf("nothing was broken, and yet: %v, %v", err, failed)
	}
	return clean
}

// A cleaning that failed is made up for by repeating the call, though its fates were followed already.
func TestRepeatedFollowCleansTheWAL(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	s.cfg.BusyTimeout = time.Millisecond // the reader does not go away by waiting
	store := s.open(t)
	keytest.Tagged(t, store, 1)
	before := traces(t, s.cfg.Path)
	reader := holdSnapshot(t, s.cfg.Path)
	for ref, left := range before {
		fates := []domain.Fate{keytest.Destroy(ref)}
		if err := store.Follow(t.Context(), 1, fates); err == nil {
			t.Fatal("the WAL was emptied under a reader")
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
		if err := store.Follow(t.Context(), 1, fates); err != nil {
			t.Fatal(err)
		}
		if files := fileBytes(t, s.cfg.Path); bytes.Contains(files, left.Wrapped) || bytes.Contains(files, left.Tag) {
			t.Error("bytes are left")
		}
	}
}

// holdSnapshot opens a connection that reads the file as it is now until it is closed.
func holdSnapshot(t testing.TB, path string) io.Closer {
	t.Helper()
	conn, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, ReadOnly: true})
	if err == nil {
		err = conn.Script("BEGIN; SELECT * FROM meta")
	}
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
