package keypg_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/pgtest"
)

// traces reads the wrapped bytes and the tag of every key, by a connection of its own.
func traces(t testing.TB, url string) map[keys.Ref]keytest.Trace {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	rows, err := conn.Query(t.Context(), `SELECT k.subject, k.field, k.epoch, s.Wrapped, t.tag FROM litopys_keys.keys k
		JOIN litopys_keys.secrets s ON s.key = k.id JOIN litopys_keys.tags t ON t.key = k.id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[keys.Ref]keytest.Trace{}
	for rows.Next() {
		var subject uuid.UUID
		var field, epoch string
		var left keytest.Trace
		if err := rows.Scan(&subject, &field, &epoch, &left.Wrapped, &left.Tag); err != nil {
			t.Fatal(err)
		}
		out[keytest.Ref(domain.SubjectID{UUID: subject}, domain.Field(field), domain.Epoch(epoch))] = left
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// serverBytes gives the bytes of every file of the server but the WAL, the log and other databases: tables,
// indexes, catalogues with their statistics, free-space maps, temporary files.
func serverBytes(t testing.TB, server *pgtest.Server, database string) []byte {
	t.Helper()
	pgtest.Exec(t, database, "CHECKPOINT")
	var all []byte
	own := pgtest.Query[string](t, database, "SELECT oid::text FROM pg_database WHERE datname = current_database()")
	err := filepath.WalkDir(server.DataDir(), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case os.IsNotExist(err):
			return nil // removed while we walked
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "pg_wal" || isOtherDatabase(path, own)):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		b, err := os.ReadFile(path) //nolint:gosec // the server's own files
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		all = append(all, b...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// isOtherDatabase tells the folder of a database in base/, which is named by a number.
func isOtherDatabase(path, own string) bool {
	_, err := strconv.Atoi(filepath.Base(path))
	return err == nil && filepath.Base(filepath.Dir(path)) == "base" && filepath.Base(path) != own
}

// medium is what the server keeps of the database.
func (s storage) medium(server *pgtest.Server) keytest.Medium {
	return keytest.Medium{
		Traces: func(t testing.TB) map[keys.Ref]keytest.Trace { return traces(t, s.cfg.URL) },
		Masters: func(t testing.TB) map[keys.Ref]keytest.Trace {
			wrapped := pgtest.Query[[]byte](t, s.cfg.URL, "SELECT wrapped FROM litopys_keys.masters")
			return map[keys.Ref]keytest.Trace{keytest.Ref(keytest.Subject(), "master", "1"): {Wrapped: wrapped}}
		},
		Bytes: func(t testing.TB) []byte { return serverBytes(t, server, s.cfg.URL) },
		Settle: func(t testing.TB) {
			pgtest.Exec(t, s.cfg.URL, "VACUUM ANALYZE litopys_keys.secrets, litopys_keys.tags, litopys_keys.keys, litopys_keys.buckets, litopys_keys.masters")
		},
	}
}

// With ANALYZE, VACUUM and checkpoints in between, under a reader with an old snapshot, and after a crash.
func TestDestroyedBytesAreInNoFile(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Config{})
	s := storageOn(t, server)
	left := keytest.DestroyHalf(t, s.open(t), s.medium(server), 20, func() { holdSnapshot(t, s.cfg.URL) })
	server.StopHard(t)
	server.Start(t)
	left()
}

func TestRotatedBytesAreInNoFile(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Config{})
	s := storageOn(t, server)
	keytest.RotateAndDestroy(t, s.open(t), s.medium(server))
}

// holdSnapshot opens a transaction that would still see all that is there now.
func holdSnapshot(t testing.TB, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM litopys_keys.meta"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
}

func TestTombstoneHasNoBytes(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	store := s.open(t)
	gone := keytest.Tagged(t, store, 3)[0]
	if err := store.Follow(t.Context(), 1, []domain.Fate{keytest.Destroy(gone.Ref)}); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"secrets", "tags", "buckets"} {
		rows := "SELECT count(*) FROM litopys_keys." + table
		if n := pgtest.Query[int](t, s.cfg.URL, rows); n != 2 {
			t.Errorf("%d rows are left in %s of 3", n, table)
		}
		if n := pgtest.Query[int](t, s.cfg.URL, rows+" WHERE key = $1", gone.ID); n != 0 {
			t.Errorf("%s has %d rows of the destroyed key", table, n)
		}
	}
}

// A dump holds the tables while it runs: the destruction waits, and is done when it may.
func TestDestructionWaitsForAReader(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	store := s.open(t)
	gone := keytest.Tagged(t, store, 1)[0]
	reader, err := pgx.Connect(t.Context(), s.cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Exec(t.Context(), "BEGIN; SELECT count(*) FROM litopys_keys.secrets"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- store.Follow(t.Context(), 1, []domain.Fate{keytest.Destroy(gone.Ref)}) }()
	const waits = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE NOT granted AND d.datname = current_database()"
	for pgtest.Query[int](t, s.cfg.URL, waits) == 0 {
		if len(done) > 0 {
			t.Fatalf("the shelf was rewritten under a reader: %v", <-done)
		}
	}
	if err := reader.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got, err := store.Open(t.Context(), []uuid.UUID{gone.ID}); err != nil || got[0].State != keys.Destroyed {
		t.Errorf("the key is %v, %v", got, err)
	}
}

// Without patience the reader wins, and nothing is half done; repeating the call makes up for it.
func TestReaderInTheWayIsToldOf(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	s.cfg.Patience = 1
	store := s.open(t)
	gone := keytest.Tagged(t, store, 1)[0]
	reader, err := pgx.Connect(t.Context(), s.cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Exec(t.Context(), "BEGIN; SELECT count(*) FROM litopys_keys.tags"); err != nil {
		t.Fatal(err)
	}
	fates := []domain.Fate{keytest.Destroy(gone.Ref)}
	if err := store.Follow(t.Context(), 1, fates); err == nil {
		t.Error("the shelf was rewritten under a reader")
	}
	if got, err := store.Open(t.Context(), []uuid.UUID{gone.ID}); err != nil || !got[0].Equal(gone) {
		t.Errorf("half done: %v, %v", got, err)
	}
	if err := reader.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.Follow(t.Context(), 1, fates); err != nil {
		t.Fatal(err)
	}
}
