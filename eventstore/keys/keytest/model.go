package keytest

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// model is what a store must be, in the simplest words: a map and a list of what was closed.
type model struct {
	known    map[keys.Ref]keys.Key
	through  map[keys.Ref]domain.Epoch // of the fate through the field that has retained it
	closed   []keys.Ref
	followed uint64
}

func (m *model) refused(ref keys.Ref) bool {
	if k, ok := m.known[ref]; ok {
		return k.State != keys.Live
	}
	for _, c := range m.closed {
		if c == ref || c.Subject == ref.Subject && c.Field == ref.Field && keys.Earlier(ref.Epoch, c.Epoch) {
			return true
		}
	}
	return false
}

func (m *model) follow(position uint64, fates []domain.Fate) {
	if position <= m.followed {
		return
	}
	m.followed = position
	for _, f := range fates {
		ref := Ref(f.Subject, f.Field, f.Epoch)
		if f.Through {
			m.carryThrough(ref, f)
			continue
		}
		if _, ok := m.known[ref]; !ok {
			m.known[ref] = keys.Key{Ref: ref, State: keys.Destroyed}
		}
		m.change(ref, f)
	}
}

func (m *model) carryThrough(ref keys.Ref, f domain.Fate) {
	kind, _ := keys.KindOf(ref.Epoch)
	again := false
	for _, c := range m.closed {
		again = again || c.Subject == ref.Subject && c.Field == ref.Field && (c.Epoch == ref.Epoch || keys.Earlier(ref.Epoch, c.Epoch))
	}
	for other, k := range m.known {
		if otherKind, _ := keys.KindOf(other.Epoch); other.Subject != ref.Subject || other.Field != ref.Field || kind != otherKind {
			continue
		}
		if again && k.State == keys.Retained && m.through[other] == ref.Epoch ||
			!again && k.State == keys.Live && !keys.Earlier(ref.Epoch, other.Epoch) {
			m.change(other, f)
			m.through[other] = ref.Epoch
		}
	}
	m.closed = append(m.closed, ref)
}

func (m *model) change(ref keys.Ref, f domain.Fate) {
	k, ok := m.known[ref]
	switch {
	case !ok || k.State == keys.Destroyed:
		return
	case f.Action == domain.Destroy:
		k = keys.Key{ID: k.ID, Ref: k.Ref, State: keys.Destroyed}
	default:
		k.State, k.Until, k.Rule = keys.Retained, f.Until, f.Rule
	}
	m.known[ref] = k
}

// mostHistories bounds the histories of a run: each store has the contract run several times.
const mostHistories = 35

// modelHistory runs random histories of Ensure, Follow and reopening, and compares the store with the model
// after every step: destroying one key leaves every other as it was.
func modelHistory(t *testing.T, open Opener) {
	store := open(t)
	t.Cleanup(func() { _ = store.Close() })
	position, histories := uint64(0), 0
	rapid.Check(t, func(rt *rapid.T) {
		if histories++; histories > mostHistories {
			return
		}
		m := &model{known: map[keys.Ref]keys.Key{}, through: map[keys.Ref]domain.Epoch{}, followed: position}
		subjects := []domain.SubjectID{Subject(), Subject()} // new ones, so that histories can share the store
		drawRef := func(rt *rapid.T) keys.Ref {
			s := rapid.SampledFrom(subjects).Draw(rt, "subject")
			if rapid.Bool().Draw(rt, "attribute") {
				return Ref(s, rapid.SampledFrom([]domain.Field{"email", "name"}).Draw(rt, "field"),
					domain.AttributeEpoch(rapid.IntRange(8, 12).Draw(rt, "epoch")))
			}
			month := domain.Month(fmt.Sprintf("2015-%02d", rapid.IntRange(9, 11).Draw(rt, "month")))
			return Ref(s, "page", domain.TraceEpoch(month, rapid.IntRange(0, 2).Draw(rt, "generation")))
		}
		rt.Repeat(map[string]func(*rapid.T){
			"ensure": func(rt *rapid.T) { m.ensure(rt, store, rapid.SliceOfN(rapid.Custom(drawRef), 1, 4).Draw(rt, "refs")) },
			"follow": func(rt *rapid.T) {
				var fates []domain.Fate
				for _, ref := range rapid.SliceOfN(rapid.Custom(drawRef), 0, 3).Draw(rt, "fates") {
					f := rapid.SampledFrom([]domain.Fate{Destroy(ref), Retain(ref)}).Draw(rt, "fate")
					f.Through = rapid.Bool().Draw(rt, "through")
					fates = append(fates, f)
				}
				at := position + rapid.Uint64Range(0, 2).Draw(rt, "step")
				if at == 0 {
					return
				}
				position = max(position, at)
				m.follow(at, fates)
				if err := store.Follow(t.Context(), at, fates); err != nil {
					rt.Fatalf("follow: %v", err)
				}
			},
			"reopen": func(rt *rapid.T) {
				if err := store.Close(); err != nil {
					rt.Fatalf("close: %v", err)
				}
				store = open(t)
			},
			"": func(rt *rapid.T) { m.compare(t, rt, store, subjects) },
		})
	})
}

func (m *model) ensure(rt *rapid.T, s keys.Store, refs []keys.Ref) {
	wants := make([]keys.Want, len(refs))
	refused := false
	for i, ref := range refs {
		wants[i].Ref = ref
		refused = refused || m.refused(ref)
	}
	got, err := s.Ensure(rt.Context(), wants)
	if refused {
		if !errors.Is(err, keys.ErrNotLive) {
			rt.Fatalf("ensure of a closed ref gives %v", err)
		}
		return
	}
	if err != nil {
		rt.Fatalf("ensure: %v", err)
	}
	for i, ref := range refs {
		before, ok := m.known[ref]
		if ok && !before.Equal(got[i]) || got[i].Ref != ref {
			rt.Fatalf("%s: got %s, had %s", ref, got[i], before)
		}
		m.known[ref] = got[i]
	}
}

// compare wants every key of the model in the store, in its state and with its secret, and no other.
func (m *model) compare(t testing.TB, rt *rapid.T, s keys.Store, subjects []domain.SubjectID) {
	listed := map[keys.Ref]keys.Key{}
	for _, subject := range subjects {
		list, err := s.Of(t.Context(), subject)
		if err != nil {
			rt.Fatalf("of: %v", err)
		}
		for _, k := range list {
			opened, err := s.Open(t.Context(), []uuid.UUID{k.ID})
			if err != nil || !opened[0].Bare().Equal(k) {
				rt.Fatalf("%s of %s opens as %v, %v", k, k.Ref, opened, err)
			}
			if before := m.known[k.Ref]; before.ID == uuid.Nil { // a tombstone that never was a key
				before.ID = k.ID
				m.known[k.Ref] = before
			}
			listed[k.Ref] = opened[0]
		}
	}
	if !maps.EqualFunc(m.known, listed, keys.Key.Equal) {
		rt.Fatalf("store and model differ:\nmodel %v\nstore %v", m.known, listed)
	}
	if got, err := s.Followed(t.Context()); err != nil || got != m.followed {
		rt.Fatalf("followed to %d, %v; want %d", got, err, m.followed)
	}
}
