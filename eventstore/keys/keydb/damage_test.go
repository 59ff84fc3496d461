package keydb_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/sqlite"
)

// closedStorage has n keys in a closed file.
func closedStorage(t testing.TB, n int) (storage, []uuid.UUID) {
	t.Helper()
	s := newStorage(t)
	store := s.open(t)
	var ids []uuid.UUID
	for _, k := range keytest.Made(t, store, n, "email", "1") {
		ids = append(ids, k.ID)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return s, ids
}

// requireCorrupt opens the store and reads everything; somewhere on the way the damage must be named, with
// the file.
func (s storage) requireCorrupt(t testing.TB, what string) {
	t.Helper()
	store, err := keydb.Open(t.Context(), s.cfg)
	if err == nil {
		err = store.Verify(t.Context())
		_ = store.Close()
	}
	var corrupt *eventstore.CorruptError
	if !errors.As(err, &corrupt) || corrupt.File != s.cfg.Path || corrupt.Place == "" {
		t.Errorf("%s: gives %v", what, err)
	}
}

func TestDamagedRowsAreNamed(t *testing.T) {
	t.Parallel()
	for what, statement := range map[string]string{
		"wrapped key":      "UPDATE secrets SET wrapped = randomblob(60) WHERE n = 2",
		"exchanged keys":   "UPDATE secrets SET wrapped = (SELECT wrapped FROM secrets WHERE n = 1) WHERE n = 2",
		"lost key":         "DELETE FROM secrets WHERE n = 2",
		"moved to another": "UPDATE keys SET subject = randomblob(16) WHERE n = 2",
		"master key":       "UPDATE masters SET wrapped = randomblob(100)",
		"lost master":      "PRAGMA foreign_keys=OFF; DELETE FROM masters",
		"revived":          "UPDATE secrets SET wrapped = zeroblob(60) WHERE n = 2",
		"probe":            "UPDATE meta SET probe = randomblob(100)",
		"index key":        "UPDATE meta SET indexkey = randomblob(100)",
		"no head":          "DELETE FROM meta",
		"no table":         "DROP TABLE meta",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s, _ := closedStorage(t, 3)
			conn, err := sqlite.Open(t.Context(), sqlite.Config{Path: s.cfg.Path})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(conn.Script(statement), conn.Close()); err != nil {
				t.Fatal(err)
			}
			s.requireCorrupt(t, what)
		})
	}
}

func TestDamagedFileIsNamed(t *testing.T) {
	t.Parallel()
	s, _ := closedStorage(t, 500)
	good, err := os.ReadFile(s.cfg.Path)
	if err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string][]byte{
		"cut to half":   good[:len(good)/2],
		"last page cut": good[:len(good)-4096],
		"not a store":   bytes.Repeat([]byte("rubbish "), 4096),
		"header lost":   append(make([]byte, 100), good[100:]...),
		"pages zeroed":  append(bytes.Clone(good[:4096]), make([]byte, len(good)-4096)...),
	} {
		if err := os.WriteFile(s.cfg.Path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s.requireCorrupt(t, what)
	}
	if err := os.WriteFile(s.cfg.Path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.open(t).Verify(t.Context()); err != nil {
		t.Errorf("the good file: %v", err)
	}
}

// The one key that is damaged is named, the others still open.
func TestDamageIsLocal(t *testing.T) {
	t.Parallel()
	s, ids := closedStorage(t, 3)
	conn, err := sqlite.Open(t.Context(), sqlite.Config{Path: s.cfg.Path})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(conn.Script("UPDATE secrets SET wrapped = randomblob(60) WHERE n = 2"), conn.Close()); err != nil {
		t.Fatal(err)
	}
	store := s.open(t)
	_, err = store.Open(t.Context(), ids[1:2])
	var corrupt *eventstore.CorruptError
	if !errors.As(err, &corrupt) || corrupt.Place != "key "+ids[1].String() {
		t.Errorf("gives %v", err)
	}
	if _, err := store.Open(t.Context(), []uuid.UUID{ids[0], ids[2]}); err != nil {
		t.Errorf("its neighbours: %v", err)
	}
}
