package esdbtest

import (
	"context"
	"errors"
	"math"

	"github.com/google/uuid"
	"google.golang.org/grpc/status"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// subscriber is one open subscription, so that a test can drop it.
type subscriber struct {
	stream string
	drop   context.CancelCauseFunc
}

// dropped ends a subscription with a reply.
type dropped struct{ reply Reply }

// Error gives the message of the reply.
func (d dropped) Error() string { return d.reply.Message }

// DropSubscriptions ends the open subscriptions to a stream (AllStream for $all, empty for every one) with
// a reply and gives their number.
func (s *Server) DropSubscriptions(stream string, reply Reply) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for sub := range s.subs {
		if stream == "" || sub.stream == stream {
			sub.drop(dropped{reply})
			n++
		}
	}
	return n
}

// open registers the subscription and confirms it.
func (r *reader) open() (ctx context.Context, done func(), err error) {
	ctx, cancel := context.WithCancelCause(r.call.Context())
	sub := &subscriber{stream: r.name, drop: cancel}
	s := r.server
	s.mu.Lock()
	s.subs[sub] = struct{}{}
	s.mu.Unlock()
	done = func() {
		s.mu.Lock()
		delete(s.subs, sub)
		s.mu.Unlock()
		cancel(nil)
	}
	err = r.call.Send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()}}})
	return ctx, done, err
}

// ended gives the error of a subscription whose context is over: as it was dropped, or the caller's leaving.
func (r *reader) ended(ctx context.Context) error {
	var d dropped
	if errors.As(context.Cause(ctx), &d) {
		return d.reply.send(r.call.SetTrailer)
	}
	return status.FromContextError(ctx.Err()).Err()
}

func (r *reader) caughtUp() error {
	if v, _ := r.server.currentVersion(); !v.sendsCaughtUp() {
		return nil
	}
	return r.call.Send(&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}})
}

// newLive makes the buffer for the live part of this subscription.
func (r *reader) newLive(spec filterSpec, wants func(*entry) bool) *live {
	return &live{wants: wants, spec: spec, capacity: r.server.cfg.LiveBuffer, wake: make(chan struct{}, 1)}
}

// follow runs a subscription: catch up, tell so, live on until the buffer has lost something, and again.
// catchUp sends everything up to an index of the log; send hands one live item over.
func (r *reader) follow(ctx context.Context, newLive func() *live, catchUp func(upTo int) error, send func(liveItem) error) error {
	for {
		if err := catchUp(math.MaxInt); err != nil { // the bulk, without filling a buffer meanwhile
			return err
		}
		sub := newLive()
		upTo := r.server.log.goLive(sub)
		err := catchUp(upTo) // what came between the two
		if err == nil {
			err = r.caughtUp()
		}
		if err == nil {
			err = r.live(ctx, sub, send)
		}
		r.server.log.leaveLive(sub)
		if err != nil {
			return err
		}
	}
}

// live hands over what the writer offers. It returns nil when the buffer has dropped an item.
func (r *reader) live(ctx context.Context, sub *live, send func(liveItem) error) error {
	next := uint64(0)
	for {
		select {
		case <-ctx.Done():
			return r.ended(ctx)
		case <-sub.wake:
		}
		for _, item := range sub.take() {
			if item.seq != next {
				return nil
			}
			next++
			if err := send(item); err != nil {
				return err
			}
		}
	}
}

// allCursor is how far a subscription to $all has come.
type allCursor struct {
	index      int    // of the log: first entry not yet looked at
	last       uint64 // position of the last record looked at
	considered int    // since the last checkpoint
	moved      bool   // looked at something since the last checkpoint
}

// subscribeAll follows $all after a position, exclusive.
func (r *reader) subscribeAll(spec filterSpec) error {
	if reply := r.badPosition(); reply != nil {
		return reply.send(r.call.SetTrailer)
	}
	cur, floor, ok := r.after()
	if !ok {
		return invalidPosition().send(r.call.SetTrailer)
	}
	ctx, done, err := r.open()
	defer done()
	if err != nil {
		return err
	}
	wants := func(e *entry) bool { return e.pos >= floor }
	send := func(item liveItem) error {
		cur.index = r.indexAfter(item.entry.pos)
		if item.checkpoint {
			return r.checkpoint(item.entry.pos)
		}
		return r.event(item.entry)
	}
	catchUp := func(upTo int) error { return r.catchUpAll(ctx, &cur, spec, upTo, wants) }
	return r.follow(ctx, func() *live { return r.newLive(spec, wants) }, catchUp, send)
}

// after finds where a subscription to $all begins. From beyond the log it is live at once and skips
// everything up to that position, the floor.
func (r *reader) after() (cur allCursor, floor uint64, ok bool) {
	entries, tail := r.server.log.snapshot()
	switch v := r.opts.GetAll().GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Position:
		commit := v.Position.GetCommitPosition()
		i, exact := place(entries, commit)
		if exact {
			return allCursor{index: i + 1}, 0, true
		}
		return allCursor{index: len(entries)}, commit + 1, commit >= tail
	case *streams.ReadReq_Options_AllOptions_End:
		return allCursor{index: len(entries)}, 0, true
	}
	return cur, 0, true
}

func (r *reader) indexAfter(pos uint64) int {
	entries, _ := r.server.log.snapshot()
	i, _ := place(entries, pos+1)
	return i
}

// catchUpAll sends records and, with a filter, checkpoints: one when enough were considered, counted by
// page of search, and one at the end; never the same twice.
func (r *reader) catchUpAll(ctx context.Context, cur *allCursor, spec filterSpec, upTo int, wants func(*entry) bool) error {
	window := spec.window
	if spec.keep == nil {
		window = math.MaxInt
	}
	for cur.index < upTo {
		if ctx.Err() != nil {
			return r.ended(ctx)
		}
		page, next := r.server.log.readAllForwards(cur.index, spec.keep, pageSize, window)
		for _, e := range page.entries {
			if !wants(e) {
				continue
			}
			if err := r.event(e); err != nil {
				return err
			}
		}
		cur.index = next
		if page.considered > 0 {
			cur.last, cur.moved = page.lastPos, true
			cur.considered += page.considered
		}
		if page.end {
			break
		}
		if err := r.checkpointIfDue(cur, spec, spec.interval); err != nil {
			return err
		}
	}
	return r.checkpointIfDue(cur, spec, 1)
}

func (r *reader) checkpointIfDue(cur *allCursor, spec filterSpec, due int) error {
	if spec.interval == 0 || !cur.moved || cur.considered < due {
		return nil
	}
	cur.considered, cur.moved = 0, false
	return r.checkpoint(cur.last)
}

func (r *reader) checkpoint(pos uint64) error {
	return r.call.Send(&streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
		Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: pos, PreparePosition: pos}}})
}

// subscribeStream follows one stream after a revision, exclusive. A stream that does not exist is waited
// for; a tombstone ends the subscription.
func (r *reader) subscribeStream() error {
	next := r.nextRevision()
	ctx, done, err := r.open()
	defer done()
	if err != nil {
		return err
	}
	send := func(item liveItem) error {
		if item.entry.revision == deletedStream {
			return StreamDeleted(r.name).send(r.call.SetTrailer)
		}
		if item.entry.revision < next {
			return nil // subscribed from beyond the end
		}
		next = item.entry.revision + 1
		return r.event(item.entry)
	}
	wants := func(e *entry) bool { return e.stream == r.name }
	catchUp := func(int) error { return r.catchUpStream(ctx, &next) }
	return r.follow(ctx, func() *live { return r.newLive(filterSpec{}, wants) }, catchUp, send)
}

func (r *reader) nextRevision() int64 {
	switch v := r.opts.GetStream().GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		return clampRevision(v.Revision) + 1
	case *streams.ReadReq_Options_StreamOptions_End:
		r.server.log.mu.RLock()
		defer r.server.log.mu.RUnlock()
		last, gone := r.server.log.last(r.name)
		if gone {
			return 0
		}
		return last + 1
	}
	return 0
}

func (r *reader) catchUpStream(ctx context.Context, next *int64) error {
	for {
		if ctx.Err() != nil {
			return r.ended(ctx)
		}
		page := r.server.log.readStream(r.name, *next, false, pageSize)
		if page.state == streamTombstoned {
			return StreamDeleted(r.name).send(r.call.SetTrailer)
		}
		if page.state == streamMissing {
			return nil
		}
		for _, e := range page.entries {
			if err := r.event(e); err != nil {
				return err
			}
		}
		*next = max(*next, page.next)
		if page.end {
			return nil
		}
	}
}
