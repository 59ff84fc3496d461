package export

import (
	"bytes"
	"context"
	"runtime"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
)

const (
	// stripRecords is how many records go to one processor at a time.
	stripRecords = 256
	// stripReads is after how many records read a strip goes out though it is not full, so that a filter that
	// lets nothing through does not look like a standstill.
	stripReads = 16 << 10
)

// strip is a run of records on its way from the log to the writer.
type strip struct {
	records  []eventstore.Record // those whose type is let through
	read     int64               // records read for it
	position uint64              // of the last one read
	lines    []line
	out      []byte // rendered lines
	err      error  // comes after out
	rendered chan struct{}
	ids      []uuid.UUID
	scratch  []byte
	states   map[uuid.UUID]keys.Key
}

func newStrip() *strip {
	return &strip{records: make([]eventstore.Record, 0, stripRecords), states: map[uuid.UUID]keys.Key{}}
}

// reset makes a strip empty and keeps its memory.
func (c *strip) reset() {
	clear(c.records)
	clear(c.lines)
	clear(c.states)
	*c = strip{records: c.records[:0], lines: c.lines[:0], out: c.out[:0], ids: c.ids[:0], scratch: c.scratch, states: c.states}
}

// render decodes and renders what the strip holds. Lines before a record that fails are rendered.
func (c *strip) render(ctx context.Context, s *sieve, states KeyStates) {
	defer close(c.rendered)
	fail := func(err error) {
		if err != nil {
			c.err = err // comes before whatever ended the reading
		}
	}
	for _, r := range c.records {
		l, ok, err := s.let(r)
		if err == nil && ok && states != nil {
			n := len(c.ids)
			if c.ids, err = keyIDs(c.ids, r.Data, &c.scratch); err != nil {
				c.ids = c.ids[:n]
				err = damaged(r, err)
			}
		}
		if err != nil {
			fail(err)
			break
		}
		if ok {
			c.lines = append(c.lines, l)
		}
	}
	if err := c.ask(ctx, states); err != nil {
		fail(err)
		return
	}
	for i := range c.lines {
		c.out = appendLine(c.out, &c.lines[i], c.states)
	}
}

func damaged(r eventstore.Record, err error) error {
	return placed(r, &eventstore.CorruptError{File: "log", Place: "its document", Detail: err.Error()})
}

// ask finds out the states of the keys of all lines at once.
func (c *strip) ask(ctx context.Context, states KeyStates) error {
	if len(c.ids) == 0 {
		return nil
	}
	c.ids = distinct(c.ids)
	found, err := states.Open(ctx, c.ids)
	if err != nil {
		return err
	}
	for i, id := range c.ids {
		c.states[id] = found[i].Bare()
	}
	return nil
}

// limit gives the lines that are to be written, at most so many when they are limited. The position then is
// that of the last of them.
func (c *strip) limit(most int64, limited bool) (out []byte, lines int64) {
	lines = int64(len(c.lines))
	if len(c.out) == 0 {
		return nil, 0
	}
	if !limited || lines < most {
		return c.out, lines
	}
	end := 0
	for range most {
		end += bytes.IndexByte(c.out[end:], '\n') + 1
	}
	c.position = uint64(c.lines[most-1].record.Position)
	return c.out[:end], most
}

// replay reads strips in one goroutine, renders them in some, and gives them in the order of the log.
type replay struct {
	ordered chan *strip
	work    chan *strip
	spare   chan *strip
}

func startReplay(ctx context.Context, from LogSource, f LogFilter) *replay {
	n := runtime.GOMAXPROCS(0)
	p := &replay{ordered: make(chan *strip, 2*n), work: make(chan *strip, 2*n), spare: make(chan *strip, 4*n)}
	s := newSieve(f)
	for range n {
		go func() {
			for c := range p.work {
				c.render(ctx, s, from.Keys)
			}
		}()
	}
	go p.read(ctx, from.Log, s)
	return p
}

// read fills strips until the log ends. An ended context is an error like any other: what was read until then
// must not pass for the whole log.
func (p *replay) read(ctx context.Context, log eventstore.LogReader, s *sieve) {
	defer close(p.ordered)
	defer close(p.work)
	c := p.next()
	for r, err := range log.ReadAll(ctx, eventstore.Position(s.After)) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			c.err = err
			break
		}
		c.read++
		c.position = uint64(r.Position)
		if s.typed(r.Type) {
			c.records = append(c.records, r)
		}
		if len(c.records) == stripRecords || c.read == stripReads {
			p.send(c)
			c = p.next()
		}
	}
	if c.err == nil {
		c.err = ctx.Err()
	}
	if c.read > 0 || c.err != nil {
		p.send(c)
	}
}

func (p *replay) send(c *strip) {
	p.work <- c
	p.ordered <- c
}

// next gives an empty strip, one that was written before when there is one.
func (p *replay) next() *strip {
	var c *strip
	select {
	case c = <-p.spare:
		c.reset()
	default:
		c = newStrip()
	}
	c.rendered = make(chan struct{})
	return c
}

func (p *replay) reuse(c *strip) {
	select {
	case p.spare <- c:
	default:
	}
}

// drain ends the goroutines when the caller leaves early, and waits for the reader, who uses the store, and
// for the others, who use the keys.
func (p *replay) drain(cancel context.CancelFunc) {
	cancel()
	for c := range p.ordered {
		<-c.rendered
	}
}
