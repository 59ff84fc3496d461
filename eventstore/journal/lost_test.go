package journal_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/memory"
	"imagine.ua/litopys/eventstore/seal"
)

// TestALostLogIsNotMadeAnew: keys without their log are what is left of a ledger.
func TestALostLogIsNotMadeAnew(t *testing.T) {
	t.Parallel()
	for _, gone := range [][]string{
		{"events.db"}, {"events.db", "index"}, {"events.db", "index", "keys.db"}, {"events.db", "index", "local.key", "litopys.lock"},
	} {
		dir, _ := usedDir(t)
		for _, name := range gone {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		_, err = journal.Open(t.Context(), journal.Config{Dir: dir})
		var damage *eventstore.CorruptError
		if !errors.As(err, &damage) || damage.File != filepath.Join(dir, "events.db") {
			t.Errorf("without %s: %v", gone, err)
		}
		if now, err := os.ReadDir(dir); err != nil || len(now) != len(left) {
			t.Errorf("without %s: %d files have become %d, %v", gone, len(left), len(now), err)
		}
	}
}

// TestLostKeysAreToldOf: a key store that is older than the log lacks keys of it. Opening the ledger says so,
// verifying it and opening such a value name the key and what it was for, and never the value.
func TestLostKeysAreToldOf(t *testing.T) {
	t.Parallel()
	dir, who := usedDir(t)
	backup := t.TempDir()
	replace(t, backup, dir, "keys.db")
	stream := domain.SubjectStream(who)
	j := openDir(t, dir)
	mustAppend(t, j, stream, 1, fact(collected(clearItem(who, "phone", "1", "+380441234567"))))
	closeIt(t, j)
	replace(t, dir, backup, "keys.db")
	var told bytes.Buffer
	j, err := journal.Open(t.Context(), journal.Config{Dir: dir, Logger: slog.New(slog.NewTextHandler(&told, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	if !strings.Contains(told.String(), "lacks keys") {
		t.Errorf("opening says %q", told.String())
	}
	recorded := events(t, j, stream)
	values := journal.SealedOf(recorded...)
	for what, do := range map[string]func() error{
		"verify": func() error { _, err := j.Verify(t.Context()); return err },
		"open":   func() error { _, err := j.Open(t.Context(), values); return err },
		"unseal": func() error { _, err := j.Unseal(t.Context(), journal.WithRetained, recorded...); return err },
		"same":   func() error { _, err := j.Same(t.Context(), recorded, nil); return err },
	} {
		err := do()
		var damage *eventstore.CorruptError
		if !errors.As(err, &damage) || damage.File != filepath.Join(dir, "keys.db") || !strings.HasPrefix(damage.Place, "key ") {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if !strings.Contains(damage.Detail, "phone of subject "+who.String()) || strings.Contains(err.Error(), "+380441234567") {
			t.Errorf("%s says %v", what, err)
		}
		if what != "verify" && !errors.Is(err, seal.ErrVerify) {
			t.Errorf("%s does not look like tampering: %v", what, err)
		}
	}
	if got, err := j.Open(t.Context(), values[:2]); err != nil || len(got) != 2 {
		t.Errorf("the other values: %v", err)
	}
}

// TestVerifyComparesKeys: a value that names a key of another address is damage of the log.
func TestVerifyComparesKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	if err := filled(t, b, 400).Close(); err != nil {
		t.Fatal(err)
	}
	b.store = memory.Reopen(b.store)
	var earlier []byte
	p := b.parts(t)
	for r, err := range p.Store.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		if _, value, ok := bytes.Cut(r.Data, []byte(`"sealed":"`)); ok {
			earlier, _, _ = bytes.Cut(value, []byte(`"`))
			break
		}
	}
	at, found := -1, 0
	for r, err := range p.Store.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		at++
		if bytes.Contains(r.Data, []byte(`"sealed":"`)) {
			if found++; found == 2 {
				break
			}
		}
	}
	p.Store = changing{Store: p.Store, at: at, change: func(r *eventstore.Record) {
		before, value, _ := bytes.Cut(r.Data, []byte(`"sealed":"`))
		_, after, _ := bytes.Cut(value, []byte(`"`))
		r.Data = []byte(string(before) + `"sealed":"` + string(earlier) + `"` + string(after))
	}}
	_, err := open(t, p).Verify(t.Context())
	var damage *eventstore.CorruptError
	if !errors.As(err, &damage) || damage.File != "log" || !strings.Contains(damage.Detail, "something else") {
		t.Errorf("got %v", err)
	}
}
