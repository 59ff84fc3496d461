package journal_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/journal"
)

func openDir(t testing.TB, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func closeIt(t testing.TB, j *journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// usedDir makes a folder with one subject whose first e-mail is destroyed.
func usedDir(t testing.TB) (dir string, who domain.SubjectID) {
	t.Helper()
	dir, who = filepath.Join(t.TempDir(), "data"), newSubject()
	j := openDir(t, dir)
	stream := domain.SubjectStream(who)
	mustAppend(t, j, stream, domain.NoStream, fact(collected(clearItem(who, "email", "1", "old@example.com"))))
	mustAppend(t, j, stream, 0, fact(subject.Edited{Subject: who, Items: []domain.Item{clearItem(who, "email", "2", "new@example.com")},
		Superseded: []domain.Fate{destroy(who, "email", "1")}}))
	closeIt(t, j)
	return dir, who
}

func TestAFolderIsALedger(t *testing.T) {
	t.Parallel()
	dir, who := usedDir(t)
	j := openDir(t, dir)
	want := []string{"- destroyed", "new@example.com live"}
	if diff := cmp.Diff(want, shown(t, j, journal.WithRetained, domain.SubjectStream(who))); diff != "" {
		t.Error(diff)
	}
	if report, err := j.Verify(t.Context()); err != nil || report.Records != 3 { // the third is the certificate
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := journal.Open(t.Context(), journal.Config{Dir: dir}); !errors.Is(err, eventstore.ErrLocked) {
		t.Errorf("a second opening gives %v", err)
	}
	requireNothingClear(t, dir, "old@example.com", "new@example.com")
	closeIt(t, j)
	requireNothingClear(t, dir, "old@example.com", "new@example.com")
}

func requireNothingClear(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, s := range secrets {
			if bytes.Contains(bytes.ToLower(content), []byte(strings.ToLower(s))) {
				t.Errorf("%s holds %q in clear", path, s)
			}
		}
		files++
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files scanned, %v", files, err)
	}
}

// A piece that is gone or of another ledger is told with its file, and nothing is written in its place.
func TestPiecesThatDoNotBelongAreRefused(t *testing.T) {
	t.Parallel()
	for why, c := range map[string]struct {
		harm func(t *testing.T, dir string)
		want error
		file string
	}{
		"key store gone": {func(t *testing.T, dir string) {
			for _, f := range []string{"keys.db", "keys.db-wal", "keys.db-shm"} {
				_ = os.Remove(filepath.Join(dir, f))
			}
		}, eventstore.ErrCorrupt, "keys.db"},
		"local key gone": {func(t *testing.T, dir string) { remove(t, dir, "local.key") }, eventstore.ErrCorrupt, "local.key"},
		"log gone":       {func(t *testing.T, dir string) { remove(t, dir, "events.db") }, eventstore.ErrCorrupt, "events.db"},
		"key store of another ledger": {func(t *testing.T, dir string) {
			other, _ := usedDir(t)
			replace(t, dir, other, "keys.db")
		}, eventstore.ErrForeign, "keys.db"},
		"local key of another ledger": {func(t *testing.T, dir string) {
			other, _ := usedDir(t)
			replace(t, dir, other, "local.key")
		}, eventstore.ErrForeign, "local.key"},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			dir, _ := usedDir(t)
			c.harm(t, dir)
			before, had := os.ReadFile(filepath.Join(dir, c.file))
			_, err := journal.Open(t.Context(), journal.Config{Dir: dir})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.file) {
				t.Errorf("got %v", err)
			}
			after, has := os.ReadFile(filepath.Join(dir, c.file))
			if (had == nil) != (has == nil) || !bytes.Equal(before, after) {
				t.Errorf("%s was changed: %v", c.file, has)
			}
		})
	}
}

func remove(t *testing.T, dir, file string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, file)); err != nil {
		t.Fatal(err)
	}
}

func replace(t *testing.T, dir, other, file string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(other, file))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, file), content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// An older copy of the key store does not bring erased values back: the facts are followed again.
func TestAnOldKeyStoreIsBroughtInLine(t *testing.T) {
	t.Parallel()
	dir, who := usedDir(t)
	backup := t.TempDir()
	replace(t, backup, dir, "keys.db")
	j := openDir(t, dir)
	stream := domain.SubjectStream(who)
	mustAppend(t, j, stream, 1, fact(deleted(who, destroy(who, "email", "2"))))
	closeIt(t, j)
	for _, f := range []string{"keys.db-wal", "keys.db-shm"} {
		_ = os.Remove(filepath.Join(dir, f))
	}
	replace(t, dir, backup, "keys.db")
	j = openDir(t, dir)
	if diff := cmp.Diff([]string{"- destroyed", "- destroyed"}, shown(t, j, journal.WithRetained, stream)); diff != "" {
		t.Error(diff)
	}
}

// The same on the real store: 64 goroutines, subjects of their own, fates among the facts.
func TestManyGoroutinesOnAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := openDir(t, dir)
	subjects := make([]domain.SubjectID, 64)
	var wg sync.WaitGroup
	for i := range subjects {
		subjects[i] = newSubject()
		wg.Go(func() {
			who, stream := subjects[i], domain.SubjectStream(subjects[i])
			for n := range 5 {
				f := []ledger.Fact{fact(collected(clearItem(who, "email", domain.AttributeEpoch(n+1), "x")))}
				if n == 4 {
					f = append(f, fact(deleted(who, destroy(who, "email", "1"))))
				}
				if _, err := j.Append(t.Context(), stream, int64(n-1), f); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	closeIt(t, j)
	j = openDir(t, dir)
	want := []string{"- destroyed", "x live", "x live", "x live", "x live"}
	for _, who := range subjects {
		if diff := cmp.Diff(want, shown(t, j, journal.LiveOnly, domain.SubjectStream(who))); diff != "" {
			t.Error(diff)
		}
	}
}
