package embedded_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/faulty"
)

// killed gives the folder of a store that was not closed, as a killed process leaves it: its newest records
// stand in the write-ahead log alone.
func killed(t testing.TB, n int) string {
	t.Helper()
	cfg := embedded.Config{Dir: t.TempDir()}
	s := open(t, cfg)
	fill(t, s, n)
	// The writer marks the end behind the answer; the next append waits for it.
	if _, err := s.Append(t.Context(), "s0", 1<<40, events("refused", 1)); !errors.Is(err, eventstore.ErrWrongRevision) {
		t.Fatal(err)
	}
	return copyFolder(t, cfg.Dir)
}

// TestALostWriteAheadLogIsSeen: SQLite would take the log for one that ends where its file does.
func TestALostWriteAheadLogIsSeen(t *testing.T) {
	t.Parallel()
	sound := killed(t, 40)
	wal := filepath.Join(sound, "events.db-wal")
	whole, err := os.ReadFile(wal)
	if err != nil || len(whole) == 0 {
		t.Fatalf("nothing stands in the write-ahead log: %v", err)
	}
	for _, size := range []int64{-1, 0, 10, int64(len(whole)) / 3, int64(len(whole)) / 2, int64(len(whole)) - 1} {
		dir := copyFolder(t, sound)
		cut := filepath.Join(dir, "events.db-wal")
		if size < 0 {
			err = os.Remove(cut)
		} else {
			err = os.Truncate(cut, size)
		}
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second finds what the first has left
			_, err := readEverything(t.Context(), dir)
			namesPlace(t, err)
			var damage *eventstore.CorruptError
			if errors.As(err, &damage); damage.File != filepath.Join(dir, "events.db") {
				t.Errorf("cut to %d: %v", size, err)
			}
		}
		if info, err := os.Stat(cut); err != nil || info.Size() != max(size, 0) {
			t.Errorf("cut to %d: the write-ahead log was touched: %v, %v", size, info, err)
		}
		if err := os.WriteFile(cut, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if log, err := readEverything(t.Context(), dir); err != nil || len(log) != 40 {
			t.Errorf("cut to %d and put back: %d records, %v", size, len(log), err)
		}
	}
}

// TestTheMarkMayBeLost: it is a help and no part of the log. One that is missing, torn or older is made again.
func TestTheMarkMayBeLost(t *testing.T) {
	t.Parallel()
	sound := killed(t, 40)
	path := filepath.Join(sound, "events.head")
	whole, err := os.ReadFile(path)
	if err != nil || binary.BigEndian.Uint64(whole[28:]) != 40 {
		t.Fatalf("the mark is %x, %v", whole, err)
	}
	for what, content := range map[string][]byte{"torn": whole[:20], "empty": {}, "noise": make([]byte, 40), "gone": nil} {
		dir := copyFolder(t, sound)
		path := filepath.Join(dir, "events.head")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if content != nil {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := open(t, embedded.Config{Dir: dir})
		verify(t, s, 40)
		fill(t, s, 2)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if now, err := os.ReadFile(path); err != nil || len(now) != 40 || binary.BigEndian.Uint64(now[28:]) != 42 {
			t.Errorf("%s: made again as %x, %v", what, now, err)
		}
	}
	gone := copyFolder(t, sound)
	for _, name := range []string{"events.db", "events.db-wal", "index"} {
		if err := os.RemoveAll(filepath.Join(gone, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := readEverything(t.Context(), gone); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("the mark of a log that is gone: %v", err)
	}
	if _, err := os.Stat(filepath.Join(gone, "events.db")); err == nil {
		t.Error("a new log was made beside the mark of another")
	}
	other := killed(t, 3)
	if err := os.WriteFile(filepath.Join(other, "events.head"), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readEverything(t.Context(), other); !errors.Is(err, eventstore.ErrForeign) {
		t.Errorf("the mark of another ledger: %v", err)
	}
}

// TestAMarkThatFailsHarmsNothing: whatever becomes of its file, appends are answered, and the mark is never
// ahead of the log.
func TestAMarkThatFailsHarmsNothing(t *testing.T) {
	t.Parallel()
	for _, flavour := range faulty.Flavours() {
		for at := range 4 {
			in := faulty.New(faulty.Plan{})
			cfg := embedded.Config{Dir: t.TempDir(), Identity: uuid.New(), FS: faulty.NewFS[embedded.File](embedded.OS{}, in)}
			s := open(t, cfg)
			in.Arm(faulty.Plan{At: at + 1, Flavour: flavour, Sticky: at%2 == 0, Only: func(op faulty.Op) bool {
				return filepath.Base(op.Name) == "events.head"
			}})
			fill(t, s, 10)
			if err := s.Close(); err != nil {
				t.Errorf("%v at %d: %v", flavour, at, err)
			}
			verify(t, open(t, embedded.Config{Dir: cfg.Dir}), 10)
		}
	}
}
