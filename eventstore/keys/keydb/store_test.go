package keydb_test

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keytest"
)

// storage is a folder with a local key and a place for a key store.
type storage struct {
	dir string
	cfg keydb.Config
}

func newStorage(t testing.TB) storage {
	t.Helper()
	dir := t.TempDir()
	return storage{dir: dir, cfg: keydb.Config{Path: filepath.Join(dir, "keys.db"), Ledger: uuid.New(), KMS: keytest.NewKMS(t, dir, "local.key")}}
}

func (s storage) open(t testing.TB) *keydb.Store {
	t.Helper()
	store, err := keydb.Open(t.Context(), s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// opener is open for the contract, which closes what it opens.
func (s storage) opener(t testing.TB) keys.Store {
	t.Helper()
	return s.open(t)
}

func TestContract(t *testing.T) {
	t.Parallel()
	runContract(t, func(*keydb.Config) {})
}

// The contract holds as well when the cache keeps next to nothing.
func TestContractWithAColdCache(t *testing.T) {
	t.Parallel()
	runContract(t, func(cfg *keydb.Config) { cfg.CacheKeys, cfg.Readers = 1, 1 })
}

func runContract(t *testing.T, change func(*keydb.Config)) {
	t.Helper()
	keytest.Run(t, func(t testing.TB) keytest.Opener {
		s := newStorage(t)
		change(&s.cfg)
		return s.opener
	})
}

func TestConfigNamesAllProblems(t *testing.T) {
	t.Parallel()
	_, err := keydb.Open(t.Context(), keydb.Config{CacheKeys: -1, Readers: -1})
	keytest.RequireProblems(t, err, 5)
}

func TestStoreOfAnotherLedgerIsForeign(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	store := s.open(t)
	keytest.Made(t, store, 3, "email", "1")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	before := contents(t, s.cfg.Path)
	keytest.RequireForeign(t, s.dir, func(ledger uuid.UUID, kms keys.KMS) error {
		other := s.cfg
		if other.KMS = cmp.Or(kms, other.KMS); ledger != uuid.Nil {
			other.Ledger = ledger
		}
		_, err := keydb.Open(t.Context(), other)
		return err
	})
	if contents(t, s.cfg.Path) != before {
		t.Error("the refused store was changed")
	}
	keytest.Made(t, s.open(t), 1, "email", "1")
}

func contents(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestMissingStoreIsNotReplaced(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	s.cfg.MustExist = true
	if _, err := keydb.Open(t.Context(), s.cfg); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	if _, err := os.Stat(s.cfg.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file was made: %v", err)
	}
	if err := os.WriteFile(s.cfg.Path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keydb.Open(t.Context(), s.cfg); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("an emptied file gives %v", err)
	}
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	keytest.Made(t, s.open(t), 1, "email", "1")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(s.cfg.Path + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("keys.db%s has mode %v, %v", suffix, info.Mode(), err)
		}
	}
}
