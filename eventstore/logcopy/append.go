package logcopy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"imagine.ua/litopys/eventstore"
)

// batch is consecutive records of one stream, which go out as one append.
type batch struct {
	stream string
	after  int64 // revision that the stream stands at
	events []eventstore.Event
	bytes  int
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

// append copies everything behind the place where the logs are known to agree.
func (c *copying) append(ctx context.Context) error {
	var b batch
	for r, err := range c.cfg.From.ReadAll(ctx, c.report.From) {
		if err != nil {
			return fmt.Errorf("read the source: %w", err)
		}
		if len(b.events) > 0 && !b.takes(r, c.cfg) {
			if err := c.flush(ctx, &b); err != nil {
				return err
			}
		}
		b.add(r)
	}
	if len(b.events) == 0 {
		return nil
	}
	return c.flush(ctx, &b)
}

func (c *copying) flush(ctx context.Context, b *batch) error {
	if err := c.insist(ctx, b); err != nil {
		return err
	}
	c.report.Copied += int64(len(b.events))
	c.tell(Copying, c.report.Records+c.report.Copied, b.place)
	*b = batch{} // the store may still hold the events
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
			return fmt.Errorf("%w: %w", err, &DifferentError{Number: c.report.Records + c.report.Copied + 1, Stream: b.stream,
				Detail: "the stream does not stand there in the target"})
		case !errors.Is(err, eventstore.ErrUnknownOutcome) || try == c.cfg.Attempts:
			return fmt.Errorf("append to %s behind %d: %w", b.stream, b.after, err)
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
		pause *= 2
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
