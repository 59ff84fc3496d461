package retention_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"imagine.ua/litopys/cmd/internal/retention"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/pgtest"
	"imagine.ua/litopys/eventstore/sqlite"
	"imagine.ua/litopys/projections"
)

// random is text that stands nowhere else.
func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// secrets are the values of somebody, by field: a findable one, one that fills pages of its own, one of a
// short term, a trace.
func secrets() map[domain.Field]string {
	return map[domain.Field]string{"name": "Name." + random(24), "email": random(16) + "@" + random(16) + ".UA", "tax_number": random(16),
		"agreement": random(1900), "page": "/" + random(60)}
}

// came records somebody with his values.
func (h *house) came(t *testing.T, who domain.SubjectID, values map[domain.Field]string) {
	t.Helper()
	var list []subject.Given
	for _, f := range []domain.Field{"name", "email", "tax_number", "agreement"} {
		list = append(list, given(f, values[f]))
	}
	h.do(t, subject.Register{About: h.about(t, who)}, subject.Collect{About: h.about(t, who), Source: subject.BySubject, Values: list},
		subject.Collect{About: h.about(t, who), Source: subject.Automatic, Values: []subject.Given{given("page", values["page"])}})
}

// look adds somebody's keys as they are now, raw and wrapped, to what is looked for.
func (h *house) look(t *testing.T, s *scanner, name string, who domain.SubjectID) {
	t.Helper()
	list, err := h.journal.Keys().Of(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range list {
		if k.State == keys.Destroyed {
			continue
		}
		opened, err := h.journal.Keys().Open(t.Context(), []uuid.UUID{k.ID})
		if err != nil {
			t.Fatal(err)
		}
		wrapped := h.wrapped(t, k.ID)
		if len(wrapped) < keys.Size || opened[0].Secret == [keys.Size]byte{} {
			t.Fatalf("there is nothing of %s to look for", k)
		}
		s.addAll(name+": a key", opened[0].Secret[:])
		s.addAll(name+": a wrapped key", wrapped)
	}
}

// wrapped reads the wrapped bytes of a key by a connection of its own.
func (h *house) wrapped(t testing.TB, id uuid.UUID) (wrapped []byte) {
	t.Helper()
	if h.keys != "" {
		return pgtest.Query[[]byte](t, h.keys, "SELECT wrapped FROM litopys_keys.secrets WHERE key = $1", id)
	}
	conn, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(h.dir, "keys.db"), ReadOnly: true})
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

// leaveSpool starts a rebuild and stops it, so that it leaves what it has put aside.
func (h *house) leaveSpool(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	engine, err := projections.New(projections.Config{Source: h.journal, Backend: h.answers, Projections: set(), RebuildBytes: 1})
	if err == nil {
		err = engine.Rebuild(ctx, nil, func(p projections.Progress) {
			if p.Stage == projections.Storing { // all rows are put aside, none is stored
				cancel()
			}
		})
	}
	left, _ := filepath.Glob(filepath.Join(h.dir, "*", "*", "*"))
	if err == nil || len(left) == 0 {
		t.Fatalf("the rebuild left nothing: %v", err)
	}
}

// plant puts bytes, uncompressed, where they must not be: into the read model.
func (h *house) plant(t *testing.T, b []byte) {
	t.Helper()
	text := hex.EncodeToString(b)
	if h.keys != "" {
		pgtest.Exec(t, h.facts, "CREATE TABLE IF NOT EXISTS public.planted (b bytea)", "ALTER TABLE public.planted ALTER b SET STORAGE EXTERNAL", `INSERT INTO public.planted VALUES ('\x`+text+`')`)
		return
	}
	conn, err := sqlite.Open(t.Context(), sqlite.Config{Path: h.readFile()})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(conn.Script("CREATE TABLE IF NOT EXISTS planted (b); INSERT INTO planted VALUES (X'"+text+"');"), conn.Close()); err != nil {
		t.Fatal(err)
	}
}

// found tells what of it all stands in the folder, and what on the server.
func (h *house) found(t *testing.T, s *scanner) []string {
	t.Helper()
	all := map[string]bool{}
	for _, name := range s.folder(t, h.dir, func(string) bool { return false }) {
		all[name] = true
	}
	if h.keys != "" {
		for _, name := range s.server(t, h.server, h.keys, h.facts) {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// destroyAll lets every value of a person go by its own way: replaced, deleted, at the end of a term, after the
// master key was changed, while it is remembered that all were read.
func (h *house) destroyAll(t *testing.T, who domain.SubjectID, s *scanner) {
	t.Helper()
	values := secrets()
	h.do(t, subject.Edit{About: h.about(t, who), Values: []subject.Given{given("name", values["name"])}})
	s.addAll("gone: the later name", []byte(values["name"]))
	h.look(t, s, "gone", who)
	h.ask(t, who)
	h.do(t, subject.Delete{About: h.about(t, who), Fields: []domain.Field{"name", "tax_number", "page"}})
	if _, err := h.journal.Keys().Rotate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	h.look(t, s, "gone", who)
	h.do(t, subject.Delete{About: h.about(t, who), All: true})
	h.set(noon.AddDate(4, 0, 0))
	if _, err := retention.Run(t.Context(), h.config()); err != nil {
		t.Fatal(err)
	}
	if err := h.engine.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// After its destruction no byte of a value, of its key, raw or wrapped, or of a plain hash of it stands in any
// file of the data folder, free pages, WAL and what a stopped rebuild has put aside among them, nor in any file
// of the two databases after VACUUM. The same look finds the wrapped keys of a neighbour who lives, and every
// form of a value that was planted in the read model.
func TestNoByteIsLeftOfWhatIsDestroyed(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at func(testing.TB) place) {
		p := at(t)
		if p.server != nil && p.server.DataDir() == "" { // somebody else's, whose files we can't read
			p = onServer(t, pgtest.New(t, pgtest.Config{}))
		}
		h, s := newHouseAt(t, p, policy.Imagine()), &scanner{}
		for name, who := range map[string]domain.SubjectID{"gone": anna, "neighbour": boris} {
			values := secrets()
			h.came(t, who, values)
			for f, text := range values {
				s.addAll(name+": the "+string(f), []byte(text))
				s.addAll(name+": the "+string(f)+" in lower case", []byte(strings.ToLower(text)))
				s.addHashes(name+": the "+string(f), text)
			}
			h.look(t, s, name, who)
		}
		h.answer(t, set())
		if diff := cmp.Diff([]string{"gone: a wrapped key", "neighbour: a wrapped key"}, h.found(t, s)); diff != "" {
			t.Errorf("in the files while all live (-want +found): %s", diff)
		}
		h.destroyAll(t, anna, s)
		h.look(t, s, "neighbour", boris)
		h.leaveSpool(t)
		want := []string{"neighbour: a wrapped key"}
		if diff := cmp.Diff(want, h.found(t, s)); diff != "" {
			t.Errorf("in the files (-want +found): %s", diff)
		}
		h.close(t)
		planted := "Klm." + random(30) + ".Xyz" // letters beyond f, so that the two cases of its hex differ
		s.addAll("planted", []byte(planted))
		s.addHashes("planted", planted)
		for name, b := range s.forms {
			if strings.HasPrefix(name, "planted") {
				h.plant(t, b)
				want = append(want, name)
			}
		}
		if diff := cmp.Diff(want, h.found(t, s), cmpopts.SortSlices(strings.Compare)); diff != "" || len(want) < 20 {
			t.Errorf("in the files of a closed ledger (-want +found): %s", diff)
		}
	})
}
