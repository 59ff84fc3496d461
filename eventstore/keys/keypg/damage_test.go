package keypg_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/pgtest"
)

// closedStorage has n keys with tags in a closed store.
func closedStorage(t testing.TB, n int) (storage, []uuid.UUID) {
	t.Helper()
	s := newStorage(t)
	store := s.open(t)
	var ids []uuid.UUID
	for _, k := range keytest.Tagged(t, store, n) {
		ids = append(ids, k.ID)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return s, ids
}

// requireCorrupt opens the store and reads everything; somewhere on the way the damage must be named, with
// the database.
func (s storage) requireCorrupt(t testing.TB) {
	t.Helper()
	store, err := keypg.Open(t.Context(), s.cfg)
	if err == nil {
		err = store.Verify(t.Context())
		_ = store.Close()
	}
	var corrupt *eventstore.CorruptError
	if !errors.As(err, &corrupt) || !strings.HasPrefix(corrupt.File, "PostgreSQL database litopys_") || corrupt.Place == "" {
		t.Errorf("gives %v", err)
	}
}

func TestDamagedRowsAreNamed(t *testing.T) {
	t.Parallel()
	const random = "decode(md5(random()::text) || md5(random()::text) || md5(random()::text) || substr(md5(random()::text), 1, 24), 'hex')"
	const second = "(SELECT id FROM litopys_keys.keys WHERE n = 2)"
	for what, statement := range map[string]string{
		"wrapped key":      "UPDATE litopys_keys.secrets SET wrapped = " + random + " WHERE key = " + second,
		"exchanged keys":   "UPDATE litopys_keys.secrets SET wrapped = (SELECT wrapped FROM litopys_keys.secrets WHERE key <> " + second + " LIMIT 1) WHERE key = " + second,
		"lost key":         "DELETE FROM litopys_keys.secrets WHERE key = " + second,
		"moved to another": "UPDATE litopys_keys.keys SET subject = gen_random_uuid() WHERE n = 2",
		"master key":       "UPDATE litopys_keys.masters SET wrapped = " + random,
		"lost master":      "ALTER TABLE litopys_keys.keys DISABLE TRIGGER ALL; ALTER TABLE litopys_keys.masters DISABLE TRIGGER ALL; DELETE FROM litopys_keys.masters",
		"lost tombstone":   "ALTER TABLE litopys_keys.keys DISABLE TRIGGER ALL; DELETE FROM litopys_keys.buckets; DELETE FROM litopys_keys.keys WHERE n = 2",
		"undead":           "UPDATE litopys_keys.keys SET state = 'destroyed', destroyed = now() WHERE n = 2",
		"probe":            "UPDATE litopys_keys.meta SET probe = " + random,
		"index key":        "UPDATE litopys_keys.meta SET indexkey = " + random,
		"no head":          "DELETE FROM litopys_keys.meta",
		"no table":         "DROP TABLE litopys_keys.meta",
		"no shelf":         "DROP TABLE litopys_keys.secrets CASCADE",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s, _ := closedStorage(t, 3)
			pgtest.Exec(t, s.cfg.URL, statement)
			s.requireCorrupt(t)
		})
	}
}

// The one key that is damaged is named, the others still open.
func TestDamageIsLocal(t *testing.T) {
	t.Parallel()
	s, ids := closedStorage(t, 3)
	pgtest.Exec(t, s.cfg.URL, "UPDATE litopys_keys.secrets SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1) WHERE key = '"+ids[1].String()+"'")
	store := s.open(t)
	_, err := store.Open(t.Context(), ids[1:2])
	var corrupt *eventstore.CorruptError
	if !errors.As(err, &corrupt) || corrupt.Place != "key "+ids[1].String() {
		t.Errorf("gives %v", err)
	}
	if _, err := store.Open(t.Context(), []uuid.UUID{ids[0], ids[2]}); err != nil {
		t.Errorf("its neighbours: %v", err)
	}
}
