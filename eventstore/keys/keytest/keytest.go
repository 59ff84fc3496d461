// Package keytest is the contract of keys.Store as tests. Every implementation runs it.
package keytest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
)

// Opener opens a store, and opens the same one again after it was closed. Its errors end the test.
type Opener func(testing.TB) keys.Store

// Run checks the contract. Every call of fresh gives the opener of a store that is empty.
func Run(t *testing.T, fresh func(testing.TB) Opener) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Opener){
		"ensure makes each key once":               ensureMakesOnce,
		"ensure is whole or nothing":               ensureIsWhole,
		"refused addresses":                        refusesAddresses,
		"concurrent ensures agree":                 concurrentEnsuresAgree,
		"keys survive closing":                     survivesClosing,
		"open gives each id its key":               openGivesKeys,
		"many opened at once":                      openMany,
		"destroyed leaves a tombstone":             destroyedLeavesTombstone,
		"destroyed never comes back":               destroyedNeverComesBack,
		"no caller sees what is destroyed":         noStaleReader,
		"nor who opens many":                       manyNeverStale,
		"retained opens and is not live":           retainedOpens,
		"states move forward only":                 statesMoveForward,
		"follow is ordered and repeats harmlessly": followRepeats,
		"through reaches earlier live epochs":      throughReaches,
		"through closes what has no key":           throughCloses,
		"through said again":                       throughSaidAgain,
		"fate before key closes the ref":           fateBeforeKey,
		"find by tag":                              findsByTag,
		"tags differ by field":                     tagsDiffer,
		"tokens":                                   tokensHold,
		"due keys":                                 duePages,
		"open-ended terms":                         openEnded,
		"live traces up to a month":                liveTraces,
		"destroyed keys are owed certificates":     uncertified,
		"burial of what certificates name":         burial,
		"status counts":                            statusCounts,
		"closed store":                             closedStore,
		"history against a model":                  modelHistory,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}

// Subject gives a random subject.
func Subject() domain.SubjectID { return domain.SubjectID{UUID: uuid.New()} }

// Ref builds an address.
func Ref(s domain.SubjectID, field domain.Field, epoch domain.Epoch) keys.Ref {
	return keys.Ref{Subject: s, Field: field, Epoch: epoch}
}

// Destroy is the fate of destruction for the ref.
func Destroy(r keys.Ref) domain.Fate {
	return domain.Fate{Subject: r.Subject, Field: r.Field, Epoch: r.Epoch, Action: domain.Destroy}
}

// Until is the end of the term that Retain gives.
var Until = time.Date(2031, 12, 31, 21, 59, 59, 123_456_000, time.UTC)

// Retain is the fate of retention for the ref.
func Retain(r keys.Ref) domain.Fate {
	return domain.Fate{Subject: r.Subject, Field: r.Field, Epoch: r.Epoch, Action: domain.Retain, Until: Until, Rule: "tax-1095"}
}

// Through widens a fate to the earlier epochs.
func Through(f domain.Fate) domain.Fate {
	f.Through = true
	return f
}

func opened(t testing.TB, open Opener) keys.Store {
	t.Helper()
	s := open(t)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func ensure(t testing.TB, s keys.Store, refs ...keys.Ref) []keys.Key {
	t.Helper()
	wants := make([]keys.Want, len(refs))
	for i, r := range refs {
		wants[i].Ref = r
	}
	got, err := s.Ensure(t.Context(), wants)
	if err != nil {
		t.Fatalf("ensure: %v", err)
	}
	return got
}

func follow(t testing.TB, s keys.Store, position uint64, fates ...domain.Fate) {
	t.Helper()
	if err := s.Follow(t.Context(), position, fates); err != nil {
		t.Fatalf("follow: %v", err)
	}
}

func requireNotLive(t testing.TB, s keys.Store, refs ...keys.Ref) {
	t.Helper()
	for _, r := range refs {
		if got, err := s.Ensure(t.Context(), []keys.Want{{Ref: r}}); !errors.Is(err, keys.ErrNotLive) {
			t.Errorf("ensure of %s gives %v, %v; want ErrNotLive", r, got, err)
		}
	}
}

func requireState(t testing.TB, s keys.Store, id uuid.UUID, want keys.State) keys.Key {
	t.Helper()
	got, err := s.Open(t.Context(), []uuid.UUID{id})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	if got[0].State != want {
		t.Errorf("%s, want it %s", got[0], want)
	}
	if bare := got[0].Secret == [keys.Size]byte{}; bare != (want == keys.Destroyed) {
		t.Errorf("%s: secret is zero: %v", got[0], bare)
	}
	return got[0]
}

func ensureMakesOnce(t *testing.T, open Opener) {
	s := opened(t, open)
	a, b := Ref(Subject(), "email", "1"), Ref(Subject(), "email", "1")
	first := ensure(t, s, a, b, a)
	if !first[0].Equal(first[2]) || first[0].ID == first[1].ID || first[0].Secret == first[1].Secret {
		t.Error("a ref has one key, two refs have two")
	}
	for i, want := range []keys.Ref{a, b, a} {
		if first[i].Ref != want || first[i].State != keys.Live || first[i].Cipher().KeyID() != first[i].ID {
			t.Errorf("key %d is %s of %s", i, first[i], first[i].Ref)
		}
	}
	if diff := cmp.Diff(first, ensure(t, s, a, b, a)); diff != "" {
		t.Errorf("the second call gives others:\n%s", diff)
	}
	if got := ensure(t, s); len(got) != 0 {
		t.Errorf("nothing wanted, %d keys given", len(got))
	}
}

func ensureIsWhole(t *testing.T, open Opener) {
	s := opened(t, open)
	subject := Subject()
	gone, fresh := Ref(subject, "name", "1"), Ref(subject, "name", "2")
	ensure(t, s, gone)
	follow(t, s, 1, Destroy(gone))
	if _, err := s.Ensure(t.Context(), []keys.Want{{Ref: fresh}, {Ref: gone}}); !errors.Is(err, keys.ErrNotLive) {
		t.Fatalf("gives %v", err)
	}
	if list, err := s.Of(t.Context(), subject); err != nil || len(list) != 1 {
		t.Errorf("a refused call left %v behind, %v", list, err)
	}
}

func refusesAddresses(t *testing.T, open Opener) {
	s := opened(t, open)
	for _, r := range []keys.Ref{
		{Field: "email", Epoch: "1"}, Ref(Subject(), "", "1"), Ref(Subject(), "email", ""), Ref(Subject(), "email", "0"),
		Ref(Subject(), "email", "01"), Ref(Subject(), "page", "2015-13"), Ref(Subject(), "page", "2015-05."), Ref(Subject(), "page", "2015-05.0"),
	} {
		if _, err := s.Ensure(t.Context(), []keys.Want{{Ref: r}}); !errors.Is(err, keys.ErrInvalidRef) {
			t.Errorf("ensure of %q gives %v", r, err)
		}
		if err := s.Follow(t.Context(), 1, []domain.Fate{Destroy(r)}); !errors.Is(err, keys.ErrInvalidRef) {
			t.Errorf("follow of %q gives %v", r, err)
		}
	}
	unknown := domain.Fate{Subject: Subject(), Field: "email", Epoch: "1", Action: "forget"}
	if err := s.Follow(t.Context(), 1, []domain.Fate{unknown}); err == nil {
		t.Error("an unknown action was taken")
	}
	if err := s.Follow(t.Context(), 0, []domain.Fate{Destroy(Ref(Subject(), "email", "1"))}); err == nil {
		t.Error("fates without a position were taken")
	}
}

func concurrentEnsuresAgree(t *testing.T, open Opener) {
	s := opened(t, open)
	refs := make([]keys.Ref, 50)
	for i := range refs {
		refs[i] = Ref(Subject(), "email", "1")
	}
	results := make(chan []keys.Key, 16)
	for range cap(results) {
		go func() {
			wants := make([]keys.Want, len(refs))
			for i, r := range refs {
				wants[i].Ref = r
			}
			got, err := s.Ensure(t.Context(), wants)
			if err != nil {
				t.Errorf("ensure: %v", err)
			}
			results <- got
		}()
	}
	first := <-results
	for range cap(results) - 1 {
		if diff := cmp.Diff(first, <-results); diff != "" {
			t.Fatalf("two callers got different keys:\n%s", diff)
		}
	}
}

func survivesClosing(t *testing.T, open Opener) {
	s := open(t)
	identity, err := s.Identity(t.Context())
	if err != nil || identity == uuid.Nil {
		t.Fatal(identity, err)
	}
	ref := Ref(Subject(), "email", "1")
	tag := s.Tag("email", "oksana@example.com")
	made, err := s.Ensure(t.Context(), []keys.Want{{Ref: ref, Tag: &tag}})
	if err != nil {
		t.Fatal(err)
	}
	follow(t, s, 41)
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatalf("close: %v", err)
	}
	s = opened(t, open)
	if diff := cmp.Diff(made, ensure(t, s, ref)); diff != "" {
		t.Errorf("another key after reopening:\n%s", diff)
	}
	if s.Tag("email", "oksana@example.com") != tag {
		t.Error("another tag after reopening")
	}
	if again, err := s.Identity(t.Context()); err != nil || again != identity {
		t.Errorf("identity %v, then %v, %v", identity, again, err)
	}
	if position, err := s.Followed(t.Context()); err != nil || position != 41 {
		t.Errorf("followed to %d, %v", position, err)
	}
}

func openGivesKeys(t *testing.T, open Opener) {
	s := open(t)
	made := ensure(t, s, Ref(Subject(), "email", "1"), Ref(Subject(), "page", "2015-05"))
	ids := []uuid.UUID{made[1].ID, made[0].ID, made[1].ID}
	want := []keys.Key{made[1], made[0], made[1]}
	for range 2 { // warm, then cold
		got, err := s.Open(t.Context(), ids)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
		if _, err := s.Open(t.Context(), []uuid.UUID{made[0].ID, uuid.New()}); !errors.Is(err, keys.ErrUnknownKey) {
			t.Fatalf("an id without a key gives %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = opened(t, open)
	}
}

func closedStore(t *testing.T, open Opener) {
	s := open(t)
	ref := Ref(Subject(), "email", "1")
	made := ensure(t, s, ref)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		"ensure":   func() error { _, err := s.Ensure(t.Context(), []keys.Want{{Ref: ref}}); return err },
		"open":     func() error { _, err := s.Open(t.Context(), []uuid.UUID{made[0].ID}); return err },
		"find":     func() error { _, err := s.Find(t.Context(), "email", keys.Tag{}); return err },
		"follow":   func() error { return s.Follow(t.Context(), 1, nil) },
		"followed": func() error { _, err := s.Followed(t.Context()); return err },
		"of":       func() error { _, err := s.Of(t.Context(), ref.Subject); return err },
		"token":    func() error { _, err := s.Token(t.Context(), ref, nil); return err },
		"identity": func() error { _, err := s.Identity(t.Context()); return err },
		"due":      func() error { _, _, err := s.Due(t.Context(), Until, keys.Cursor{}, 1); return err },
		"endless":  func() error { _, _, err := s.OpenEnded(t.Context(), "hold", keys.Cursor{}, 1); return err },
		"traces":   func() error { _, _, err := s.LiveTraces(t.Context(), "page", "2026-01", keys.Cursor{}, 1); return err },
		"owed":     func() error { _, err := s.Uncertified(t.Context(), 1); return err },
		"certify":  func() error { return s.Certified(t.Context(), nil) },
		"bury":     func() error { _, err := s.Bury(t.Context(), nil); return err },
		"rotate":   func() error { _, err := s.Rotate(t.Context(), nil); return err },
		"status":   func() error { _, err := s.Status(t.Context()); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("%s on a closed store gives %v", name, err)
		}
	}
	if got := fmt.Sprintf("%#v", made[0]); got != made[0].String() {
		t.Errorf("a key prints as %s", got)
	}
}
