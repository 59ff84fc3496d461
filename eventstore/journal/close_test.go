package journal_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/memory"
)

func TestCloseWaitsForAppendsUnderWay(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	begun, hold := make(chan struct{}), make(chan struct{})
	p.Store = storeWith{Store: p.Store, before: func() error { close(begun); <-hold; return nil }}
	j := open(t, p)
	who := newSubject()
	appended, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := j.Append(t.Context(), domain.SubjectStream(who), domain.NoStream, []ledger.Fact{
			fact(collected(clearItem(who, "email", "1", "x"))), fact(deleted(who, destroy(who, "email", "1")))})
		appended <- err
	}()
	<-begun
	go func() { closed <- j.Close() }()
	select {
	case err := <-closed:
		t.Fatalf("Close came back before the append: %v", err)
	default:
	}
	close(hold)
	if err := <-appended; err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	j = b.reopen(t)
	if got := shown(t, j, journal.LiveOnly, domain.SubjectStream(who)); len(got) != 1 || got[0] != "- destroyed" {
		t.Errorf("after reopening the value is %v", got)
	}
}

func TestAfterCloseEveryCallSaysSo(t *testing.T) {
	t.Parallel()
	j := filled(t, newBench(t, memory.Config{}), 20)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	ctx, who := t.Context(), newSubject()
	calls := map[string]func() error{
		"Append": func() error {
			_, err := j.Append(ctx, domain.SubjectStream(who), domain.NoStream, []ledger.Fact{fact(subject.Used{Subject: who})})
			return err
		},
		"Open":   func() error { _, err := j.Open(ctx, nil); return err },
		"Unseal": func() error { _, err := j.Unseal(ctx, journal.LiveOnly); return err },
		"Same":   func() error { _, err := j.Same(ctx, nil, nil); return err },
		"Find":   func() error { _, err := j.Find(ctx, "email", domain.ClearValue("x")); return err },
		"Verify": func() error { _, err := j.Verify(ctx); return err },
		"Head":   func() error { _, err := j.Head(ctx); return err },
		"Events": func() error {
			for _, err := range j.Events(ctx, "subject-x", domain.NoStream) {
				return err
			}
			return nil
		},
		"ReadAll": func() error {
			for _, err := range j.ReadAll(ctx, 0) {
				return err
			}
			return nil
		},
		"Subscribe": func() error {
			for _, err := range j.Subscribe(ctx, 0) {
				return err
			}
			return nil
		},
		"Leaves": func() error {
			for _, err := range j.Leaves(ctx, 0) {
				return err
			}
			return nil
		},
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The position of the follower is written down when the journal closes, not for every event.
func TestThePositionIsRememberedOnClose(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	follows := 0
	p.Keys = keysWith{Store: p.Keys, follow: func(uint64, []domain.Fate) error { follows++; return nil }}
	j := open(t, p)
	for range 50 {
		who := newSubject()
		mustAppend(t, j, domain.SubjectStream(who), domain.NoStream, fact(subject.Used{Subject: who}))
	}
	head, err := j.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if follows > 1 {
		t.Errorf("%d writes of the position for 50 events without fates", follows)
	}
	b.store = memory.Reopen(b.store)
	p = b.parts(t)
	followed, err := p.Keys.Followed(t.Context())
	if err != nil || followed != head {
		t.Errorf("the key store has followed to %d of %d, %v", followed, head, err)
	}
	open(t, p)
}

func TestPartsOfTwoLedgersAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	_ = p.Keys.Close()
	b.dir = t.TempDir()
	p.Keys = b.keys(t, uuid.New())
	t.Cleanup(func() { _ = p.Keys.Close() })
	if _, err := journal.New(t.Context(), p); !errors.Is(err, eventstore.ErrForeign) {
		t.Errorf("got %v", err)
	}
	if _, err := journal.New(t.Context(), journal.Parts{}); err == nil {
		t.Error("a journal without parts was made")
	}
}

// Keys that followed a longer log than this one show that records are missing.
func TestALogThatEndsTooEarlyIsDamage(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	t.Cleanup(func() { _ = p.Keys.Close() })
	if err := p.Keys.Follow(t.Context(), 4711, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.New(t.Context(), p); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}
