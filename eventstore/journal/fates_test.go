package journal_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/memory"
)

func destroy(who domain.SubjectID, f domain.Field, e domain.Epoch) domain.Fate {
	return domain.Fate{Subject: who, Field: f, Epoch: e, Action: domain.Destroy}
}

// When Append returns, what the event destroys is unreadable, and its neighbours by subject, field and
// epoch are not touched.
func TestFatesAreCarriedOutWhenAppendReturns(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	j := b.open(t)
	who, other := newSubject(), newSubject()
	stream := domain.SubjectStream(who)
	mustAppend(t, j, stream, domain.NoStream, fact(collected(
		clearItem(who, "email", "1", "old"), clearItem(who, "email", "2", "new"),
		clearItem(who, "phone", "1", "phone"), clearItem(other, "email", "1", "other"))))
	mustAppend(t, j, stream, 0, fact(deleted(who, destroy(who, "email", "1"),
		domain.Fate{Subject: who, Field: "phone", Epoch: "1", Action: domain.Retain, Until: noon.AddDate(3, 0, 0), Rule: "tax"})))
	want := []string{"- destroyed", "new live", "- retained", "other live"}
	if diff := cmp.Diff(want, shown(t, j, journal.LiveOnly, stream)); diff != "" {
		t.Error(diff)
	}
	want[2] = "phone retained"
	if diff := cmp.Diff(want, shown(t, j, journal.WithRetained, stream)); diff != "" {
		t.Error(diff)
	}
	opened, err := j.OpenAs(t.Context(), journal.LiveOnly, journal.SealedOf(events(t, j, stream)...)[2:3])
	if err != nil || opened[0].Rule != "tax" || !opened[0].Until.Equal(noon.AddDate(3, 0, 0)) {
		t.Errorf("the retained value says %+v, %v", opened, err)
	}
	b.set(noon.AddDate(3, 0, 0))
	want[2] = "- retained"
	if diff := cmp.Diff(want, shown(t, j, journal.WithRetained, stream)); diff != "" {
		t.Errorf("after its term: %s", diff)
	}
}

var errCrash = errors.New("crash")

// A crash at each step of an edit that destroys the old value: after reopening, what was acknowledged
// stands, what stands has its fates carried out, and the edit can be repeated.
func TestCrashAtEachStep(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		crash    func(*journal.Parts)
		recorded bool
	}{
		"after the keys are made": {func(p *journal.Parts) {
			p.Store = storeWith{Store: p.Store, before: func() error { return errCrash }}
		}, false},
		"after the append": {func(p *journal.Parts) {
			p.Store = storeWith{Store: p.Store, after: func() error { return errCrash }}
		}, true},
		"before the fates": {func(p *journal.Parts) {
			p.Keys = keysWith{Store: p.Keys, follow: func(uint64, []domain.Fate) error { return fmt.Errorf("%w: %w", errCrash, eventstore.ErrClosed) }}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, memory.Config{})
			who := newSubject()
			stream := domain.SubjectStream(who)
			j := b.open(t)
			mustAppend(t, j, stream, domain.NoStream, fact(collected(clearItem(who, "email", "1", "old"))))
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			b.store = memory.Reopen(b.store)
			p := b.parts(t)
			c.crash(&p)
			j = open(t, p)
			edit := fact(subject.Edited{Subject: who, Items: []domain.Item{clearItem(who, "email", "2", "new")},
				Superseded: []domain.Fate{destroy(who, "email", "1")}})
			if _, err := j.Append(t.Context(), stream, 0, []ledger.Fact{edit}); !errors.Is(err, errCrash) {
				t.Fatalf("the crash gave %v", err)
			}
			_ = j.Close()
			j = b.reopen(t)
			want := []string{"old live"}
			if c.recorded {
				want = []string{"- destroyed", "new live"}
			}
			if diff := cmp.Diff(want, shown(t, j, journal.LiveOnly, stream)); diff != "" {
				t.Error(diff)
			}
			mustAppend(t, j, stream, 0, edit)
			if diff := cmp.Diff([]string{"- destroyed", "new live"}, shown(t, j, journal.LiveOnly, stream)); diff != "" {
				t.Errorf("after the repetition: %s", diff)
			}
		})
	}
}

// Fates reach the key store in the order of the log, whatever the order in which goroutines append.
func TestFatesAreFollowedInTheOrderOfTheLog(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	var last, told atomic.Uint64
	p.Keys = keysWith{Store: p.Keys, follow: func(position uint64, fates []domain.Fate) error {
		if before := last.Swap(position); before > position {
			t.Errorf("position %d is followed after %d", position, before)
		}
		told.Add(uint64(len(fates)))
		return nil
	}}
	j := open(t, p)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			who := newSubject()
			stream := domain.SubjectStream(who)
			mustAppend(t, j, stream, domain.NoStream, fact(collected(clearItem(who, "email", "1", "x"))))
			mustAppend(t, j, stream, 0, fact(deleted(who, destroy(who, "email", "1"))))
			if got := shown(t, j, journal.LiveOnly, stream); got[0] != "- destroyed" {
				t.Errorf("after its deletion a value is %v", got)
			}
		})
	}
	wg.Wait()
	if told.Load() != 32 {
		t.Errorf("%d fates were followed", told.Load())
	}
}

// A trace that comes back while the deletion of its month is being carried out stays deleted.
func TestTracesDoNotOutliveTheirDeletion(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{}).open(t)
	who := newSubject()
	traces := domain.TraceStream(who, "2026-03")
	for i, month := range []domain.Epoch{"2026-01", "2026-02", "2026-03"} {
		mustAppend(t, j, traces, int64(i-1), fact(collected(clearItem(who, "page", month, "/"))))
	}
	fate := destroy(who, "page", "2026-03")
	fate.Through = true
	mustAppend(t, j, domain.SubjectStream(who), domain.NoStream, fact(deleted(who, fate)))
	want := []string{"- destroyed", "- destroyed", "- destroyed"}
	if diff := cmp.Diff(want, shown(t, j, journal.WithRetained, traces)); diff != "" {
		t.Error(diff)
	}
	_, err := j.Append(t.Context(), traces, 2, []ledger.Fact{fact(collected(clearItem(who, "page", "2026-03", "/late")))})
	if !errors.Is(err, ledger.ErrErased) {
		t.Errorf("a late trace: %v", err)
	}
	mustAppend(t, j, traces, 2, fact(collected(clearItem(who, "page", "2026-03.1", "/again"))))
}

// A key store that fails for a moment is tried again; nobody notices.
func TestATransientFailureOfTheKeyStorePasses(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	var calls atomic.Int32
	p.Keys = keysWith{Store: p.Keys, follow: func(uint64, []domain.Fate) error {
		if calls.Add(1) == 1 {
			return errCrash
		}
		return nil
	}}
	j := open(t, p)
	who := newSubject()
	mustAppend(t, j, domain.SubjectStream(who), domain.NoStream, fact(collected(clearItem(who, "email", "1", "x"))),
		fact(deleted(who, destroy(who, "email", "1"))))
	if got := shown(t, j, journal.LiveOnly, domain.SubjectStream(who)); got[0] != "- destroyed" {
		t.Errorf("the value is %v", got)
	}
}

// When the key store is lost for good, nothing is opened or appended any more: states may be out of date.
func TestWithoutItsKeyStoreTheJournalFailsClosed(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	lost := &eventstore.CorruptError{File: "keys.db", Place: "page 1", Detail: "gone"}
	p.Keys = keysWith{Store: p.Keys, follow: func(uint64, []domain.Fate) error { return lost }}
	j := open(t, p)
	who := newSubject()
	stream := domain.SubjectStream(who)
	mustAppend(t, j, stream, domain.NoStream, fact(collected(clearItem(who, "email", "1", "x"))))
	recorded := events(t, j, stream)
	_, err := j.Append(t.Context(), stream, 0, []ledger.Fact{fact(deleted(who, destroy(who, "email", "1")))})
	if !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("the deletion gives %v", err)
	}
	if _, err := j.Unseal(t.Context(), journal.LiveOnly, recorded...); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("opening a value gives %v", err)
	}
	if _, err := j.Append(t.Context(), stream, 1, []ledger.Fact{fact(subject.Used{Subject: who})}); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("another append gives %v", err)
	}
}

// A caller who gives up while fates are carried out is told that the facts stand.
func TestGivingUpWhileFatesAreCarriedOut(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	ctx, cancel := context.WithCancel(t.Context())
	p.Keys = keysWith{Store: p.Keys, follow: func(_ uint64, fates []domain.Fate) error {
		if len(fates) > 0 {
			cancel()
			<-ctx.Done()
		}
		return nil
	}}
	hold := make(chan struct{})
	inner := p.Keys.(keysWith)
	p.Keys = keysWith{Store: inner.Store, follow: func(position uint64, fates []domain.Fate) error {
		err := inner.follow(position, fates)
		<-hold
		return err
	}}
	j := open(t, p)
	who := newSubject()
	stream := domain.SubjectStream(who)
	_, err := j.Append(ctx, stream, domain.NoStream, []ledger.Fact{
		fact(collected(clearItem(who, "email", "1", "x"))), fact(deleted(who, destroy(who, "email", "1")))})
	close(hold)
	if !errors.Is(err, context.Canceled) || len(events(t, j, stream)) != 2 {
		t.Errorf("got %v", err)
	}
	mustAppend(t, j, stream, 1, fact(deleted(who, destroy(who, "email", "1"))))
	if got := shown(t, j, journal.LiveOnly, stream); got[0] != "- destroyed" {
		t.Errorf("the value is %v", got)
	}
}
