package keypg_test

import (
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keytest"
	"imagine.ua/litopys/eventstore/pgtest"
)

// After a rotation no file of a table holds a wrapped key as it was, nor the master key that had wrapped it;
// and what was retained and then destroyed leaves as little as what was destroyed at once.
func TestRotatedBytesAreInNoFile(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Config{})
	s := storageOn(t, server)
	store := s.open(t)
	for range 4 {
		keytest.Tagged(t, store, 100)
	}
	before := traces(t, s.cfg.URL)
	refs, dead, _ := keytest.Halves(before)
	var fates []domain.Fate
	for _, ref := range dead {
		fates = append(fates, keytest.Retain(ref))
	}
	if err := store.Follow(t.Context(), 1, fates); err != nil {
		t.Fatal(err)
	}
	oldMaster := map[keys.Ref]keytest.Trace{}
	name := []keys.Ref{keytest.Ref(keytest.Subject(), "master", "1")}
	oldMaster[name[0]] = keytest.Trace{Wrapped: pgtest.Query[[]byte](t, s.cfg.URL, "SELECT wrapped FROM litopys_keys.masters")}
	pgtest.Exec(t, s.cfg.URL, "ANALYZE")
	keytest.RequirePresent(t, serverBytes(t, server, s.cfg.URL), before, refs, true)
	keytest.RequirePresent(t, serverBytes(t, server, s.cfg.URL), oldMaster, name, true)
	keytest.Rotated(t, store)
	pgtest.Exec(t, s.cfg.URL, "VACUUM ANALYZE")
	bare := map[keys.Ref]keytest.Trace{}
	for ref, left := range before {
		bare[ref] = keytest.Trace{Wrapped: left.Wrapped} // a rotation leaves tags where they are
	}
	keytest.RequirePresent(t, serverBytes(t, server, s.cfg.URL), bare, refs, false)
	keytest.RequirePresent(t, serverBytes(t, server, s.cfg.URL), oldMaster, name, false)
	rotated := traces(t, s.cfg.URL)
	for i := range fates {
		fates[i] = keytest.Destroy(dead[i])
	}
	if err := store.Follow(t.Context(), 2, fates); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, s.cfg.URL, "VACUUM")
	keytest.RequirePresent(t, serverBytes(t, server, s.cfg.URL), before, dead, false)
	keytest.RequirePresent(t, serverBytes(t, server, s.cfg.URL), rotated, dead, false)
}
