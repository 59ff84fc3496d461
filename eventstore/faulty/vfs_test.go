package faulty_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/faulty"
	"imagine.ua/litopys/eventstore/sqlite"
)

// story opens a database, commits three transactions of two rows and closes it. It gives how many were
// acknowledged, and the first error.
func story(t testing.TB, path, vfs string) (acknowledged int, err error) {
	t.Helper()
	c, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, VFS: vfs, PageSize: 512})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.Script("CREATE TABLE IF NOT EXISTS n (tx INTEGER, half INTEGER, filler BLOB)"); err != nil {
		return 0, err
	}
	for tx := range 3 {
		err := c.Tx(func() error {
			for half := range 2 {
				if err := c.Run("INSERT INTO n VALUES (?, ?, zeroblob(900))", int64(tx), int64(half)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return acknowledged, err
		}
		acknowledged++
	}
	return acknowledged, nil
}

// audit opens the file without faults: whole transactions only, and all that were acknowledged.
func audit(t testing.TB, path string, acknowledged int) {
	t.Helper()
	c, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		t.Fatalf("reopen: %v", err)
	}
	defer func() { _ = c.Close() }()
	for s, err := range c.Rows("PRAGMA integrity_check") {
		if err != nil || s.ColumnText(0) != "ok" {
			t.Fatalf("integrity: %v", err)
		}
	}
	if err := c.Script("CREATE TABLE IF NOT EXISTS n (tx INTEGER, half INTEGER, filler BLOB)"); err != nil {
		t.Fatalf("reopen: %v", err)
	}
	var whole int
	for s, err := range c.Rows("SELECT count(*) FROM n GROUP BY tx") {
		if err != nil || s.ColumnInt(0) != 2 {
			t.Fatalf("a transaction has %d rows of 2, %v", s.ColumnInt(0), err)
		}
		whole++
	}
	if whole < acknowledged {
		t.Fatalf("%d transactions are there, %d were acknowledged", whole, acknowledged)
	}
}

func TestEachOperationOfADatabase(t *testing.T) {
	t.Parallel()
	for _, flavour := range faulty.Flavours() {
		for name, sticky := range map[string]bool{"once": false, "for good": true} {
			t.Run(flavour.String()+" "+name, func(t *testing.T) {
				t.Parallel()
				clean := faulty.Loop(t, func(t *testing.T, i int) bool {
					in := faulty.New(faulty.Plan{At: i, Flavour: flavour, Sticky: sticky})
					path := filepath.Join(t.TempDir(), "n.db")
					acknowledged, err := story(t, path, faulty.VFS(t, in))
					_, hit := in.Hit()
					if !hit && err != nil {
						t.Fatalf("nothing was failed, but: %v", err)
					}
					audit(t, path, acknowledged)
					return hit
				})
				if clean < 10 {
					t.Errorf("only %d operations were reached", clean-1)
				}
			})
		}
	}
}

func TestFullDiskIsTold(t *testing.T) {
	t.Parallel()
	in := faulty.New(faulty.Plan{At: 1, Flavour: faulty.Full, Sticky: true, Only: func(op faulty.Op) bool {
		return op.Kind == "write" && strings.HasSuffix(op.Name, "-wal")
	}})
	path := filepath.Join(t.TempDir(), "n.db")
	if _, err := story(t, path, faulty.VFS(t, in)); !errors.Is(err, eventstore.ErrFull) {
		t.Errorf("on a full disk: %v, want %v", err, eventstore.ErrFull)
	}
	audit(t, path, 0)
}

func TestCountsWithoutFailing(t *testing.T) {
	t.Parallel()
	kinds := map[string]int{}
	in := faulty.New(faulty.Plan{At: 1 << 30, Only: func(op faulty.Op) bool { kinds[op.Kind]++; return true }})
	if n, err := story(t, filepath.Join(t.TempDir(), "n.db"), faulty.VFS(t, in)); n != 3 || err != nil {
		t.Fatalf("%d transactions, %v", n, err)
	}
	for _, kind := range []string{"open", "read", "write", "sync", "lock", "access", "size", "delete"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s was counted: %v", kind, kinds)
		}
	}
	if _, hit := in.Hit(); hit || in.Count() < 20 {
		t.Errorf("hit %v after %d operations", hit, in.Count())
	}
}
