package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/profile"
)

func options(dir string) Options {
	cfg := config.Default()
	cfg.Dir = dir
	return Options{Config: cfg, Logger: slog.New(slog.DiscardHandler), Create: true}
}

func register(t testing.TB, a *App) domain.SubjectID {
	t.Helper()
	id := domain.SubjectID{UUID: uuid.New()}
	op, err := domain.NewOperation(domain.OperationSpec{Key: "k", At: time.Now(), Actor: domain.Actor{Kind: domain.ActorSystem, ID: "t"},
		Purpose: "service", Grounds: "ua.11.1.3", Service: "account"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Ledger.Handle(t.Context(), subject.Register{About: subject.About{Subject: id, Operation: op}}); err != nil {
		t.Fatal(err)
	}
	return id
}

// known tells whether the answers know the subject.
func known(t testing.TB, a *App, id domain.SubjectID) bool {
	t.Helper()
	found := false
	err := a.View(t.Context(), func(s projections.Snapshot) (err error) {
		_, found, err = profile.Get(t.Context(), s, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAnswersAreLevelBeforeTheyAreGiven(t *testing.T) {
	t.Parallel()
	err := With(t.Context(), options(t.TempDir()), func(a *App) error {
		id := register(t, a)
		if !known(t, a, id) {
			t.Error("an answer does not know what was recorded before it")
		}
		state, err := a.State(t.Context(), id)
		if !state.Registered() {
			t.Error("the folded file does not know the registration")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Damage is put aside as often as it comes, in the catalogue and in the file of a projection, and so is a layout
// that this program does not know.
func TestUselessAnswersArePutAside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, readFile)
	var id domain.SubjectID
	if err := With(t.Context(), options(dir), func(a *App) error { id = register(t, a); return a.Level(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	noise := []byte(strings.Repeat("noise", 2000))
	for _, harm := range []struct {
		aside, kept string
		do          func() error
	}{
		{".damaged", "", func() error { return os.WriteFile(path, noise, 0o600) }},
		{".damaged", "-builds/profile.1.db", func() error { return os.WriteFile(path+"-builds/profile.1.db", noise, 0o600) }},
		{".earlier", "", func() error {
			c, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
			if err != nil {
				return err
			}
			return errors.Join(c.Script("PRAGMA user_version=1"), c.Close())
		}},
	} {
		if err := harm.do(); err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(path + harm.kept)
		if err != nil {
			t.Fatal(err)
		}
		err = With(t.Context(), options(dir), func(a *App) error {
			if !known(t, a, id) {
				t.Error("the answers were not computed again")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if aside, err := os.ReadFile(path + harm.aside + harm.kept); err != nil || !bytes.Equal(aside, want) {
			t.Errorf("what is put aside as %s is not kept: %v", harm.aside+harm.kept, err)
		}
	}
}

func TestNoLedger(t *testing.T) {
	t.Parallel()
	o := options(filepath.Join(t.TempDir(), "absent"))
	o.Create = false
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrNoLedger) {
		t.Errorf("got %v, want ErrNoLedger", err)
	}
	if _, err := os.Stat(o.Config.Dir); err == nil {
		t.Error("a question made the folder")
	}
}

// TestLostLog: what is left of a ledger is damage, not an empty folder in which to begin anew.
func TestLostLog(t *testing.T) {
	t.Parallel()
	for _, gone := range [][]string{
		{logFile}, {keysFile}, {localFile}, {logFile, indexDir}, {logFile, indexDir, keysFile}, {logFile, keysFile, localFile},
		{logFile, keysFile, localFile, indexDir}, {logFile, keysFile, localFile, headFile},
	} {
		dir := t.TempDir()
		if err := With(t.Context(), options(dir), func(a *App) error { register(t, a); return nil }); err != nil {
			t.Fatal(err)
		}
		for _, name := range gone {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		o := options(dir)
		for _, o.Create = range []bool{false, true} {
			_, err := Open(t.Context(), o)
			var damage *eventstore.CorruptError
			if !errors.As(err, &damage) || filepath.Base(damage.File) != gone[0] {
				t.Errorf("without %s: got %v, want damage", gone, err)
			}
		}
		for _, name := range gone {
			if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
				t.Errorf("without %s: %s was made", gone, name)
			}
		}
	}
}

func TestSecondOpenIsLockedOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	err := With(t.Context(), options(dir), func(*App) error {
		if _, err := Open(context.WithoutCancel(t.Context()), options(dir)); !errors.Is(err, eventstore.ErrLocked) {
			t.Errorf("got %v, want ErrLocked", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStepErrorsComeBack(t *testing.T) {
	t.Parallel()
	want := errors.New("step")
	dir := t.TempDir()
	if err := With(t.Context(), options(dir), func(*App) error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	a, err := Open(t.Context(), options(dir))
	if err != nil {
		t.Fatalf("the folder was not released: %v", err)
	}
	if err := errors.Join(a.Close(), a.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func TestPolicyFromFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	cfg := config.Default()
	cfg.Policy = path
	if _, err := Policy(cfg); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an absent file gives %v", err)
	}
	if err := os.WriteFile(path, policy.ImagineYAML(), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := Policy(cfg); err != nil || p.Version != policy.Imagine().Version {
		t.Errorf("got %v, %v", p, err)
	}
	if err := os.WriteFile(path, []byte("nonsense: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Policy(cfg); !errors.Is(err, config.ErrInvalid) {
		t.Errorf("a broken file gives %v, want ErrInvalid", err)
	}
}
