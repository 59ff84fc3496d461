package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/seal"
)

// A key is made before the value that it seals is appended, and leaves a tombstone when it is destroyed. So a
// value whose key has no row tells of a key store that is older than the log: one that was put back from a
// backup, or that has lost its end.

// placedKeys is optional in a key store: it tells where it is.
type placedKeys interface{ Place() string }

// keysPlace names the key store, for errors.
func keysPlace(store keys.Store) string {
	if p, ok := store.(placedKeys); ok {
		return p.Place()
	}
	return "key store"
}

// lostKey is the damage of a key store that lacks the key of a value. Where says where the value stands.
func lostKey(store keys.Store, id uuid.UUID, item domain.Item, where string) error {
	return &eventstore.CorruptError{File: keysPlace(store), Place: "key " + id.String(), Detail: fmt.Sprintf(
		"it is missing, but %s of subject %s (epoch %s) is sealed with it in %s; put the newest key store back", item.Field, item.Subject, item.Epoch, where)}
}

// isLost tells whether it is this key of several that was not found.
func isLost(ctx context.Context, store keys.Store, id uuid.UUID) bool {
	_, err := store.Open(ctx, []uuid.UUID{id})
	return errors.Is(err, keys.ErrUnknownKey)
}

// missing tells which value's key was not found.
func (o *opener) missing(ctx context.Context, values []Sealed) error {
	for i, place := range o.keyOf {
		if place == noKey {
			continue
		}
		if id := o.ids[place]; isLost(ctx, o.store, id) {
			// To whoever opens values a changed key id looks like any other tampering.
			return fmt.Errorf("%w: %w", lostKey(o.store, id, values[i].Item, "event "+values[i].Event.String()), seal.ErrVerify)
		}
	}
	return fmt.Errorf("%w: %w", keys.ErrUnknownKey, seal.ErrVerify)
}

// keyCheck finds values whose keys are not in the key store, many at a time.
type keyCheck struct {
	store   keys.Store
	pending []keyed
	ids     []uuid.UUID
}

// keyed is a value and its key.
type keyed struct {
	id     uuid.UUID
	item   domain.Item // without its value
	record eventstore.Record
}

// keyOf gives the key that an item's value is sealed with.
func keyOf(item domain.Item) (uuid.UUID, error) {
	sealed, _ := item.Value.SealedBytes()
	return seal.KeyID(sealed)
}

// add takes the values of one record, whose documents it does not keep. What is no sealed value has no key.
func (c *keyCheck) add(ctx context.Context, r eventstore.Record, items []domain.Item) error {
	r.Data, r.Meta = nil, nil
	for _, item := range items {
		if id, err := keyOf(item); err == nil {
			item.Value = domain.Value{}
			c.pending = append(c.pending, keyed{id: id, item: item, record: r})
		}
	}
	if len(c.pending) < openChunk {
		return nil
	}
	return c.flush(ctx)
}

// flush looks for the keys of what was taken.
func (c *keyCheck) flush(ctx context.Context) error {
	defer func() { c.pending, c.ids = c.pending[:0], c.ids[:0] }()
	for _, v := range c.pending {
		c.ids = append(c.ids, v.id)
	}
	found, err := c.store.Open(ctx, c.ids)
	if errors.Is(err, keys.ErrUnknownKey) {
		return c.lost(ctx)
	}
	if err != nil {
		return err
	}
	for i, v := range c.pending {
		if found[i].Ref != refOf(v.item) {
			return damage(v.record, fmt.Sprintf("the value of %s is sealed with a key of something else", v.item.Field))
		}
	}
	return nil
}

// lost tells which value's key was not found.
func (c *keyCheck) lost(ctx context.Context) error {
	for _, v := range c.pending {
		if isLost(ctx, c.store, v.id) {
			return lostKey(c.store, v.id, v.item, "the "+placeOf(v.record))
		}
	}
	return keys.ErrUnknownKey
}

// lookAhead is how many records behind what the key store has followed are looked at when a journal is opened.
const lookAhead = 4096

// tellLost looks at the first records that the key store has not followed, after a crash or because it is
// older than the log, and logs when keys of them are missing. It is no reason to refuse: what else is there
// can be read, and fates carried out.
func tellLost(ctx context.Context, parts Parts, followed, head uint64) error {
	c := keyCheck{store: parts.Keys}
	found := error(nil)
	for r, err := range parts.Store.ReadAll(ctx, eventstore.Position(followed)) {
		if err != nil {
			return err
		}
		if uint64(r.Position) > head || uint64(r.Position)-followed > lookAhead {
			break
		}
		recorded, err := decode(r)
		if err != nil {
			break // whoever wants the event is told
		}
		if found = c.add(ctx, r, recorded.Event.Personal()); found != nil {
			break
		}
	}
	if found == nil {
		found = c.flush(ctx)
	}
	if !errors.Is(found, eventstore.ErrCorrupt) {
		return found
	}
	parts.Logger.ErrorContext(ctx, "the key store lacks keys of values in the log", slog.Any("error", found))
	return nil
}
