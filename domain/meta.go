package domain

import (
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// ActorKind says what sort of person or thing acts.
type ActorKind string

// The kinds of actors.
const (
	ActorSubject   ActorKind = "subject"   // the data subject, through his account
	ActorEmployee  ActorKind = "employee"  // a person working for the controller
	ActorSystem    ActorKind = "system"    // software of the controller
	ActorAuthority ActorKind = "authority" // a state body
)

// Actor is who performed an operation (order 1/02-14: the record names the employee). ID is a code, never a name.
type Actor struct {
	Kind ActorKind
	ID   Reference
}

// Valid reports whether the kind is known and the id keeps to the alphabet of references.
func (a Actor) Valid() bool {
	switch a.Kind {
	case ActorSubject, ActorEmployee, ActorSystem, ActorAuthority:
		return a.ID.Valid()
	}
	return false
}

// OperationSpec is what must be said of every operation on personal data (order 1/02-14 of the Ombudsman).
type OperationSpec struct {
	// Key is the idempotency key: the same key with the same content gives the first answer again, for ever.
	// 1 to 200 bytes. It is hashed without a secret: make it of record numbers, never of personal data.
	Key string
	// Actor is who does it.
	Actor Actor
	// At is when it happened, which may be before it is recorded, never after.
	At time.Time
	// Purpose, Grounds and Service are names from the policy.
	Purpose Purpose
	Grounds Grounds
	Service Service
	// Correlation and Causation link operations that belong together; both optional.
	Correlation uuid.UUID
	Causation   uuid.UUID
}

// Operation is a complete OperationSpec. Only NewOperation makes one, so a command without actor, time,
// purpose or grounds cannot be built; the zero Operation is refused by the ledger.
type Operation struct{ spec OperationSpec }

// NewOperation checks that nothing is missing and names all that is. Whether the policy knows the names,
// and whether the time is not in the future, is for the ledger to decide.
func NewOperation(s OperationSpec) (Operation, error) {
	s.At = s.At.UTC().Truncate(time.Microsecond)
	var missing []error
	need := func(ok bool, message string) {
		if !ok {
			missing = append(missing, errors.New(message))
		}
	}
	need(len(s.Key) > 0 && len(s.Key) <= 200 && utf8.ValidString(s.Key), "idempotency key: want 1 to 200 bytes of UTF-8")
	need(s.Actor.Valid(), "actor: want a known kind and a code of letters, digits and /_.:#-")
	need(s.At.Year() >= 1970 && s.At.Year() <= 9999, "time: the operation has none, or one outside the years 1970 to 9999")
	need(s.Purpose != "", "purpose: missing")
	need(s.Grounds != "", "grounds: missing")
	need(s.Service != "", "service: missing")
	if err := errors.Join(missing...); err != nil {
		return Operation{}, err
	}
	return Operation{s}, nil
}

// Spec gives the operation's parts.
func (o Operation) Spec() OperationSpec { return o.spec }

// IsZero reports whether the operation was not made by NewOperation.
func (o Operation) IsZero() bool { return o.spec.Key == "" }

// Meta stands beside every event: the operation, and how it was recorded. It is stored in clear.
type Meta struct {
	Actor       Actor
	OccurredAt  time.Time // when it happened, by the command
	RecordedAt  time.Time // when the ledger took it
	Purpose     Purpose
	Grounds     Grounds
	Service     Service
	Policy      string // version of the policy in force at OccurredAt
	Command     string // name of the command, for reading
	Content     string // digest of the command without its personal values; tells a retry from a reused key
	Correlation uuid.UUID
	Causation   uuid.UUID
}
