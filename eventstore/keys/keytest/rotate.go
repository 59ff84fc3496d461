package keytest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"imagine.ua/litopys/eventstore/keys"
)

// RunRotation checks keys.Rotator. Each test gets the opener of a store that is empty; its role may rotate.
func RunRotation(t *testing.T, fresh func(testing.TB) Opener) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Opener){
		"keys stay and old masters die":   rotationKeepsKeys,
		"a rotation that was cut goes on": rotationGoesOn,
		"use goes on meanwhile":           rotationBesideUse,
		"destroyed keys stay destroyed":   rotationRevivesNothing,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}

// Rotated rotates and wants the store sound.
func Rotated(t testing.TB, s keys.Store) keys.Rotation {
	t.Helper()
	r, err := s.Rotate(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	RequireSound(t, s)
	return r
}

// RequireSound lets the store verify itself.
func RequireSound(t testing.TB, s keys.Store) {
	t.Helper()
	if v, ok := s.(interface{ Verify(context.Context) error }); ok {
		if err := v.Verify(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func requireSame(t testing.TB, s keys.Store, all []keys.Key) {
	t.Helper()
	got, err := s.Open(t.Context(), idsOf(all))
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range all {
		if !got[i].Equal(k) {
			t.Fatalf("%s of %s is now %v", k, k.Ref, got[i])
		}
	}
}

func masters(t testing.TB, s keys.Store) (alive, dead []string) {
	t.Helper()
	st, err := s.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range st.Masters {
		if m.Dead {
			dead = append(dead, m.Name)
		} else {
			alive = append(alive, m.Name)
		}
		if m.Dead && m.Keys > 0 {
			t.Errorf("the dead master key %s wraps %d keys", m.Name, m.Keys)
		}
	}
	return alive, dead
}

func rotationKeepsKeys(t *testing.T, open Opener) {
	s := open(t)
	all := Made(t, s, 60, "email", "1")
	follow(t, s, 1, Retain(all[0].Ref))
	all[0] = requireState(t, s, all[0].ID, keys.Retained)
	for n := 1; n <= 3; n++ {
		r := Rotated(t, s)
		if r.Rewrapped != len(all) || r.Resumed || len(r.Died) != 1 {
			t.Errorf("rotation %d: %+v", n, r)
		}
		if alive, dead := masters(t, s); len(alive) != 1 || alive[0] != r.Master || len(dead) != n {
			t.Errorf("master keys alive %v, dead %v", alive, dead)
		}
		requireSame(t, s, all)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t)
		requireSame(t, s, all)
		all = append(all, Made(t, s, 10, "name", "1")...)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func rotationGoesOn(t *testing.T, open Opener) {
	s := open(t)
	all := Made(t, s, 1100, "email", "1")
	ctx, cancel := context.WithCancel(t.Context())
	cut, err := s.Rotate(ctx, func(r keys.Rotation) {
		if r.Rewrapped > 0 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || cut.Rewrapped == 0 || cut.Rewrapped == len(all) {
		t.Fatalf("cut: %+v, %v", cut, err)
	}
	requireSame(t, s, all)
	if st, err := s.Status(t.Context()); err != nil || st.Rotating != cut.Master {
		t.Errorf("rotating to %q, %v", st.Rotating, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, open)
	RequireSound(t, s)
	r := Rotated(t, s)
	if !r.Resumed || r.Master != cut.Master || r.Rewrapped+cut.Rewrapped != len(all) || len(r.Died) != 1 {
		t.Errorf("%+v, then %+v", cut, r)
	}
	requireSame(t, s, all)
	if st, err := s.Status(t.Context()); err != nil || st.Rotating != "" {
		t.Errorf("rotating to %q, %v", st.Rotating, err)
	}
}

// rotationBesideUse makes, opens and destroys keys while the master keys change under them, again and again.
func rotationBesideUse(t *testing.T, open Opener) {
	s := opened(t, open)
	all := Made(t, s, 50, "email", "1")
	stop := make(chan struct{})
	var users sync.WaitGroup
	var mu sync.Mutex
	var more []keys.Key
	for from := range 2 {
		users.Go(func() {
			for n := range 100 {
				i := (from + 7*n) % len(all)
				select {
				case <-stop:
					return
				default:
				}
				some := all[i:min(len(all), i+1+n%40)]
				got, err := s.Open(t.Context(), idsOf(some))
				if err != nil || !slices.EqualFunc(got, some, keys.Key.Equal) {
					t.Errorf("%v open as %v, %v", some, got, err)
					return
				}
				made, err := s.Ensure(t.Context(), []keys.Want{{Ref: Ref(Subject(), "name", "1")}})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				more = append(more, made...)
				mu.Unlock()
			}
		})
	}
	for range 3 {
		if _, err := s.Rotate(t.Context(), nil); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	users.Wait()
	requireSame(t, s, all)
	requireSame(t, s, more)
	Rotated(t, s)
	requireSame(t, s, more)
	if alive, _ := masters(t, s); len(alive) != 1 {
		t.Errorf("master keys alive: %v", alive)
	}
}

func rotationRevivesNothing(t *testing.T, open Opener) {
	s := open(t)
	all := Made(t, s, 20, "email", "1")
	follow(t, s, 1, Fates(all[:10])...)
	Rotated(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, open)
	for _, k := range all[:10] {
		requireState(t, s, k.ID, keys.Destroyed)
		requireNotLive(t, s, k.Ref)
	}
	requireSame(t, s, all[10:])
}
