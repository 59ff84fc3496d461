package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
)

func open(t testing.TB, path string) *sqlite.Conn {
	t.Helper()
	c, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestPragmasHold(t *testing.T) {
	t.Parallel()
	c := open(t, filepath.Join(t.TempDir(), "a b?#%.db"))
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "trusted_schema": "0"} {
		var got string
		if _, err := c.Row(func(s *sqlite3.Stmt) { got = s.ColumnText(0) }, "PRAGMA "+name); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestRoundTripOfEveryType(t *testing.T) {
	t.Parallel()
	c := open(t, filepath.Join(t.TempDir(), "x.db"))
	if err := c.Script("CREATE TABLE v(a,b,c,d,e,f,g)"); err != nil {
		t.Fatal(err)
	}
	id, now := uuid.New(), time.Now().UTC().Truncate(time.Microsecond)
	if err := c.Run("INSERT INTO v VALUES (?,?,?,?,?,?,?)", id, now, time.Time{}, "text", []byte{1, 2}, int64(-5), true); err != nil {
		t.Fatal(err)
	}
	found, err := c.Row(func(s *sqlite3.Stmt) {
		if sqlite.ColumnUUID(s, 0) != id || !sqlite.ColumnTime(s, 1).Equal(now) || !sqlite.ColumnTime(s, 2).IsZero() ||
			s.ColumnText(3) != "text" || !bytes.Equal(s.ColumnRawBlob(4), []byte{1, 2}) || s.ColumnInt64(5) != -5 || !s.ColumnBool(6) {
			t.Error("a column changed on the way")
		}
	}, "SELECT * FROM v")
	if err != nil || !found {
		t.Fatal(found, err)
	}
	if err := c.Run("SELECT ?", struct{}{}); err == nil {
		t.Error("a type without a binding was taken")
	}
}

func TestTransactionRollsBackOnError(t *testing.T) {
	t.Parallel()
	c := open(t, filepath.Join(t.TempDir(), "x.db"))
	if err := c.Script("CREATE TABLE v(a)"); err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	err := c.Tx(func() error {
		if err := c.Run("INSERT INTO v VALUES (1)"); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	var n int
	if _, err := c.Row(func(s *sqlite3.Stmt) { n = s.ColumnInt(0) }, "SELECT count(*) FROM v"); err != nil || n != 0 {
		t.Fatalf("%d rows survived the rollback, %v", n, err)
	}
}

func TestErrorsAreTranslatedByCode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), sqlite.Config{Path: garbage})
	var corrupt *eventstore.CorruptError
	if !errors.As(err, &corrupt) || corrupt.File != garbage {
		t.Fatalf("garbage gives %v", err)
	}
	path := filepath.Join(dir, "x.db")
	a := open(t, path)
	b, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, BusyTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	err = a.Tx(func() error { return b.Tx(func() error { return nil }) })
	if !errors.Is(err, sqlite.ErrBusy) {
		t.Fatalf("a held lock gives %v", err)
	}
}

func TestSnapshotSeesOneState(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	writer, reader := open(t, path), open(t, path)
	if err := writer.Script("CREATE TABLE v(a)"); err != nil {
		t.Fatal(err)
	}
	count := func() (n int) {
		if _, err := reader.Row(func(s *sqlite3.Stmt) { n = s.ColumnInt(0) }, "SELECT count(*) FROM v"); err != nil {
			t.Error(err)
		}
		return n
	}
	stop := errors.New("stop")
	err := reader.Snapshot(func() error {
		before := count()
		if err := writer.Run("INSERT INTO v VALUES (1)"); err != nil {
			return err
		}
		if after := count(); before != 0 || after != 0 {
			t.Errorf("the snapshot moved: %d, then %d", before, after)
		}
		return stop
	})
	if !errors.Is(err, stop) || !reader.GetAutocommit() || count() != 1 {
		t.Errorf("after the snapshot: %v, %d rows", err, count())
	}
}

// A real file system without space: the driver says only that a write failed.
func TestFullDiskIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a small file system can't be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	c := open(t, filepath.Join(dir, "x.db"))
	if err := c.Script("CREATE TABLE v(a)"); err != nil {
		t.Fatal(err)
	}
	err := c.Tx(func() error { return c.Run("INSERT INTO v VALUES (zeroblob(1 << 20))") })
	if !errors.Is(err, eventstore.ErrFull) {
		t.Fatalf("got %v", err)
	}
	if err := c.Run("INSERT INTO v VALUES (1)"); err != nil {
		t.Fatalf("a small row after the full disk: %v", err)
	}
}

func TestPoolLendsAndCloses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	if err := open(t, path).Script("CREATE TABLE v(a); INSERT INTO v VALUES (7)"); err != nil {
		t.Fatal(err)
	}
	p := sqlite.NewPool(sqlite.Config{Path: path}, 2)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if err := p.Read(context.Background(), readsSeven); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := p.Read(t.Context(), func(c *sqlite.Conn) error { return c.Run("DELETE FROM v") }); err == nil {
		t.Error("a reader could write")
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Fatal(err)
	}
	if err := p.Read(t.Context(), readsSeven); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func readsSeven(c *sqlite.Conn) error {
	n := 0
	_, err := c.Row(func(s *sqlite3.Stmt) { n = s.ColumnInt(0) }, "SELECT a FROM v")
	if err == nil && n != 7 {
		return errors.New("not seven")
	}
	return err
}
