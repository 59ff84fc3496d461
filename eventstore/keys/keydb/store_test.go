package keydb_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
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
	kms, err := keys.CreateLocal(filepath.Join(dir, "local.key"))
	if err != nil {
		t.Fatal(err)
	}
	return storage{dir: dir, cfg: keydb.Config{Path: filepath.Join(dir, "keys.db"), Ledger: uuid.New(), KMS: kms}}
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

// made gives n live keys of as many subjects.
func made(t testing.TB, s *keydb.Store, n int, field domain.Field, epoch domain.Epoch) []keys.Key {
	t.Helper()
	wants := make([]keys.Want, n)
	for i := range wants {
		wants[i].Ref = keytest.Ref(keytest.Subject(), field, epoch)
	}
	got, err := s.Ensure(t.Context(), wants)
	if err != nil {
		t.Fatal(err)
	}
	return got
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
		return func(t testing.TB) keys.Store {
			t.Helper()
			store, err := keydb.Open(t.Context(), s.cfg)
			if err != nil {
				t.Fatal(err)
			}
			return store
		}
	})
}

func TestConfigNamesAllProblems(t *testing.T) {
	t.Parallel()
	_, err := keydb.Open(t.Context(), keydb.Config{CacheKeys: -1, Readers: -1})
	if err == nil {
		t.Fatal("an empty configuration was taken")
	}
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // the very shape is checked
	if !ok || len(joined.Unwrap()) != 5 {
		t.Errorf("named: %v", err)
	}
}

func TestStoreOfAnotherLedgerIsForeign(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	store := s.open(t)
	made(t, store, 3, "email", "1")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	before := contents(t, s.cfg.Path)
	other := s.cfg
	other.Ledger = uuid.New()
	if _, err := keydb.Open(t.Context(), other); !errors.Is(err, eventstore.ErrForeign) {
		t.Errorf("another ledger gives %v", err)
	}
	other = s.cfg
	var err error
	if other.KMS, err = keys.CreateLocal(filepath.Join(s.dir, "other.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := keydb.Open(t.Context(), other); !errors.Is(err, eventstore.ErrForeign) {
		t.Errorf("another local key gives %v", err)
	}
	if contents(t, s.cfg.Path) != before {
		t.Error("the refused store was changed")
	}
	made(t, s.open(t), 1, "email", "1")
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
	made(t, s.open(t), 1, "email", "1")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(s.cfg.Path + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("keys.db%s has mode %v, %v", suffix, info.Mode(), err)
		}
	}
}
