package retention_test

import (
	"crypto/md5"  //nolint:gosec // looked for, not used
	"crypto/sha1" //nolint:gosec // looked for, not used
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imagine.ua/litopys/eventstore/pgtest"
)

// window is how many bytes in a row are looked for: a remnant of what was partly overwritten, or cut by the
// end of a page, is found as well.
const window = 12

// scanner looks for many things in many files at once.
type scanner struct {
	names map[[window]byte]string
	forms map[string][]byte // all that is looked for, by name
	heads [1 << 16]bool     // the two bytes that some window begins with; most of a file begins with none of them
}

// add looks for the bytes as they are.
func (s *scanner) add(name string, b []byte) {
	if s.names == nil {
		s.names, s.forms = map[[window]byte]string{}, map[string][]byte{}
	}
	s.forms[name] = append(append(s.forms[name], b...), 0)
	for i := 0; i+window <= len(b); i += 4 {
		s.names[[window]byte(b[i:])] = name
		s.heads[int(b[i])<<8|int(b[i+1])] = true
	}
}

// addAll looks for the bytes, their hex of both cases and their base64, wherever in a longer text it begins.
func (s *scanner) addAll(name string, b []byte) {
	s.add(name, b)
	text := hex.EncodeToString(b)
	s.add(name+" in hex", []byte(text))
	s.add(name+" in upper hex", []byte(strings.ToUpper(text)))
	for shift := range 3 {
		padded := append(make([]byte, shift), b...)
		padded = padded[:len(padded)/3*3]
		s.add(name+" in base64", []byte(base64.StdEncoding.EncodeToString(padded))[4*((shift+2)/3):])
	}
}

// addHashes looks for every plain hash of a text, as it is and in lower case.
func (s *scanner) addHashes(name, text string) {
	for _, form := range []string{text, strings.ToLower(text)} {
		one, two, three, four := md5.Sum([]byte(form)), sha1.Sum([]byte(form)), sha256.Sum256([]byte(form)), sha512.Sum512([]byte(form)) //nolint:gosec // looked for
		s.addAll(name+" as MD5", one[:])
		s.addAll(name+" as SHA-1", two[:])
		s.addAll(name+" as SHA-256", three[:])
		s.addAll(name+" as SHA-512", four[:])
	}
}

// in tells what is found in a text.
func (s *scanner) in(text []byte, found map[string]bool) {
	for i := 0; i+window <= len(text); i++ {
		if !s.heads[int(text[i])<<8|int(text[i+1])] {
			continue
		}
		if name, ok := s.names[[window]byte(text[i:])]; ok {
			found[name] = true
		}
	}
}

// folder tells what is found in the files of a folder, but for those that are left out.
func (s *scanner) folder(t testing.TB, dir string, leave func(string) bool) []string {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case os.IsNotExist(err):
			return nil // removed while we walked
		case err != nil:
			return err
		case entry.IsDir() && leave(path):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path) //nolint:gosec // the test's own files
		if err == nil {
			s.in(text, found)
		}
		if os.IsNotExist(err) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(found))
}

// server tells what is found in the files of these databases: tables with what they keep aside, indexes,
// catalogues with their statistics, free-space maps, temporary files. The WAL is left out.
func (s *scanner) server(t testing.TB, server *pgtest.Server, databases ...string) []string {
	t.Helper()
	own := map[string]bool{}
	for _, url := range databases {
		pgtest.Exec(t, url, "VACUUM ANALYZE", "CHECKPOINT")
		own[pgtest.Query[string](t, url, "SELECT oid::text FROM pg_database WHERE datname = current_database()")] = true
	}
	return s.folder(t, server.DataDir(), func(path string) bool {
		base := filepath.Base(filepath.Dir(path)) == "base"
		return filepath.Base(path) == "pg_wal" || base && filepath.Base(path) != "pgsql_tmp" && !own[filepath.Base(path)]
	})
}
