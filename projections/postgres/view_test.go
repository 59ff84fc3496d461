package postgres

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/pgtest"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
)

var update = flag.Bool("update", false, "rewrite golden files")

func golden(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.WriteFile(path, []byte(got), 0o600))
	}
	wanted, err := os.ReadFile(path) // #nosec G304 -- a name of this file
	must(t, err)
	if diff := cmp.Diff(string(wanted), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// shaped is a projection of one row an event whose second column is of the type.
func shaped(version int, kind projections.Type) []*projections.Projection {
	table := &projections.Table{Name: "shaped", Key: 1, Log: true, Columns: []projections.Column{{Name: "position", Type: projections.Int}, {Name: "extra", Type: kind}}}
	return []*projections.Projection{{Name: "shaped", Version: version, Tables: []*projections.Table{table},
		Apply: func(r domain.Recorded, w *projections.Writer) error {
			extra := projections.OfText("x")
			if kind == projections.Int {
				extra = projections.OfInt(1)
			}
			w.Append(table, projections.OfPosition(r.Position), extra)
			return nil
		}}}
}

// A reader who is at it while builds are switched and dropped sees his moment to the end and holds nobody
// up; the tables go when he has left.
func TestReaderOutlivesBuild(t *testing.T) {
	t.Parallel()
	address := pgtest.Shared(t).Database(t)
	b := open(t, Config{URL: address})
	log, crowd := people(6, 2500)
	set := projtest.Some(0, 4)
	e := engine(t, log, b, func(c *projections.Config) { c.Projections = set })
	must(t, e.CatchUp(t.Context()))
	before := projtest.Read(t, b, set)["history"]
	rows := 0
	must(t, b.View(t.Context(), func(s projections.Snapshot) error {
		for _, err := range s.Select(t.Context(), projections.Select{Table: tableOf(t, "history")}) {
			must(t, err)
			if rows++; rows == 10 {
				log.Append(crowd.Some(50)...)
				for range 3 {
					must(t, e.CatchUp(t.Context()))
					must(t, e.Rebuild(t.Context(), nil, nil))
				}
			}
		}
		if live, err := s.Live(t.Context(), "history"); err != nil || live.Number != 1 {
			t.Errorf("%+v, %v", live, err)
		}
		return nil
	}))
	if rows != len(before) {
		t.Errorf("%d rows, there were %d", rows, len(before))
	}
	const garbage = "SELECT count(*) FROM litopys_state.garbage"
	if n := pgtest.Query[int](t, address, garbage); n == 0 {
		t.Error("the build that was read is gone already")
	}
	must(t, e.Rebuild(t.Context(), nil, nil))
	if n := pgtest.Query[int](t, address, garbage); n != 0 {
		t.Errorf("%d schemas are left", n)
	}
	if n := pgtest.Query[int](t, address, "SELECT count(*) FROM pg_namespace WHERE nspname ~ '_b[0-9]+$'"); n != 8 {
		t.Errorf("%d schemas of builds, want four live and four old", n)
	}
}

func tableOf(t testing.TB, name string) *projections.Table {
	t.Helper()
	for _, p := range projtest.All() {
		for _, table := range p.Tables {
			if table.Name == name {
				return table
			}
		}
	}
	t.Fatalf("no table %s", name)
	return nil
}

// Somebody's long query on a view delays a switch, with a reason in the end, and never other readers.
func TestSwitchWaitsForQuery(t *testing.T) {
	t.Parallel()
	address := pgtest.Shared(t).Database(t)
	b := open(t, Config{URL: address, Patience: time.Second})
	log, _ := people(7, 50)
	e := engine(t, log, b)
	must(t, e.CatchUp(t.Context()))
	conn := connection(t, address)
	must(t, script(t.Context(), conn, "BEGIN; SELECT count(*) FROM litopys.history"))
	want(t, e.Rebuild(t.Context(), nil, nil), ErrBusy)
	must(t, script(t.Context(), conn, "COMMIT"))
	must(t, e.Rebuild(t.Context(), nil, nil))
	if n := live(t, b, "history").Number; n != 2 {
		t.Errorf("build %d is live: the load was done again", n)
	}
}

func live(t testing.TB, b *Backend, name string) (out projections.Build) {
	t.Helper()
	must(t, b.View(t.Context(), func(s projections.Snapshot) (err error) {
		out, err = s.Live(t.Context(), name)
		return err
	}))
	return out
}

// One answer may be asked for while another is being read, and given up half way.
func TestSelectWithinSelect(t *testing.T) {
	t.Parallel()
	b := open(t, Config{URL: pgtest.Shared(t).Database(t)})
	log, _ := people(8, 700)
	must(t, engine(t, log, b).CatchUp(t.Context()))
	history := tableOf(t, "history")
	must(t, b.View(t.Context(), func(s projections.Snapshot) error {
		outer := 0
		for row, err := range s.Select(t.Context(), projections.Select{Table: history, Columns: []int{0}}) {
			must(t, err)
			if outer++; outer%50 != 0 {
				continue
			}
			where := []projections.Where{{Column: 0, Op: projections.Ge, Value: row[0]}}
			for inner, err := range s.Select(t.Context(), projections.Select{Table: history, Where: where, Limit: 3}) {
				must(t, err)
				if inner[0].Position() != row[0].Position() {
					t.Errorf("%d, want %d", inner[0].Position(), row[0].Position())
				}
				break
			}
		}
		if outer < 600 {
			t.Errorf("%d rows", outer)
		}
		return nil
	}))
	ctx, cancel := context.WithCancel(t.Context())
	want(t, b.View(ctx, func(s projections.Snapshot) error {
		for _, err := range s.Select(ctx, projections.Select{Table: history}) {
			if err != nil {
				return err
			}
			cancel()
		}
		return nil
	}), context.Canceled)
	must(t, b.View(t.Context(), func(s projections.Snapshot) error { return nil }))
}

// What goes out comes back, whatever the texts and lists hold, and the server agrees that it is of its types.
func TestValuesRoundTrip(t *testing.T) {
	t.Parallel()
	conn := connection(t, pgtest.Shared(t).Database(t))
	must(t, script(t.Context(), conn, "CREATE TEMPORARY TABLE v (n bigint, s text, b bytea, t timestamptz, u uuid, l text[], f boolean)"))
	kinds := []projections.Type{projections.Int, projections.Text, projections.Bytes, projections.Time, projections.UUID, projections.Texts, projections.Bool}
	text := rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return r != 0 }))
	rapid.Check(t, func(rt *rapid.T) {
		opt := func(name string, v projections.Value) projections.Value {
			if rapid.Bool().Draw(rt, name+" is null") {
				return projections.Value{}
			}
			return v
		}
		id := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "id")
		row := projections.Row{
			opt("n", projections.OfInt(rapid.Int64().Draw(rt, "n"))),
			opt("s", projections.OfText(text.Draw(rt, "s"))),
			opt("b", projections.OfBytes(append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(rt, "b")...))),
			opt("t", projections.OfTime(time.UnixMicro(rapid.Int64Range(-1e15, 1e17).Draw(rt, "t")))),
			opt("u", projections.OfUUID([16]byte(id))),
			projections.OfTexts(rapid.SliceOf(text).Draw(rt, "l")),
			opt("f", projections.OfBool(rapid.Bool().Draw(rt, "f"))),
		}
		must(t, script(t.Context(), conn, "TRUNCATE pg_temp.v"))
		must(t, copyRows(t.Context(), conn, "pg_temp.v", len(row), 1, func(_ int, b []byte) []byte { return appendRow(b, row) }))
		l := loader{session: &session{conn: conn}, ctx: t.Context()}
		must(t, l.each(kinds, 2, func(int) projections.Row { return row }, func(from string) string { return "INSERT INTO pg_temp.v SELECT * FROM " + from }))
		must(t, script(t.Context(), conn, "BEGIN; DECLARE c BINARY CURSOR FOR SELECT * FROM pg_temp.v"))
		p := page{snapshot: &snapshot{conn: conn, words: map[string]string{}}, types: kinds}
		must(t, p.fetch(t.Context(), "c", 4))
		must(t, script(t.Context(), conn, "ROLLBACK"))
		copied := slices.Repeat(row, 3) // once by a copy, twice as arrays
		if diff := cmp.Diff(fmt.Sprintf("%#v", []projections.Value(copied)), fmt.Sprintf("%#v", p.values)); diff != "" {
			rt.Fatalf("(-sent +read):\n%s", diff)
		}
	})
}

// FuzzTexts: whatever a server sends for a list, it is read or refused; what is read is written the same.
func FuzzTexts(f *testing.F) {
	for _, list := range [][]string{{"a"}, {"", "b\"", "укр"}, {`\`}} {
		f.Add(appendTexts(nil, projections.OfTexts(list))[4:])
	}
	f.Fuzz(func(t *testing.T, cell []byte) {
		v, err := texts(cell)
		if err != nil || v.IsNull() {
			return
		}
		again, err := texts(appendTexts(nil, v)[4:])
		if err != nil || again != v {
			t.Errorf("%#v, read again %#v: %v", v, again, err)
		}
	})
}
