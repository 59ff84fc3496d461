package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/eventstore/pgtest"
)

// TestKeysMoveHouse moves the keys of a demonstration from SQLite to PostgreSQL and back: every answer stays,
// erased values included, and the store that was left is refused.
func TestKeysMoveHouse(t *testing.T) {
	t.Parallel()
	old := house{dir: filepath.Join(t.TempDir(), "ledger")}
	old.run(t, "demo", "--people", "6")
	want := old.answers(t)
	url := pgtest.Shared(t).Database(t)
	moved := house{dir: old.dir, env: []string{"LITOPYS_KEYS_URL=" + url}}

	first := old.run(t, "--json", "key", "copy", "--to", url)
	again := old.run(t, "--json", "key", "copy", "--to", url, "--switch")
	if strings.Contains(first, `"destroyed":0`) || !strings.Contains(again, `"already":true`) {
		t.Errorf("it says %s and %s", first, again)
	}
	if err := os.Remove(filepath.Join(old.dir, "keys.db")); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, moved.answers(t)); d != "" {
		t.Errorf("answers differ (-SQLite +PostgreSQL):\n%.3000s", d)
	}
	moved.run(t, "log", "verify")

	moved.run(t, "key", "copy", "--to", old.dir, "--switch")
	if _, talk, code := moved.try(t, "log", "verify"); code != 4 || !strings.Contains(talk, "moved to another store") {
		t.Errorf("the old keys can still be used: exit code %d\n%s", code, talk)
	}
	if d := cmp.Diff(want, old.answers(t)); d != "" {
		t.Errorf("answers differ (-before +after):\n%.3000s", d)
	}
	old.run(t, "log", "verify")
}

// TestManyAppendsAtOnce copies a log to a server with many appends under way: every answer stays, but for
// the order of different people.
func TestManyAppendsAtOnce(t *testing.T) {
	t.Parallel()
	s := server(t)
	old := house{dir: filepath.Join(t.TempDir(), "ledger")}
	old.run(t, "import", "access-log", generated(t, 600), "--rejects", filepath.Join(t.TempDir(), "rejects"))
	before := old.verified(t)
	said := old.run(t, "--json", "log", "copy", "--to", s.URL(), "--at-once", "64", "--switch")
	if !strings.Contains(said, before["digest"].(string)) {
		t.Errorf("the copy has another digest: %s", said)
	}
	moved := house{dir: old.dir, env: []string{"LITOPYS_STORE_URL=" + s.URL()}}
	after := moved.verified(t)
	for _, same := range []string{"ledger", "records", "streams", "values"} {
		if before[same] != after[same] {
			t.Errorf("%s: %v, was %v", same, after[same], before[same])
		}
	}
	moved.level(t)
}
