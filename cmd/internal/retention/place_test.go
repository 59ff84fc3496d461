package retention_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/pgtest"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/consents"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/notices"
	"imagine.ua/litopys/projections/obligations"
	"imagine.ua/litopys/projections/postgres"
	"imagine.ua/litopys/projections/profile"
	"imagine.ua/litopys/projections/requests"
	"imagine.ua/litopys/projections/retained"
	"imagine.ua/litopys/projections/sqlite"
	"imagine.ua/litopys/projections/transfers"
)

func TestMain(m *testing.M) {
	// Each step of a history is asked of every reader, on two kinds of stores: a few histories, unless asked.
	if err := flag.Set("rapid.checks", "2"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// place is where a ledger stands: its log in a folder; its keys and answers in files there, or in two
// databases.
type place struct {
	dir    string
	keys   string         // address of the keys; "" for a file
	facts  string         // and of the answers
	server *pgtest.Server // that has both databases
	kept   int            // backups of the key store that were made
}

// inFiles is a place of one machine.
func inFiles(t testing.TB) place {
	t.Helper()
	return place{dir: t.TempDir()}
}

// onServer is a place whose keys and answers are in PostgreSQL.
func onServer(t testing.TB, server *pgtest.Server) place {
	t.Helper()
	database := server.DatabaseFrom(t, "migrated key store", func(url string) error { return keypg.Migrate(context.Background(), url) })
	return place{dir: t.TempDir(), server: server, keys: database, facts: server.Database(t)}
}

// everywhere runs the same on both kinds of places.
func everywhere(t *testing.T, run func(t *testing.T, make func(testing.TB) place)) {
	t.Helper()
	t.Run("files", func(t *testing.T) {
		t.Parallel()
		run(t, inFiles)
	})
	t.Run("servers", func(t *testing.T) {
		t.Parallel()
		server := pgtest.Shared(t)
		run(t, func(t testing.TB) place { return onServer(t, server) })
	})
}

// kms opens the local key of the folder, and makes it for a new ledger.
func (p *place) kms() (*keys.Local, error) {
	path := filepath.Join(p.dir, "local.key")
	local, err := keys.OpenLocal(path)
	if errors.Is(err, os.ErrNotExist) {
		local, err = keys.CreateLocal(path)
	}
	return local, err
}

// keyStore opens the keys of the ledger with this id, alone or beside a journal.
func (p *place) keyStore(ctx context.Context, id uuid.UUID, kms keys.KMS, c *calendar) (keys.Store, error) {
	if p.keys == "" {
		return keydb.Open(ctx, keydb.Config{Path: filepath.Join(p.dir, "keys.db"), Ledger: id, KMS: kms, Now: c.now})
	}
	return keypg.Open(ctx, keypg.Config{URL: p.keys, Ledger: id, KMS: kms, Now: c.now, Logger: slog.New(slog.DiscardHandler)})
}

// parts opens log and keys, and the key-management service, which is to be closed after them.
func (p *place) parts(ctx context.Context, c *calendar) (parts journal.Parts, kms *keys.Local, err error) {
	if parts.Store, err = embedded.Open(ctx, embedded.Config{Dir: p.dir}); err != nil {
		return parts, nil, err
	}
	id, err := parts.Store.Identity(ctx)
	if err != nil {
		return parts, nil, err
	}
	if kms, err = p.kms(); err != nil {
		return parts, nil, err
	}
	parts.Clock, parts.Logger = c.now, slog.New(slog.DiscardHandler)
	parts.Keys, err = p.keyStore(ctx, id, kms, c)
	return parts, kms, err
}

// set is the projections that readers of a person's data ask.
func set() []*projections.Projection {
	return []*projections.Projection{profile.New(), history.New(), retained.New(), transfers.New(), consents.New(),
		requests.New(), notices.New(), obligations.New(law.UA())}
}

func (p *place) readFile() string { return filepath.Join(p.dir, "read.db") }

// backend opens the answers.
func (p *place) backend(ctx context.Context) (projections.Backend, error) {
	if p.keys == "" {
		return sqlite.Open(ctx, sqlite.Config{Path: p.readFile()})
	}
	return postgres.Open(ctx, postgres.Config{URL: p.facts, SpoolDir: filepath.Join(p.dir, "spool")})
}

// backup copies the key store, which nobody has open, as an operator does every night.
func (p *place) backup(t testing.TB) {
	t.Helper()
	p.kept++
	if p.keys != "" {
		p.copyDatabase(t, p.keys, p.backupName(p.kept))
		return
	}
	copyFile(t, filepath.Join(p.dir, "keys.db"), filepath.Join(p.dir, p.backupName(p.kept)))
}

// restore puts the n-th backup back, counted from 1. Nobody has the key store open.
func (p *place) restore(t testing.TB, n int) {
	t.Helper()
	if p.keys != "" {
		name := "litopys_restored_" + strings.ReplaceAll(uuid.NewString(), "-", "")
		p.copyDatabase(t, p.server.URL(p.backupName(n)), name)
		p.keys = p.server.URL(name)
		return
	}
	copyFile(t, filepath.Join(p.dir, p.backupName(n)), filepath.Join(p.dir, "keys.db"))
}

// backupName is a file of the folder, or a database named for the folder.
func (p *place) backupName(n int) string {
	if p.keys == "" {
		return fmt.Sprintf("backup-%d", n)
	}
	return fmt.Sprintf("litopys_backup_%s_%d", strings.ReplaceAll(uuid.NewSHA1(uuid.Nil, []byte(p.dir)).String(), "-", ""), n)
}

func (p *place) copyDatabase(t testing.TB, from, to string) {
	t.Helper()
	name := databaseOf(from)
	// A closed connection's process may take a while to end, and PostgreSQL copies only what nobody uses.
	pgtest.Exec(t, p.server.URL("postgres"), "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '"+name+"'",
		"CREATE DATABASE "+to+" TEMPLATE "+name)
	t.Cleanup(func() { pgtest.Exec(t, p.server.URL("postgres"), "DROP DATABASE IF EXISTS "+to+" WITH (FORCE)") })
}

// databaseOf is the name of the database in an address.
func databaseOf(url string) string {
	path, _, _ := strings.Cut(url, "?")
	return path[strings.LastIndex(path, "/")+1:]
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from) //nolint:gosec // the test's own folder
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
