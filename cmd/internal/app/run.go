package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/esdb"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/projections/postgres"
)

const (
	// firstRest and longestRest bound how long a runner waits before it opens the ledger again.
	firstRest   = 250 * time.Millisecond
	longestRest = 15 * time.Second
)

// passing are the errors of servers that are away or out of space: they come back by themselves.
var passing = []error{
	esdb.ErrUnavailable, keypg.ErrUnavailable, postgres.ErrUnavailable, postgres.ErrBusy, postgres.ErrFull, postgres.ErrOutcome,
	eventstore.ErrFull, eventstore.ErrUnknownOutcome,
}

// IsPassing tells whether the same may succeed later, with nothing changed but the servers. Damage, and what
// belongs to another ledger, never passes.
func IsPassing(err error) bool {
	if errors.Is(err, eventstore.ErrCorrupt) || errors.Is(err, eventstore.ErrForeign) {
		return false
	}
	for _, p := range passing {
		if errors.Is(err, p) {
			return true
		}
	}
	return false
}

// Follow opens the ledger and keeps the answers level until the context ends. While a server is away, from
// the beginning or in between, it waits, longer each time, and opens the ledger again: the log is told once
// that it waits, and once that it goes on. What lasts (a right that is missing, damage) ends it.
func Follow(ctx context.Context, o Options) error {
	waits := false
	rest := firstRest
	for {
		err := With(ctx, o, func(a *App) error {
			if waits {
				o.Logger.LogAttrs(ctx, slog.LevelInfo, "the runner goes on")
			}
			waits, rest = false, firstRest
			return a.Run(ctx)
		})
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case !IsPassing(err):
			return err
		case !waits:
			waits = true
			o.Logger.LogAttrs(ctx, slog.LevelWarn, "the runner waits for its servers", slog.Any("error", err))
		}
		if err := eventstore.Pause(ctx, rest); err != nil {
			return err
		}
		rest = min(2*rest, longestRest)
	}
}

// leading is optional in a backend that several processes may run: only one of them does.
type leading interface {
	Lead(ctx context.Context, do func(context.Context) error) error
}

// Run follows the log and keeps the answers level until the context ends, or until the ledger has to be
// opened again. Of several processes with one PostgreSQL one runs and the others wait to take over.
func (a *App) Run(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	go func() { cancel(a.Journal.Halted(ctx)) }() // erasures must not stand still behind answers that follow
	err := a.run(ctx)
	if cause := context.Cause(ctx); cause != nil && parent.Err() == nil {
		return cause
	}
	return err
}

func (a *App) run(ctx context.Context) error {
	if _, _, full := a.now(); full != nil {
		return full // answers in memory would be gone with this program
	}
	do := func(ctx context.Context) error {
		// The engine itself waits for a database that is away or full.
		if err := a.Level(ctx); err != nil && !IsPassing(err) {
			return err
		}
		return a.Engine.Run(ctx)
	}
	if b, ok := a.Backend.(leading); ok {
		return b.Lead(ctx, do)
	}
	return do(ctx)
}
