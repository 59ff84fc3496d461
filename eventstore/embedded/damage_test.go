package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
)

const damageRecords = 60

// written makes a closed ledger of some records and gives its folder, with several run files in the index.
func written(t testing.TB) string {
	t.Helper()
	cfg := embedded.Config{Dir: t.TempDir(), TailEvents: 25}
	s := open(t, cfg)
	fill(t, s, damageRecords)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return cfg.Dir
}

// copyFolder copies a data folder, so that one ledger can be damaged in many ways.
func copyFolder(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// readEverything opens a folder and gives the log, read in both ways, or the first error.
func readEverything(ctx context.Context, dir string) (log []eventstore.Record, err error) {
	s, err := embedded.Open(ctx, embedded.Config{Dir: dir, Logger: quiet()})
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := s.Close(); err == nil {
			err = closed
		}
	}()
	streams := map[string]int64{}
	passed := passedOver(ctx, s)
	for r, err := range s.ReadAll(ctx, eventstore.Start) {
		if err != nil && passed == nil {
			return nil, fmt.Errorf("records that are not wanted are not checked: %s", err.Error())
		}
		if err != nil {
			return nil, err
		}
		log = append(log, r)
		streams[r.Stream]++
	}
	for name, want := range streams {
		var got int64
		for r, err := range s.ReadStream(ctx, name, eventstore.NoStream) {
			if err != nil {
				return nil, err
			}
			if diff := cmp.Diff(log[r.Position-1], r); diff != "" {
				return nil, fmt.Errorf("stream and log differ: %s", diff)
			}
			got++
		}
		if head, err := s.StreamHead(ctx, name); err != nil || head != want-1 || got != want {
			return nil, fmt.Errorf("%s: head %d, %d events, want %d: %w", name, head, got, want, err)
		}
	}
	return log, nil
}

// passedOver gives the error of a subscription that wants none of the records.
func passedOver(ctx context.Context, s *embedded.Store) error {
	for d, err := range s.SubscribeTypes(ctx, eventstore.Start, func(string) bool { return false }) {
		if err != nil {
			return err
		}
		if d.CaughtUp {
			break
		}
	}
	return nil
}

// namesPlace fails unless the error is corruption with file and place.
func namesPlace(t testing.TB, err error) {
	t.Helper()
	var damage *eventstore.CorruptError
	if !errors.As(err, &damage) || damage.File == "" || damage.Place == "" {
		t.Fatalf("damage is reported as %v", err)
	}
}

func flip(t testing.TB, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func size(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestFlippedByteInTheLogIsNeverBelieved(t *testing.T) {
	t.Parallel()
	whole := written(t)
	want, err := readEverything(t.Context(), whole)
	if err != nil || len(want) != damageRecords {
		t.Fatal(len(want), err)
	}
	dir := copyFolder(t, whole)
	path := filepath.Join(dir, "events.db")
	found := 0
	for at := int64(0); at < size(t, path); at += 211 {
		flip(t, path, at)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readEverything(t.Context(), dir)
		if err != nil {
			namesPlace(t, err)
			found++
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("byte %d: another log was read without an error:\n%s", at, diff)
		}
		after, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(before, after) {
			t.Fatalf("byte %d: the damaged file was written to: %v", at, err)
		}
		flip(t, path, at)
	}
	if found < 20 {
		t.Errorf("only %d flips were noticed", found)
	}
}

func TestTruncatedLogIsFound(t *testing.T) {
	t.Parallel()
	whole := written(t)
	full := size(t, filepath.Join(whole, "events.db"))
	for cut := int64(0); cut < full; cut += full/23 + 1 {
		dir := copyFolder(t, whole)
		if err := os.Truncate(filepath.Join(dir, "events.db"), cut); err != nil {
			t.Fatal(err)
		}
		_, err := readEverything(t.Context(), dir)
		namesPlace(t, err)
		if got := size(t, filepath.Join(dir, "events.db")); got != cut {
			t.Fatalf("the truncated file has grown from %d to %d bytes", cut, got)
		}
	}
}

func TestLostLogIsNotReplacedByANewOne(t *testing.T) {
	t.Parallel()
	dir := written(t)
	path := filepath.Join(dir, "events.db")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := readEverything(t.Context(), dir)
	namesPlace(t, err)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a log was made: %v", err)
	}
}

// TestOlderLogIsFoundByTheIndex puts an earlier copy of the file back: whole in itself, but cut.
func TestOlderLogIsFoundByTheIndex(t *testing.T) {
	t.Parallel()
	dir := written(t)
	path := filepath.Join(dir, "events.db")
	older, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, embedded.Config{Dir: dir})
	fill(t, s, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, older, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = readEverything(t.Context(), dir)
	namesPlace(t, err)
	if !strings.Contains(err.Error(), fmt.Sprintf("record %d", damageRecords+1)) {
		t.Errorf("%v does not name the first missing record", err)
	}
}

func TestDamagedIndexIsRebuilt(t *testing.T) {
	t.Parallel()
	whole := written(t)
	want, err := readEverything(t.Context(), whole)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := filepath.Glob(filepath.Join(whole, "index", "*.run"))
	if err != nil || len(runs) < 2 {
		t.Fatalf("the ledger has run files %v, %v", runs, err)
	}
	damages := map[string]func(path string){
		"gone":  func(path string) { _ = os.Remove(path) },
		"empty": func(path string) { _ = os.Truncate(path, 0) },
		"cut":   func(path string) { _ = os.Truncate(path, size(t, path)-1) },
		"long":  func(path string) { _ = os.Truncate(path, size(t, path)+1) },
	}
	for at := int64(0); at < size(t, runs[0]); at += 61 {
		damages[fmt.Sprintf("byte %d", at)] = func(path string) { flip(t, path, min(at, size(t, path)-1)) }
	}
	for name, damage := range damages {
		for _, run := range runs {
			dir := copyFolder(t, whole)
			damage(filepath.Join(dir, "index", filepath.Base(run)))
			for range 2 { // with the damage, and after the repair
				got, err := readEverything(t.Context(), dir)
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Fatalf("%s: %s: %v\n%s", filepath.Base(run), name, err, diff)
				}
			}
		}
	}
}

func TestPiecesOfAnotherLedgerAreRefused(t *testing.T) {
	t.Parallel()
	ours, theirs := written(t), written(t)
	runs, err := filepath.Glob(filepath.Join(theirs, "index", "*.run"))
	if err != nil || len(runs) == 0 {
		t.Fatal(runs, err)
	}
	foreign, err := os.ReadFile(runs[0])
	if err != nil {
		t.Fatal(err)
	}
	in := filepath.Join(ours, "index", filepath.Base(runs[0]))
	if err := os.WriteFile(in, foreign, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = readEverything(t.Context(), ours)
	if !errors.Is(err, eventstore.ErrForeign) || !strings.Contains(err.Error(), in) {
		t.Fatalf("a foreign run file: %v", err)
	}
	left, err := os.ReadFile(in)
	if err != nil || !bytes.Equal(left, foreign) {
		t.Fatalf("the foreign file was touched: %v", err)
	}
}

func TestForeignFilesInPlaceOfTheLogAreLeftAlone(t *testing.T) {
	t.Parallel()
	other := filepath.Join(t.TempDir(), "other.db")
	makeDatabase(t, other)
	sqlite, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"garbage":        bytes.Repeat([]byte("garbage "), 4000),
		"short":          []byte("SQLite format 3\x00"),
		"empty":          {},
		"other database": sqlite,
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "events.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readEverything(t.Context(), dir)
		namesPlace(t, err)
		left, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(left, content) {
			t.Fatalf("%s: the file was touched: %v", name, err)
		}
	}
}

// crashed gives a copy of a folder as a killed process would have left it: with its write-ahead log.
func crashed(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, embedded.Config{Dir: dir})
	fill(t, s, damageRecords)
	to := t.TempDir()
	for _, name := range []string{"events.db", "events.db-wal"} {
		from, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(from)
		if err := errors.Join(err, from.Close(), os.WriteFile(filepath.Join(to, name), content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func TestFlippedByteInTheWriteAheadLogIsFound(t *testing.T) {
	t.Parallel()
	whole := crashed(t)
	want, err := readEverything(t.Context(), copyFolder(t, whole))
	if err != nil || len(want) != damageRecords {
		t.Fatal(len(want), err)
	}
	wal := size(t, filepath.Join(whole, "events.db-wal"))
	places := []int64{0, 3, 5, 9, 13, 17, 22, 25, 30} // every field of the header
	for at := int64(32); at < wal; at += wal/97 + 1 {
		places = append(places, at)
	}
	for _, at := range places {
		dir := copyFolder(t, whole)
		flip(t, filepath.Join(dir, "events.db-wal"), at)
		got, err := readEverything(t.Context(), dir)
		if err != nil {
			namesPlace(t, err)
			continue
		}
		// A flip in the last commit can't be told from a commit that a crash has torn.
		if len(got) < damageRecords-1 {
			t.Fatalf("byte %d of %d: %d of %d records were read without an error", at, wal, len(got), damageRecords)
		}
	}
}
