package journal_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/embedded"
	"imagine.ua/litopys/eventstore/faulty"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/memory"
)

// life is what is told of one subject while the disk fails.
type life struct {
	who   domain.SubjectID
	facts [][]ledger.Fact
}

func newLife() life {
	who := newSubject()
	return life{who, [][]ledger.Fact{
		{fact(collected(clearItem(who, "email", "1", "old"), clearItem(who, "phone", "1", "phone")))},
		{fact(subject.Edited{Subject: who, Items: []domain.Item{clearItem(who, "email", "2", "new")},
			Superseded: []domain.Fate{destroy(who, "email", "1")}})},
		{fact(deleted(who, domain.Fate{Subject: who, Field: "phone", Epoch: "1", Action: domain.Retain, Until: noon.AddDate(900, 0, 0), Rule: "tax"}))},
		{fact(subject.RetentionEnded{Subject: who, Ended: []domain.Fate{destroy(who, "phone", "1")}})},
	}}
}

func (l life) stream() domain.Stream { return domain.SubjectStream(l.who) }

// tell appends the facts after the first n until one fails, and gives how many were acknowledged.
func (l life) tell(ctx context.Context, j *journal.Journal, n int) (int, error) {
	for ; n < len(l.facts); n++ {
		if _, err := j.Append(ctx, l.stream(), int64(n-1), l.facts[n]); err != nil {
			return n, err
		}
	}
	return n, nil
}

// require checks a reopened ledger: what was acknowledged stands, each fact that stands has its fates
// carried out, nothing is damaged, and the story can go on. At its end each destroyed key has one certificate.
func (l life) require(t *testing.T, j *journal.Journal, acknowledged int) {
	t.Helper()
	if _, err := j.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	stands := len(events(t, j, l.stream()))
	if stands < acknowledged {
		t.Fatalf("%d facts were acknowledged, %d stand", acknowledged, stands)
	}
	want := [][]string{nil, {"old live", "phone live"}, {"- destroyed", "phone live", "new live"},
		{"- destroyed", "phone retained", "new live"}, {"- destroyed", "- destroyed", "new live"}}
	for {
		got := shown(t, j, journal.WithRetained, l.stream())
		if len(got) != len(want[stands]) {
			t.Fatalf("after %d facts the values are %v", stands, got)
		}
		for i := range got {
			if got[i] != want[stands][i] {
				t.Fatalf("after %d facts the values are %v", stands, got)
			}
		}
		if stands == len(l.facts) {
			requireCertified(t, j, l.who, "email 1", "phone 1")
			return
		}
		mustAppend(t, j, l.stream(), int64(stands-1), l.facts[stands]...)
		stands++
	}
}

// The i-th operation on any file fails, and everything after it, as when the machine dies. Whatever i is,
// the reopened ledger is whole. The flavours share the operations.
func TestTheDiskDiesAtTheIthOperation(t *testing.T) {
	t.Parallel()
	flavours := []faulty.Flavour{faulty.Before, faulty.After, faulty.Short}
	for first, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			t.Parallel()
			rounds := faulty.Loop(t, func(t *testing.T, i int) bool {
				in := faulty.New(faulty.Plan{})
				dir := filepath.Join(t.TempDir(), "data")
				j, err := journal.Open(t.Context(), journal.Config{Dir: dir, VFS: faulty.VFS(t, in), FS: faulty.NewFS[embedded.File](embedded.OS{}, in)})
				if err != nil {
					t.Fatal(err)
				}
				l := newLife()
				in.Arm(faulty.Plan{At: first + 1 + (i-1)*len(flavours), Flavour: flavour, Sticky: true})
				acknowledged, err := l.tell(t.Context(), j, 0)
				_, hit := in.Hit()
				if err != nil && !hit {
					t.Errorf("no failure was injected, but %v", err)
				}
				_ = j.Close() // fails with the disk
				l.require(t, openDir(t, dir), acknowledged)
				return hit
			})
			if rounds < 10 {
				t.Errorf("only %d operations were failed", rounds)
			}
		})
	}
}

// A log that fails a call once, with or without having written: Append repeats it, and the facts stand once.
func TestALogThatFailsOnce(t *testing.T) {
	t.Parallel()
	for _, flavour := range []faulty.Flavour{faulty.Before, faulty.After} {
		rounds := faulty.Loop(t, func(t *testing.T, i int) bool {
			in := faulty.New(faulty.Plan{At: i, Flavour: flavour, Only: func(op faulty.Op) bool {
				return op.Kind == "Append" && domain.Stream(op.Name).Kind() == domain.KindSubject
			}})
			p := newBench(t, memory.Config{}).parts(t)
			p.Store = faulty.NewStore(p.Store, in)
			l, j := newLife(), open(t, p)
			if n, err := l.tell(t.Context(), j, 0); err != nil || n != len(l.facts) {
				t.Errorf("%d facts, then %v", n, err)
			}
			l.require(t, j, len(l.facts))
			_, hit := in.Hit()
			return hit
		})
		if rounds != 5 {
			t.Errorf("%v: %d rounds for four appends", flavour, rounds)
		}
	}
}

// A subscription that breaks is taken up again where it broke.
func TestAFollowerWhoseSubscriptionBreaks(t *testing.T) {
	t.Parallel()
	for _, flavour := range []faulty.Flavour{faulty.Before, faulty.Short} {
		in := faulty.New(faulty.Plan{At: 1, Flavour: flavour, Err: errors.New("connection lost"),
			Only: func(op faulty.Op) bool { return op.Kind == "Subscribe" }})
		p := newBench(t, memory.Config{}).parts(t)
		p.Store = faulty.NewStore(p.Store, in)
		l, j := newLife(), open(t, p)
		l.require(t, j, 0)
		if _, hit := in.Hit(); !hit {
			t.Errorf("%v: the subscription did not break", flavour)
		}
	}
}

// A full disk refuses the append with its own error; the ledger stays readable and goes on when there is room.
func TestAFullLogIsReadable(t *testing.T) {
	t.Parallel()
	in := faulty.New(faulty.Plan{})
	p := newBench(t, memory.Config{}).parts(t)
	p.Store = faulty.NewStore(p.Store, in)
	l, j := newLife(), open(t, p)
	mustAppend(t, j, l.stream(), domain.NoStream, l.facts[0]...)
	in.Arm(faulty.Plan{At: 1, Flavour: faulty.Full, Sticky: true})
	if _, err := l.tell(t.Context(), j, 1); !errors.Is(err, eventstore.ErrFull) {
		t.Errorf("got %v", err)
	}
	if got := shown(t, j, journal.LiveOnly, l.stream()); len(got) != 2 || got[0] != "old live" {
		t.Errorf("the values are %v", got)
	}
	in.Disarm()
	l.require(t, j, 1)
}
