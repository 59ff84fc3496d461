package keys

import (
	"context"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
)

// Cursor is a place in a list that is read page by page. The zero Cursor stands before the first key. What it
// holds is the store's own affair.
type Cursor struct {
	Until   time.Time
	Epoch   domain.Epoch
	Subject domain.SubjectID
	N       int64
}

// Lister finds the keys whose terms are over. Lists come in pages of at most limit keys, without secrets,
// with the cursor of the next page; an empty page is the end. A key that changes between two pages may be
// shown with its state of then or left out; one that stays is shown once.
type Lister interface {
	// Due lists the retained keys whose term has ended at the given time. Those without a known end (a
	// legal hold, a relation that lasts) are never due. The keys of one subject with one term come together.
	Due(ctx context.Context, at time.Time, after Cursor, limit int) ([]Key, Cursor, error)
	// OpenEnded lists the retained keys without a known end that are kept by this rule, by subject.
	OpenEnded(ctx context.Context, rule string, after Cursor, limit int) ([]Key, Cursor, error)
	// LiveTraces lists the live keys of a field's traces up to a month, the month included: what a term that
	// runs from the collection is about.
	LiveTraces(ctx context.Context, field domain.Field, through domain.Month, after Cursor, limit int) ([]Key, Cursor, error)
	// Status counts what there is. It reads the whole index of keys.
	Status(ctx context.Context) (Status, error)
}

// Gone is a destroyed key as a certificate names it.
type Gone struct {
	ID  uuid.UUID
	Ref Ref
	// At is the moment of the transaction by which the key became unreadable in this store.
	At time.Time
	// Master names the master key that wrapped it last; see MasterName.
	Master string
}

// Certifier keeps the list of destroyed keys that no certificate names yet. Every key that is destroyed stands
// on it from the very transaction that destroys it; tombstones of what never was a key do not.
type Certifier interface {
	// Uncertified lists the keys that no certificate names yet, by subject, at most limit. The last subject
	// may be cut short.
	Uncertified(ctx context.Context, limit int) ([]Gone, error)
	// Certified takes keys off the list, once their certificates are durable. Unknown ids are ignored.
	Certified(ctx context.Context, ids []uuid.UUID) error
	// Bury makes sure that keys of which a certificate says that they are gone are so: what is found alive is
	// destroyed, and what is not found (the store is older than the key) gets its tombstone, so that neither
	// it nor another key of the same address can be used. It takes them off the list.
	Bury(ctx context.Context, gone []Gone) (Burial, error)
}

// Burial tells what Bury found.
type Burial struct {
	Agreed    int // were destroyed
	Destroyed int // were readable, and are destroyed now
	Unknown   int // were not in the store, and have tombstones now
}

// Add sums up.
func (b *Burial) Add(o Burial) {
	b.Agreed += o.Agreed
	b.Destroyed += o.Destroyed
	b.Unknown += o.Unknown
}

// Rotator changes the master keys.
type Rotator interface {
	// Rotate makes a new master key, wraps every key that is not destroyed with it, in pages between which
	// other calls go on, and erases the older master keys. The keys stay the same. A rotation that was cut
	// short, by an error, the context or a crash, goes on with the next call. Report is told after each page;
	// it may be nil.
	Rotate(ctx context.Context, report func(Rotation)) (Rotation, error)
}

// Rotation tells how far a rotation is.
type Rotation struct {
	Master    string   // name of the new master key
	Resumed   bool     // an earlier call had begun it
	Rewrapped int      // keys wrapped with it by this call
	Died      []string // names of the master keys that were erased
}

// Status is what a key store holds.
type Status struct {
	Live, Retained, Destroyed int
	// OpenEnded are the retained keys whose term has no known end.
	OpenEnded int
	// Tombstones are destroyed addresses that never had a key.
	Tombstones int
	// Uncertified are the destroyed keys that no certificate names yet.
	Uncertified int
	Followed    uint64
	// Rotating names the master key of a rotation that was cut short; empty when there is none.
	Rotating string
	Masters  []MasterStatus // in the order in which they were made
}

// MasterStatus is a master key in a Status.
type MasterStatus struct {
	Name string
	Keys int  // that it wraps
	Dead bool // it was erased
}
