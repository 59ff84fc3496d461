package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/eventstore"
)

// Append seals and appends the events to one stream, whole or not at all. It returns when they are durable
// and the fates that they decide are carried out. Every personal value must be clear.
//
// Errors: ledger.ErrConflict, ledger.ErrErased, eventstore.ErrClosed and what else a store gives. When the
// context ends while fates are being carried out, the error says that the facts stand; the fates are
// carried out all the same.
func (j *Journal) Append(ctx context.Context, stream domain.Stream, expected domain.Revision, facts []ledger.Fact) (ledger.Appended, error) {
	if err := j.enter(); err != nil {
		return ledger.Appended{}, err
	}
	defer j.leave()
	batch, err := j.prepare(ctx, stream, facts)
	if err != nil {
		return ledger.Appended{}, fmt.Errorf("append to %s: %w", stream, translate(err))
	}
	done, err := j.hand(ctx, string(stream), expected, batch)
	if err != nil {
		return ledger.Appended{}, fmt.Errorf("append to %s: %w", stream, translate(err))
	}
	if decidesFates(facts) {
		// A crash here leaves facts whose fates are not carried out; the follower does it on open.
		if err := j.follower.wait(ctx, uint64(done.Position)); err != nil {
			return ledger.Appended{}, fmt.Errorf("appended to %s, but its fates are not carried out yet: %w", stream, err)
		}
	}
	return ledger.Appended{Revision: done.Revision, Position: uint64(done.Position)}, nil
}

func decidesFates(facts []ledger.Fact) bool {
	for _, f := range facts {
		if len(f.Event.Fates()) > 0 {
			return true
		}
	}
	return false
}

// maxRepeats bounds how often an append whose outcome is unknown is repeated; firstPause doubles between
// them, so the last begins about an eighth of a second after the first. The first repetition does not wait.
// Whoever needs more patience repeats the command: its events have the same ids.
const (
	maxRepeats = 7
	firstPause = 2 * time.Millisecond
)

// hand gives the batch to the store. While the outcome is unknown it repeats it, identical, which the
// store's idempotency makes safe.
func (j *Journal) hand(ctx context.Context, stream string, expected int64, batch []eventstore.Event) (eventstore.Appended, error) {
	for n := 0; ; n++ {
		done, err := j.store.Append(ctx, stream, expected, batch)
		if !errors.Is(err, eventstore.ErrUnknownOutcome) || n == maxRepeats {
			return done, err
		}
		if n == 0 {
			continue
		}
		if waitErr := eventstore.Pause(ctx, firstPause<<(n-1)); waitErr != nil {
			return done, fmt.Errorf("%w: %w", err, waitErr)
		}
	}
}
