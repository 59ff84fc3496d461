package keydb_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/sqlite"
)

// traces reads the wrapped bytes and the tag of every key, by a connection of its own.
func traces(t testing.TB, path string) map[keys.Ref]keytest.Trace {
	t.Helper()
	conn, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	out := map[keys.Ref]keytest.Trace{}
	for row, err := range conn.Rows(`SELECT k.subject, k.field, k.epoch, s.Wrapped, t.tag
		FROM keys k JOIN secrets s ON s.n = k.n JOIN tags t ON t.key = k.n`) {
		if err != nil {
			t.Fatal(err)
		}
		ref := keytest.Ref(domain.SubjectID{UUID: sqlite.ColumnUUID(row, 0)}, domain.Field(row.ColumnText(1)), domain.Epoch(row.ColumnText(2)))
		out[ref] = keytest.Trace{Wrapped: row.ColumnBlob(3, nil), Tag: row.ColumnBlob(4, nil)}
	}
	return out
}

// fileBytes gives the bytes of every file of the store, the WAL included.
func fileBytes(t testing.TB, path string) []byte {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var all []byte
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

// masters reads the wrapped master keys.
func masters(t testing.TB, path string) map[keys.Ref]keytest.Trace {
	t.Helper()
	conn, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	out := map[keys.Ref]keytest.Trace{}
	for row, err := range conn.Rows("SELECT wrapped FROM masters WHERE wrapped <> zeroblob(length(wrapped))") {
		if err != nil {
			t.Fatal(err)
		}
		out[keytest.Ref(keytest.Subject(), "master", "1")] = keytest.Trace{Wrapped: row.ColumnBlob(0, nil)}
	}
	return out
}

// medium is the file of the store and its WAL.
func (s storage) medium() keytest.Medium {
	return keytest.Medium{
		Traces:  func(t testing.TB) map[keys.Ref]keytest.Trace { return traces(t, s.cfg.Path) },
		Masters: func(t testing.TB) map[keys.Ref]keytest.Trace { return masters(t, s.cfg.Path) },
		Bytes:   func(t testing.TB) []byte { return fileBytes(t, s.cfg.Path) },
	}
}

func TestDestroyedBytesAreInNoFile(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	store := s.open(t)
	left := keytest.DestroyHalf(t, store, s.medium(), 40, nil)
	left()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	left()
}

func TestRotatedBytesAreInNoFile(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	store := s.open(t)
	left := keytest.RotateAndDestroy(t, store, s.medium())
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	left()
}

func TestTombstoneHasNoBytes(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	store := s.open(t)
	keytest.Tagged(t, store, 3)
	for ref := range traces(t, s.cfg.Path) {
		if err := store.Follow(t.Context(), 1, []domain.Fate{keytest.Destroy(ref)}); err != nil {
			t.Fatal(err)
		}
		got := traces(t, s.cfg.Path)[ref]
		if len(bytes.Trim(got.Wrapped, "\x00")) > 0 || len(bytes.Trim(got.Tag, "\x00")) > 0 {
			t.Error("the tombstone has bytes")
		}
		break // the position moves on with the first
	}
	if n := count(t, s.cfg.Path, "SELECT count(*) FROM buckets"); n != 2 {
		t.Errorf("%d index entries are left of 3", n)
	}
}

// Rows that are overwritten in place must keep their length, or SQLite would move the cell instead.
func TestErasureDoesNotChangeTheSizeOfRows(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	store := s.open(t)
	keytest.Tagged(t, store, 500)
	const sizes = "SELECT sum(length(wrapped)) FROM secrets"
	before := count(t, s.cfg.Path, sizes)
	var fates []domain.Fate
	for ref := range traces(t, s.cfg.Path) {
		fates = append(fates, keytest.Destroy(ref))
	}
	if err := store.Follow(t.Context(), 1, fates); err != nil {
		t.Fatal(err)
	}
	if after := count(t, s.cfg.Path, sizes); after != before || before != 500*keys.WrappedSize {
		t.Errorf("%d bytes became %d", before, after)
	}
}

func count(t testing.TB, path, query string) (n int) {
	t.Helper()
	conn, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Row(func(row *sqlite3.Stmt) { n = row.ColumnInt(0) }, query); err != nil {
		t.Fatal(err)
	}
	return n
}
