package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
)

// Parts is what a Journal is joined of.
type Parts struct {
	// Store is the log. Required.
	Store eventstore.Store
	// Keys is the key store of the same ledger. Required.
	Keys keys.Store
	// Policy says which fields are findable and how their values are brought to a normal form; nil means
	// policy.Imagine().
	Policy *policy.Policy
	// Logger is told of a key follower that has trouble; nil means slog.Default().
	Logger *slog.Logger
	// Clock tells when the term of a retained value has ended, and dates certificates; nil means time.Now.
	Clock ledger.Clock
	// BackupLife is how long a backup of the key store is kept at most: after it a destroyed key cannot be
	// recovered from any. 0 means DefaultBackupLife.
	BackupLife time.Duration
}

// DefaultBackupLife is five weeks: a monthly backup, and some days to remove it.
const DefaultBackupLife = 35 * 24 * time.Hour

func (p Parts) withDefaults() Parts {
	if p.Policy == nil {
		p.Policy = policy.Imagine()
	}
	if p.Logger == nil {
		p.Logger = slog.Default()
	}
	if p.Clock == nil {
		p.Clock = time.Now
	}
	if p.BackupLife == 0 {
		p.BackupLife = DefaultBackupLife
	}
	return p
}

func (p Parts) validate() error {
	var errs []error
	if p.Store == nil {
		errs = append(errs, errors.New("the log (Store) is missing"))
	}
	if p.Keys == nil {
		errs = append(errs, errors.New("the key store (Keys) is missing"))
	}
	if p.BackupLife < 0 {
		errs = append(errs, errors.New("the life of backups (BackupLife) is negative"))
	}
	return errors.Join(errs...)
}

// Journal is an open ledger. It is safe for concurrent use.
type Journal struct {
	store     eventstore.Store
	keys      keys.Store
	policy    *policy.Policy
	clock     ledger.Clock
	identity  uuid.UUID
	follower  *follower
	certifier *certifier
	release   []func() error // what Close closes after keys and store, in order

	mu     sync.RWMutex // held for reading by every append, for writing by Close
	closed bool         // guarded by mu
}

var _ ledger.Journal = (*Journal)(nil)

// New joins the parts and returns when the states of all keys agree with the log. The Journal owns the
// parts from then on and closes them; when New fails they stay the caller's. The context bounds New, not
// the Journal.
//
// Errors: eventstore.ErrForeign when log and keys belong to two ledgers; eventstore.ErrCorrupt when the
// keys have followed a log that is longer than this one; schema.ErrUnknownEvent when the log has events
// that this program is too old for.
func New(ctx context.Context, parts Parts) (*Journal, error) {
	parts = parts.withDefaults()
	if err := parts.validate(); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	identity, err := agree(ctx, parts)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	causes := newCauses()
	f, err := startFollower(ctx, parts, causes)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &Journal{
		store: parts.Store, keys: parts.Keys, policy: parts.Policy, clock: parts.Clock,
		identity: identity, follower: f,
	}
	j.certifier = startCertifier(ctx, j, parts, causes)
	f.onDestroyed(j.certifier.nudge)
	return j, nil
}

// agree checks that log and keys are of one ledger.
func agree(ctx context.Context, parts Parts) (uuid.UUID, error) {
	log, err := parts.Store.Identity(ctx)
	if err != nil {
		return uuid.Nil, fmt.Errorf("identity of the log: %w", err)
	}
	of, err := parts.Keys.Identity(ctx)
	if err != nil {
		return uuid.Nil, fmt.Errorf("identity of the key store: %w", err)
	}
	if log != of {
		return uuid.Nil, fmt.Errorf("key store of ledger %s, log of ledger %s: %w", of, log, eventstore.ErrForeign)
	}
	return log, nil
}

// Identity is the random id of the ledger.
func (j *Journal) Identity(context.Context) (uuid.UUID, error) { return j.identity, nil }

// Head gives the position of the last event, or 0.
func (j *Journal) Head(ctx context.Context) (uint64, error) {
	p, err := j.store.Head(ctx)
	return uint64(p), err
}

// Keys is the key store, for commands that list or check keys. It stays the Journal's; do not close it.
func (j *Journal) Keys() keys.Store { return j.keys }

// Store is the log, for commands that copy or check records. It stays the Journal's; do not close it.
func (j *Journal) Store() eventstore.Store { return j.store }

// Token derives an id from personal content under the live key of (subject, field, epoch); see keys.Store.
// A key that is retained or destroyed gives ledger.ErrErased.
func (j *Journal) Token(ctx context.Context, ref keys.Ref, content []byte) (uuid.UUID, error) {
	id, err := j.keys.Token(ctx, ref, content)
	return id, translate(err)
}

// Close waits for appends under way, carries out their fates, and closes follower, keys and log. It
// returns when all is done. Every later call gives eventstore.ErrClosed; closing twice is a no-op.
func (j *Journal) Close() error {
	j.mu.Lock()
	already := j.closed
	j.closed = true
	j.mu.Unlock()
	if already {
		return nil
	}
	j.settle()
	j.certifier.stop()
	errs := []error{j.follower.stop(), j.keys.Close(), j.store.Close()}
	for _, release := range j.release {
		errs = append(errs, release())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

// settle lets the follower come to the end of the log, and the certificates be written, so that the next open
// has nothing to look at. It is not needed for correctness, so it gives up after stopTimeout.
func (j *Journal) settle() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := j.levelCertificates(ctx); err != nil {
		return // the next open has more to look at
	}
	if head, err := j.store.Head(ctx); err == nil {
		_ = j.follower.wait(ctx, uint64(head))
	}
}

// Certified returns when the certificates of all keys are durable whose destruction stands in the log at the
// time of the call. They are written in the background, at the latest when the journal is closed or opened the
// next time; a deletion does not wait for them.
func (j *Journal) Certified(ctx context.Context) error {
	if err := j.enter(); err != nil {
		return err
	}
	defer j.leave()
	return j.levelCertificates(ctx)
}

func (j *Journal) levelCertificates(ctx context.Context) error {
	head, err := j.store.Head(ctx)
	if err != nil {
		return fmt.Errorf("head of the log: %w", err)
	}
	if err := j.follower.wait(ctx, uint64(head)); err != nil {
		return err
	}
	return j.certifier.wait(ctx)
}

// enter begins a call that Close waits for. The caller calls leave when it gives nil.
func (j *Journal) enter() error {
	j.mu.RLock()
	err := j.ready()
	if err != nil {
		j.mu.RUnlock()
	}
	return err
}

func (j *Journal) leave() { j.mu.RUnlock() }

// isOpen tells whether the Journal is open. It is all that reading without keys needs.
func (j *Journal) isOpen() error {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if j.closed {
		return fmt.Errorf("journal: %w", eventstore.ErrClosed)
	}
	return nil
}

// ready tells whether the Journal may be used: it is open, and key states follow the log. A caller that
// went on with a follower that has stopped would open values that must be erased.
func (j *Journal) ready() error {
	if j.closed {
		return fmt.Errorf("journal: %w", eventstore.ErrClosed)
	}
	if err := j.follower.failure(); err != nil {
		return fmt.Errorf("key states do not follow the log any more; open the ledger again: %w", err)
	}
	return nil
}

// Halted returns when key states have ceased to follow the log, with the reason, after which the ledger is to
// be opened again; or when the context ends, with its error.
func (j *Journal) Halted(ctx context.Context) error {
	select {
	case <-j.follower.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := j.follower.failure(); err != nil {
		return fmt.Errorf("key states do not follow the log any more: %w", err)
	}
	return fmt.Errorf("journal: %w", eventstore.ErrClosed)
}

// translate gives the errors of stores the names that the ledger branches on, and keeps the cause.
func translate(err error) error {
	switch {
	case errors.Is(err, eventstore.ErrWrongRevision):
		return fmt.Errorf("%w: %w", ledger.ErrConflict, err)
	case errors.Is(err, keys.ErrNotLive):
		return fmt.Errorf("%w: %w", ledger.ErrErased, err)
	}
	return err
}

// refOf is the address of an item's key.
func refOf(i domain.Item) keys.Ref {
	return keys.Ref{Subject: i.Subject, Field: i.Field, Epoch: i.Epoch}
}
