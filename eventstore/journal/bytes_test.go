package journal_test

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // looked for, not used
	"crypto/sha1" //nolint:gosec // looked for, not used
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/sqlite"
)

// needles are all forms in which a value or its key could stand in a file: as they are, in hex and base64, and
// hashed without a secret.
func needles(value string, key keys.Key, wrapped []byte) map[string][]byte {
	out := map[string][]byte{}
	add := func(name string, b []byte) {
		out[name], out[name+" in hex"] = b, []byte(hex.EncodeToString(b))
		out[name+" in base64"] = []byte(strings.TrimRight(base64.StdEncoding.EncodeToString(b), "=")[:len(b)])
	}
	add("the value", []byte(value))
	add("the key", key.Secret[:])
	add("the wrapped key", wrapped)
	for _, form := range []string{value, strings.ToLower(value)} {
		one, two, three := sha256.Sum256([]byte(form)), sha1.Sum([]byte(form)), md5.Sum([]byte(form)) //nolint:gosec // looked for
		add("SHA-256 of "+form, one[:])
		add("SHA-1 of "+form, two[:])
		add("MD5 of "+form, three[:])
	}
	return out
}

// wrappedOf reads the wrapped bytes of a key by a connection of its own.
func wrappedOf(t *testing.T, dir string, id uuid.UUID) (wrapped []byte) {
	t.Helper()
	conn, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "keys.db"), ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for row, err := range conn.Rows("SELECT s.wrapped FROM keys k JOIN secrets s ON s.n = k.n WHERE k.id = ?", id) {
		if err != nil {
			t.Fatal(err)
		}
		wrapped = row.ColumnBlob(0, nil)
	}
	return wrapped
}

// found tells which needles stand in which files of the folder.
func found(t *testing.T, dir string, all map[string][]byte) (places []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // the ledger's own files
		for name, needle := range all {
			if bytes.Contains(text, needle) {
				places = append(places, name+" in "+filepath.Base(path))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return places
}

// After its destruction no file of the data folder holds a value, its key, raw or wrapped, or a plain hash of
// it, in whatever form; whether it was destroyed at once, after a term, or after the master key was changed.
func TestNoFileOfTheFolderHoldsWhatIsDestroyed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	j := openDir(t, dir)
	all := map[string]map[string][]byte{}
	people := map[string]domain.SubjectID{}
	key := func(who domain.SubjectID) keys.Key {
		t.Helper()
		list, err := j.Keys().Of(t.Context(), who)
		if err == nil {
			list, err = j.Keys().Open(t.Context(), []uuid.UUID{list[0].ID})
		}
		if err != nil {
			t.Fatal(err)
		}
		return list[0]
	}
	for _, way := range []string{"at once", "after a term", "after a rotation"} {
		who := newSubject()
		people[way] = who
		value := "Secret." + strings.ReplaceAll(who.String(), "-", "") + "@Example.com"
		mustAppend(t, j, domain.SubjectStream(who), domain.NoStream, fact(collected(clearItem(who, "email", "1", value))))
		all[way] = needles(value, key(who), wrappedOf(t, dir, key(who).ID))
		if places := found(t, dir, map[string][]byte{"wrapped": all[way]["the wrapped key"]}); len(places) == 0 {
			t.Fatal("the wrapped key is found nowhere while it is live: this test shows nothing")
		}
	}
	end := func(way string) {
		mustAppend(t, j, domain.SubjectStream(people[way]), 0, fact(deleted(people[way], domain.Fate{Subject: people[way], Field: "email", Epoch: "1",
			Action: domain.Retain, Until: noon.AddDate(900, 0, 0), Rule: "tax"})))
		mustAppend(t, j, domain.SubjectStream(people[way]), 1, fact(subject.RetentionEnded{Subject: people[way], Ended: []domain.Fate{destroy(people[way], "email", "1")}}))
	}
	mustAppend(t, j, domain.SubjectStream(people["at once"]), 0, fact(deleted(people["at once"], destroy(people["at once"], "email", "1"))))
	end("after a term")
	if _, err := j.Keys().Rotate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	again := wrappedOf(t, dir, key(people["after a rotation"]).ID)
	end("after a rotation")
	all["after a rotation"]["wrapped again"] = again
	for _, state := range []string{"open", "closed"} {
		for way, needles := range all {
			for _, place := range found(t, dir, needles) {
				t.Errorf("destroyed %s, the ledger %s: %s", way, state, place)
			}
		}
		closeIt(t, j)
	}
	j = openDir(t, dir)
	for _, who := range people {
		requireCertified(t, j, who, "email 1")
		if got := shown(t, j, journal.WithRetained, domain.SubjectStream(who)); got[0] != "- destroyed" {
			t.Errorf("the value is %v", got)
		}
	}
}
