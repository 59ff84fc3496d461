package keypg

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	_ "embed" // for RolesScript
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// RolesScript makes the least-privilege roles, or brings their rights up to date. An administrator runs it,
// in the database of the keys, after Migrate.
//
//go:embed roles.sql
var RolesScript string

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrationLock is the advisory lock of a migration.
const migrationLock = 0x6c69_746f_0001

// migration is one numbered file. Files are only ever added.
type migration struct {
	number int
	name   string
	script string
	digest [sha256.Size]byte
}

// migrations gives the files in order; their numbers are 1, 2, 3 ...
func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	all := make([]migration, len(names))
	for i, name := range names { // in the order of their names
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		digits, _, _ := strings.Cut(path.Base(name), "_")
		if n, err := strconv.Atoi(digits); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s stands at place %d", name, i+1)
		}
		all[i] = migration{number: i + 1, name: path.Base(name), script: string(text), digest: sha256.Sum256(text)}
	}
	return all, nil
}

// ErrNewer says that a database was laid out by a newer version of this program.
var ErrNewer = errors.New("the key store was laid out by a newer version of this program")

// Migrate lays the database out, or brings it up to date; the schema belongs to the role that does it. It
// is safe to repeat, and for several processes to do at once. A database of a newer version gives ErrNewer.
func Migrate(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("migrate key store: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := migrate(ctx, conn); err != nil {
		return fmt.Errorf("migrate key store: %w", err)
	}
	return nil
}

func migrate(ctx context.Context, conn *pgx.Conn) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
			return err
		}
		pending, err := pendingMigrations(ctx, tx)
		if err != nil || len(pending) == 0 {
			return err
		}
		if pending[0].number == 1 {
			if _, err := tx.Exec(ctx, layOut); err != nil {
				return err
			}
		}
		for _, m := range pending {
			if _, err := tx.Exec(ctx, m.script); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			if _, err := tx.Exec(ctx, "INSERT INTO litopys_keys.migrations (number, name, digest) VALUES ($1, $2, $3)",
				m.number, m.name, m.digest[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

const layOut = `
CREATE SCHEMA litopys_keys;
REVOKE ALL ON SCHEMA litopys_keys FROM PUBLIC;
CREATE TABLE litopys_keys.migrations (
	number  integer PRIMARY KEY,
	name    text NOT NULL,
	digest  bytea NOT NULL, -- SHA-256 of the file
	applied timestamptz NOT NULL DEFAULT now()
)`

// querier is a connection, a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// pendingMigrations gives those that the database lacks, after it has shown the others unchanged.
func pendingMigrations(ctx context.Context, q querier) ([]migration, error) {
	all, err := migrations()
	if err != nil {
		return nil, err
	}
	laidOut := false
	if err := q.QueryRow(ctx, "SELECT to_regclass('litopys_keys.migrations') IS NOT NULL").Scan(&laidOut); err != nil || !laidOut {
		return all, err
	}
	rows, err := q.Query(ctx, "SELECT number, digest FROM litopys_keys.migrations ORDER BY number")
	if err != nil {
		return nil, err
	}
	type applied struct {
		Number int
		Digest []byte
	}
	done, err := pgx.CollectRows(rows, pgx.RowToStructByPos[applied])
	if err != nil {
		return nil, err
	}
	for i, d := range done {
		if i >= len(all) {
			return nil, fmt.Errorf("it has migration %d, this program knows %d: %w", d.Number, len(all), ErrNewer)
		}
		if d.Number != all[i].number || !bytes.Equal(d.Digest, all[i].digest[:]) {
			return nil, fmt.Errorf("migration %d of the database is not %s of this program", d.Number, all[i].name)
		}
	}
	return all[len(done):], nil
}
