package embedded

import (
	"context"
	"errors"

	"imagine.ua/litopys/eventstore"
)

// errBroken is the outcome of a request behind one that was not written. Nobody outside sees it.
var errBroken = errors.New("an append before it was not written")

// AppendRecords appends records of any number of streams in their order, each to the revision it says; their
// positions are not looked at. It is for who moves a log: consecutive records of one stream are a batch, as
// Append takes it, and many batches share a commit.
//
// What is written is always a beginning of the records, in whole batches, and done tells how many: a batch is
// never written when one before it was not, whatever failed and wherever the process died. The same call may
// be repeated, then batches that stand there already, whole, count as done. Each batch has the bounds of Append,
// which are looked at before anything is written; the errors are those of Append, for the first batch that
// was not written.
func (s *Store) AppendRecords(ctx context.Context, records []eventstore.Record) (done int, err error) {
	batches := batchesOf(records)
	for _, b := range batches {
		if err := eventstore.Check(b.stream, b.expected, b.events); err != nil {
			return 0, err
		}
	}
	for len(batches) > 0 {
		n, err := s.appendChain(ctx, batches)
		for _, b := range batches[:n] {
			done += len(b.events)
		}
		if err != nil {
			return done, err
		}
		batches = batches[n:]
	}
	return done, nil
}

// batch is what one Append takes.
type batch struct {
	stream   string
	expected int64
	events   []eventstore.Event
}

func batchesOf(records []eventstore.Record) (batches []batch) {
	size := 0
	for _, r := range records {
		last := len(batches) - 1
		if last < 0 || batches[last].stream != r.Stream || r.Revision != batches[last].expected+int64(len(batches[last].events))+1 ||
			size+r.Size() > eventstore.MaxAppendBytes {
			batches = append(batches, batch{stream: r.Stream, expected: r.Revision - 1})
			last, size = last+1, 0
		}
		batches[last].events = append(batches[last].events, r.Event)
		size += r.Size()
	}
	return batches
}

// appendChain hands all batches to the writer at once and gives how many, from the first, are in the log. It
// stops without an error behind a batch that was there before.
func (s *Store) appendChain(ctx context.Context, batches []batch) (done int, err error) {
	if err := s.alive(ctx); err != nil {
		return 0, err
	}
	chain := make([]*request, len(batches))
	for i, b := range batches {
		known, err := s.lookAhead(ctx, b.stream)
		if err != nil {
			return 0, err
		}
		chain[i] = s.requests.get(b.stream, b.expected, b.events)
		chain[i].known = known
		if i > 0 {
			chain[i].after = chain[i-1]
		}
	}
	if err := s.queue.put(chain...); err != nil {
		return 0, err
	}
	chain, err = awaitChain(ctx, chain)
	// Only now: the writer looks at a request when it decides about the one behind it.
	defer func() {
		for _, r := range chain {
			s.requests.put(r)
		}
	}()
	for i, r := range chain {
		if r.outcome.behind {
			if _, err := s.repeated(ctx, r); err != nil {
				return i, err
			}
			return i + 1, nil
		}
		if r.outcome.err != nil {
			return i, r.outcome.err
		}
	}
	return len(chain), err
}

// awaitChain waits for the writer's answers. When the context ends first, what the writer has not taken is
// withdrawn, from the end, so that the writer, which takes from the front, never takes one behind a gap; the
// rest is answered. It gives the requests that were.
func awaitChain(ctx context.Context, chain []*request) ([]*request, error) {
	var err error
	for i := 0; i < len(chain); i++ {
		if err != nil {
			<-chain[i].done
			continue
		}
		select {
		case <-chain[i].done:
		case <-ctx.Done():
			for len(chain) > i && chain[len(chain)-1].taken.CompareAndSwap(false, true) {
				chain = chain[:len(chain)-1]
				err = ctx.Err()
			}
			if i < len(chain) {
				<-chain[i].done
			}
		}
	}
	return chain, err
}
