package pgtest_test

import (
	"bufio"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"imagine.ua/litopys/eventstore/pgtest"
)

// childEnv makes the test binary a process that starts a server, names its folder and waits to be killed.
const childEnv = "LITOPYS_PGTEST_CHILD"

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	a, b := server.Database(t), server.Database(t)
	for _, url := range []string{a, b} {
		pgtest.Exec(t, url, "CREATE TABLE x (n int); INSERT INTO x VALUES (1)")
		if n := pgtest.Query[int](t, url, "SELECT count(*) FROM x"); n != 1 {
			t.Errorf("%d rows", n)
		}
	}
	if pgtest.Shared(t) != server {
		t.Error("a second server for the same process")
	}
}

func TestPreparedOnceAndCopied(t *testing.T) {
	t.Parallel()
	server, prepared := pgtest.New(t, pgtest.Config{}), 0
	prepare := func(url string) error {
		prepared++
		pgtest.Exec(t, url, "CREATE TABLE x (n int)")
		return nil
	}
	for range 3 {
		url := server.DatabaseFrom(t, "prepared once", prepare)
		pgtest.Exec(t, url, "INSERT INTO x VALUES (1)")
		if n := pgtest.Query[int](t, url, "SELECT count(*) FROM x"); n != 1 {
			t.Errorf("%d rows: the copies share something", n)
		}
	}
	if prepared != 1 {
		t.Errorf("prepared %d times", prepared)
	}
}

func TestDroppedAtTheEnd(t *testing.T) {
	t.Parallel()
	server, name := pgtest.Shared(t), ""
	t.Run("inner", func(t *testing.T) {
		name = pgtest.Query[string](t, server.Database(t), "SELECT current_database()")
	})
	if n := pgtest.Query[int](t, server.URL("postgres"), "SELECT count(*) FROM pg_database WHERE datname = $1", name); n != 0 {
		t.Error("the database is still there")
	}
}

func TestPrivateServerStopsAndComesBack(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Config{Fsync: true, Settings: map[string]string{"work_mem": "5MB"}})
	url := server.Database(t)
	if got := pgtest.Query[string](t, url, "SHOW work_mem"); got != "5MB" {
		t.Errorf("work_mem is %s", got)
	}
	if got := pgtest.Query[string](t, url, "SHOW fsync"); got != "on" {
		t.Errorf("fsync is %s", got)
	}
	pgtest.Exec(t, url, "CREATE TABLE x (n int)")
	server.Restart(t)
	pgtest.Exec(t, url, "INSERT INTO x VALUES (1)")
	server.StopHard(t)
	server.Start(t)
	if n := pgtest.Query[int](t, url, "SELECT count(*) FROM x"); n != 1 {
		t.Errorf("%d rows after a sudden stop", n)
	}
	if n := pgtest.Query[int](t, server.TCP("postgres"), "SELECT 1"); n != 1 {
		t.Error("no answer on the loopback port")
	}
}

// A killed test process leaves no server and no folder behind.
func TestKilledProcessLeavesNothing(t *testing.T) {
	t.Parallel()
	if os.Getenv(childEnv) != "" {
		server := pgtest.New(t, pgtest.Config{})
		_, _ = os.Stdout.WriteString("dir " + server.DataDir() + "\n")
		select {}
	}
	if pgtest.Shared(t).DataDir() == "" {
		t.Skip("the tests use an existing server")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledProcessLeavesNothing$") //nolint:gosec // this binary
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dir := ""
	for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
		dir, _ = strings.CutPrefix(lines.Text(), "dir ")
	}
	port := serverPort(t, dir)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	// The folder goes last; the test's own deadline ends a wait in vain.
	for exists(filepath.Dir(dir)) {
		time.Sleep(10 * time.Millisecond) // between two looks; nothing depends on how long
	}
	if conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
		_ = conn.Close()
		t.Error("the server still answers")
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// serverPort reads the fourth line of the file in which the server says where it is.
func serverPort(t testing.TB, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	lines := strings.Split(string(text), "\n")
	if err != nil || len(lines) < 4 {
		t.Fatalf("%q, %v", text, err)
	}
	return lines[3]
}

// TestSmallDisk: a filled disk refuses what is new, keeps what is there, and takes more when it is freed.
// Without the right to mount, the same holds by triggers.
func TestSmallDisk(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Config{})
	for name, disk := range map[string]*pgtest.Disk{"small": server.SmallDisk(t), "triggers": {URL: server.Database(t)}} {
		pgtest.Exec(t, disk.URL, "CREATE SCHEMA litopys_x; CREATE TABLE litopys_x.t (a text); INSERT INTO litopys_x.t VALUES ('kept')")
		const more = "INSERT INTO litopys_x.t SELECT repeat('x', 1000) FROM generate_series(1, 100)"
		disk.Fill(t)
		conn, err := pgx.Connect(t.Context(), disk.URL)
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.Exec(t.Context(), more)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "53100" {
			t.Errorf("%s: a full disk gives %v", name, err)
		}
		disk.Free(t)
		if _, err := conn.Exec(t.Context(), more); err != nil {
			t.Errorf("%s: a disk that was freed gives %v", name, err)
		}
		if n := pgtest.Query[int](t, disk.URL, "SELECT count(*) FROM litopys_x.t"); n != 101 {
			t.Errorf("%s: %d rows", name, n)
		}
		_ = conn.Close(t.Context())
	}
}
