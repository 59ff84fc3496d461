package keys

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore"
)

// Archive is a key store at rest: it is read whole, or filled, and nobody has it open meanwhile. Nothing in it
// is unwrapped, so it needs no key-management service.
type Archive interface {
	// Head gives what stands once in the store; false when it is empty.
	Head(ctx context.Context) (Head, bool, error)
	// Rows yields all keys in the order in which they were made, page by page.
	Rows(ctx context.Context) iter.Seq2[[]StoredKey, error]
	// Marks gives the marks that close epochs, in any order.
	Marks(ctx context.Context) ([]Mark, error)
	// Fill writes everything of another archive, whole or not at all. The store must be empty.
	Fill(ctx context.Context, from Archive) error
	// Retire makes the store refuse to be opened from now on: its keys are another store's. Done is done.
	Retire(ctx context.Context) error
	// Close releases what the archive has open.
	Close() error
}

// Moved is the position of a store whose keys were moved to another one. No log reaches so far.
const Moved uint64 = math.MaxInt64

// ErrMoved says that the keys of a store were moved to another one, and are in use there.
var ErrMoved = errors.New("these keys were moved to another store, which is in use since")

// Usable gives ErrMoved for the position of a store whose keys were moved.
func Usable(name string, followed uint64) error {
	if followed == Moved {
		return fmt.Errorf("%s: %w", name, ErrMoved)
	}
	return nil
}

// ErrDifferent says that a target holds keys of the same ledger which are not those of the source. Nothing of
// it was changed.
var ErrDifferent = errors.New("the target holds other keys of this ledger")

// Head is what stands once in a store.
type Head struct {
	Ledger   uuid.UUID
	Lock     Lock
	Followed uint64
	Masters  []ArchivedMaster // in the order in which they were made
	Rotating bool             // a rotation of the master keys has not ended
}

// ArchivedMaster is a master key as it is stored; Wrapped is nil when it was erased.
type ArchivedMaster struct {
	ID      uuid.UUID
	Name    string // see MasterName
	Wrapped []byte
}

// StoredKey is a key as it is stored.
type StoredKey struct {
	Key       Key // without secret
	Master    uuid.UUID
	Wrapped   []byte    // nil when destroyed
	Tags      []Tag     // none when destroyed
	Destroyed time.Time // zero while it is not
	Owed      bool      // no certificate names the destroyed key yet
	// Through is the epoch of the fate through the field that has retained it, whose later words it obeys.
	Through domain.Epoch
}

// Mark closes every epoch of a field, up to one, whether or not it ever had a key.
type Mark struct {
	Subject domain.SubjectID
	Field   domain.Field
	Kind    EpochKind
	Through domain.Epoch
}

// Copied is what Copy did.
type Copied struct {
	Ledger    uuid.UUID
	Keys      int64
	Destroyed int64 // of Keys
	// Digest is SHA-256 over everything, read back from the target: it tells two stores apart, and holds
	// nothing that opens a key.
	Digest [sha256.Size]byte
	// Already says that the target held all of it before.
	Already bool
}

// Copy brings the keys of one store into another, empty one, as they are wrapped: every key keeps its id, its
// state and its place, so what is destroyed stays destroyed and what is retained keeps its term. A copy that
// was stopped leaves the target empty; one that is repeated compares the two.
//
// Errors: eventstore.ErrForeign when the target is of another ledger, ErrDifferent, ErrMoved.
func Copy(ctx context.Context, from, to Archive) (Copied, error) {
	done, head, err := summary(ctx, from)
	switch {
	case err != nil:
		return done, fmt.Errorf("copy keys: read the source: %w", err)
	case head.Followed == Moved:
		return done, fmt.Errorf("copy keys: %w", ErrMoved)
	case head.Rotating:
		return done, errors.New("copy keys: a rotation of the master keys has not ended; let it end first")
	}
	there, found, err := to.Head(ctx)
	switch {
	case err != nil:
		return done, fmt.Errorf("copy keys: read the target: %w", err)
	case found && there.Ledger != head.Ledger:
		return done, fmt.Errorf("copy keys: the target is of ledger %s, not of %s: %w", there.Ledger, head.Ledger, eventstore.ErrForeign)
	case !found:
		if err := to.Fill(ctx, from); err != nil {
			return done, fmt.Errorf("copy keys: %w", err)
		}
	}
	got, _, err := summary(ctx, to)
	if err != nil {
		return done, fmt.Errorf("copy keys: read the target again: %w", err)
	}
	if got.Digest != done.Digest {
		return done, fmt.Errorf("copy keys: %w", ErrDifferent)
	}
	got.Already = found
	return got, nil
}

// summary reads a whole archive. What an empty one has for a summary means nothing.
func summary(ctx context.Context, a Archive) (s Copied, head Head, err error) {
	head, found, err := a.Head(ctx)
	if err != nil {
		return s, head, err
	}
	if !found {
		return s, head, errors.New("there are no keys")
	}
	s.Ledger = head.Ledger
	d := digest{sha256.New()}
	d.head(head)
	marks, err := a.Marks(ctx)
	if err != nil {
		return s, head, err
	}
	d.marks(marks)
	for page, err := range a.Rows(ctx) {
		if err != nil {
			return s, head, err
		}
		for _, k := range page {
			d.key(k)
			s.Keys++
			if k.Key.State == Destroyed {
				s.Destroyed++
			}
		}
	}
	d.Sum(s.Digest[:0])
	return s, head, nil
}

// digest hashes an archive; every part has its length before it.
type digest struct{ hash.Hash }

func (d digest) bytes(parts ...[]byte) {
	for _, p := range parts {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(p))) //nolint:gosec // some dozens
		d.Write(length[:])
		d.Write(p)
	}
}

func (d digest) number(n uint64) { d.bytes(binary.BigEndian.AppendUint64(nil, n)) }

func (d digest) time(t time.Time) {
	if t.IsZero() {
		d.bytes(nil)
		return
	}
	d.number(uint64(t.UnixMicro())) //nolint:gosec // the same bits
}

func (d digest) head(h Head) {
	d.bytes(h.Ledger[:], h.Lock.Probe, h.Lock.IndexKey)
	d.number(h.Followed)
	d.number(uint64(len(h.Masters)))
	for _, m := range h.Masters {
		d.bytes(m.ID[:], []byte(m.Name), m.Wrapped)
	}
}

func (d digest) marks(marks []Mark) {
	lines := make([][]byte, len(marks))
	for i, m := range marks {
		lines[i] = []byte(m.Subject.String() + "\x00" + string(m.Field) + "\x00" + string(m.Kind) + "\x00" + string(m.Through))
	}
	slices.SortFunc(lines, bytes.Compare)
	d.number(uint64(len(lines)))
	d.bytes(lines...)
}

func (d digest) key(k StoredKey) {
	d.bytes(k.Key.ID[:], k.Key.Ref.Subject.UUID[:], []byte(k.Key.Ref.Field), []byte(k.Key.Ref.Epoch), []byte{byte(k.Key.State)})
	d.time(k.Key.Until)
	d.bytes([]byte(k.Key.Rule), k.Master[:], k.Wrapped)
	d.time(k.Destroyed)
	if k.Owed {
		d.bytes([]byte{1})
	}
	d.bytes([]byte(k.Through))
	slices.SortFunc(k.Tags, func(a, b Tag) int { return bytes.Compare(a[:], b[:]) })
	d.number(uint64(len(k.Tags)))
	for _, tag := range k.Tags {
		d.bytes(tag[:])
	}
}
