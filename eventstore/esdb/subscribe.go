package esdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"imagine.ua/litopys/eventstore"
)

const (
	// searchWindow and checkpointEvery set the pace of the server's checkpoints: one after so many records
	// that were looked at, ours or not. They bound what is searched again after a break.
	searchWindow    = 512
	checkpointEvery = 4
	// prefetch is how many messages wait between the wire and the reader.
	prefetch = 256
)

// ReadAll yields the ledger's records after a position up to the head as it stood at the call; see
// eventstore.LogReader. A position that is no record of the ledger gives ErrForeign.
func (s *Store) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		ctx, done, err := s.begin(ctx)
		if err != nil {
			yield(eventstore.Record{}, fmt.Errorf("read log: %w", err))
			return
		}
		defer done()
		if err := s.readAll(ctx, after, yield); err != nil && !errors.Is(err, errStopped) {
			yield(eventstore.Record{}, fmt.Errorf("read log: %w", err))
		}
	}
}

func (s *Store) readAll(ctx context.Context, after eventstore.Position, yield func(eventstore.Record, error) bool) error {
	if err := s.verify(ctx, after); err != nil {
		return err
	}
	head, err := s.head(ctx)
	if err != nil || head <= after {
		return err
	}
	f := &follower{store: s, after: after, patience: s.cfg.Attempts}
	return f.run(ctx, func(d eventstore.Delivery) error {
		switch {
		case d.CaughtUp:
			return errStopped
		case !yield(d.Record, nil), d.Position >= head:
			return errStopped
		}
		return nil
	})
}

// Subscribe follows the ledger after a position; see eventstore.Subscriber. When the connection breaks it
// goes on after the last record by itself, for as long as the context lives; only what trying again can't
// mend ends it: a missing right, a damaged ledger, a position that is no record of the ledger (ErrForeign).
func (s *Store) Subscribe(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Delivery, error] {
	return func(yield func(eventstore.Delivery, error) bool) {
		ctx, done, err := s.begin(ctx)
		if err != nil {
			yield(eventstore.Delivery{}, fmt.Errorf("subscribe: %w", err))
			return
		}
		defer done()
		f := &follower{store: s, after: after}
		err = f.run(ctx, func(d eventstore.Delivery) error {
			if !yield(d, nil) {
				return errStopped
			}
			return nil
		})
		if !errors.Is(err, errStopped) {
			yield(eventstore.Delivery{}, fmt.Errorf("subscribe: %w", err))
		}
	}
}

// follower is one subscription over all its connections.
type follower struct {
	store    *Store
	after    eventstore.Position // last record handed over, or where the caller began
	seen     *esdb.Position      // last checkpoint beyond it: everything up to there is searched
	head     eventstore.Position // for a server that does not tell: caught up when this is reached
	patience int                 // attempts without progress before giving up; 0: for ever
	failures int                 // since the last message
	live     bool                // on this connection, all that there was is sent
	owed     bool                // a record was handed over since the reader was last told that he has all
}

// run delivers until deliver or the context says stop, and mends what breaks.
func (f *follower) run(ctx context.Context, deliver func(eventstore.Delivery) error) error {
	log := f.store.cfg.Logger
	for {
		err := f.connectAndFollow(ctx, deliver)
		if errors.Is(err, errStopped) {
			return err // the reader has left; nothing may be handed to him any more, not even an error
		}
		if end := over(ctx); end != nil {
			return end
		}
		if final(err) || judge(err).final() {
			return f.store.explainSubscription(err)
		}
		if f.failures++; f.patience > 0 && f.failures >= f.patience {
			return fmt.Errorf("%d attempts: %w: %w", f.failures, ErrUnavailable, err)
		}
		if f.failures == 1 {
			log.LogAttrs(ctx, slog.LevelWarn, "subscription broke", slog.Uint64("position", uint64(f.after)), slog.Any("error", err))
		}
		if err := f.store.pause(ctx, f.failures); err != nil {
			return err
		}
	}
}

// final tells the errors that are in the contract's words already.
func final(err error) bool {
	for _, e := range []error{errStopped, eventstore.ErrForeign, eventstore.ErrCorrupt, eventstore.ErrClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (s *Store) explainSubscription(err error) error {
	if final(err) {
		return err
	}
	if judge(err) == fateInvalid {
		return fmt.Errorf("%w: %w", eventstore.ErrForeign, err)
	}
	return s.explain("follow", "the log", err)
}

// connectAndFollow opens one subscription and hands on what it brings until it breaks.
func (f *follower) connectAndFollow(ctx context.Context, deliver func(eventstore.Delivery) error) error {
	if err := f.store.verify(ctx, f.after); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sub, gen, err := do(ctx, f.store.link, f.open)
	if err != nil {
		return err
	}
	f.live = false
	messages, stopped := pump(ctx, sub, gen)
	defer func() { cancel(); <-stopped }()
	if err := f.tellHead(ctx, gen.version, deliver); err != nil {
		return err
	}
	for m := range messages {
		if m.SubscriptionDropped != nil {
			err := m.SubscriptionDropped.Error
			f.store.link.broken(gen, err)
			return err
		}
		if f.failures > 0 {
			f.store.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "subscription goes on", slog.Uint64("position", uint64(f.after)))
			f.failures = 0
		}
		if err := f.handle(m, deliver); err != nil {
			return err
		}
		if err := f.idle(len(messages), deliver); err != nil {
			return err
		}
	}
	return over(ctx)
}

func (f *follower) open(ctx context.Context, c *esdb.Client) (*esdb.Subscription, error) {
	opts := esdb.SubscribeToAllOptions{
		From:               esdb.Start{},
		MaxSearchWindow:    searchWindow,
		CheckpointInterval: checkpointEvery,
		Filter:             f.store.filter,
	}
	switch {
	case f.seen != nil:
		opts.From = *f.seen
	case f.after != eventstore.Start:
		opts.From = wire(f.after)
	}
	return c.SubscribeToAll(ctx, opts)
}

// pump takes messages off the wire while the reader works on earlier ones. It ends with the subscription or
// the context and lets go of the client then, whatever the reader is doing.
func pump(ctx context.Context, sub *esdb.Subscription, gen *generation) (<-chan *esdb.SubscriptionEvent, <-chan struct{}) {
	messages, stopped := make(chan *esdb.SubscriptionEvent, prefetch), make(chan struct{})
	go func() {
		defer close(stopped)
		defer gen.release()
		defer close(messages)
		defer sub.Close()
		for {
			m := sub.Recv()
			select {
			case messages <- m:
			case <-ctx.Done():
				return
			}
			if m.SubscriptionDropped != nil {
				return
			}
		}
	}()
	return messages, stopped
}

// tellHead finds out where a server before 23.10, which does not tell, will have sent everything.
func (f *follower) tellHead(ctx context.Context, v esdb.ServerVersion, deliver func(eventstore.Delivery) error) error {
	if v.Major > 23 || (v.Major == 23 && v.Minor >= 10) {
		f.head = 0
		return nil
	}
	head, err := f.store.head(ctx)
	if err != nil {
		return err
	}
	if f.head = head; f.head > f.after {
		return nil
	}
	f.head = 0
	return f.caughtUp(deliver)
}

// handle hands one message on.
func (f *follower) handle(m *esdb.SubscriptionEvent, deliver func(eventstore.Delivery) error) error {
	switch {
	case m.EventAppeared != nil:
		event, err := f.store.original(m.EventAppeared)
		if err != nil {
			return err
		}
		if !f.store.holds(event.StreamID) {
			return nil
		}
		r, err := f.store.record(event)
		if err != nil {
			return err
		}
		if r.Position <= f.after {
			return nil // a server that repeats itself is not believed
		}
		f.after, f.seen, f.owed = r.Position, nil, true
		return deliver(eventstore.Delivery{Record: r, Position: r.Position})
	case m.CheckPointReached != nil:
		if p := m.CheckPointReached; f.after == eventstore.Start || p.Commit > wire(f.after).Commit {
			f.seen = &esdb.Position{Commit: p.Commit, Prepare: p.Prepare}
		}
	case m.CaughtUp != nil:
		return f.caughtUp(deliver)
	}
	return nil
}

// idle tells the reader that he has been shown all there is, after records that came live: the server itself
// says so only when it has caught up anew.
func (f *follower) idle(waiting int, deliver func(eventstore.Delivery) error) error {
	if f.head != 0 && f.after >= f.head {
		f.head, f.live = 0, true
	}
	if !f.live || !f.owed || waiting > 0 {
		return nil
	}
	return f.caughtUp(deliver)
}

func (f *follower) caughtUp(deliver func(eventstore.Delivery) error) error {
	f.live, f.owed = true, false
	return deliver(eventstore.Delivery{Position: f.after, CaughtUp: true})
}
