package logcopy

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"iter"

	"imagine.ua/litopys/eventstore"
)

// watchEvery is how many records are read between two reports of progress.
const watchEvery = 4096

// pairs remembers what was read of the source and not found in the target yet. With one append at once that
// is nothing; a copy with several at once leaves holes within its window.
type pairs struct {
	queue   []*half             // of the source, in order, from the first that is not found
	missing map[location]*half  // of the queue, those not found
	sum     hash.Hash           // over the digests of all records before the queue
	emitted int64               // how many those are
	floor   eventstore.Position // of the last of them, in the source
}

// half is a record of the source that waits for its like.
type half struct {
	digest [sha256.Size]byte
	place  eventstore.Position
	found  bool
}

// location is where a record stands, whichever the log.
type location struct {
	stream   string
	revision int64
}

func newPairs() pairs { return pairs{missing: map[location]*half{}, sum: sha256.New()} }

func locationOf(r eventstore.Record) location { return location{r.Stream, r.Revision} }

// lacks tells whether the target was not seen to hold a record of the source.
func (p *pairs) lacks(r eventstore.Record) bool { return p.missing[locationOf(r)] != nil }

func (p *pairs) wait(r eventstore.Record) {
	h := &half{digest: r.Digest(), place: r.Position}
	p.queue = append(p.queue, h)
	p.missing[locationOf(r)] = h
}

// find pairs a record of the target with its like, if that was read.
func (p *pairs) find(r eventstore.Record) (equal, found bool) {
	h := p.missing[locationOf(r)]
	if h == nil {
		return false, false
	}
	if h.digest != r.Digest() {
		return false, true
	}
	delete(p.missing, locationOf(r))
	h.found = true
	for len(p.queue) > 0 && p.queue[0].found {
		p.sum.Write(p.queue[0].digest[:])
		p.emitted, p.floor = p.emitted+1, p.queue[0].place
		p.queue = p.queue[1:]
	}
	return true, true
}

// compare reads both logs from where it stopped the last time to the end of the target, and tells whether
// the source has more.
func (c *copying) compare(ctx context.Context, stage Stage) (more bool, err error) {
	ours, stop := iter.Pull2(c.cfg.From.ReadAll(ctx, c.report.From))
	defer stop()
	for got, err := range c.cfg.To.ReadAll(ctx, c.report.To) {
		if err != nil {
			return false, fmt.Errorf("read the target: %w", err)
		}
		if err := c.match(got, ours); err != nil {
			return false, err
		}
		c.report.Records++
		c.report.To = got.Position
		if c.report.Records%watchEvery == 0 {
			c.tell(stage, c.report.Records, c.report.From)
		}
	}
	c.tell(stage, c.report.Records, c.report.From)
	if stage == Verifying && c.report.Records < c.agreed+c.report.Copied {
		return false, c.different(eventstore.Record{}, "it was appended to the target, which does not show it")
	}
	if len(c.queue) > 0 {
		return true, nil
	}
	_, err, more = ours()
	if err != nil {
		return false, fmt.Errorf("read the source: %w", err)
	}
	return more, nil
}

// match reads the source until it holds the target's record, which with one append at once is the next.
func (c *copying) match(got eventstore.Record, ours func() (eventstore.Record, error, bool)) error {
	for {
		switch equal, found := c.find(got); {
		case equal:
			return nil
		case found:
			return c.different(got, "the target holds another record there")
		case c.cfg.AtOnce == 1 && len(c.queue) > 0:
			return c.different(got, "the target holds another record there (if it was copied with several appends at once, go on so)")
		case len(c.queue) > c.cfg.AtOnce*c.cfg.BatchEvents:
			return c.different(got, "the target holds another record there")
		}
		want, err, ok := ours()
		if err != nil {
			return fmt.Errorf("read the source: %w", err)
		}
		if !ok {
			return c.different(got, "the target holds it and the source does not")
		}
		c.wait(want)
		c.report.From = want.Position
	}
}

// different says where the logs part: at the first record that is not found.
func (c *copying) different(got eventstore.Record, detail string) error {
	return &DifferentError{Number: c.emitted + 1, Stream: got.Stream, Detail: detail}
}
