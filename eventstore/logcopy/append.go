package logcopy

import (
	"context"
	"errors"
	"fmt"

	"imagine.ua/litopys/eventstore"
)

// sequencer is a target that takes records of many streams at once, such that what it holds in the end, whatever
// failed, is a beginning of them in whole batches, a batch being consecutive records of one stream within the
// bounds of an append; done tells how many records, and the same call may be repeated. The data folder is one
// (embedded.Store.AppendRecords).
type sequencer interface {
	AppendRecords(ctx context.Context, records []eventstore.Record) (done int, err error)
}

// batch is consecutive records that go out at once: of one stream, as one append, or for a sequencer of any.
type batch struct {
	mixed   bool
	records []eventstore.Record
	bytes   int
	number  int64 // of the first in the log, from 1
}

// takes tells whether the record continues the batch within the bounds.
func (b *batch) takes(r eventstore.Record, cfg Config) bool {
	if len(b.records) >= cfg.BatchEvents || b.bytes+r.Size() > cfg.BatchBytes {
		return false
	}
	return b.mixed || len(b.records) == 0 || r.Stream == b.stream() && r.Revision == b.after()+int64(len(b.records))+1
}

// add takes a copy, since a record may share the buffer of a whole page.
func (b *batch) add(r eventstore.Record) {
	r.Data, r.Meta = append([]byte(nil), r.Data...), append([]byte(nil), r.Meta...)
	b.records = append(b.records, r)
	b.bytes += r.Size()
}

// stream and after say where a batch of one stream goes.
func (b *batch) stream() string { return b.records[0].Stream }

func (b *batch) after() int64 { return b.records[0].Revision - 1 }

// place of the last record, in the source; Start of none.
func (b *batch) place() eventstore.Position {
	if len(b.records) == 0 {
		return eventstore.Start
	}
	return b.records[len(b.records)-1].Position
}

func (b *batch) events() []eventstore.Event {
	events := make([]eventstore.Event, len(b.records))
	for i := range b.records {
		events[i] = b.records[i].Event
	}
	return events
}

// readAhead is how many batches wait while others are appended.
const readAhead = 64

// append copies what the target lacks. The source is read ahead meanwhile.
func (c *copying) append(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan *batch, readAhead)
	var reading error // the reader's until it closes the channel
	if c.filling = len(c.queue) > 0; !c.filling {
		c.inOrder, _ = c.cfg.To.(sequencer)
	}
	go func() {
		defer close(batches)
		reading = c.cut(ctx, batches)
	}()
	send := c.sender()
	l := newLanes(cancel, func(b *batch) error { return c.insist(ctx, b, send) })
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
	if c.inOrder != nil {
		room = 0
	}
	if c.filling && b.place() > c.report.From {
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
		c.report.Copied += int64(len(b.records))
		c.tell(Copying, c.report.Records+c.report.Copied, b.place())
	}
	return nil
}

// cut makes batches of the records that the target lacks.
func (c *copying) cut(ctx context.Context, to chan<- *batch) error {
	b := &batch{mixed: c.inOrder != nil}
	send := func() bool {
		if len(b.records) == 0 {
			return true
		}
		select {
		case to <- b:
			b = &batch{mixed: c.inOrder != nil}
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
		hole := b.place() <= c.report.From && r.Position > c.report.From
		if (hole || !b.takes(r, c.cfg)) && !send() {
			return ctx.Err()
		}
		if len(b.records) == 0 {
			b.number = number
		}
		b.add(r)
	}
	if !send() {
		return ctx.Err()
	}
	return nil
}

// sender gives the way that batches go out.
func (c *copying) sender() func(context.Context, *batch) (done int, err error) {
	if c.inOrder != nil {
		return func(ctx context.Context, b *batch) (int, error) { return c.inOrder.AppendRecords(ctx, b.records) }
	}
	return func(ctx context.Context, b *batch) (int, error) {
		_, err := c.cfg.To.Append(ctx, b.stream(), b.after(), b.events())
		return 0, err
	}
}

// insist sends the batch until its outcome is known. A stream that stands elsewhere than in the source
// belongs to somebody else's record, which the log did not show yet.
func (c *copying) insist(ctx context.Context, b *batch, send func(context.Context, *batch) (int, error)) error {
	pause := c.cfg.FirstWait
	for try := 1; ; try++ {
		done, err := send(ctx, b)
		if err == nil {
			return nil
		}
		at := b.records[min(done, len(b.records)-1)]
		switch {
		case errors.Is(err, eventstore.ErrWrongRevision):
			return fmt.Errorf("%w: %w", err, &DifferentError{Number: b.number + int64(done), Stream: at.Stream,
				Detail: "the stream does not stand there in the target"})
		case !errors.Is(err, eventstore.ErrUnknownOutcome) || try == c.cfg.Attempts:
			return fmt.Errorf("append to %s behind %d: %w", at.Stream, at.Revision-1, err)
		}
		if err := eventstore.Pause(ctx, pause); err != nil {
			return err
		}
		pause *= 2
	}
}
