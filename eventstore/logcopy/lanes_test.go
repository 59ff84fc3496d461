package logcopy_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/faulty"
	"imagine.ua/litopys/eventstore/logcopy"
	"imagine.ua/litopys/eventstore/storetest"
)

// people appends what an import does: many subjects by turns, each with two streams, and now and then a
// recipient.
func people(t testing.TB, s eventstore.Store, appends int) {
	t.Helper()
	maker := storetest.NewMaker(storetest.SeedOf(t.Name()))
	heads := map[string]int64{}
	for i := range appends {
		id := uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, i*i%11))
		stream := string(domain.SubjectStream(domain.SubjectID{UUID: id}))
		switch {
		case i%13 == 5:
			stream = string(domain.RecipientStream(domain.RecipientID{UUID: id}))
		case i%3 > 0:
			stream = string(domain.TraceStream(domain.SubjectID{UUID: id}, "2015-05"))
		}
		if _, known := heads[stream]; !known {
			heads[stream] = eventstore.NoStream
		}
		done, err := s.Append(t.Context(), stream, heads[stream], maker.Batch(1+i%2))
		if err != nil {
			t.Fatal(err)
		}
		heads[stream] = done.Revision
	}
}

// orders is what a copy with several appends at once must keep.
func orders(t testing.TB, s eventstore.Store) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for r, err := range s.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		d := r.Digest()
		word := fmt.Sprintf("%s %d %x", r.Stream, r.Revision, d[:4])
		out["stream "+r.Stream] = append(out["stream "+r.Stream], word)
		owner := r.Stream[strings.Index(r.Stream, "-")+1:][:36]
		if !strings.HasPrefix(r.Stream, "recipient-") {
			out["subject "+owner] = append(out["subject "+owner], word)
		}
		if r.Revision == 0 {
			out["appearance"] = append(out["appearance"], word)
		}
	}
	return out
}

// shaky is a store that lets appends pass each other, and counts how many are under way.
type shaky struct {
	eventstore.Store
	mu      sync.Mutex
	waiting int // guarded by mu
	most    int // guarded by mu
}

// Append lets those who came later go first, where some come.
func (k *shaky) Append(ctx context.Context, stream string, expected int64, events []eventstore.Event) (eventstore.Appended, error) {
	k.mu.Lock()
	k.waiting++
	k.most = max(k.most, k.waiting)
	mine := k.waiting
	k.mu.Unlock()
	for range 50 * max(0, 4-mine) {
		runtime.Gosched() // nothing but the overlap rests on it
	}
	defer func() {
		k.mu.Lock()
		k.waiting--
		k.mu.Unlock()
	}()
	return k.Store.Append(ctx, stream, expected, events)
}

// TestSeveralAtOnce: orders that matter are kept, the digest is the source's, and appends overlap.
func TestSeveralAtOnce(t *testing.T) {
	t.Parallel()
	for to, openTo := range kinds {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			id := uuid.New()
			source, target := kinds["memory"](t, id), &shaky{Store: openTo(t, id)}
			people(t, source, 400)
			inOrder := kinds["memory"](t, id)
			want, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: inOrder})
			if err != nil {
				t.Fatal(err)
			}
			got, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: target, AtOnce: 16})
			if err != nil {
				t.Fatal(err)
			}
			if got.Digest != want.Digest || got.Records != want.Records || got.Grown {
				t.Errorf("%+v, want %+v", got, want)
			}
			if d := cmp.Diff(orders(t, source), orders(t, target)); d != "" {
				t.Errorf("an order differs:\n%s", d)
			}
			if target.most < 2 {
				t.Error("no two appends were under way at once")
			}
			again, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: target, AtOnce: 16})
			if err != nil || again.Copied != 0 || again.Digest != want.Digest {
				t.Errorf("a second copy: %+v, %v", again, err)
			}
		})
	}
}

// TestKilledWithSeveralAtOnce: a copy that is killed again and again at every operation leaves holes, which
// the next one fills; it ends whole.
func TestKilledWithSeveralAtOnce(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	source := kinds["memory"](t, id)
	people(t, source, 60)
	want := orders(t, source)
	faulty.Loop(t, func(t *testing.T, i int) bool {
		target := kinds["memory"](t, id)
		cfg := logcopy.Config{From: source, To: target, BatchEvents: 2, Attempts: 2, FirstWait: time.Nanosecond, AtOnce: 6}
		hit := false
		for again := range 3 {
			in := faulty.New(faulty.Plan{At: i + again, Flavour: faulty.After, Sticky: true})
			failing := cfg
			failing.To = &shaky{Store: faulty.NewStore(target, in)}
			_, err := logcopy.Copy(t.Context(), failing)
			if _, stopped := in.Hit(); stopped {
				hit = true
				if !errors.Is(err, faulty.ErrInjected) {
					t.Fatal(err)
				}
			}
		}
		if _, err := logcopy.Copy(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, orders(t, target)); d != "" {
			t.Errorf("an order differs:\n%s", d)
		}
		return hit
	})
}

// TestUnknownOutcomesOfSeveralAtOnce: a target that loses answers gets every record once.
func TestUnknownOutcomesOfSeveralAtOnce(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	source := kinds["memory"](t, id)
	people(t, source, 300)
	if d := cmp.Diff(orders(t, source), orders(t, copyThroughAborts(t, source, id, 16))); d != "" {
		t.Errorf("an order differs:\n%s", d)
	}
}

// TestOtherContentWithSeveralAtOnce: a target that holds something else is left alone in this way too.
func TestOtherContentWithSeveralAtOnce(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	source, other := kinds["memory"](t, id), kinds["memory"](t, id)
	people(t, source, 100)
	if _, err := other.Append(t.Context(), "subject-other", eventstore.NoStream, storetest.NewMaker(1).Batch(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := logcopy.Copy(t.Context(), logcopy.Config{From: source, To: other, AtOnce: 8}); !errors.Is(err, logcopy.ErrDifferent) {
		t.Errorf("got %v, want ErrDifferent", err)
	}
	if n := len(content(t, other)); n != 1 {
		t.Errorf("%d records, want the one", n)
	}
}

// visitors appends what an import of an access log does: so many visitors by turns, who are registered and
// then come so often.
func visitors(t testing.TB, s eventstore.Store, n, visits int) {
	t.Helper()
	maker := storetest.NewMaker(3)
	add := func(stream domain.Stream, after int64, events int) {
		if _, err := s.Append(t.Context(), string(stream), after, maker.Batch(events)); err != nil {
			t.Fatal(err)
		}
	}
	id := func(i int) domain.SubjectID {
		return domain.SubjectID{UUID: uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, i))}
	}
	for turn := range visits {
		for i := range n {
			if turn == 0 {
				add(domain.SubjectStream(id(i)), eventstore.NoStream, 5)
			}
			add(domain.TraceStream(id(i), "2015-05"), int64(turn)-1, 1)
		}
	}
}
