package logcopy

import (
	"context"
	"errors"
	"fmt"

	"imagine.ua/litopys/eventstore"
)

// batch is consecutive records of one stream, which go out as one append.
type batch struct {
	stream string
	after  int64 // revision that the stream stands at
	events []eventstore.Event
	bytes  int
	number int64               // of the first in the log, from 1
	place  eventstore.Position // of the last, in the source
}

// takes tells whether the record continues the batch within the bounds.
func (b *batch) takes(r eventstore.Record, cfg Config) bool {
	return len(b.events) < cfg.BatchEvents && b.bytes+r.Size() <= cfg.BatchBytes &&
		r.Stream == b.stream && r.Revision == b.after+int64(len(b.events))+1
}

// add takes a copy, since a record may share the buffer of a whole page.
func (b *batch) add(r eventstore.Record) {
	if len(b.events) == 0 {
		b.stream, b.after = r.Stream, r.Revision-1
	}
	b.events = append(b.events, eventstore.Event{ID: r.ID, Type: r.Type,
		Data: append([]byte(nil), r.Data...), Meta: append([]byte(nil), r.Meta...)})
	b.bytes += r.Size()
	b.place = r.Position
}

// readAhead is how many batches wait while others are appended.
const readAhead = 64

// append copies what the target lacks. The source is read ahead meanwhile.
func (c *copying) append(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan *batch, readAhead)
	var reading error // the reader's until it closes the channel
	c.filling = len(c.queue) > 0
	go func() {
		defer close(batches)
		reading = c.cut(ctx, batches)
	}()
	l := newLanes(cancel, func(b *batch) error { return c.insist(ctx, b) })
	var err error
	for b := range batches {
		if err = c.launch(l, b); err != nil {
			break
		}
	}
	if err == nil {
		err = c.land(l, 0)
	}
	cancel()
	for range batches { // until the reader has ended
	}
	l.wait()
	if err == nil {
		err = reading
	}
	return err
}

// launch sends a batch on its way. The holes that an earlier copy has left are filled before anything goes
// behind them, so that no hole ever lies further back than one window.
func (c *copying) launch(l *lanes, b *batch) error {
	room := c.cfg.AtOnce - 1
	if c.filling && b.place > c.report.From {
		c.filling, room = false, 0
	}
	if err := c.land(l, room); err != nil {
		return err
	}
	l.start(b)
	return nil
}

// land waits until no more than so many batches are under way, and counts those that the target has taken.
func (c *copying) land(l *lanes, left int) error {
	for len(l.window) > left {
		b, err := l.oldest()
		if err != nil {
			return err
		}
		c.report.Copied += int64(len(b.events))
		c.tell(Copying, c.report.Records+c.report.Copied, b.place)
	}
	return nil
}

// cut makes batches of the records that the target lacks.
func (c *copying) cut(ctx context.Context, to chan<- *batch) error {
	b := &batch{}
	send := func() bool {
		if len(b.events) == 0 {
			return true
		}
		select {
		case to <- b:
			b = &batch{}
			return true
		case <-ctx.Done():
			return false
		}
	}
	number := c.emitted
	for r, err := range c.cfg.From.ReadAll(ctx, c.floor) {
		if err != nil {
			return fmt.Errorf("read the source: %w", err)
		}
		number++
		if r.Position <= c.report.From && !c.lacks(r) {
			continue
		}
		hole := b.place <= c.report.From && r.Position > c.report.From
		if (hole || !b.takes(r, c.cfg)) && !send() {
			return ctx.Err()
		}
		if len(b.events) == 0 {
			b.number = number
		}
		b.add(r)
	}
	if !send() {
		return ctx.Err()
	}
	return nil
}

// insist sends the batch until its outcome is known. A stream that stands elsewhere than in the source
// belongs to somebody else's record, which the log did not show yet.
func (c *copying) insist(ctx context.Context, b *batch) error {
	pause := c.cfg.FirstWait
	for try := 1; ; try++ {
		_, err := c.cfg.To.Append(ctx, b.stream, b.after, b.events)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, eventstore.ErrWrongRevision):
			return fmt.Errorf("%w: %w", err, &DifferentError{Number: b.number, Stream: b.stream,
				Detail: "the stream does not stand there in the target"})
		case !errors.Is(err, eventstore.ErrUnknownOutcome) || try == c.cfg.Attempts:
			return fmt.Errorf("append to %s behind %d: %w", b.stream, b.after, err)
		}
		if err := eventstore.Pause(ctx, pause); err != nil {
			return err
		}
		pause *= 2
	}
}
