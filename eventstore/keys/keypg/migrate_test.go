package keypg_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/pgtest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// frozen are the SHA-256 of the migrations that databases have been made with. A line is added with a new
// file; none is ever changed.
var frozen = map[string]string{
	"0001_keys.sql":  "55802dfc4cf5f4ad60c0cfefe73418ec563516099aea1255d0e771c6e69e555c",
	"0002_sweep.sql": "27f2537aefcbdbb1895fdcdc7f90d9d3e9fd459a73fcf9fdc89042d2b3e5cf6e",
}

func TestMigrationsAreFrozen(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) != len(frozen) {
		t.Fatalf("%d files, %d of them frozen, %v", len(files), len(frozen), err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != frozen[filepath.Base(path)] {
			t.Errorf("%s was changed: its SHA-256 is %x", path, sum)
		}
	}
}

// schema describes everything in the schema, one line each; of the shelves, the first and how many there are.
const schema = `
SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
	|| CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
	|| CASE WHEN a.attidentity <> '' THEN ' identity' ELSE '' END || CASE WHEN a.attstattarget = 0 THEN ' without statistics' ELSE '' END
	|| CASE WHEN a.attcollation IN (SELECT oid FROM pg_collation WHERE collname = 'C') THEN ' collate C' ELSE '' END
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'litopys_keys'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND c.relname !~ '_([1-9]|\d\d)$'
UNION ALL
SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'litopys_keys'::regnamespace AND conrelid::regclass::text !~ '_([1-9]|\d\d)$' AND conrelid <> 0
	AND contype <> 'n' -- repeats the columns, since version 18
UNION ALL
SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'litopys_keys' AND tablename !~ '_([1-9]|\d\d)$'
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function ' || oid::regprocedure || CASE WHEN prosecdef THEN ' security definer' ELSE '' END || coalesce(' ' || array_to_string(proconfig, ' '), '')
	|| ' ' || coalesce(array_to_string(proacl, ' '), 'for everybody') FROM pg_proc WHERE pronamespace = 'litopys_keys'::regnamespace
UNION ALL
SELECT 'shelves of ' || inhparent::regclass || ' ' || count(*) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid AND c.relkind = 'r' GROUP BY inhparent
UNION ALL
SELECT 'columns without statistics ' || count(*) FROM pg_attribute WHERE attstattarget = 0 AND attnum > 0
	AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'litopys_keys'::regnamespace AND relkind IN ('r', 'p'))
ORDER BY 1`

func TestMigratedSchemaIsGolden(t *testing.T) {
	t.Parallel()
	url := pgtest.Shared(t).Database(t)
	for range 2 { // the second changes nothing
		if err := keypg.Migrate(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		requireGolden(t, describe(t, url))
	}
}

func describe(t testing.TB, url string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	rows, err := conn.Query(t.Context(), schema)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var owner string
	if err := conn.QueryRow(t.Context(), "SELECT current_user").Scan(&owner); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(owner+"=X/"+owner, "OWNER=X/OWNER").Replace(strings.Join(lines, "\n")) + "\n"
}

func requireGolden(t testing.TB, got string) {
	t.Helper()
	const path = "testdata/schema.txt"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the schema differs:\n%s", diff)
	}
}

func TestProcessesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.Shared(t).Database(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := keypg.Migrate(t.Context(), url); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := pgtest.Query[int](t, url, "SELECT count(*) FROM litopys_keys.migrations"); n != len(frozen) {
		t.Errorf("%d migrations are recorded", n)
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	pgtest.Exec(t, s.cfg.URL, "INSERT INTO litopys_keys.migrations (number, name, digest) VALUES (99, 'later', '')")
	if _, err := keypg.Open(t.Context(), s.cfg); !errors.Is(err, keypg.ErrNewer) {
		t.Errorf("gives %v", err)
	}
	if err := keypg.Migrate(t.Context(), s.cfg.URL); !errors.Is(err, keypg.ErrNewer) {
		t.Errorf("migrating gives %v", err)
	}
}

func TestOtherMigrationIsRefused(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	pgtest.Exec(t, s.cfg.URL, "UPDATE litopys_keys.migrations SET digest = 'x'")
	if _, err := keypg.Open(t.Context(), s.cfg); err == nil || !strings.Contains(err.Error(), "migration 1") {
		t.Errorf("gives %v", err)
	}
}
