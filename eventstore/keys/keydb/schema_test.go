package keydb_test

import (
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/sqlite"
)

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
