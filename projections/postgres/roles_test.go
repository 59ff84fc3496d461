package postgres

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/eventstore/pgtest"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
)

// as is the same database for another role.
func as(t testing.TB, address, role string) string {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	u.User = url.User(role)
	return u.String()
}

// The roles script is enough: with its rights the runner follows, rebuilds and switches, and a reader sees
// the views, also after a switch. Neither can do more.
func TestRoles(t *testing.T) {
	t.Parallel()
	admin := pgtest.Shared(t).Database(t)
	suffix := place(t.Name() + admin)
	runner, reader := "runner_"+suffix, "reader_"+suffix
	cfg := Config{URL: admin}
	must(t, Migrate(t.Context(), cfg))
	script, err := RolesSQL("", runner, reader)
	must(t, err)
	pgtest.Exec(t, admin, script, script, "ALTER ROLE "+runner+" LOGIN", "ALTER ROLE "+reader+" LOGIN")
	t.Cleanup(func() {
		pgtest.Exec(t, admin, fmt.Sprintf("DROP OWNED BY %[1]s CASCADE; DROP OWNED BY %[2]s CASCADE; DROP ROLE %[1]s, %[2]s", runner, reader))
	})
	b := open(t, Config{URL: as(t, admin, runner)})
	log, crowd := people(4, 100)
	e := engine(t, log, b)
	must(t, e.CatchUp(t.Context()))
	log.Append(crowd.Some(100)...)
	must(t, e.CatchUp(t.Context()))
	must(t, e.Rebuild(t.Context(), nil, nil))
	must(t, e.Rebuild(t.Context(), nil, nil))
	must(t, e.Rollback(t.Context()))
	rows := len(projtest.Read(t, b, projtest.All())["history"])
	if n := pgtest.Query[int](t, as(t, admin, reader), "SELECT count(*) FROM litopys.history"); n != rows || n == 0 {
		t.Errorf("the reader sees %d rows of %d", n, rows)
	}
	if n := pgtest.Query[int](t, as(t, admin, reader), "SELECT count(*) FROM litopys.projection_status WHERE NOT stopped"); n != len(projtest.All()) {
		t.Errorf("the reader sees %d live builds", n)
	}
	live, err := builds(t.Context(), connection(t, admin), cfg.withDefaults().names(), "projection = 'history' AND state = 'live'")
	must(t, err)
	for _, denied := range []struct{ role, sql string }{
		{reader, "SELECT count(*) FROM litopys_state.builds"},
		{reader, "SELECT count(*) FROM " + table(live[0].schema, "history")},
		{reader, "DELETE FROM litopys.history"},
		{reader, "UPDATE litopys.profile_fields SET state = 'held'"},
		{reader, "CREATE VIEW litopys.mine AS SELECT 1"},
		{runner, "ALTER TABLE litopys_state.builds DROP CONSTRAINT builds_mark"},
		{runner, "INSERT INTO litopys_state.migrations VALUES (2, 'x', sha256('x'))"},
		{runner, "CREATE ROLE more"},
	} {
		_, err := connection(t, as(t, admin, denied.role)).Exec(t.Context(), denied.sql)
		want(t, translate(t.Context(), "try", err), ErrForbidden)
	}
	_, err = Open(t.Context(), Config{URL: as(t, admin, reader)})
	want(t, err, ErrForbidden)
	if _, err := RolesSQL("", "a; DROP", "b"); err == nil {
		t.Error("a role's name may be anything")
	}
}

func connection(t testing.TB, address string) *pgx.Conn {
	t.Helper()
	conn, err := Config{URL: address}.connect(t.Context())
	must(t, err)
	t.Cleanup(func() { closeConn(t.Context(), conn) })
	return conn
}

// The bookkeeping is made once, by whoever comes first; what a newer program made, or somebody changed, is
// refused; and its checks refuse books that cannot be true.
func TestMigrations(t *testing.T) {
	t.Parallel()
	address := pgtest.Shared(t).Database(t)
	cfg := Config{URL: address}
	all, err := migrations()
	must(t, err)
	ended := make(chan error, 4)
	for range cap(ended) {
		go func() { ended <- Migrate(t.Context(), cfg) }()
	}
	for range cap(ended) {
		must(t, <-ended)
	}
	if n := pgtest.Query[int](t, address, "SELECT count(*) FROM litopys_state.migrations"); n != len(all) {
		t.Errorf("%d layouts applied, want %d", n, len(all))
	}
	for _, wrong := range []string{
		"state = 'gone'", "position = -1", "previous = 5", "indexed = false", "events = -1", "number = 0", "failure = '[]'", "tables = '{}'", "projection = 'X'",
	} {
		_, err := connection(t, address).Exec(t.Context(), `BEGIN; INSERT INTO litopys_state.builds (projection, number, version, state, log, indexed, schema, tables)
			VALUES ('p', 1, 1, 'live', gen_random_uuid(), true, 's', '{t}'); UPDATE litopys_state.builds SET `+wrong, pgx.QueryExecModeSimpleProtocol)
		if code(err) != "23514" {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	pgtest.Exec(t, address, "UPDATE litopys_state.migrations SET digest = sha256('edited') WHERE number = 1")
	if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "layout 1") {
		t.Errorf("an edited layout: %v", err)
	}
	pgtest.Exec(t, address, "INSERT INTO litopys_state.migrations (number, name, digest) SELECT 1000 + n, 'newer', sha256('x') FROM generate_series(1, 3) AS n")
	if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "update the program") {
		t.Errorf("a newer layout: %v", err)
	}
}

// The layout that this release writes, column by column. A change of it is a new migration.
func TestLayoutFrozen(t *testing.T) {
	t.Parallel()
	address := pgtest.Shared(t).Database(t)
	must(t, Migrate(t.Context(), Config{URL: address}))
	got := pgtest.Query[string](t, address, `SELECT string_agg(format('%s.%s.%s %s%s', table_schema, table_name, column_name, data_type,
		CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END), E'\n' ORDER BY table_schema, table_name, ordinal_position) || E'\n'
		FROM information_schema.columns WHERE table_schema LIKE 'litopys%'`)
	golden(t, "layout.golden", got)
}

// What others built on a view stays when the columns stay, and stops a switch with a reason when
// they do not.
func TestViewsOfOthers(t *testing.T) {
	t.Parallel()
	address := pgtest.Shared(t).Database(t)
	b := open(t, Config{URL: address})
	log, _ := people(5, 50)
	one := shaped(1, projections.Text)
	e := engine(t, log, b, func(c *projections.Config) { c.Projections = one })
	must(t, e.CatchUp(t.Context()))
	pgtest.Exec(t, address, "CREATE VIEW public.mine AS SELECT count(*) AS n FROM litopys.shaped")
	must(t, e.Rebuild(t.Context(), nil, nil))
	if n := pgtest.Query[int](t, address, "SELECT n FROM mine"); n != len(log.Events()) {
		t.Errorf("%d rows", n)
	}
	two := engine(t, log, b, func(c *projections.Config) { c.Projections = shaped(2, projections.Int) })
	want(t, two.Rebuild(t.Context(), nil, nil), ErrDependent)
	pgtest.Exec(t, address, "DROP VIEW public.mine")
	must(t, two.Rebuild(t.Context(), nil, nil))
	if kind := pgtest.Query[string](t, address, "SELECT pg_typeof(extra)::text FROM litopys.shaped LIMIT 1"); kind != "bigint" {
		t.Errorf("the view shows %s", kind)
	}
	want(t, engine(t, log, b, func(c *projections.Config) { c.Projections = one }).CatchUp(t.Context()), projections.ErrVersion)
}
