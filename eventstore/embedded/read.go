package embedded

import (
	"context"
	"fmt"
	"iter"
	"math"

	"imagine.ua/litopys/eventstore"
)

const (
	// firstWindow is how many revisions the first lookup of a stream read asks for: most streams are
	// shorter, and are read with one lookup.
	firstWindow = 64
	lastWindow  = 2048 // a window grows up to this
)

// ReadAll implements eventstore.LogReader. The end is taken when the loop begins. No resource is held while
// the loop's body runs, but the next pages may be read meanwhile.
func (s *Store) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		err := s.scan(ctx, after, nil, func(c *comingPage) bool {
			for i := range c.records {
				if !yield(c.records[i], nil) {
					return false
				}
			}
			return true
		})
		if err != nil {
			yield(eventstore.Record{}, err)
		}
	}
}

// ReadPages reads what ReadAll does, for a reader who keeps no part of the records. They come to work in runs
// of some hundred, several runs at the same time and each in the goroutine that has read it; when work returns,
// their bytes are used again. What work gives for each run is called in the order of the log, from the
// goroutine of the caller, until one of the calls gives false: that ends the reading without an error.
func (s *Store) ReadPages(ctx context.Context, after eventstore.Position, work func([]eventstore.Record) (hand func() bool)) error {
	return s.scan(ctx, after, work, func(c *comingPage) bool { return c.hand() })
}

// scan takes the pages of the log in order until take gives false.
func (s *Store) scan(ctx context.Context, after eventstore.Position, work func([]eventstore.Record) func() bool, take func(*comingPage) bool) error {
	end := s.committed.Load()
	ahead := newReadAhead(s.log, uint64(after)+1, end, work)
	defer ahead.wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for at := uint64(after); ; {
		if err := s.alive(ctx); err != nil || at >= end {
			return err
		}
		c, err := ahead.next(ctx)
		if err != nil {
			return err
		}
		if !take(c) {
			return nil
		}
		at += uint64(len(c.records))
	}
}

// ReadStream implements eventstore.StreamReader. The end is taken when the loop begins. No resource is held
// while the loop's body runs.
func (s *Store) ReadStream(ctx context.Context, stream string, after int64) iter.Seq2[eventstore.Record, error] {
	return s.readStream(ctx, stream, after, firstWindow)
}

// readStream looks for as many as window revisions at first.
func (s *Store) readStream(ctx context.Context, stream string, after int64, window int) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		if after = max(after, eventstore.NoStream); after == math.MaxInt64 {
			return
		}
		r := streamReader{store: s, stream: stream, page: newPage(), next: after + 1, end: s.committed.Load()}
		for size := int64(window); ; size = min(4*size, lastWindow) {
			more, err := r.window(ctx, size, yield)
			if err != nil {
				yield(eventstore.Record{}, err)
			}
			if !more || err != nil {
				return
			}
		}
	}
}

// streamReader is a read of one stream under way.
type streamReader struct {
	store  *Store
	stream string
	page   *page
	next   int64  // the revision to yield next
	end    uint64 // the log's end when the read began
}

// window yields the next size revisions, or those that there are. It tells whether there may be more.
func (r *streamReader) window(ctx context.Context, size int64, yield func(eventstore.Record, error) bool) (bool, error) {
	if err := r.store.alive(ctx); err != nil {
		return false, err
	}
	to := r.next + min(size, math.MaxInt64-r.next)
	entries, err := r.store.index.window(ctx, r.stream, r.next, to)
	if err != nil {
		return false, err
	}
	for len(entries) > 0 {
		records, err := r.store.log.pick(ctx, r.page, entries)
		if err != nil {
			return false, err
		}
		for i := range records {
			if more, err := r.yield(&records[i], entries[i], yield); !more || err != nil {
				return false, err
			}
		}
		entries = entries[len(records):]
		if err := r.store.alive(ctx); err != nil {
			return false, err
		}
	}
	return r.next == to, nil
}

// yield hands one record over, unless it is of a stream with the same hash.
func (r *streamReader) yield(record *eventstore.Record, e entry, yield func(eventstore.Record, error) bool) (bool, error) {
	if record.Stream != r.stream && r.store.index.hash(record.Stream) == e.hash {
		return true, nil
	}
	if record.Stream != r.stream || record.Revision != e.rev {
		return false, &eventstore.CorruptError{
			File:   r.store.index.dir,
			Place:  fmt.Sprintf("entry of record %d", e.seq),
			Detail: "the record is not the one that the entry speaks of",
		}
	}
	if uint64(record.Position) > r.end {
		return false, nil
	}
	if record.Revision != r.next {
		return false, r.store.shortStream(r.stream, r.next)
	}
	r.next++
	return yield(*record, nil), nil
}
