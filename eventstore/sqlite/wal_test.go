package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/faulty"
	"imagine.ua/litopys/eventstore/sqlite"
)

func openConn(t *testing.T, cfg sqlite.Config) *sqlite.Conn {
	t.Helper()
	c, err := sqlite.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func count(t *testing.T, c *sqlite.Conn) (n int) {
	t.Helper()
	if _, err := c.Row(func(s *sqlite3.Stmt) { n = s.ColumnInt(0) }, "SELECT count(*) FROM t"); err != nil {
		t.Fatal(err)
	}
	return n
}

// grow adds rows of a page each in one transaction.
func grow(ctx context.Context, c *sqlite.Conn, rows int) error {
	return c.Tx(func() error {
		for range rows {
			if err := c.Run("INSERT INTO t VALUES (?)", strings.Repeat("x", 4000)); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// TestGatheredWALIsReadByOthers commits small and large transactions, some larger than what is held back and
// than the page cache, and reads each through another connection and from a copy, as after a kill.
func TestGatheredWALIsReadByOthers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	cfg := sqlite.Config{Path: path, GatherWAL: true, CacheKiB: 64, CheckpointPages: 100}
	w := openConn(t, cfg)
	if err := w.Run("CREATE TABLE t(a)"); err != nil {
		t.Fatal(err)
	}
	r := openConn(t, sqlite.Config{Path: path, ReadOnly: true})
	want := 0
	for round, rows := range []int{1, 2, 10, 400, 1, 30, 300, 1} {
		stop, cancel := context.WithCancel(t.Context())
		cancel()
		if err := grow(stop, w, rows); !errors.Is(err, context.Canceled) {
			t.Fatalf("round %d: rolled back: %v", round, err)
		}
		if got := count(t, w); got != want {
			t.Fatalf("round %d: %d rows after the rollback, want %d", round, got, want)
		}
		if err := grow(t.Context(), w, rows); err != nil {
			t.Fatal(err)
		}
		want += rows
		if got := count(t, r); got != want {
			t.Fatalf("round %d: another connection sees %d rows, want %d", round, got, want)
		}
		killed := filepath.Join(t.TempDir(), fmt.Sprint(round)+".db")
		for _, suffix := range []string{"", "-wal"} {
			b, err := os.ReadFile(path + suffix)
			if err = errors.Join(err, os.WriteFile(killed+suffix, b, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		if got := count(t, openConn(t, sqlite.Config{Path: killed})); got != want {
			t.Fatalf("round %d: after a kill there are %d rows, want %d", round, got, want)
		}
	}
}

// TestGatheredWALReportsItsFailures: a write that fails when it is let go is told by the commit, as what it
// is, and the next commit succeeds.
func TestGatheredWALReportsItsFailures(t *testing.T) {
	t.Parallel()
	for flavour, want := range map[faulty.Flavour]error{faulty.Full: eventstore.ErrFull, faulty.Short: sqlite3.IOERR} {
		in := faulty.New(faulty.Plan{})
		cfg := sqlite.Config{Path: filepath.Join(t.TempDir(), "a.db"), VFS: faulty.VFS(t, in), GatherWAL: true}
		w := openConn(t, cfg)
		if err := w.Run("CREATE TABLE t(a)"); err != nil {
			t.Fatal(err)
		}
		in.Arm(faulty.Plan{At: 1, Flavour: flavour, Only: func(op faulty.Op) bool { return op.Kind == "write" }})
		if err := grow(t.Context(), w, 5); !errors.Is(err, want) || errors.Is(err, sqlite3.IOERR_FSYNC) {
			t.Errorf("%v: %v", flavour, err)
		}
		in.Disarm()
		if err := grow(t.Context(), w, 3); err != nil {
			t.Errorf("%v: after the failure: %v", flavour, err)
		}
		if got := count(t, w); got != 3 {
			t.Errorf("%v: %d rows, want 3", flavour, got)
		}
	}
}
