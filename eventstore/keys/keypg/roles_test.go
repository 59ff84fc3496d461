package keypg_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/keys/keytest"
)

// attempts runs each statement in a transaction of its own and gives the code of its error, "" for none.
func attempts(t testing.TB, url string, statements []string) map[string]string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	codes := map[string]string{}
	for _, statement := range statements {
		_, err := conn.Exec(t.Context(), statement)
		var refused *pgconn.PgError
		if errors.As(err, &refused) {
			codes[statement] = refused.Code
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return codes
}

// rolesStorage has one live and one destroyed key, and the roles.
func rolesStorage(t testing.TB) storage {
	t.Helper()
	s := newStorage(t)
	store := s.open(t)
	gone := keytest.Tagged(t, store, 2)[0]
	if err := store.Follow(t.Context(), 1, []domain.Fate{keytest.Destroy(gone.Ref)}); err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	noRight    = "42501"
	checkFails = "23514"
)

func TestWriterCannotUndoOrTamper(t *testing.T) {
	t.Parallel()
	s := rolesStorage(t)
	refused := map[string]string{
		"UPDATE litopys_keys.keys SET state = 'live' WHERE state = 'destroyed'":                   checkFails,
		"UPDATE litopys_keys.keys SET state = 'retained' WHERE state = 'destroyed'":               checkFails,
		"UPDATE litopys_keys.keys SET subject = gen_random_uuid()":                                noRight,
		"DELETE FROM litopys_keys.keys":                                                           noRight,
		"UPDATE litopys_keys.secrets SET wrapped = ''":                                            noRight,
		"DELETE FROM litopys_keys.secrets":                                                        noRight,
		"TRUNCATE litopys_keys.secrets":                                                           noRight,
		"DELETE FROM litopys_keys.tags":                                                           noRight,
		"DELETE FROM litopys_keys.buckets":                                                        noRight,
		"DELETE FROM litopys_keys.closed":                                                         noRight,
		"UPDATE litopys_keys.masters SET wrapped = ''":                                            noRight,
		"UPDATE litopys_keys.meta SET ledger = gen_random_uuid()":                                 noRight,
		"INSERT INTO litopys_keys.migrations VALUES (9, '', '')":                                  noRight,
		"CREATE TABLE litopys_keys.x ()":                                                          noRight,
		"SELECT litopys_keys.erase(shelf, ARRAY[id]) FROM litopys_keys.keys WHERE state = 'live'": checkFails,
	}
	requireRefused(t, loginAs(t, s.cfg.URL, "litopys_keys_writer"), refused)
	if err := s.open(t).Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAuditorSeesStatesOnly(t *testing.T) {
	t.Parallel()
	s := rolesStorage(t)
	url := loginAs(t, s.cfg.URL, "litopys_keys_auditor")
	requireRefused(t, url, map[string]string{
		"SELECT * FROM litopys_keys.secrets":            noRight,
		"SELECT * FROM litopys_keys.tags":               noRight,
		"SELECT * FROM litopys_keys.buckets":            noRight,
		"SELECT * FROM litopys_keys.masters":            noRight,
		"SELECT probe, indexkey FROM litopys_keys.meta": noRight,
		"UPDATE litopys_keys.keys SET state = state":    noRight,
		"UPDATE litopys_keys.meta SET followed = 0":     noRight,
		"SELECT litopys_keys.erase(1::smallint, '{}')":  noRight,
	})
	if codes := attempts(t, url, []string{"SELECT id, state, until, rule FROM litopys_keys.keys", "SELECT followed FROM litopys_keys.meta"}); len(codes) > 0 {
		t.Errorf("an auditor may not see the states: %v", codes)
	}
	cfg := s.cfg
	cfg.URL = url
	if _, err := keypg.Open(t.Context(), cfg); err == nil {
		t.Error("an auditor opened the store")
	}
}

func requireRefused(t testing.TB, url string, refused map[string]string) {
	t.Helper()
	var statements []string
	for statement := range refused {
		statements = append(statements, statement)
	}
	codes := attempts(t, url, statements)
	for statement, want := range refused {
		if codes[statement] != want {
			t.Errorf("%s: code %q, want %q", statement, codes[statement], want)
		}
	}
}
