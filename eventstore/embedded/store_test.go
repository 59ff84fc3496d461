package embedded_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/sqlite"
)

// quiet is a logger for stores that are damaged on purpose.
func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// open opens a folder and closes the store when the test ends.
func open(t testing.TB, cfg embedded.Config) *embedded.Store {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = quiet()
	}
	s, err := embedded.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// events makes n events with ids that depend on the name only.
func events(name string, n int) []eventstore.Event {
	batch := make([]eventstore.Event, n)
	for i := range batch {
		batch[i] = eventstore.Event{
			ID:   uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%s/%d", name, i)),
			Type: "DataCollected.v1",
			Data: fmt.Appendf(nil, `{"name":%q,"n":%d}`, name, i),
			Meta: []byte(`{"purpose":"statistics"}`),
		}
	}
	return batch
}

// fill appends n events one by one to the streams s0..s6 in turn.
func fill(t testing.TB, s eventstore.Store, n int) {
	t.Helper()
	for i := range n {
		stream := fmt.Sprintf("s%d", i%7)
		head, err := s.StreamHead(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Append(t.Context(), stream, head, events(fmt.Sprintf("%s/%d", stream, head+1), 1)); err != nil {
			t.Fatal(err)
		}
	}
}

// verify reads everything in both ways and checks that it is one log: no hole, every stream whole, and n
// records of fill.
func verify(t testing.TB, s eventstore.Store, n int) {
	t.Helper()
	streams := map[string][]eventstore.Record{}
	count := 0
	for r, err := range s.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		count++
		if r.Position != eventstore.Position(count) || r.Revision != int64(len(streams[r.Stream])) {
			t.Fatalf("record %d stands at position %d, revision %d of %s", count, r.Position, r.Revision, r.Stream)
		}
		streams[r.Stream] = append(streams[r.Stream], r)
	}
	if count != n {
		t.Fatalf("%d records, want %d", count, n)
	}
	for name, want := range streams {
		var got []eventstore.Record
		for r, err := range s.ReadStream(t.Context(), name, eventstore.NoStream) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("stream %s differs from the log (-log +stream):\n%s", name, diff)
		}
		if head, err := s.StreamHead(t.Context(), name); err != nil || head != int64(len(want))-1 {
			t.Fatalf("head of %s: %d, %v; the log has %d", name, head, err, len(want)-1)
		}
	}
}

func TestEverythingSurvivesReopening(t *testing.T) {
	t.Parallel()
	for _, tail := range []int{1, 3, 10, 1000} {
		cfg := embedded.Config{Dir: t.TempDir(), TailEvents: tail, HeadCache: 2, CheckpointPages: 3}
		for round := range 8 {
			s := open(t, cfg)
			verify(t, s, round*25)
			fill(t, s, 25)
			verify(t, s, round*25+25)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"events.db-wal", "events.db-shm"} {
				if _, err := os.Stat(filepath.Join(cfg.Dir, name)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s is left after a clean close: %v", name, err)
				}
			}
		}
	}
}

func TestSecondOpenIsToldWhoHasTheFolder(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Dir: t.TempDir()}
	first := open(t, cfg)
	_, err := embedded.Open(t.Context(), cfg)
	if !errors.Is(err, eventstore.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("pid=%d", os.Getpid())) {
		t.Fatalf("second open: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, cfg)
}

func TestIdentityIsKeptAndChecked(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Dir: t.TempDir(), Identity: uuid.New()}
	s := open(t, cfg)
	if id, err := s.Identity(t.Context()); err != nil || id != cfg.Identity {
		t.Fatalf("identity %s, %v; want %s", id, err, cfg.Identity)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, embedded.Config{Dir: cfg.Dir}).Close()
	cfg.Identity = uuid.New()
	if _, err := embedded.Open(t.Context(), cfg); !errors.Is(err, eventstore.ErrForeign) {
		t.Fatalf("another identity: %v", err)
	}
}

func TestConfigNamesAllItsProblems(t *testing.T) {
	t.Parallel()
	_, err := embedded.Open(t.Context(), embedded.Config{Readers: -1, GroupBytes: -1})
	for _, field := range []string{"Dir", "Readers", "GroupBytes"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not speak of %s", err, field)
		}
	}
}

// makeDatabase makes an SQLite file of some other program.
func makeDatabase(t testing.TB, path string) {
	t.Helper()
	c, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err == nil {
		err = errors.Join(c.Script("CREATE TABLE t(a); INSERT INTO t VALUES (1)"), c.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}
