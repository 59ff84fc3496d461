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

// A rebuild is three kinds of goroutines joined by short channels, so that what is in memory stays bounded
// and the slowest of them sets the pace:
//
//	reader ── chunks of events ──▶ one lane a projection (fold, melt) ── batches ──▶ its loader (sort, write)

const (
	chunkEvents = 512
	chunksAhead = 4
	// logBatchBytes is when a batch of rows that only append goes out: waiting would not melt it.
	logBatchBytes = 4 << 20
)

// lane is one projection within a rebuild.
type lane struct {
	p       *Projection
	build   Build
	batch   *Batch
	failure *FailureError
	stalled bool // the build had stopped at an event before; the next commit says that it goes on
	chunks  chan []domain.Recorded
	batches chan work // folded, to be written in this order
}

// load is one reading of the log that feeds all lanes.
type load struct {
	rebuild *rebuild
	cancel  context.CancelCauseFunc
	held    atomic.Int64 // bytes in batches: being folded, waiting and being written
}

type work struct {
	batch *Batch
	fail  *Failure
}

// load reads the log from the least of the marks to its end and returns when all that was folded is
// committed. A cancelled context leaves what was committed.
func (r *rebuild) load(parent context.Context, s Stage) error {
	lanes := r.sound()
	if len(lanes) == 0 {
		return nil
	}
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	l := &load{rebuild: r, cancel: cancel}
	var folding, writing sync.WaitGroup
	for _, x := range lanes {
		x.batch, x.chunks = NewBatch(x.p, x.build.Mark), make(chan []domain.Recorded, chunksAhead)
		x.batches = make(chan work)
		x.stalled = x.build.Failure != nil
		folding.Go(func() { l.fold(ctx, x) })
		writing.Go(func() { l.write(ctx, x) })
	}
	err := l.read(ctx, lanes, s)
	if err != nil {
		cancel(err)
	}
	for _, x := range lanes {
		close(x.chunks)
	}
	folding.Wait()
	for _, x := range lanes {
		close(x.batches)
	}
	writing.Wait()
	return context.Cause(ctx)
}

func (l *load) read(ctx context.Context, lanes []*lane, s Stage) error {
	r := l.rebuild
	r.report(s, true)
	chunk := make([]domain.Recorded, 0, chunkEvents)
	for rec, err := range r.engine.cfg.Source.ReadAll(ctx, r.after()) {
		if err != nil {
			return &sourceError{err}
		}
		if chunk = append(chunk, rec); len(chunk) == chunkEvents {
			if err := l.hand(ctx, lanes, chunk, s); err != nil {
				return err
			}
			chunk = make([]domain.Recorded, 0, chunkEvents)
		}
	}
	return l.hand(ctx, lanes, chunk, s)
}

// hand gives the chunk to every lane; all of them read it, none changes it.
func (l *load) hand(ctx context.Context, lanes []*lane, chunk []domain.Recorded, s Stage) error {
	if len(chunk) == 0 {
		return context.Cause(ctx)
	}
	for _, x := range lanes {
		select {
		case x.chunks <- chunk:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	r := l.rebuild
	r.events += int64(len(chunk))
	r.at = max(r.at, chunk[len(chunk)-1].Position)
	r.report(s, false)
	return nil
}

// fold takes chunks until there are no more, and then sends what it holds.
func (l *load) fold(ctx context.Context, x *lane) {
	for chunk := range x.chunks {
		if x.failure == nil && ctx.Err() == nil {
			l.foldChunk(ctx, x, chunk)
		}
	}
	if x.failure == nil && ctx.Err() == nil && (!x.batch.Empty() || x.stalled) {
		l.send(ctx, x, nil)
	}
}

func (l *load) foldChunk(ctx context.Context, x *lane, chunk []domain.Recorded) {
	before := x.batch.Size()
	for _, rec := range chunk {
		if err := x.batch.Apply(rec); err != nil {
			errors.As(err, &x.failure)
			x.failure.Failure.At = l.rebuild.engine.cfg.Now().UTC().Truncate(time.Microsecond)
			l.send(ctx, x, &x.failure.Failure)
			return
		}
	}
	held := l.held.Add(int64(x.batch.Size() - before))
	if l.full(x, held) {
		l.send(ctx, x, nil)
	}
}

// full tells whether the lane's batch should go out: rows that only append early, rows that melt as late as
// memory allows, because one sorted load costs less than two.
func (l *load) full(x *lane, held int64) bool {
	if x.batch.Size() < logBatchBytes {
		return false
	}
	for _, t := range x.p.Tables {
		if !t.Log {
			return held > int64(l.rebuild.engine.cfg.RebuildBytes)
		}
	}
	return true
}

func (l *load) send(ctx context.Context, x *lane, fail *Failure) {
	select {
	case x.batches <- work{x.batch, fail}:
		x.batch = NewBatch(x.p, x.batch.Mark())
	case <-ctx.Done():
	}
}

// write commits the batches of a lane one after the other, beside those of the other lanes. The first error
// ends the whole load.
func (l *load) write(ctx context.Context, x *lane) {
	for w := range x.batches {
		if ctx.Err() != nil {
			continue
		}
		b, size := w.batch, int64(w.batch.Size())
		c := Commit{Projection: x.p, Number: x.build.Number, From: b.From(), To: b.Mark(), Events: b.Events(), Failure: w.fail}
		c.Changes = b.Changes()
		if err := l.rebuild.engine.cfg.Backend.Commit(ctx, c); err != nil {
			l.cancel(fmt.Errorf("projection %s: %w", x.p.Name, err))
			continue
		}
		x.build.Mark, x.build.Failure = c.To, w.fail
		x.build.Events += c.Events
		l.held.Add(-size)
	}
}
