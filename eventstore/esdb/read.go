package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"imagine.ua/litopys/eventstore"
)

// pageEvents is how many events of a stream are fetched by one call. A page is complete before its first
// record is handed out, so most streams come in one call and as they stood at it.
const pageEvents = 256

// ReadStream yields the records of a stream after a revision; see eventstore.StreamReader.
func (s *Store) ReadStream(ctx context.Context, stream string, after int64) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		ctx, done, err := s.begin(ctx)
		if err != nil {
			yield(eventstore.Record{}, fmt.Errorf("read %s: %w", stream, err))
			return
		}
		defer done()
		if stream == identityStream {
			return
		}
		if err := s.readStream(ctx, stream, after, yield); err != nil && !errors.Is(err, errStopped) {
			yield(eventstore.Record{}, err)
		}
	}
}

// errStopped says that the reader wants no more.
var errStopped = errors.New("stopped")

// readStream reads page by page up to the end as it stood before the second page: the server's reads are no
// snapshots, and without that bound a fast writer would keep a reader for ever.
func (s *Store) readStream(ctx context.Context, stream string, after int64, yield func(eventstore.Record, error) bool) error {
	after = max(after, eventstore.NoStream)
	end := int64(math.MaxInt64)
	for first := true; after < end; first = false {
		records, err := s.page(ctx, stream, after, int(min(pageEvents, end-after)))
		if err != nil {
			return err
		}
		full := len(records) == pageEvents
		if first && full {
			if end, err = s.streamHead(ctx, stream); err != nil {
				return err
			}
		}
		for _, r := range records {
			if r.Revision != after+1 {
				return s.damage(stream, fmt.Sprintf("revision %d follows %d: the stream was truncated", r.Revision, after))
			}
			if err := over(ctx); err != nil {
				return fmt.Errorf("read %s: %w", stream, err)
			}
			if !yield(r, nil) {
				return errStopped
			}
			after = r.Revision
		}
		if !full {
			return nil
		}
	}
	return nil
}

// page fetches up to count records after a revision.
func (s *Store) page(ctx context.Context, stream string, after int64, count int) ([]eventstore.Record, error) {
	if after == math.MaxInt64 {
		return nil, nil
	}
	opts := esdb.ReadStreamOptions{Direction: esdb.Forwards, From: esdb.Revision(uint64(after + 1))}
	var records []eventstore.Record
	err := s.again(ctx, "read", stream, func(ctx context.Context) (err error) {
		records, err = s.fetch(ctx, func(ctx context.Context, c *esdb.Client) (*esdb.ReadStream, error) {
			return c.ReadStream(ctx, s.cfg.Namespace+stream, opts, uint64(count))
		})
		return err
	})
	return records, err
}

// fetch runs one read to its end. A stream that does not exist has no records.
func (s *Store) fetch(ctx context.Context, open func(context.Context, *esdb.Client) (*esdb.ReadStream, error)) ([]eventstore.Record, error) {
	records, gen, err := do(ctx, s.link, func(ctx context.Context, c *esdb.Client) ([]eventstore.Record, error) {
		read, err := open(ctx, c)
		if err != nil {
			return nil, err
		}
		defer read.Close()
		return s.drain(read)
	})
	if err != nil {
		return nil, err
	}
	gen.release()
	return records, nil
}

func (s *Store) drain(read *esdb.ReadStream) ([]eventstore.Record, error) {
	var records []eventstore.Record
	for {
		e, err := read.Recv()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil && judge(err) == fateMissing {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		event, err := s.original(e)
		if err != nil {
			return nil, err
		}
		r, err := s.record(event)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
}

// StreamHead gives the revision of the stream's last event, or NoStream.
func (s *Store) StreamHead(ctx context.Context, stream string) (int64, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return 0, fmt.Errorf("head of %s: %w", stream, err)
	}
	defer done()
	if stream == identityStream {
		return eventstore.NoStream, nil
	}
	return s.streamHead(ctx, stream)
}

func (s *Store) streamHead(ctx context.Context, stream string) (int64, error) {
	head := eventstore.NoStream
	err := s.again(ctx, "head of", stream, func(ctx context.Context) error {
		records, err := s.tail(ctx, stream)
		if err == nil && len(records) > 0 {
			head = records[0].Revision
		}
		return err
	})
	return head, err
}

// tail fetches the last record of a stream, once.
func (s *Store) tail(ctx context.Context, stream string) ([]eventstore.Record, error) {
	opts := esdb.ReadStreamOptions{Direction: esdb.Backwards, From: esdb.End{}}
	return s.fetch(ctx, func(ctx context.Context, c *esdb.Client) (*esdb.ReadStream, error) {
		return c.ReadStream(ctx, s.cfg.Namespace+stream, opts, 1)
	})
}

// Head gives the position of the ledger's last record, or Start. It reads the server's log backwards, so it
// costs what others (the server's statistics) have written since.
func (s *Store) Head(ctx context.Context) (eventstore.Position, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return 0, fmt.Errorf("head: %w", err)
	}
	defer done()
	return s.head(ctx)
}

func (s *Store) head(ctx context.Context) (eventstore.Position, error) {
	var from esdb.AllPosition = esdb.End{}
	for count := uint64(16); ; count = min(2*count, 4096) {
		look, err := s.lookBack(ctx, from, count)
		if err != nil || look.at != eventstore.Start || look.next == nil {
			return look.at, err
		}
		from = *look.next
	}
}

// glance is what a look back at the server's log found: the ledger's last record, or the position to go on
// from, or neither when the log begins there.
type glance struct {
	at   eventstore.Position
	next *esdb.Position
}

func (s *Store) lookBack(ctx context.Context, from esdb.AllPosition, count uint64) (look glance, err error) {
	opts := esdb.ReadAllOptions{Direction: esdb.Backwards, From: from}
	err = s.again(ctx, "head of", "the log", func(ctx context.Context) error {
		l, gen, err := do(ctx, s.link, func(ctx context.Context, c *esdb.Client) (glance, error) {
			return s.scanBack(ctx, c, opts, count)
		})
		if err != nil {
			return err
		}
		gen.release()
		look = l
		return nil
	})
	return look, err
}

func (s *Store) scanBack(ctx context.Context, c *esdb.Client, opts esdb.ReadAllOptions, count uint64) (glance, error) {
	read, err := c.ReadAll(ctx, opts, count)
	if err != nil {
		return glance{}, err
	}
	defer read.Close()
	var next *esdb.Position
	for n := uint64(0); ; n++ {
		e, err := read.Recv()
		if errors.Is(err, io.EOF) && n < count {
			return glance{}, nil
		}
		if errors.Is(err, io.EOF) {
			return glance{next: next}, nil
		}
		if err != nil {
			return glance{}, err
		}
		event, err := s.original(e)
		if err != nil {
			return glance{}, err
		}
		if s.holds(event.StreamID) {
			at, err := s.position(event.StreamID, event.Position)
			return glance{at: at}, err
		}
		next = &esdb.Position{Commit: event.Position.Commit, Prepare: event.Position.Prepare}
	}
}

// verify makes sure that a position given by a caller is one of this ledger's records. A subscription from
// beyond the log would silently skip everything up to there, and one from another log would skip at random.
func (s *Store) verify(ctx context.Context, after eventstore.Position) error {
	if after == eventstore.Start {
		return nil
	}
	foreign := fmt.Errorf("position %d is no record of the ledger in %s (swapped or restored?): %w", after, s.place, eventstore.ErrForeign)
	if after > math.MaxInt64 {
		return foreign
	}
	err := s.again(ctx, "find position in", "the log", func(ctx context.Context) error {
		found, gen, err := do(ctx, s.link, func(ctx context.Context, c *esdb.Client) (bool, error) {
			return s.standsAt(ctx, c, after)
		})
		if err != nil {
			return err
		}
		gen.release()
		if !found {
			return foreign
		}
		return nil
	})
	if errors.Is(err, eventstore.ErrInvalid) {
		return foreign // inside a record
	}
	return err
}

// standsAt tells whether a record of the ledger stands at the position.
func (s *Store) standsAt(ctx context.Context, c *esdb.Client, at eventstore.Position) (bool, error) {
	read, err := c.ReadAll(ctx, esdb.ReadAllOptions{Direction: esdb.Forwards, From: wire(at)}, 1)
	if err != nil {
		return false, err
	}
	defer read.Close()
	e, err := read.Recv()
	if errors.Is(err, io.EOF) {
		return false, nil // beyond the log
	}
	if err != nil {
		return false, err
	}
	event, err := s.original(e)
	if err != nil {
		return false, err
	}
	return event.Position == wire(at) && s.holds(event.StreamID), nil
}
