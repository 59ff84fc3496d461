package app

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imagine.ua/litopys/domain"
)

// TestAnswersOfAnotherLedgerGiveWay: they are kept under another name, one line tells of it, and what is asked is
// answered from this ledger's log. So does a file that holds no answers at all.
func TestAnswersOfAnotherLedgerGiveWay(t *testing.T) {
	t.Parallel()
	mine, other := t.TempDir(), t.TempDir()
	var here, there domain.SubjectID
	for dir, id := range map[string]*domain.SubjectID{mine: &here, other: &there} {
		if err := With(t.Context(), options(dir), func(a *App) error { *id = register(t, a); return a.Level(t.Context()) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, from := range []string{filepath.Join(other, readFile), filepath.Join(other, keysFile)} {
		bytesOf(t, filepath.Join(mine, readFile), from)
		var talk bytes.Buffer
		o := options(mine)
		o.Logger = slog.New(slog.NewTextHandler(&talk, nil))
		err := With(t.Context(), o, func(a *App) error {
			if !known(t, a, here) || known(t, a, there) {
				t.Error("the answers are not those of this ledger")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(talk.String(), "level=WARN") + strings.Count(talk.String(), "level=ERROR"); lines != 1 || !strings.Contains(talk.String(), "put aside") {
			t.Errorf("%d lines are told:\n%s", lines, talk.String())
		}
	}
	for name, from := range map[string]string{".foreign": readFile, ".foreign-2": keysFile} {
		got, err := os.ReadFile(filepath.Join(mine, readFile+name))
		want, wrong := os.ReadFile(filepath.Join(other, from))
		if err != nil || wrong != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not kept as it was: %v, %v", name, err, wrong)
		}
	}
}

func bytesOf(t testing.TB, to, from string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
