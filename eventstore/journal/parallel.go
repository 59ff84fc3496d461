package journal

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
)

const (
	// chunkEvents is how many records go to one decoder at a time. The first chunk of a read is decoded by
	// the caller's own goroutine, so short reads start none.
	chunkEvents = 256
	// maxDecoders bounds the goroutines; one scan cannot feed more.
	maxDecoders = 4
)

// ReadAll yields every event after the position up to the end of the log as it stood when the loop began,
// or later, with sealed values. Records are decoded by several goroutines and handed over in order. An
// error comes once and last.
func (j *Journal) ReadAll(ctx context.Context, after uint64) iter.Seq2[domain.Recorded, error] {
	return func(yield func(domain.Recorded, error) bool) {
		if pages, ok := j.store.(pageReader); ok {
			readPages(ctx, pages, eventstore.Position(after), yield)
			return
		}
		first := newChunk()
		full := first.fill(j.store.ReadAll(ctx, eventstore.Position(after)))
		first.decodeOwn()
		last := first.end()
		if !first.hand(yield) || !full {
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		p := startPipeline(ctx, j.store.ReadAll(ctx, last))
		defer p.drain(cancel)
		for c := range p.ordered {
			<-c.decoded
			if !c.hand(yield) {
				return
			}
		}
	}
}

// pageReader is a store that works on its records in the goroutines that read them, and lends their bytes
// instead of giving them away; see embedded.Store. To decode there costs a fifth less than behind ReadAll.
type pageReader interface {
	ReadPages(ctx context.Context, after eventstore.Position, work func([]eventstore.Record) (hand func() bool)) error
}

func readPages(ctx context.Context, log pageReader, after eventstore.Position, yield func(domain.Recorded, error) bool) {
	err := log.ReadPages(ctx, after, func(records []eventstore.Record) func() bool {
		c := newChunk()
		c.decode(records)
		return func() bool { return c.hand(yield) }
	})
	if err != nil {
		yield(domain.Recorded{}, fmt.Errorf("read the log: %w", err))
	}
}

// chunk is a run of records on its way through the decoders.
type chunk struct {
	*tray
	err     error // comes after events
	decoded chan struct{}
}

// tray is what a chunk is laid out in. It is used again, since it weighs as much as what it carries.
type tray struct {
	records []eventstore.Record
	events  []domain.Recorded
}

var trays = sync.Pool{New: func() any {
	return &tray{records: make([]eventstore.Record, 0, chunkEvents), events: make([]domain.Recorded, 0, chunkEvents)}
}}

func newChunk() *chunk {
	return &chunk{tray: trays.Get().(*tray), decoded: make(chan struct{})}
}

// release gives the tray back. Nobody may use the chunk any more.
func (c *chunk) release() {
	clear(c.events)
	c.records, c.events = c.records[:0], c.events[:0]
	trays.Put(c.tray)
	c.tray = nil
}

// add takes a record or the read's error, and tells whether the chunk has room for more.
func (c *chunk) add(r eventstore.Record, err error) bool {
	if err != nil {
		c.err = fmt.Errorf("read the log: %w", err)
		return false
	}
	c.records = append(c.records, r)
	return len(c.records) < chunkEvents
}

// fill takes records until the chunk is full, and tells whether it is.
func (c *chunk) fill(records iter.Seq2[eventstore.Record, error]) bool {
	for r, err := range records {
		if !c.add(r, err) {
			break
		}
	}
	return len(c.records) == chunkEvents
}

// end is the position of the last event; 0 when there is none.
func (c *chunk) end() eventstore.Position {
	if len(c.events) == 0 {
		return 0
	}
	return eventstore.Position(c.events[len(c.events)-1].Position)
}

// decode decodes records up to the first that can't be.
func (c *chunk) decode(records []eventstore.Record) {
	c.events = slices.Grow(c.events, len(records))
	for i := range records {
		c.events = c.events[:i+1]
		if err := decodeTo(&c.events[i], &records[i]); err != nil {
			c.events, c.err = c.events[:i], err
			break
		}
	}
}

// decodeOwn decodes what the chunk was filled with.
func (c *chunk) decodeOwn() {
	c.decode(c.records)
	clear(c.records) // the bytes of the log
	close(c.decoded)
}

// hand yields the chunk's events, then its error, and tells whether to go on. It is the end of the chunk.
func (c *chunk) hand(yield func(domain.Recorded, error) bool) bool {
	defer c.release()
	for _, e := range c.events {
		if !yield(e, nil) {
			return false
		}
	}
	if c.err != nil {
		yield(domain.Recorded{}, c.err)
		return false
	}
	return true
}

// pipeline reads chunks in one goroutine, decodes them in some, and gives them in the order of the log.
type pipeline struct {
	ordered chan *chunk
	work    chan *chunk
}

func startPipeline(ctx context.Context, records iter.Seq2[eventstore.Record, error]) *pipeline {
	n := min(runtime.GOMAXPROCS(0), maxDecoders)
	p := &pipeline{ordered: make(chan *chunk, 2*n), work: make(chan *chunk, 2*n)}
	for range n {
		go func() {
			for c := range p.work {
				c.decodeOwn()
			}
		}()
	}
	go p.read(ctx, records)
	return p
}

// read fills chunks until the records end. An ended context is an error like any other: what was read until
// then must not pass for the whole log.
func (p *pipeline) read(ctx context.Context, records iter.Seq2[eventstore.Record, error]) {
	defer close(p.ordered)
	defer close(p.work)
	c := newChunk()
	for r, err := range records {
		if c.add(r, err) {
			continue
		}
		if c.err == nil && ctx.Err() == nil {
			p.send(c)
			c = newChunk()
			continue
		}
		break
	}
	if c.err == nil && ctx.Err() != nil {
		c.err = fmt.Errorf("read the log: %w", ctx.Err())
	}
	p.send(c)
}

func (p *pipeline) send(c *chunk) {
	p.work <- c
	p.ordered <- c
}

// drain ends the goroutines when the caller leaves early, and waits for the reader, who uses the store.
func (p *pipeline) drain(cancel context.CancelFunc) {
	cancel()
	for c := range p.ordered {
		<-c.decoded
	}
}
