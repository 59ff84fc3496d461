package keys

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"imagine.ua/litopys/eventstore"
)

// probeID and indexID are the ids that the wrapped probe and index key bear; they tell the two apart.
var (
	probeID = uuid.MustParse("5c1d5e0a-7f6b-5a44-8d0e-000000000001")
	indexID = uuid.MustParse("5c1d5e0a-7f6b-5a44-8d0e-000000000002")
)

// Lock is what a store keeps in its head, both wrapped by the key-management service: a probe, which opens
// only with the right service, and the secret of the blind index.
type Lock struct{ Probe, IndexKey []byte }

// NewLock makes the lock of a new store.
func (r Root) NewLock(ctx context.Context) (l Lock, err error) {
	if l.Probe, err = r.Wrap(ctx, probeID, NewSecret()); err != nil {
		return Lock{}, err
	}
	l.IndexKey, err = r.Wrap(ctx, indexID, NewSecret())
	return l, err
}

// Unlock opens the index, after the probe has shown that the key-management service is the right one.
func (r Root) Unlock(ctx context.Context, l Lock) (*Index, error) {
	if _, err := r.Open(ctx, "probe", probeID, l.Probe); err != nil {
		return nil, err
	}
	secret, err := r.Open(ctx, "index key", indexID, l.IndexKey)
	if err != nil {
		return nil, err
	}
	return NewIndex(secret), nil
}

// Open is Unwrap for a store: it tells damage, as a *eventstore.CorruptError with the place, from a
// key-management service that is wrong, forbidden or out of reach.
func (r Root) Open(ctx context.Context, place string, id uuid.UUID, stored []byte) (secret [Size]byte, err error) {
	secret, err = r.Unwrap(ctx, id, stored)
	switch {
	case errors.Is(err, ErrUnwrap):
		return secret, r.corrupt(place, "wrapped bytes are damaged")
	case err != nil:
		return secret, fmt.Errorf("%s: the key-management service does not open it: %w", r.Name, err)
	}
	return secret, nil
}

func (r Root) corrupt(place, detail string) error {
	return &eventstore.CorruptError{File: r.Name, Place: place, Detail: detail}
}

// Check gives eventstore.ErrForeign when the store has the keys of another ledger.
func (r Root) Check(ledger uuid.UUID) error {
	if ledger != r.Ledger {
		return fmt.Errorf("%s has the keys of ledger %s, not of %s: %w", r.Name, ledger, r.Ledger, eventstore.ErrForeign)
	}
	return nil
}
