package faulty_test

import (
	"errors"
	"testing"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/faulty"
	"imagine.ua/litopys/eventstore/memory"
	"imagine.ua/litopys/eventstore/storetest"
)

// Without a plan the wrapper changes nothing.
func TestWrapperKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Backend{Fresh: func(testing.TB) func() eventstore.Store {
		var last *memory.Store
		return func() eventstore.Store {
			if last == nil {
				last = memory.New(memory.Config{})
			} else {
				last = memory.Reopen(last)
			}
			return faulty.NewStore(last, &faulty.Injector{})
		}
	}})
}

func TestAppendFailsInEachFlavour(t *testing.T) {
	t.Parallel()
	for flavour, want := range map[faulty.Flavour]struct {
		err  error
		head int64
	}{
		faulty.Before: {eventstore.ErrUnknownOutcome, eventstore.NoStream},
		faulty.After:  {eventstore.ErrUnknownOutcome, 1},
		faulty.Short:  {eventstore.ErrUnknownOutcome, eventstore.NoStream},
		faulty.Full:   {eventstore.ErrFull, eventstore.NoStream},
	} {
		t.Run(flavour.String(), func(t *testing.T) {
			t.Parallel()
			s := faulty.NewStore(memory.New(memory.Config{}), faulty.New(faulty.Plan{
				At: 1, Flavour: flavour, Only: func(op faulty.Op) bool { return op.Kind == "Append" },
			}))
			batch := storetest.NewMaker(1).Batch(2)
			_, err := s.Append(t.Context(), "s", eventstore.NoStream, batch)
			if !errors.Is(err, want.err) || !errors.Is(err, faulty.ErrInjected) {
				t.Errorf("append: %v, want %v", err, want.err)
			}
			if head, err := s.StreamHead(t.Context(), "s"); err != nil || head != want.head {
				t.Errorf("head %d, %v; want %d", head, err, want.head)
			}
			if got, err := s.Append(t.Context(), "s", eventstore.NoStream, batch); err != nil || got.Revision != 1 {
				t.Errorf("repeat: %+v, %v", got, err)
			}
		})
	}
}

func TestReadsAreCut(t *testing.T) {
	t.Parallel()
	for flavour, want := range map[faulty.Flavour]int{faulty.Before: 0, faulty.Short: 1, faulty.After: 3} {
		in := &faulty.Injector{}
		s := faulty.NewStore(memory.New(memory.Config{}), in)
		if _, err := s.Append(t.Context(), "s", eventstore.NoStream, storetest.NewMaker(1).Batch(3)); err != nil {
			t.Fatal(err)
		}
		in.Arm(faulty.Plan{At: 1, Flavour: flavour, Err: eventstore.ErrCorrupt})
		n, last := 0, error(nil)
		for _, err := range s.ReadAll(t.Context(), eventstore.Start) {
			if last = err; err == nil {
				n++
			}
		}
		if n != want || !errors.Is(last, eventstore.ErrCorrupt) {
			t.Errorf("%v: %d records and %v, want %d and %v", flavour, n, last, want, eventstore.ErrCorrupt)
		}
	}
}
