package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
)

// names of the files of the builds, without those beside a file that is open.
func names(t testing.TB, path string) (out []string) {
	t.Helper()
	found, err := os.ReadDir(path + buildsSuffix)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if filepath.Ext(f.Name()) == ".db" {
			out = append(out, f.Name())
		}
	}
	return out
}

// one is a backend with one projection and its engine.
func one(t testing.TB, path string) (*Backend, *projections.Engine, *projections.Projection) {
	t.Helper()
	b := open(t, path)
	p := projtest.All()[0]
	log, _ := benchLog(50)
	e, err := projections.New(projections.Config{Source: log, Backend: b, Projections: []*projections.Projection{p}})
	if err == nil {
		err = e.CatchUp(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b, e, p
}

func file1(p *projections.Projection, n string) string { return p.Name + "." + n + ".db" }

// A reader keeps what it reads, also when two rebuilds have come over it; with its end the file goes.
func TestDroppedFileStaysForItsReaders(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "read.db")
	b, e, p := one(t, path)
	err := b.View(t.Context(), func(s projections.Snapshot) error {
		for range 2 {
			if err := e.Rebuild(t.Context(), nil, nil); err != nil {
				return err
			}
		}
		if got := names(t, path); !slices.Contains(got, file1(p, "1")) {
			t.Errorf("the file went under its reader; there are %q", got)
		}
		live, err := s.Live(t.Context(), p.Name)
		if err != nil || live.Number != 1 || live.Events == 0 {
			t.Errorf("the reader sees %+v, %v", live, err)
		}
		for _, table := range p.Tables {
			for _, err := range s.Select(t.Context(), projections.Select{Table: table}) {
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, path), []string{file1(p, "2"), file1(p, "3")}; !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

// What a process that died has left is gone after the next opening; what the catalogue names stays.
func TestOpenSweeps(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "read.db")
	b, _, p := one(t, path)
	rows := projtest.Read(t, b, []*projections.Projection{p})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file1(p, "7"), file1(p, "7") + "-wal", file1(p, "2") + unfinished, "other"} {
		if err := os.WriteFile(filepath.Join(path+buildsSuffix, name), []byte("left"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b = open(t, path)
	found, err := os.ReadDir(path + buildsSuffix)
	if err != nil || len(found) != 1 || found[0].Name() != file1(p, "1") {
		t.Errorf("there are %v, %v", found, err)
	}
	if now := projtest.Read(t, b, []*projections.Projection{p}); now.Rows() != rows.Rows() {
		t.Errorf("%d rows, were %d", now.Rows(), rows.Rows())
	}
}

// A build whose file is gone, or is that of another build, is damage, whoever looks at it.
func TestLostAndForeignFiles(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(string, *projections.Projection) error{
		"gone": func(path string, p *projections.Projection) error {
			return os.Remove(filepath.Join(path+buildsSuffix, file1(p, "1")))
		},
		"another's": func(path string, p *projections.Projection) error {
			c, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(path+buildsSuffix, file1(p, "1"))})
			if err != nil {
				return err
			}
			return errors.Join(c.Run("UPDATE projection_build SET log = zeroblob(16)"), c.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "read.db")
			b, _, p := one(t, path)
			if err := errors.Join(b.Close(), harm(path, p)); err != nil {
				t.Fatal(err)
			}
			b = open(t, path)
			_, listed := b.Builds(t.Context())
			looked := b.View(t.Context(), func(s projections.Snapshot) error {
				_, err := s.Live(t.Context(), p.Name)
				return err
			})
			written := b.Commit(t.Context(), projections.Commit{Projection: p, Number: 1})
			for what, err := range map[string]error{"list": listed, "look": looked, "write": written} {
				if !errors.Is(err, eventstore.ErrCorrupt) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

// A build that is being built has no file before Load; its failure is kept nevertheless, and goes with Load.
func TestFailureBeforeLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "read.db")
	b, _, p := one(t, path)
	next, err := b.Create(t.Context(), p, ledgerID, projections.Building)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, path); len(got) != 1 {
		t.Errorf("there are %q", got)
	}
	failure := &projections.Failure{Position: 3, Reason: "of the test"}
	if err := b.Commit(t.Context(), projections.Commit{Projection: p, Number: next.Number, Failure: failure}); err != nil {
		t.Fatal(err)
	}
	all, err := b.Builds(t.Context())
	if err != nil || len(all) != 2 || all[1].Failure == nil || all[1].Failure.Reason != failure.Reason || all[1].Indexed {
		t.Fatalf("%+v, %v", all, err)
	}
	if got := names(t, path); len(got) != 1 {
		t.Errorf("there are %q", got)
	}
	load := projections.Load{Projection: p, Number: next.Number, To: projections.Mark{Position: 9, Event: ledgerID}, Events: 9}
	for _, table := range p.Tables {
		load.Tables = append(load.Tables, projections.Filling{Table: table, Rows: feed(nil)})
	}
	if err := b.Load(t.Context(), load); err != nil {
		t.Fatal(err)
	}
	all, err = b.Builds(t.Context())
	if err != nil || all[1].Mark != load.To || all[1].Events != 9 || !all[1].Indexed || all[1].Failure != nil {
		t.Fatalf("%+v, %v", all, err)
	}
}

// Answers in memory are followed, rebuilt and rolled back as those in files are, and leave nothing.
func TestInMemory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "read.db")
	b, err := Open(t.Context(), Config{Path: path, VFS: sqlite.Memory})
	if err != nil {
		t.Fatal(err)
	}
	log, _ := benchLog(300)
	e, err := projections.New(projections.Config{Source: log, Backend: b, Projections: projtest.All(), SpoolDir: t.TempDir()})
	if err == nil {
		err = e.CatchUp(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	followed := projtest.Read(t, b, projtest.All())
	for range 2 {
		if err := e.Rebuild(t.Context(), nil, nil); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(followed, projtest.Read(t, b, projtest.All())); diff != "" {
			t.Fatalf("rebuilt differs (-followed +rebuilt):\n%.2000s", diff)
		}
	}
	if err := errors.Join(e.Rollback(t.Context()), b.Close()); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(path + "*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}
