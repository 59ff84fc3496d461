package sqlite

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
)

// A file that is not ours is refused and left as it was; Remove and a rebuild are the way out of damage.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "read.db")
	garbage := bytes.Repeat([]byte("not a database "), 1000)
	if err := os.WriteFile(path, garbage, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Path: path}); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("garbage: %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, garbage) {
		t.Errorf("the file was changed: %v", err)
	}
	if err := errors.Join(Remove(path), Remove(path)); err != nil {
		t.Fatal(err)
	}
	open(t, path)

	other := filepath.Join(t.TempDir(), "other.db")
	c, err := sqlite.Open(t.Context(), sqlite.Config{Path: other})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Script("CREATE TABLE theirs (x)"), c.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Path: other}); !errors.Is(err, eventstore.ErrForeign) {
		t.Errorf("another program's database: %v", err)
	}
	if _, err := Open(t.Context(), Config{}); err == nil {
		t.Error("no path, no error")
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	b, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "read.db")})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = b.Builds(t.Context())
	for _, err := range []error{err, b.Drop(t.Context(), nil), b.View(t.Context(), func(projections.Snapshot) error { return nil })} {
		if !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}

// A reader who is told to stop in the middle of a long answer stops, and the next reader is served.
func TestViewEndsWithContext(t *testing.T) {
	t.Parallel()
	b := open(t, filepath.Join(t.TempDir(), "read.db"))
	crowd := projtest.NewCrowd(rand.New(rand.NewPCG(1, 1)).IntN)
	log := projtest.NewLog(ledgerID)
	log.Append(crowd.Some(500)...)
	projtest.Filled(t, b, log, projtest.All()...)
	table := projtest.All()[1].Tables[0]
	for range 10 { // more often than there are readers
		ctx, cancel := context.WithCancel(t.Context())
		var last error
		rows := 0
		err := b.View(ctx, func(s projections.Snapshot) error {
			for _, last = range s.Select(ctx, projections.Select{Table: table}) {
				if rows++; rows == 5 {
					cancel()
				}
			}
			return last
		})
		cancel()
		if !errors.Is(err, context.Canceled) || rows > 10 {
			t.Fatalf("%d rows, then %v", rows, err)
		}
	}
	if got := projtest.Read(t, b, projtest.All()); len(got["history"]) < 400 {
		t.Errorf("%d rows", len(got["history"]))
	}
}
