package journal_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/faulty"
	"imagine.ua/litopys/eventstore/journal"
)

// TestAFullDiskKeepsNobodyFromReading: a fact that destroys a value stands, but there is no room for the key
// store to carry it out. The log can be read and verified; no value is opened, for it might be that one.
func TestAFullDiskKeepsNobodyFromReading(t *testing.T) {
	t.Parallel()
	dir, who := usedDir(t)
	in := faulty.New(faulty.Plan{})
	cfg := journal.Config{Dir: dir, VFS: faulty.VFS(t, in), FS: faulty.NewFS[embedded.File](embedded.OS{}, in), Logger: slog.New(slog.DiscardHandler)}
	full := func(names ...string) {
		in.Arm(faulty.Plan{At: 1, Flavour: faulty.Full, Sticky: true, Only: func(op faulty.Op) bool {
			for _, name := range names {
				if op.Kind == "write" && strings.HasPrefix(filepath.Base(op.Name), name) {
					return true
				}
			}
			return false
		}})
	}
	stream := domain.SubjectStream(who)
	j, err := journal.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	full("keys.db")
	if _, err := j.Append(t.Context(), stream, 1, []ledger.Fact{fact(deleted(who, destroy(who, "email", "2")))}); !errors.Is(err, eventstore.ErrFull) {
		t.Fatalf("a destruction without room for it: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatalf("close on a full disk: %v", err)
	}
	full("")
	if j, err = journal.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	recorded := events(t, j, stream)
	if report, err := j.Verify(t.Context()); err != nil || report.Records != 4 || len(recorded) != 3 {
		t.Errorf("%+v, %d in the file, %v", report, len(recorded), err)
	}
	if got, err := j.Open(t.Context(), journal.SealedOf(recorded...)); !errors.Is(err, eventstore.ErrFull) || got != nil {
		t.Errorf("values are opened: %v, %v", got, err)
	}
	if _, err := j.Append(t.Context(), stream, 2, []ledger.Fact{fact(collected(clearItem(who, "phone", "1", "x")))}); !errors.Is(err, eventstore.ErrFull) {
		t.Errorf("an append: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatalf("close on a full disk: %v", err)
	}
	in.Disarm()
	if j, err = journal.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	if got := shown(t, j, journal.WithRetained, stream); len(got) != 2 || got[1] != "- destroyed" {
		t.Errorf("after room was made: %v", got)
	}
}
