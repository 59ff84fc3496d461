package keypg_test

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/pgtest"
)

// storage is a database that was laid out, and a local key.
type storage struct {
	dir string
	cfg keypg.Config
}

func newStorage(t testing.TB) storage {
	t.Helper()
	return storageOn(t, pgtest.Shared(t))
}

func storageOn(t testing.TB, server *pgtest.Server) storage {
	t.Helper()
	dir := t.TempDir()
	database := server.DatabaseFrom(t, "migrated key store", func(url string) error {
		return keypg.Migrate(context.Background(), url)
	})
	return storage{dir: dir, cfg: keypg.Config{URL: database, Ledger: uuid.New(), KMS: keytest.NewKMS(t, dir, "local.key")}}
}

func (s storage) open(t testing.TB) *keypg.Store {
	t.Helper()
	store, err := keypg.Open(t.Context(), s.cfg)
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
	runContract(t, func(testing.TB, *keypg.Config) {})
}

// The contract holds as well when the cache keeps next to nothing and connections are scarce.
func TestContractWithAColdCache(t *testing.T) {
	t.Parallel()
	runContract(t, func(_ testing.TB, cfg *keypg.Config) { cfg.CacheKeys, cfg.Connections = 1, 2 })
}

// The least role is enough for everything.
func TestContractAsWriter(t *testing.T) {
	t.Parallel()
	runContract(t, func(t testing.TB, cfg *keypg.Config) { cfg.URL = loginAs(t, cfg.URL, "litopys_keys_writer") })
}

// loginAs gives the rights of a role to a new login, and the database's address for it.
func loginAs(t testing.TB, database, role string) string {
	t.Helper()
	name := "litopys_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	pgtest.Exec(t, database, keypg.RolesScript, "CREATE ROLE "+name+" LOGIN PASSWORD 'x' IN ROLE "+role)
	t.Cleanup(func() { pgtest.Exec(t, pgtest.Shared(t).URL("postgres"), "DROP ROLE "+name) })
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, "x")
	return u.String()
}

func runContract(t *testing.T, change func(testing.TB, *keypg.Config)) {
	t.Helper()
	keytest.Run(t, func(t testing.TB) keytest.Opener {
		s := newStorage(t)
		change(t, &s.cfg)
		return s.opener
	})
}

func TestConfigNamesAllProblems(t *testing.T) {
	t.Parallel()
	_, err := keypg.Open(t.Context(), keypg.Config{CacheKeys: -1, Connections: 1, Patience: -1, Sweep: -1})
	keytest.RequireProblems(t, err, 7)
}

func TestPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"postgres://litopys:geheim@127.0.0.1:1/keys?connect_timeout=1",
		"postgres://litopys:geheim@127.0.0.1:x/keys",
	} {
		cfg := newStorage(t).cfg
		cfg.URL = address
		if _, err := keypg.Open(t.Context(), cfg); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("gives %v", err)
		}
	}
}

func TestStoreOfAnotherLedgerIsForeign(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	store := s.open(t)
	keytest.Made(t, store, 3, "email", "1")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	keytest.RequireForeign(t, s.dir, func(ledger uuid.UUID, kms keys.KMS) error {
		other := s.cfg
		if other.KMS = cmp.Or(kms, other.KMS); ledger != uuid.Nil {
			other.Ledger = ledger
		}
		_, err := keypg.Open(t.Context(), other)
		return err
	})
	if n := pgtest.Query[int](t, s.cfg.URL, "SELECT count(*) FROM litopys_keys.keys"); n != 3 {
		t.Error("the refused store was changed")
	}
	keytest.Made(t, s.open(t), 1, "email", "1")
}

func TestMissingStoreIsNotReplaced(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	s.cfg.MustExist = true
	if _, err := keypg.Open(t.Context(), s.cfg); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("an empty store gives %v", err)
	}
	s.cfg.URL = pgtest.Shared(t).Database(t)
	if _, err := keypg.Open(t.Context(), s.cfg); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty database gives %v", err)
	}
	if pgtest.Query[bool](t, s.cfg.URL, "SELECT to_regnamespace('litopys_keys') IS NOT NULL") {
		t.Error("the empty database was laid out")
	}
	s.cfg.MustExist = false
	keytest.Made(t, s.open(t), 1, "email", "1")
}

// An idle store forgets keys that another process has destroyed.
func TestIdleStoreForgets(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	s.cfg.Sweep = time.Millisecond
	a, b := s.open(t), s.open(t)
	key := keytest.Made(t, a, 1, "email", "1")[0]
	if !a.Remembers(key.ID) {
		t.Fatal("the key is not in the cache: this test shows nothing")
	}
	if err := b.Follow(t.Context(), 1, []domain.Fate{keytest.Destroy(key.Ref)}); err != nil {
		t.Fatal(err)
	}
	for a.Remembers(key.ID) {
		time.Sleep(time.Millisecond) // the test's deadline ends a wait in vain
	}
}
