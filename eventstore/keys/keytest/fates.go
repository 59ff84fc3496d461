package keytest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

func destroyedLeavesTombstone(t *testing.T, open Opener) {
	s := opened(t, open)
	ref := Ref(Subject(), "email", "1")
	made := ensure(t, s, ref)
	follow(t, s, 7, Destroy(ref))
	want := []keys.Key{{ID: made[0].ID, Ref: ref, State: keys.Destroyed}}
	if got, err := s.Of(t.Context(), ref.Subject); err != nil || !cmp.Equal(want, got) {
		t.Errorf("the subject has %v, %v", got, err)
	}
	if got := requireState(t, s, made[0].ID, keys.Destroyed); got.Cipher() != nil {
		t.Error("a destroyed key has a cipher")
	}
}

func destroyedNeverComesBack(t *testing.T, open Opener) {
	s := open(t)
	ref, neighbour := Ref(Subject(), "email", "1"), Ref(Subject(), "email", "1")
	made := ensure(t, s, ref, neighbour)
	follow(t, s, 7, Destroy(ref))
	for range 2 { // warm, then after reopening
		requireNotLive(t, s, ref)
		follow(t, s, 7, Destroy(ref))
		requireState(t, s, made[0].ID, keys.Destroyed)
		if diff := cmp.Diff(made[1:], ensure(t, s, neighbour)); diff != "" {
			t.Errorf("the neighbour changed:\n%s", diff)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = opened(t, open)
	}
}

func noStaleReader(t *testing.T, open Opener) {
	s := opened(t, open)
	RequireNeverStale(t, s, s, Made(t, s, 50, "email", "1"))
}

func retainedOpens(t *testing.T, open Opener) {
	s := opened(t, open)
	ref := Ref(Subject(), "name", "1")
	made := ensure(t, s, ref)
	follow(t, s, 3, Retain(ref))
	requireNotLive(t, s, ref)
	got := requireState(t, s, made[0].ID, keys.Retained)
	want := keys.Key{ID: made[0].ID, Ref: ref, State: keys.Retained, Until: Until, Rule: "tax-1095", Secret: made[0].Secret}
	if !got.Equal(want) {
		t.Errorf("retained until %v by %q", got.Until, got.Rule)
	}
	if list, err := s.Of(t.Context(), ref.Subject); err != nil || !cmp.Equal(list, []keys.Key{want.Bare()}) {
		t.Errorf("listed as %v, %v", list, err)
	}
}

func statesMoveForward(t *testing.T, open Opener) {
	s := opened(t, open)
	ref := Ref(Subject(), "name", "1")
	made := ensure(t, s, ref)
	follow(t, s, 1, Retain(ref))
	longer := Retain(ref)
	longer.Until, longer.Rule = Until.Add(time.Hour), "hold"
	follow(t, s, 2, longer)
	if got := requireState(t, s, made[0].ID, keys.Retained); !got.Until.Equal(longer.Until) || got.Rule != "hold" {
		t.Errorf("the later fact gives until %v by %q", got.Until, got.Rule)
	}
	follow(t, s, 3, Destroy(ref))
	follow(t, s, 4, Retain(ref))
	requireState(t, s, made[0].ID, keys.Destroyed)
}

func followRepeats(t *testing.T, open Opener) {
	s := opened(t, open)
	ref, later := Ref(Subject(), "name", "1"), Ref(Subject(), "name", "1")
	made := ensure(t, s, ref, later)
	follow(t, s, 10, Retain(ref))
	follow(t, s, 9, Destroy(later)) // position 9 was followed before: it had no fates then
	follow(t, s, 10, Destroy(ref))
	requireState(t, s, made[0].ID, keys.Retained)
	requireState(t, s, made[1].ID, keys.Live)
	if got, err := s.Followed(t.Context()); err != nil || got != 10 {
		t.Errorf("followed to %d, %v", got, err)
	}
}

func throughReaches(t *testing.T, open Opener) {
	s := opened(t, open)
	subject, other := Subject(), Subject()
	epochs := []domain.Epoch{"2015-12", "2016-01", "2016-02", "2016-02.1", "2016-02.2", "2016-02.10", "2016-03"}
	var refs []keys.Ref
	for _, e := range epochs {
		refs = append(refs, Ref(subject, "page", e))
	}
	made := ensure(t, s, refs...)
	neighbours := ensure(t, s, Ref(subject, "address", "2016-01"), Ref(other, "page", "2016-01"))
	follow(t, s, 1, Retain(refs[0]))
	follow(t, s, 2, Through(Destroy(refs[4])))
	// The first month was retained for its own term before; a deletion does not cut that short.
	for i, want := range []keys.State{keys.Retained, keys.Destroyed, keys.Destroyed, keys.Destroyed, keys.Destroyed, keys.Live, keys.Live} {
		requireState(t, s, made[i].ID, want)
	}
	for _, k := range neighbours {
		requireState(t, s, k.ID, keys.Live)
	}
}

func throughCloses(t *testing.T, open Opener) {
	s := open(t)
	subject := Subject()
	follow(t, s, 5, Through(Destroy(Ref(subject, "page", "2016-02.1"))), Through(Retain(Ref(subject, "email", "9"))))
	follow(t, s, 6, Through(Destroy(Ref(subject, "page", "2015-01")))) // does not open what was closed
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, open)
	requireNotLive(t, s, Ref(subject, "page", "2016-02.1"), Ref(subject, "page", "2016-02"), Ref(subject, "page", "2009-12"),
		Ref(subject, "email", "9"), Ref(subject, "email", "1"))
	ensure(t, s, Ref(subject, "page", "2016-02.2"), Ref(subject, "page", "2016-03"), Ref(subject, "address", "2016-01"),
		Ref(subject, "email", "10"), Ref(Subject(), "page", "2016-01"))
}

func fateBeforeKey(t *testing.T, open Opener) {
	s := opened(t, open)
	a, b := Ref(Subject(), "page", "2016-02"), Ref(Subject(), "page", "2016-02")
	follow(t, s, 5, Destroy(a), Retain(b))
	requireNotLive(t, s, a, b)
	for _, ref := range []keys.Ref{a, b} {
		list, err := s.Of(t.Context(), ref.Subject)
		if err != nil || len(list) != 1 || list[0].State != keys.Destroyed || list[0].Ref != ref {
			t.Errorf("%s is listed as %v, %v", ref, list, err)
			continue
		}
		requireState(t, s, list[0].ID, keys.Destroyed)
	}
	ensure(t, s, Ref(a.Subject, "page", "2016-01"), Ref(a.Subject, "page", "2016-02.1"))
}

func findsByTag(t *testing.T, open Opener) {
	s := opened(t, open)
	tag, otherTag := s.Tag("email", "oksana@example.com"), s.Tag("email", "taras@example.com")
	a, b := Ref(Subject(), "email", "1"), Ref(Subject(), "email", "3")
	late := Ref(Subject(), "email", "1")
	ensure(t, s, late) // its tag comes when the key is warm already
	for range 2 {
		want(t, s, keys.Want{Ref: a, Tag: &tag}, keys.Want{Ref: b, Tag: &tag}, keys.Want{Ref: late, Tag: &otherTag})
	}
	requireFound(t, s, "email", tag, a.Subject, b.Subject)
	requireFound(t, s, "email", otherTag, late.Subject)
	requireFound(t, s, "name", tag)
	want(t, s, keys.Want{Ref: a, Tag: &otherTag}) // a key of a trace has many values
	requireFound(t, s, "email", otherTag, a.Subject, late.Subject)
	requireFound(t, s, "email", tag, a.Subject, b.Subject)
	follow(t, s, 1, Destroy(a), Retain(b))
	requireFound(t, s, "email", tag)
	requireFound(t, s, "email", otherTag, late.Subject)
}

func want(t testing.TB, s keys.Store, wants ...keys.Want) {
	t.Helper()
	if _, err := s.Ensure(t.Context(), wants); err != nil {
		t.Fatalf("ensure: %v", err)
	}
}

func requireFound(t testing.TB, s keys.Store, field domain.Field, tag keys.Tag, subjects ...domain.SubjectID) {
	t.Helper()
	got, err := s.Find(t.Context(), field, tag)
	if err != nil {
		t.Fatalf("find: %v", err)
	}
	found := map[domain.SubjectID]int{}
	for _, id := range got {
		found[id]++
	}
	wanted := map[domain.SubjectID]int{}
	for _, id := range subjects {
		wanted[id]++
	}
	if diff := cmp.Diff(wanted, found); diff != "" {
		t.Errorf("found other subjects:\n%s", diff)
	}
}

func tagsDiffer(t *testing.T, open Opener) {
	s := opened(t, open)
	if s.Tag("email", "x") == s.Tag("name", "x") || s.Tag("email", "x") == s.Tag("email", "y") {
		t.Error("two fields or two values share a tag")
	}
	first := s.Tag("email", "x")
	if again := s.Tag("email", "x"); again != first {
		t.Error("a tag changes")
	}
}

func tokensHold(t *testing.T, open Opener) {
	s := opened(t, open)
	a, b := Ref(Subject(), "page", "2015-05"), Ref(Subject(), "page", "2015-05")
	token := func(ref keys.Ref, content string) uuid.UUID {
		t.Helper()
		id, err := s.Token(t.Context(), ref, []byte(content))
		if err != nil || id.Version() != 8 || id.Variant() != uuid.RFC4122 {
			t.Fatalf("token %v, %v", id, err)
		}
		return id
	}
	first := token(a, "line")
	if again := token(a, "line"); again != first || first == token(a, "other") || first == token(b, "line") {
		t.Error("a token belongs to its content and its key")
	}
	follow(t, s, 1, Destroy(a))
	if _, err := s.Token(t.Context(), a, []byte("line")); !errors.Is(err, keys.ErrNotLive) {
		t.Errorf("a token under a destroyed key gives %v", err)
	}
}

// A later word about a fate through a field reaches what that fate had retained, and nothing of another one.
func throughSaidAgain(t *testing.T, open Opener) {
	s := opened(t, open)
	subject := Subject()
	var refs []keys.Ref
	for _, e := range []domain.Epoch{"2015-12", "2016-01", "2016-02", "2016-03"} {
		refs = append(refs, Ref(subject, "page", e))
	}
	made := ensure(t, s, refs...)
	held := func(ref keys.Ref) domain.Fate { return Through(retainUntil(ref, time.Time{}, "hold")) }
	follow(t, s, 1, Through(Retain(refs[0])))
	follow(t, s, 2, Through(Retain(refs[2])), held(refs[2])) // two reasons in one decision: the last is in force
	rules := func(want ...string) {
		t.Helper()
		for i, rule := range want {
			if got, err := s.Open(t.Context(), []uuid.UUID{made[i].ID}); err != nil || got[0].Rule != rule {
				t.Errorf("%s is %v by %q, %v; want %q", made[i].Ref, got[0], got[0].Rule, err, rule)
			}
		}
	}
	rules("tax-1095", "hold", "hold", "")
	follow(t, s, 3, held(refs[0]), Through(Retain(refs[2])))
	rules("hold", "tax-1095", "tax-1095", "")
	follow(t, s, 4, Through(Destroy(refs[2])))
	for i, want := range []keys.State{keys.Retained, keys.Destroyed, keys.Destroyed, keys.Live} {
		requireState(t, s, made[i].ID, want)
	}
}
