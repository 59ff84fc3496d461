package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

//go:embed roles.sql
var rolesScript string

// oldestServer has the setting client_connection_check_interval, without which a dead runner's query would
// hold its locks to the end.
const oldestServer = 140000

// migration is one step of the bookkeeping's layout. A step that was ever released is never edited: its
// digest stands in the database, and another one is refused.
type migration struct {
	number int
	name   string
	sql    string
	digest []byte
}

func (n names) fill(sql string) string {
	return strings.NewReplacer("{views}", n.views, "{state}", n.state).Replace(sql)
}

// migrations are the steps in order, numbered from 1 without a gap.
func migrations() ([]migration, error) {
	files, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var out []migration
	for i, path := range files {
		text, err := migrationFiles.ReadFile(path)
		if err != nil {
			return nil, err
		}
		number, name, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"), ".sql"), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s: want number %04d", path, i+1)
		}
		digest := sha256.Sum256(text)
		out = append(out, migration{number: i + 1, name: name, sql: string(text), digest: digest[:]})
	}
	return out, nil
}

// Migrate brings the bookkeeping of the read models to the layout of this program, in one transaction. It
// needs the right to create schemas in the database, and ownership of the bookkeeping where that exists.
// Layouts only go forward: one of a newer program is refused.
func Migrate(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return err
	}
	return onConnection(ctx, cfg, "migrate", func(conn *pgx.Conn) error { return migrate(ctx, conn, cfg.names()) })
}

// prepare checks the server and migrates only when there is something to do, so that a role without the
// right to may open what an administrator has prepared.
func prepare(ctx context.Context, cfg Config) error {
	return onConnection(ctx, cfg, "open", func(conn *pgx.Conn) error {
		var server int
		if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&server); err != nil {
			return err
		}
		if server < oldestServer {
			return fmt.Errorf("the server is PostgreSQL %d; 14 is the oldest that will do", server/10000)
		}
		behind, err := pending(ctx, conn, cfg.names())
		if err != nil || len(behind) == 0 {
			return err
		}
		return migrate(ctx, conn, cfg.names())
	})
}

// onConnection runs do on a connection of its own.
func onConnection(ctx context.Context, cfg Config, what string, do func(*pgx.Conn) error) error {
	conn, err := cfg.connect(ctx)
	if err == nil {
		err = errors.Join(marked(conn, do(conn)), conn.Close(context.WithoutCancel(ctx)))
	}
	return translate(ctx, what, err)
}

func (c Config) connect(ctx context.Context) (*pgx.Conn, error) {
	p, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, err
	}
	p.ConnectTimeout = cmp.Or(p.ConnectTimeout, connectTimeout)
	settings(p.RuntimeParams)
	return pgx.ConnectConfig(ctx, p)
}

// pending gives the steps that the database lacks.
func pending(ctx context.Context, conn *pgx.Conn, n names) ([]migration, error) {
	all, err := migrations()
	if err != nil {
		return nil, err
	}
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", n.state+".migrations").Scan(&exists); err != nil || !exists {
		return all, err
	}
	rows, err := conn.Query(ctx, "SELECT digest FROM "+n.state+".migrations ORDER BY number")
	if err != nil {
		return nil, err
	}
	applied, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, err
	}
	if len(applied) > len(all) {
		return nil, fmt.Errorf("the books have layout %d, this program knows %d; update the program", len(applied), len(all))
	}
	for i, digest := range applied {
		if string(digest) != string(all[i].digest) {
			return nil, fmt.Errorf("the books' layout %d (%s) is not the one that this program knows", i+1, all[i].name)
		}
	}
	return all[len(applied):], nil
}

func migrate(ctx context.Context, conn *pgx.Conn, n names) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// Two processes of a new version start at once: the second waits, and finds nothing to do.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", n.lock("migrate")); err != nil {
			return err
		}
		behind, err := pending(ctx, conn, n)
		if err != nil || len(behind) == 0 {
			return err
		}
		if behind[0].number == 1 {
			if err := script(ctx, conn, n.fill(`CREATE SCHEMA IF NOT EXISTS {state};
				CREATE TABLE {state}.migrations (number integer PRIMARY KEY CHECK (number > 0), name text NOT NULL,
				digest bytea NOT NULL CHECK (length(digest) = 32), applied timestamptz NOT NULL DEFAULT clock_timestamp())`)); err != nil {
				return err
			}
		}
		for _, m := range behind {
			if err := script(ctx, conn, n.fill(m.sql)); err != nil {
				return fmt.Errorf("layout %d (%s): %w", m.number, m.name, err)
			}
			_, err := tx.Exec(ctx, "INSERT INTO "+n.state+".migrations (number, name, digest) VALUES ($1, $2, $3)", m.number, m.name, m.digest)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// script runs statements that take no arguments, in one round trip.
func script(ctx context.Context, conn *pgx.Conn, sql string) error {
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// lock is the number of an advisory lock of this ledger: of what it guards and for which schema.
func (n names) lock(what string) int64 {
	sum := sha256.Sum256([]byte("litopys read models\n" + n.views + "\n" + what))
	return int64(binary.BigEndian.Uint64(sum[:8])) // #nosec G115 -- bits, not a number
}

// RolesSQL is the script that gives a runner and readers no more rights than they need, for an administrator
// to look through and run in the database of the read models after Migrate. Empty schema means "litopys";
// the roles are made when missing.
func RolesSQL(schema, runner, reader string) (string, error) {
	cfg := Config{URL: "-", Schema: schema}.withDefaults()
	if err := cfg.validate(); err != nil {
		return "", err
	}
	for _, role := range []string{runner, reader} {
		if !roleName.MatchString(role) {
			return "", fmt.Errorf("role %q: want lower-case letters, digits and _", role)
		}
	}
	return strings.NewReplacer("{runner}", runner, "{reader}", reader).Replace(cfg.names().fill(rolesScript)), nil
}
