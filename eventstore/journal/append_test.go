package journal_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/memory"
	"imagine.ua/litopys/eventstore/seal"
)

func TestFactsComeBackSealedAndOpen(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{}).open(t)
	who, other := newSubject(), newSubject()
	stream := domain.SubjectStream(who)
	facts := []ledger.Fact{
		fact(subject.Registered{Subject: who, Policy: "1"}),
		fact(collected(clearItem(who, "email", "1", "oksana@example.com"), clearItem(other, "phone", "1", "+380441234567"))),
	}
	done := mustAppend(t, j, stream, domain.NoStream, facts...)
	got := events(t, j, stream)
	if len(got) != 2 || done.Revision != 1 || got[1].Revision != 1 || got[1].Position != done.Position || got[1].ID != facts[1].ID {
		t.Fatalf("appended %+v, read %+v", done, got)
	}
	if diff := cmp.Diff(facts[1].Meta, got[1].Meta); diff != "" {
		t.Error(diff)
	}
	for _, item := range got[1].Event.Personal() {
		if item.Value.Condition() != domain.Sealed {
			t.Errorf("read %s as %s", item.Field, item.Value)
		}
	}
	opened, err := j.Unseal(t.Context(), 0, got...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(facts[1].Event, opened[1].Event); diff != "" {
		t.Error(diff)
	}
	if got[1].Event.Personal()[0].Value.Condition() != domain.Sealed {
		t.Error("Unseal changed the events that it was given")
	}
}

func TestConflictIsTheLedgersConflict(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{}).open(t)
	who := newSubject()
	mustAppend(t, j, domain.SubjectStream(who), domain.NoStream, fact(subject.Registered{Subject: who}))
	_, err := j.Append(t.Context(), domain.SubjectStream(who), domain.NoStream, []ledger.Fact{fact(subject.Registered{Subject: who})})
	if !errors.Is(err, ledger.ErrConflict) || !errors.Is(err, eventstore.ErrWrongRevision) {
		t.Errorf("got %v", err)
	}
}

func TestSameIdsGiveTheFirstAnswer(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{}).open(t)
	who := newSubject()
	f := fact(collected(clearItem(who, "email", "1", "a@example.com")))
	first := mustAppend(t, j, domain.SubjectStream(who), domain.NoStream, f)
	again := mustAppend(t, j, domain.SubjectStream(who), domain.NoStream, f)
	if first != again || len(events(t, j, domain.SubjectStream(who))) != 1 {
		t.Errorf("first %+v, again %+v", first, again)
	}
}

func TestNothingIsSealedUnderAKeyThatIsNotLive(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{}).open(t)
	who := newSubject()
	stream := domain.SubjectStream(who)
	for i, action := range []domain.FateAction{domain.Destroy, domain.Retain} {
		epoch := domain.AttributeEpoch(i + 1)
		done := mustAppend(t, j, stream, int64(2*i-1), fact(collected(clearItem(who, "email", epoch, "a@example.com"))),
			fact(deleted(who, domain.Fate{Subject: who, Field: "email", Epoch: epoch, Action: action, Until: noon, Rule: "tax"})))
		_, err := j.Append(t.Context(), stream, done.Revision, []ledger.Fact{
			fact(subject.Used{Subject: who}), fact(collected(clearItem(who, "email", epoch, "b@example.com")))})
		if !errors.Is(err, ledger.ErrErased) || !errors.Is(err, keys.ErrNotLive) {
			t.Errorf("%s: %v", action, err)
		}
		if got := events(t, j, stream); int64(len(got)) != done.Revision+1 {
			t.Errorf("%s: the refused append left %d events", action, len(got))
		}
	}
}

func TestBadFactsAreRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	j := b.open(t)
	who := newSubject()
	stream := domain.SubjectStream(who)
	item := clearItem(who, "email", "1", "a@example.com")
	sealed := item
	sealed.Value = domain.SealedValue(make([]byte, 77))
	fate := domain.Fate{Subject: who, Field: "email", Epoch: "1", Action: domain.Destroy}
	noEpoch, noAction := fate, fate
	noEpoch.Epoch, noAction.Action = "", "forget"
	for why, c := range map[string]struct {
		facts []ledger.Fact
		want  error
	}{
		"no event":        {nil, eventstore.ErrInvalid},
		"empty fact":      {[]ledger.Fact{{ID: uuid.New()}}, eventstore.ErrInvalid},
		"no id":           {[]ledger.Fact{{Event: collected(item)}}, eventstore.ErrInvalid},
		"sealed already":  {[]ledger.Fact{fact(collected(sealed))}, eventstore.ErrInvalid},
		"too long":        {[]ledger.Fact{fact(collected(clearItem(who, "email", "1", strings.Repeat("x", 10<<20))))}, seal.ErrTooLong},
		"epoch of nobody": {[]ledger.Fact{fact(collected(clearItem(who, "email", "first", "x")))}, keys.ErrInvalidRef},
		"fate of nothing": {[]ledger.Fact{fact(deleted(who, noEpoch))}, keys.ErrInvalidRef},
		"unknown fate":    {[]ledger.Fact{fact(deleted(who, noAction))}, eventstore.ErrInvalid},
	} {
		_, err := j.Append(t.Context(), stream, domain.NoStream, c.facts)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", why, err)
		}
	}
	if head, err := j.Head(t.Context()); head != 0 || err != nil {
		t.Errorf("the log ends at %d, %v", head, err)
	}
}

// An append whose outcome is unknown is repeated, unchanged, and stands once.
func TestUnknownOutcomesAreRepeated(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{Seed: 7, AbortRate: 0.4}).open(t)
	who := newSubject()
	stream := domain.SubjectStream(who)
	for i := range 100 {
		done := mustAppend(t, j, stream, int64(i-1), fact(collected(clearItem(who, "email", domain.AttributeEpoch(i+1), "x"))))
		if done.Revision != int64(i) {
			t.Fatalf("append %d got revision %d", i, done.Revision)
		}
	}
}

func TestRepetitionIsBounded(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	ctx, cancel := context.WithCancel(t.Context())
	p.Store = storeWith{Store: p.Store, before: func() error {
		if tries.Add(1) == 2 {
			cancel()
		}
		return eventstore.ErrUnknownOutcome
	}}
	who := newSubject()
	_, err := open(t, p).Append(ctx, domain.SubjectStream(who), domain.NoStream, []ledger.Fact{fact(subject.Registered{Subject: who})})
	if !errors.Is(err, eventstore.ErrUnknownOutcome) || !errors.Is(err, context.Canceled) || tries.Load() != 2 {
		t.Errorf("%d tries, %v", tries.Load(), err)
	}
}

// 64 goroutines on one stream: what was acknowledged is there, once, in the order of the answers.
func TestConcurrentAppendsLoseNothing(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{AbortRate: 0.05}).open(t)
	who := newSubject()
	stream := domain.SubjectStream(who)
	var acked sync.Map
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			f := fact(subject.Used{Subject: who, Values: []domain.FieldEpoch{{Field: "email", Epoch: "1"}}})
			for expected := domain.NoStream; ; {
				done, err := j.Append(t.Context(), stream, expected, []ledger.Fact{f})
				if err == nil {
					acked.Store(done.Revision, f.ID)
					return
				}
				var wrong *eventstore.WrongRevisionError
				if !errors.As(err, &wrong) {
					t.Error(err)
					return
				}
				expected = wrong.Actual
			}
		})
	}
	wg.Wait()
	got := events(t, j, stream)
	if len(got) != 64 {
		t.Fatalf("%d events stand, 64 were acknowledged", len(got))
	}
	for _, r := range got {
		if id, ok := acked.Load(r.Revision); !ok || id != r.ID {
			t.Errorf("revision %d is not what was acknowledged", r.Revision)
		}
	}
}
