package journal_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/memory"
	"imagine.ua/litopys/eventstore/schema"
)

// filled gives a ledger with n events in streams of ten.
func filled(t testing.TB, b *bench, n int) *journal.Journal { t.Helper(); return fill(t, b.open(t), n) }

func fill(t testing.TB, j *journal.Journal, n int) *journal.Journal {
	t.Helper()
	for i := 0; i < n; i += 10 {
		who := newSubject()
		facts := []ledger.Fact{fact(collected(clearItem(who, "email", "1", "x")))}
		for len(facts) < min(10, n-i) {
			facts = append(facts, fact(subject.Used{Subject: who}))
		}
		mustAppend(t, j, domain.SubjectStream(who), domain.NoStream, facts...)
	}
	return j
}

// Whatever the number of chunks, every event comes once, in order, from any place on.
func TestReadAllKeepsTheOrder(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 255, 256, 257, 512, 2000} {
		for _, j := range onEachLog(t, n) {
			var want []uint64
			for r, err := range j.Store().ReadAll(t.Context(), eventstore.Start) {
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, uint64(r.Position))
			}
			for _, skip := range []int{0, n / 3} {
				after := uint64(0)
				if skip > 0 {
					after = want[skip-1]
				}
				i := skip
				for r, err := range j.ReadAll(t.Context(), after) {
					if err != nil || i >= n || r.Position != want[i] {
						t.Fatalf("%d events: event %d is not the one that stands there: %v", n, i, err)
					}
					i++
				}
				if i != n {
					t.Errorf("%d events: %d came", n, i)
				}
			}
		}
	}
}

func TestReadAllCanBeLeftAnywhere(t *testing.T) {
	t.Parallel()
	for _, j := range onEachLog(t, 2000) {
		for _, leave := range []int{1, 256, 257, 1000} {
			n := 0
			for range j.ReadAll(t.Context(), 0) {
				if n++; n == leave {
					break
				}
			}
			if n != leave {
				t.Errorf("%d events came, %d were wanted", n, leave)
			}
		}
	}
}

// A read that is cut short says so, or its caller would take the part for the whole.
func TestReadAllTellsThatItWasCutShort(t *testing.T) {
	t.Parallel()
	for _, j := range onEachLog(t, 3000) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n, last := 0, error(nil)
		for _, err := range j.ReadAll(ctx, 0) {
			if n++; n == 300 {
				cancel()
			}
			last = err
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("after %d events: %v", n, last)
		}
	}
}

func TestSubscribeGoesOnWithWhatComes(t *testing.T) {
	t.Parallel()
	j := filled(t, newBench(t, memory.Config{}), 20)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen, last := 0, error(nil)
	for d, err := range j.Subscribe(ctx, 0) {
		switch last = err; {
		case err != nil:
		case d.CaughtUp && seen == 20:
			mustAppend(t, j, domain.SubjectStream(newSubject()), domain.NoStream, fact(subject.Used{Subject: newSubject()}))
		case d.CaughtUp && seen == 21:
			cancel()
		case !d.CaughtUp:
			seen++
		}
	}
	if seen != 21 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d events, then %v", seen, last)
	}
}

// changing is a log in which one record reads otherwise than it was written.
type changing struct {
	eventstore.Store
	at     int
	change func(*eventstore.Record)
}

func (c changing) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		n := 0
		for r, err := range c.Store.ReadAll(ctx, after) {
			if err == nil && n == c.at {
				c.change(&r)
			}
			if n++; !yield(r, err) {
				return
			}
		}
	}
}

func TestVerifyNamesTheFirstDamage(t *testing.T) {
	t.Parallel()
	for why, change := range map[string]func(*eventstore.Record){
		"document cut":        func(r *eventstore.Record) { r.Data = r.Data[:len(r.Data)-1] },
		"metadata gone":       func(r *eventstore.Record) { r.Meta = nil },
		"id gone":             func(r *eventstore.Record) { clear(r.ID[:]) },
		"revision skipped":    func(r *eventstore.Record) { r.Revision++ },
		"position that falls": func(r *eventstore.Record) { r.Position = 1 },
		"stream of another":   func(r *eventstore.Record) { r.Stream = "subject-x" },
		"facts of another":    func(r *eventstore.Record) { r.Data = []byte(`{"subject":"` + newSubject().String() + `"}`) },
		"value that is no seal": func(r *eventstore.Record) {
			r.Type = "DataCollected.v1"
			r.Data = append(r.Data[:len(r.Data)-1], `,"source":"s","items":[{"field":"a","epoch":"1","sealed":"AAA="}]}`...)
		},
	} {
		b := newBench(t, memory.Config{})
		if err := filled(t, b, 400).Close(); err != nil {
			t.Fatal(err)
		}
		b.store = memory.Reopen(b.store)
		p := b.parts(t)
		p.Store = changing{Store: p.Store, at: 331, change: change}
		report, err := open(t, p).Verify(t.Context())
		var damage *eventstore.CorruptError
		if !errors.As(err, &damage) || report.Records != 331 || damage.Place == "" {
			t.Errorf("%s: after %d records: %v", why, report.Records, err)
		}
	}
}

func TestVerifyReportsASoundLog(t *testing.T) {
	t.Parallel()
	j := filled(t, newBench(t, memory.Config{}), 400)
	report, err := j.Verify(t.Context())
	if err != nil || report.Records != 400 || report.Streams != 40 || report.Values != 40 {
		t.Errorf("%+v, %v", report, err)
	}
	n, last := int64(0), uint64(0)
	for leaf, err := range j.Leaves(t.Context(), 0) {
		if err != nil || leaf.Position <= last || leaf.Digest == [32]byte{} {
			t.Fatalf("leaf %d: %v", n, err)
		}
		n, last = n+1, leaf.Position
	}
	if n != report.Records || last != report.Position {
		t.Errorf("%d leaves up to %d", n, last)
	}
}

// An event of a newer program stops every reader and the opening of the ledger; none skips it.
func TestUnknownEventsStopTheReader(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	j := filled(t, b, 10)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b.store = memory.Reopen(b.store)
	_, err := b.store.Append(t.Context(), "subject-new", eventstore.NoStream, []eventstore.Event{
		{ID: newSubject().UUID, Type: "DataForgotten.v7", Data: []byte(`{}`), Meta: []byte(`{}`)}})
	if err != nil {
		t.Fatal(err)
	}
	p := b.parts(t)
	defer func() { _ = p.Keys.Close() }()
	if _, err := journal.New(t.Context(), p); !errors.Is(err, schema.ErrUnknownEvent) {
		t.Errorf("opening gives %v", err)
	}
}
