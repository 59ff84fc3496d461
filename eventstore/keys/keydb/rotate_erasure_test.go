package keydb_test

import (
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/sqlite"
)

// masterBytes reads the wrapped master keys, as if they were keys.
func masterBytes(t testing.TB, path string) (out map[keys.Ref]keytest.Trace, refs []keys.Ref) {
	t.Helper()
	conn, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	out = map[keys.Ref]keytest.Trace{}
	for row, err := range conn.Rows("SELECT month, wrapped FROM masters WHERE wrapped <> zeroblob(length(wrapped))") {
		if err != nil {
			t.Fatal(err)
		}
		ref := keytest.Ref(keytest.Subject(), domain.Field(row.ColumnText(0)), "1")
		out[ref] = keytest.Trace{Wrapped: row.ColumnBlob(1, nil)}
		refs = append(refs, ref)
	}
	return out, refs
}

// bare forgets the tags, which a rotation leaves where they are.
func bare(all map[keys.Ref]keytest.Trace) map[keys.Ref]keytest.Trace {
	out := map[keys.Ref]keytest.Trace{}
	for ref, left := range all {
		out[ref] = keytest.Trace{Wrapped: left.Wrapped}
	}
	return out
}

// After a rotation no file holds a wrapped key as it was, nor the master key that had wrapped it; and what was
// retained and then destroyed leaves as little as what was destroyed at once.
func TestRotatedBytesAreInNoFile(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	store := s.open(t)
	for range 4 {
		keytest.Tagged(t, store, 100)
	}
	before := traces(t, s.cfg.Path)
	refs, dead, _ := keytest.Halves(before)
	var fates []domain.Fate
	for _, ref := range dead {
		fates = append(fates, keytest.Retain(ref))
	}
	if err := store.Follow(t.Context(), 1, fates); err != nil {
		t.Fatal(err)
	}
	keytest.RequirePresent(t, fileBytes(t, s.cfg.Path), before, refs, true)
	oldMaster, oldNames := masterBytes(t, s.cfg.Path)
	keytest.RequirePresent(t, fileBytes(t, s.cfg.Path), oldMaster, oldNames, true)
	keytest.Rotated(t, store)
	keytest.RequirePresent(t, fileBytes(t, s.cfg.Path), bare(before), refs, false)
	keytest.RequirePresent(t, fileBytes(t, s.cfg.Path), oldMaster, oldNames, false)
	rotated := traces(t, s.cfg.Path)
	for i := range fates {
		fates[i] = keytest.Destroy(dead[i])
	}
	if err := store.Follow(t.Context(), 2, fates); err != nil {
		t.Fatal(err)
	}
	for range 2 { // open, then closed
		files := fileBytes(t, s.cfg.Path)
		keytest.RequirePresent(t, files, before, dead, false)
		keytest.RequirePresent(t, files, rotated, dead, false)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A file of the first layout is brought to the present one, with its keys as they were; what was destroyed in
// it is owed a certificate.
func TestFileOfTheFirstLayoutIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	store := s.open(t)
	all := keytest.Tagged(t, store, 10)
	if err := store.Follow(t.Context(), 7, append(keytest.Fates(all[:3]), keytest.Destroy(keytest.Ref(keytest.Subject(), "name", "1")))); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	backDate(t, s.cfg.Path)
	before := time.Now().Add(-time.Microsecond)
	for range 2 {
		store = s.open(t)
		keytest.RequireSound(t, store)
		gone, err := store.Uncertified(t.Context(), 10)
		if err != nil || len(gone) != 3 || gone[0].At.Before(before) {
			t.Errorf("owed: %v, %v", gone, err)
		}
		st, err := store.Status(t.Context())
		if err != nil || st.Live != 7 || st.Destroyed != 3 || st.Tombstones != 1 || st.Followed != 7 {
			t.Errorf("%+v, %v", st, err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	keytest.Rotated(t, s.open(t))
}

// backDate gives the file the layout that the first version made.
func backDate(t testing.TB, path string) {
	t.Helper()
	conn, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	var indexes, columns []string
	collect := func(to *[]string) func(*sqlite3.Stmt) {
		return func(row *sqlite3.Stmt) { *to = append(*to, row.ColumnText(0)) }
	}
	for row, err := range conn.Rows("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'keys' AND sql IS NOT NULL") {
		if err != nil {
			t.Fatal(err)
		}
		collect(&indexes)(row)
	}
	for row, err := range conn.Rows("SELECT name FROM pragma_table_info('keys') WHERE cid > 8") {
		if err != nil {
			t.Fatal(err)
		}
		collect(&columns)(row)
	}
	script := "ALTER TABLE meta DROP COLUMN rotating; UPDATE meta SET format = 1;"
	for _, name := range indexes {
		script = "DROP INDEX " + name + ";" + script
	}
	for _, name := range columns {
		script += "ALTER TABLE keys DROP COLUMN " + name + ";"
	}
	if err := conn.Script(script); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}
