package keytest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// pages reads a list to its end, two keys at a time.
func pages(t testing.TB, next func(keys.Cursor) ([]keys.Key, keys.Cursor, error)) (all []keys.Ref) {
	t.Helper()
	var after keys.Cursor
	for {
		page, end, err := next(after)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		if len(page) > 2 {
			t.Fatalf("a page of %d keys", len(page))
		}
		for _, k := range page {
			if k.Secret != [keys.Size]byte{} {
				t.Error("a list shows a secret")
			}
			all = append(all, k.Ref)
		}
		after = end
	}
}

func due(t testing.TB, s keys.Store, at time.Time) []keys.Ref {
	t.Helper()
	return pages(t, func(after keys.Cursor) ([]keys.Key, keys.Cursor, error) { return s.Due(t.Context(), at, after, 2) })
}

func requireRefs(t testing.TB, what string, want, got []keys.Ref) {
	t.Helper()
	names := func(refs []keys.Ref) (out []string) {
		for _, r := range refs {
			out = append(out, r.String())
		}
		slices.Sort(out)
		return out
	}
	if diff := cmp.Diff(names(want), names(got)); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

func retainUntil(ref keys.Ref, until time.Time, rule string) domain.Fate {
	f := Retain(ref)
	f.Until, f.Rule = until, rule
	return f
}

func duePages(t *testing.T, open Opener) {
	s := opened(t, open)
	var fates []domain.Fate
	var early, late []keys.Ref
	for range 3 {
		subject := Subject()
		for _, field := range []domain.Field{"email", "name", "phone"} {
			ref := Ref(subject, field, "1")
			ensure(t, s, ref)
			if field == "phone" {
				fates, late = append(fates, retainUntil(ref, Until.Add(time.Hour), "tax")), append(late, ref)
			} else {
				fates, early = append(fates, Retain(ref)), append(early, ref)
			}
		}
	}
	ensure(t, s, Ref(Subject(), "email", "1")) // live: never due
	follow(t, s, 1, fates...)
	requireRefs(t, "before any term", nil, due(t, s, Until.Add(-time.Microsecond)))
	requireRefs(t, "at the first moment", early, due(t, s, Until))
	all := due(t, s, Until.Add(time.Hour))
	requireRefs(t, "after all terms", slices.Concat(early, late), all)
	for i := range early[1:] {
		if all[i].Subject != all[i+1].Subject && slices.ContainsFunc(all[i+2:len(early)], func(r keys.Ref) bool { return r.Subject == all[i].Subject }) {
			t.Errorf("the keys of a subject with one term do not stand together: %v", all)
		}
	}
	follow(t, s, 2, Destroy(early[0]))
	requireRefs(t, "after a destruction", early[1:], due(t, s, Until))
}

func openEnded(t *testing.T, open Opener) {
	s := opened(t, open)
	ref := Ref(Subject(), "name", "1")
	made := ensure(t, s, ref)
	follow(t, s, 1, Retain(ref))
	follow(t, s, 2, retainUntil(ref, time.Time{}, "hold"))
	requireRefs(t, "under a hold", nil, due(t, s, Until.AddDate(100, 0, 0)))
	kept := func(rule string) []keys.Ref {
		return pages(t, func(after keys.Cursor) ([]keys.Key, keys.Cursor, error) {
			return s.OpenEnded(t.Context(), rule, after, 2)
		})
	}
	requireRefs(t, "kept by the hold", []keys.Ref{ref}, kept("hold"))
	requireRefs(t, "kept by another rule", nil, kept("tax"))
	if got := requireState(t, s, made[0].ID, keys.Retained); !got.Until.IsZero() || got.Rule != "hold" {
		t.Errorf("held until %v by %q", got.Until, got.Rule)
	}
	through := Through(Destroy(ref))
	follow(t, s, 3, through)
	requireState(t, s, made[0].ID, keys.Retained) // a sweep over a field reaches live keys only
	follow(t, s, 4, retainUntil(ref, Until, "tax"))
	requireRefs(t, "after the hold", []keys.Ref{ref}, due(t, s, Until))
	requireRefs(t, "kept by the hold that is over", nil, kept("hold"))
	follow(t, s, 5, Destroy(ref))
	requireState(t, s, made[0].ID, keys.Destroyed)
	requireRefs(t, "after the end", nil, due(t, s, Until))
}

func liveTraces(t *testing.T, open Opener) {
	s := opened(t, open)
	a, b := Subject(), Subject()
	old := []keys.Ref{Ref(a, "page", "2015-04"), Ref(b, "page", "2015-05"), Ref(b, "page", "2015-05.1"), Ref(b, "page", "2015-05.11")}
	ensure(t, s, old...)
	ensure(t, s, Ref(a, "page", "2015-06"), Ref(a, "page", "2016-01"), Ref(a, "browser", "2015-04"), Ref(a, "name", "1"), Ref(a, "page", "2014"))
	listed := func() []keys.Ref {
		return pages(t, func(after keys.Cursor) ([]keys.Key, keys.Cursor, error) {
			return s.LiveTraces(t.Context(), "page", "2015-05", after, 2)
		})
	}
	requireRefs(t, "traces", old, listed())
	follow(t, s, 1, Destroy(old[0]), Retain(old[1]))
	requireRefs(t, "after two fates", old[2:], listed())
}

func owed(t testing.TB, s keys.Store) []keys.Gone {
	t.Helper()
	gone, err := s.Uncertified(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return gone
}

func uncertified(t *testing.T, open Opener) {
	s := open(t)
	a, b := Subject(), Subject()
	made := ensure(t, s, Ref(a, "email", "1"), Ref(b, "email", "1"), Ref(a, "name", "1"), Ref(b, "name", "1"))
	before := time.Now().UTC().Truncate(time.Microsecond)
	follow(t, s, 1, Destroy(made[0].Ref), Retain(made[1].Ref), Destroy(made[2].Ref), Destroy(Ref(a, "phone", "1")))
	follow(t, s, 2, Destroy(made[1].Ref))
	after := time.Now().UTC()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, open)
	st, err := s.Status(t.Context())
	if err != nil || len(st.Masters) == 0 {
		t.Fatal(st, err)
	}
	got := owed(t, s)
	ids := map[uuid.UUID]keys.Ref{}
	for i, g := range got {
		if g.At.Before(before) || g.At.After(after) || g.Master != st.Masters[len(st.Masters)-1].Name {
			t.Errorf("%s was destroyed at %v under %q", g.Ref, g.At, g.Master)
		}
		if i > 0 && g.Ref.Subject != got[i-1].Ref.Subject && i+1 < len(got) && got[i+1].Ref.Subject == got[0].Ref.Subject {
			t.Errorf("the subjects are mixed: %v", got)
		}
		ids[g.ID] = g.Ref
	}
	if diff := cmp.Diff(map[uuid.UUID]keys.Ref{made[0].ID: made[0].Ref, made[1].ID: made[1].Ref, made[2].ID: made[2].Ref}, ids); diff != "" {
		t.Errorf("owed certificates:\n%s", diff)
	}
	for range 2 {
		if err := s.Certified(t.Context(), []uuid.UUID{made[0].ID, made[2].ID, made[3].ID, uuid.New()}); err != nil {
			t.Fatal(err)
		}
	}
	if got := owed(t, s); len(got) != 1 || got[0].ID != made[1].ID {
		t.Errorf("still owed: %v", got)
	}
	requireState(t, s, made[3].ID, keys.Live)
}

func burial(t *testing.T, open Opener) {
	s := opened(t, open)
	subject := Subject()
	refs := []keys.Ref{Ref(subject, "email", "1"), Ref(subject, "name", "1"), Ref(subject, "phone", "1"), Ref(subject, "phone", "2")}
	made := ensure(t, s, refs...)
	follow(t, s, 5, Destroy(refs[0]), Retain(refs[1]), Destroy(Ref(subject, "city", "1")))
	gone := []keys.Gone{{ID: made[0].ID, Ref: refs[0]}, {ID: made[1].ID, Ref: refs[1]}, {ID: made[2].ID, Ref: refs[2]}}
	// Two keys that are younger than this store: the fate of one is known, that of the other is not.
	for _, field := range []domain.Field{"city", "country"} {
		gone = append(gone, keys.Gone{ID: uuid.New(), Ref: Ref(subject, field, "1")})
	}
	for i := range gone {
		gone[i].At = Until
	}
	want := keys.Burial{Agreed: 1, Destroyed: 2, Unknown: 2}
	for range 2 {
		got, err := s.Bury(t.Context(), gone)
		if err != nil || got != want {
			t.Errorf("buried %+v, %v; want %+v", got, err, want)
		}
		for _, g := range gone {
			requireState(t, s, g.ID, keys.Destroyed)
			requireNotLive(t, s, g.Ref)
		}
		want = keys.Burial{Agreed: 5}
	}
	requireState(t, s, made[3].ID, keys.Live)
	if got := owed(t, s); len(got) != 0 {
		t.Errorf("certificates are owed that exist: %v", got)
	}
	if got, err := s.Followed(t.Context()); err != nil || got != 5 {
		t.Errorf("followed to %d, %v", got, err)
	}
}

func statusCounts(t *testing.T, open Opener) {
	s := opened(t, open)
	var refs []keys.Ref
	for range 5 {
		refs = append(refs, Ref(Subject(), "email", "1"))
	}
	ensure(t, s, refs...)
	follow(t, s, 9, Destroy(refs[0]), Retain(refs[1]), retainUntil(refs[2], time.Time{}, "hold"), Destroy(Ref(Subject(), "email", "1")))
	st, err := s.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	masters := st.Masters
	st.Masters = nil
	if diff := cmp.Diff(keys.Status{Live: 2, Retained: 2, OpenEnded: 1, Destroyed: 1, Tombstones: 1, Uncertified: 1, Followed: 9}, st); diff != "" {
		t.Error(diff)
	}
	if len(masters) != 1 || masters[0].Keys != 4 || masters[0].Dead || masters[0].Name != string(domain.MonthOf(time.Now())) {
		t.Errorf("master keys: %+v", masters)
	}
}
