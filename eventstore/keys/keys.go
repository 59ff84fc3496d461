// Package keys keeps the keys of personal values. One random key belongs to one (subject, field, epoch),
// and its state IS the state of the data: live, retained until a day by a rule, destroyed. A destroyed key
// leaves a tombstone and can't come back.
package keys

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/seal"
)

// Ref addresses one key.
type Ref struct {
	Subject domain.SubjectID
	Field   domain.Field
	Epoch   domain.Epoch
}

// State is the state of a key, and so of the value it governs.
type State uint8

// The states. A key only ever moves forward through them.
const (
	Live      State = iota + 1 // every authorised reader may open it
	Retained                   // only the reader of retained records may, until its term ends
	Destroyed                  // nobody can
)

// Size is the length of a key in bytes (AES-256).
const Size = 32

// Key is one key as the store hands it out. Secret is zero when State is Destroyed. A Key never prints its
// secret; see String, Format and LogValue.
type Key struct {
	ID     uuid.UUID
	Ref    Ref
	State  State
	Until  time.Time // end of the term, for Retained; zero when it is not known yet
	Rule   string    // retention rule, for Retained
	Secret [Size]byte

	cipher *seal.Cipher // made once by the store, so that a warm key seals at once; see Cipher
}

// Store is the key store. It is safe for concurrent use; every change is durable before its call returns.
type Store interface {
	// Ensure gives the live key of each ref, in order, making the missing ones. A ref whose key is
	// retained or destroyed gives ErrNotLive and makes nothing. Index entries given beside a ref are
	// recorded with its key and erased with it. Concurrent calls are committed together.
	Ensure(ctx context.Context, wants []Want) ([]Key, error)
	// Open gives the keys with these ids, in order. A key that never existed gives ErrUnknownKey.
	Open(ctx context.Context, ids []uuid.UUID) ([]Key, error)
	// Find gives the subjects under which a blind-index tag is recorded with a live key.
	Find(ctx context.Context, field domain.Field, tag Tag) ([]domain.SubjectID, error)
	// Follow brings key states in line with the fates that stand in the log at this position, in order of
	// the log; repeating it changes nothing. It returns when destroyed keys are gone from the file. The
	// fates of several events may be given at once, in order, with the position of the last.
	Follow(ctx context.Context, position uint64, fates []domain.Fate) error
	// Followed gives the position up to which Follow has been told everything.
	Followed(ctx context.Context) (uint64, error)
	// Of lists the keys of a subject, tombstones included, without secrets.
	Of(ctx context.Context, subject domain.SubjectID) ([]Key, error)
	// Tag computes the blind-index tag of a findable value, which the caller has brought to its normal
	// form. Equal values of one field have equal tags, in this ledger only; it needs no I/O.
	Tag(field domain.Field, normalised string) Tag
	// Token derives an id from personal content under the live key of the ref (making it if it is
	// missing): the same content gives the same token for as long as the key is live, nobody can guess the
	// content back, and when the key is destroyed not even a guess can be tested. Import makes its
	// idempotency keys of it. A ref whose key is retained or destroyed gives ErrNotLive.
	Token(ctx context.Context, ref Ref, content []byte) (uuid.UUID, error)
	// Identity is the id of the ledger that these keys belong to.
	Identity(ctx context.Context) (uuid.UUID, error)
	// Close releases the store. Closing twice is a no-op.
	Close() error

	Lister
	Certifier
	Rotator
}

// Tag is a keyed blind-index tag of a findable value: HMAC-SHA-256 under an index key that never leaves
// the key store.
type Tag [32]byte

// Want asks for the live key of a ref.
type Want struct {
	Ref Ref
	// Tag is recorded with the key when the field is findable; nil otherwise.
	Tag *Tag
}

// The errors of the key store; compare with errors.Is. Besides them a store gives eventstore.ErrClosed,
// eventstore.ErrForeign, eventstore.ErrFull and eventstore.ErrCorrupt.
var (
	ErrNotLive    = errors.New("key is not live")
	ErrUnknownKey = errors.New("no such key")
	ErrInvalidRef = errors.New("no key can have this address")
)

// KMS wraps and unwraps the master keys of the months. gocloud.dev/secrets.Keeper satisfies it, so every
// key-management service that it knows does.
type KMS interface {
	Encrypt(ctx context.Context, plaintext []byte) ([]byte, error)
	Decrypt(ctx context.Context, ciphertext []byte) ([]byte, error)
	Close() error
}
