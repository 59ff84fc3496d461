package keypg_test

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/pgtest"
)

// home is a place for keys, of either kind.
type home struct {
	open    func(testing.TB) keys.Store
	archive func(testing.TB) keys.Archive
}

// homes makes places for the keys of one ledger under one key-management service.
func homes(ledger uuid.UUID, kms keys.KMS) map[string]func(testing.TB) home {
	return map[string]func(testing.TB) home{
		"SQLite": func(t testing.TB) home {
			path := filepath.Join(t.TempDir(), "keys.db")
			return home{
				open: func(t testing.TB) keys.Store {
					return opened(t)(keydb.Open(t.Context(), keydb.Config{Path: path, Ledger: ledger, KMS: kms}))
				},
				archive: func(t testing.TB) keys.Archive { return archived(t)(keydb.OpenArchive(t.Context(), path, false)) },
			}
		},
		"PostgreSQL": func(t testing.TB) home {
			url := pgtest.Shared(t).Database(t)
			return home{
				open: func(t testing.TB) keys.Store {
					return opened(t)(keypg.Open(t.Context(), keypg.Config{URL: url, Ledger: ledger, KMS: kms}))
				},
				archive: func(t testing.TB) keys.Archive { return archived(t)(keypg.OpenArchive(t.Context(), url)) },
			}
		},
	}
}

func opened(t testing.TB) func(keys.Store, error) keys.Store {
	return func(s keys.Store, err error) keys.Store {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func archived(t testing.TB) func(keys.Archive, error) keys.Archive {
	return func(a keys.Archive, err error) keys.Archive {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}

// live makes keys in every state, with tags, marks and tombstones of what never was a key.
func live(t testing.TB, s keys.Store) (all []keys.Key, closed keys.Ref) {
	t.Helper()
	tagged := keytest.Tagged(t, s, 2100) // more than a page
	months := keytest.Made(t, s, 30, "page", "2015-05")
	closed = keytest.Ref(keytest.Subject(), "page", "2016-02")
	never := keytest.Ref(keytest.Subject(), "name", "1")
	var fates []domain.Fate
	for i, k := range append(tagged, months...) {
		switch i % 5 {
		case 0:
			fates = append(fates, keytest.Destroy(k.Ref))
		case 1:
			fates = append(fates, keytest.Retain(k.Ref))
		}
	}
	fates = append(fates, keytest.Through(keytest.Destroy(closed)), keytest.Destroy(never), keytest.Through(keytest.Retain(months[2].Ref)))
	if err := s.Follow(t.Context(), 77, fates); err != nil {
		t.Fatal(err)
	}
	return append(tagged, months...), closed
}

// answers is what a store says of the keys: all that anybody can learn of them.
func answers(t testing.TB, s keys.Store, all []keys.Key) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, k := range all {
		list, err := s.Of(t.Context(), k.Ref.Subject)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Open(t.Context(), []uuid.UUID{k.ID})
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.Find(t.Context(), "email", s.Tag("email", k.Ref.Subject.String()+"@example.com"))
		if err != nil {
			t.Fatal(err)
		}
		out[k.ID.String()] = []any{list, got[0].State.String(), got[0].Until.UTC(), got[0].Rule, got[0].Secret, found}
	}
	return out
}

func shut(t testing.TB, all ...interface{ Close() error }) {
	t.Helper()
	for _, c := range all {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKeysMove(t *testing.T) {
	t.Parallel()
	ledger, kms := uuid.New(), keytest.NewKMS(t, t.TempDir(), "local.key")
	all := homes(ledger, kms)
	for from, makeFrom := range all {
		for to, makeTo := range all {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				moveKeys(t, makeFrom(t), makeTo(t))
			})
		}
	}
}

func moveKeys(t *testing.T, from, to home) {
	store := from.open(t)
	all, closed := live(t, store)
	want := answers(t, store, all[:40])
	shut(t, store)

	source, target := from.archive(t), to.archive(t)
	done, err := keys.Copy(t.Context(), source, target)
	if err != nil || done.Already || done.Keys != int64(len(all))+1 || done.Destroyed != int64(len(all))/5+1 {
		t.Fatalf("%+v, %v", done, err)
	}
	again, err := keys.Copy(t.Context(), source, target)
	if err != nil || !again.Already || again.Digest != done.Digest {
		t.Errorf("a second copy: %+v, %v", again, err)
	}
	if err := source.Retire(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := keys.Copy(t.Context(), source, target); !errors.Is(err, keys.ErrMoved) {
		t.Errorf("a copy of keys that were moved: %v", err)
	}
	shut(t, source, target)

	moved := to.open(t)
	if d := cmp.Diff(want, answers(t, moved, all[:40])); d != "" {
		t.Errorf("the keys differ (-before +after):\n%.2000s", d)
	}
	if _, err := moved.Ensure(t.Context(), []keys.Want{{Ref: keytest.Ref(closed.Subject, "page", "2016-01")}}); !errors.Is(err, keys.ErrNotLive) {
		t.Errorf("a closed epoch gives %v", err)
	}
	if at, err := moved.Followed(t.Context()); err != nil || at != 77 {
		t.Errorf("followed to %d, %v", at, err)
	}
	if err := moved.(interface{ Verify(context.Context) error }).Verify(t.Context()); err != nil {
		t.Error(err)
	}
	keytest.Tagged(t, moved, 3) // it goes on
	ranged := all[len(all)-28]  // retained by a range of months: a later word about that range reaches it
	if err := moved.Follow(t.Context(), 78, []domain.Fate{keytest.Destroy(all[2].Ref), keytest.Through(keytest.Destroy(ranged.Ref))}); err != nil {
		t.Error(err)
	}
	if got, err := moved.Open(t.Context(), []uuid.UUID{ranged.ID}); err != nil || got[0].State != keys.Destroyed {
		t.Errorf("a value of a range that ended is %v, %v", got, err)
	}
	shut(t, moved)
	source, target = from.archive(t), to.archive(t)
	if _, err := keys.Copy(t.Context(), target, source); !errors.Is(err, keys.ErrDifferent) {
		t.Errorf("copied back over the old keys: %v", err)
	}
	shut(t, source, target)
}

// TestMovedKeysAreNotOpened: nobody goes on with the old store.
func TestMovedKeysAreNotOpened(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	shut(t, s.open(t))
	a := archived(t)(keypg.OpenArchive(t.Context(), s.cfg.URL))
	if err := a.Retire(t.Context()); err != nil {
		t.Fatal(err)
	}
	shut(t, a)
	if _, err := keypg.Open(t.Context(), s.cfg); !errors.Is(err, keys.ErrMoved) {
		t.Errorf("gives %v", err)
	}
	path := filepath.Join(t.TempDir(), "keys.db")
	cfg := keydb.Config{Path: path, Ledger: s.cfg.Ledger, KMS: s.cfg.KMS}
	shut(t, opened(t)(keydb.Open(t.Context(), cfg)))
	file := archived(t)(keydb.OpenArchive(t.Context(), path, true))
	if err := file.Retire(t.Context()); err != nil {
		t.Fatal(err)
	}
	shut(t, file)
	if _, err := keydb.Open(t.Context(), cfg); !errors.Is(err, keys.ErrMoved) {
		t.Errorf("gives %v", err)
	}
}

// cut is an archive whose reading breaks off after the first page.
type cut struct{ keys.Archive }

var errCut = errors.New("cut")

func (c cut) Rows(ctx context.Context) iter.Seq2[[]keys.StoredKey, error] {
	return func(yield func([]keys.StoredKey, error) bool) {
		for page, err := range c.Archive.Rows(ctx) {
			if yield(page, err) {
				yield(nil, errCut)
			}
			return
		}
	}
}

// TestStoppedMoveLeavesNothing: a copy that breaks off leaves an empty target, into which the next one goes;
// a target of another ledger is refused and left as it is.
func TestStoppedMoveLeavesNothing(t *testing.T) {
	t.Parallel()
	kms := keytest.NewKMS(t, t.TempDir(), "local.key")
	for name, make := range homes(uuid.New(), kms) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := make(t), make(t)
			store := from.open(t)
			keytest.Tagged(t, store, 5)
			shut(t, store)
			source, target := from.archive(t), to.archive(t)
			if err := target.Fill(t.Context(), cut{source}); !errors.Is(err, errCut) {
				t.Fatalf("gives %v", err)
			}
			shut(t, target)
			target = to.archive(t)
			if _, found, err := target.Head(t.Context()); found || err != nil {
				t.Errorf("the broken copy left something: %v, %v", found, err)
			}
			if done, err := keys.Copy(t.Context(), source, target); err != nil || done.Keys != 5 {
				t.Errorf("%+v, %v", done, err)
			}
			foreign := homes(uuid.New(), kms)[name](t)
			shut(t, foreign.open(t))
			stranger := foreign.archive(t)
			if _, err := keys.Copy(t.Context(), source, stranger); !errors.Is(err, eventstore.ErrForeign) {
				t.Errorf("another ledger's: %v", err)
			}
			shut(t, source, target, stranger)
		})
	}
}
