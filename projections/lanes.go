package projections

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"imagine.ua/litopys/domain"
)

// A reading of the log feeds one goroutine a projection, its lane, by short channels, so that what is in
// memory stays bounded and the slowest of them sets the pace:
//
//	reader ── chunks of events ──▶ one lane a projection (fold, melt) ──▶ spool (rebuild) or backend (tail)

const (
	chunkEvents = 512
	// chunksAhead is how far the reader goes on while a lane sorts and writes its batch: with fewer, processors
	// stand idle meanwhile.
	chunksAhead = 8
	// drainBytes is when rows that only append leave memory: more would not make the write cheaper.
	drainBytes = 256 << 10
	// leastRun is how much of rows that melt a lane keeps at least: small runs melt little.
	leastRun = 1 << 20
	// leastStretch of a Log table is bookmarked at once.
	leastStretch = 32 << 20
)

// lane is one projection within a rebuild or a check.
type lane struct {
	p       *Projection
	build   Build
	batch   *Batch
	spool   *spool // where rows go until the log is read; nil: batches are committed
	bounded bool
	until   uint64 // when bounded: position after which events are left alone
	failure *FailureError
	chunks  chan *chunk
	size    atomic.Int64 // bytes in the batch, as other lanes see it
}

// chunk is some events. All lanes read it, none changes it, and the last one gives it back.
type chunk struct {
	events []domain.Recorded
	users  atomic.Int32
}

// load is one reading of the log that feeds lanes.
type load struct {
	cfg    Config
	cancel context.CancelCauseFunc
	lanes  []*lane
	held   atomic.Int64 // bytes in batches
	spare  chan *chunk
	room   spare                             // of all packed batches
	head   uint64                            // the reading ends after this position; 0: at the end of the log
	read   func(last domain.Recorded, n int) // hears of every chunk that was handed out
}

// run reads the log after a position to its end and returns when the lanes have folded it all, also when the
// log breaks off. When it ends early, lanes with a spool bookmark what they have.
func (l *load) run(parent context.Context, lanes []*lane, after uint64) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	l.cancel, l.lanes = cancel, lanes
	l.spare = make(chan *chunk, len(lanes)*chunksAhead)
	var folding sync.WaitGroup
	for _, x := range lanes {
		x.chunks = make(chan *chunk, chunksAhead)
		x.batch.spare = &l.room
		l.held.Add(int64(x.batch.Size()))
		folding.Go(func() { l.follow(ctx, x) })
	}
	err := l.feed(ctx, lanes, after)
	for _, x := range lanes {
		close(x.chunks)
	}
	folding.Wait()
	l.room.drop()
	// Not before: what was read until the log broke off is folded, and need not be read again.
	if err != nil {
		cancel(err)
	}
	return context.Cause(ctx)
}

func (l *load) feed(ctx context.Context, lanes []*lane, after uint64) error {
	c := l.chunk()
	for rec, err := range l.cfg.Source.ReadAll(ctx, after) {
		if err != nil {
			return errors.Join(l.hand(ctx, lanes, c), &sourceError{err})
		}
		if l.head > 0 && rec.Position > l.head {
			break
		}
		if c.events = append(c.events, rec); len(c.events) < chunkEvents {
			continue
		}
		if err := l.hand(ctx, lanes, c); err != nil {
			return err
		}
		c = l.chunk()
	}
	return l.hand(ctx, lanes, c)
}

// chunk gives an empty one, of those that came back if there is one.
func (l *load) chunk() *chunk {
	select {
	case c := <-l.spare:
		return c
	default:
		return &chunk{events: make([]domain.Recorded, 0, chunkEvents)}
	}
}

func (l *load) hand(ctx context.Context, lanes []*lane, c *chunk) error {
	if len(c.events) == 0 {
		return context.Cause(ctx)
	}
	c.users.Store(int32(len(lanes))) // #nosec G115 -- a handful
	last, n := c.events[len(c.events)-1], len(c.events)
	for _, x := range lanes {
		select {
		case x.chunks <- c:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	l.read(last, n)
	return nil
}

func (l *load) giveBack(c *chunk) {
	if c.users.Add(-1) > 0 {
		return
	}
	clear(c.events)
	c.events = c.events[:0]
	select {
	case l.spare <- c:
	default:
	}
}

// follow takes chunks until there are no more. The first error of a lane ends the whole load.
func (l *load) follow(ctx context.Context, x *lane) {
	err := error(nil)
	for c := range x.chunks {
		if err == nil && x.failure == nil && ctx.Err() == nil {
			if err = l.fold(ctx, x, c.events); err != nil {
				l.cancel(fmt.Errorf("projection %s: %w", x.p.Name, err))
			}
		}
		l.giveBack(c)
	}
	if err != nil {
		return
	}
	if err = l.finish(ctx, x); err != nil {
		l.cancel(fmt.Errorf("projection %s: %w", x.p.Name, err))
	}
}

// finish leaves the lane so that the next step, or the next rebuild, can go on from it.
func (l *load) finish(ctx context.Context, x *lane) error {
	switch {
	case x.spool != nil:
		return l.flush(ctx, x)
	case ctx.Err() == nil && x.failure == nil && (!x.batch.Empty() || x.build.Failure != nil):
		return l.flush(ctx, x)
	}
	return nil
}

func (l *load) fold(ctx context.Context, x *lane, events []domain.Recorded) error {
	before := x.batch.Size()
	for i := range events {
		if x.bounded && events[i].Position > x.until {
			break
		}
		if err := x.batch.apply(&events[i]); err != nil {
			if !errors.As(err, &x.failure) {
				return err
			}
			x.failure.Failure.At = l.cfg.Now().UTC().Truncate(time.Microsecond)
			if x.spool == nil {
				return l.flush(ctx, x)
			}
			break
		}
	}
	l.held.Add(int64(x.batch.Size() - before))
	if x.spool != nil {
		before = x.batch.Size()
		if err := x.spool.drain(x.batch, drainBytes); err != nil {
			return err
		}
		l.held.Add(int64(x.batch.Size() - before))
	}
	x.size.Store(int64(x.batch.Size()))
	if x.failure == nil && l.full(x) {
		return l.flush(ctx, x)
	}
	return nil
}

// full tells whether the lane's batch should go out: rows that melt as late as memory allows, since one
// sorted run costs less than two, and the largest batch first.
func (l *load) full(x *lane) bool {
	bound, size := int64(l.cfg.RebuildBytes), int64(x.batch.Size())
	if x.spool != nil && x.spool.fresh >= min(bound, leastStretch) {
		return true
	}
	return size >= min(bound, leastRun) && l.held.Load() > bound && size >= l.largest()
}

func (l *load) largest() (n int64) {
	for _, x := range l.lanes {
		n = max(n, x.size.Load())
	}
	return n
}

// flush takes the rows out of memory: to the spool, with a bookmark, or to the backend.
func (l *load) flush(ctx context.Context, x *lane) error {
	size := int64(x.batch.Size())
	x.size.Store(0)
	if x.spool != nil {
		if err := x.spool.put(x.batch); err != nil {
			return err
		}
		l.held.Add(-size)
		return nil
	}
	b := x.batch
	c := Commit{Projection: x.p, Number: x.build.Number, From: b.From(), To: b.Mark(), Events: b.Events()}
	if x.failure != nil {
		c.Failure = &x.failure.Failure
	}
	c.Changes = b.Changes()
	if err := l.cfg.Backend.Commit(ctx, c); err != nil {
		return err
	}
	x.build.Mark, x.build.Failure = c.To, c.Failure
	x.build.Events += c.Events
	x.batch = NewBatch(x.p, c.To)
	l.held.Add(-size)
	return nil
}
