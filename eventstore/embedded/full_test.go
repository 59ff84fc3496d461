package embedded_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/faulty"
)

// TestOpensOnAFullDisk: no byte can be written, the index is gone and the write-ahead log was never copied
// back; everything is read all the same, appends are refused, and go on when there is room.
func TestOpensOnAFullDisk(t *testing.T) {
	t.Parallel()
	in := faulty.New(faulty.Plan{})
	cfg := embedded.Config{Dir: t.TempDir(), VFS: faulty.VFS(t, in), FS: faulty.NewFS[embedded.File](embedded.OS{}, in), TailEvents: 10, CheckpointPages: 4}
	full := faulty.Plan{At: 1, Flavour: faulty.Full, Sticky: true, Only: func(op faulty.Op) bool { return op.Kind == "write" }}
	s := open(t, cfg)
	fill(t, s, 60)
	in.Arm(full)
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	for _, harm := range []bool{false, true} {
		if harm {
			if err := os.RemoveAll(filepath.Join(cfg.Dir, "index")); err != nil {
				t.Fatal(err)
			}
		}
		in.Arm(full)
		s = open(t, cfg)
		verify(t, s, 60)
		if err := s.Close(); err != nil {
			t.Fatalf("close on a full disk: %v", err)
		}
	}
	s = open(t, cfg)
	if _, err := s.Append(t.Context(), "full", eventstore.NoStream, events("full", 5)); !errors.Is(err, eventstore.ErrFull) {
		t.Errorf("append on a full disk: %v", err)
	}
	in.Disarm()
	fill(t, s, 30) // fewer than would wait for the index, whose next try may be under way
	verify(t, s, 90)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, open(t, embedded.Config{Dir: cfg.Dir}), 90)
}
