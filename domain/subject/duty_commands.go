package subject

import (
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
)

// PlaceHold forbids the destruction of fields, or of all of them, until it is released.
type PlaceHold struct {
	About
	Hold    domain.HoldID
	Fields  []domain.Field // empty with All
	All     bool
	Warrant Warrant
}

// ReleaseHold ends a hold.
type ReleaseHold struct {
	About
	Hold     domain.HoldID
	Document domain.Reference
}

// EndRetention destroys the values whose terms are over. Without Values it means every one that is retained.
// Live traces whose term from collection is over are named, for the file does not list their months; the fate
// of one reaches the months before it.
type EndRetention struct {
	About
	Values []domain.FieldEpoch
}

// Disclose hands retained values to an authority by the procedure of the law (clauses 3.3.3, 4.3): exactly
// the values named.
type Disclose struct {
	About
	Recipient domain.RecipientID
	Values    []domain.FieldEpoch
	Basis     ByLaw
	Abroad    string
	Exempt    string // as in Transferred
	Request   domain.RequestID
}

// Restrict leaves the fields stored and nothing else.
type Restrict struct {
	About
	Fields   []domain.Field
	Document domain.Reference
}

// LiftRestriction allows processing of the fields again.
type LiftRestriction struct {
	About
	Fields   []domain.Field
	Document domain.Reference
}

// Object ends processing for the purposes.
type Object struct {
	About
	Purposes []domain.Purpose
	Document domain.Reference
}

// WithdrawObjection takes an objection back.
type WithdrawObjection struct {
	About
	Purposes []domain.Purpose
}

// GiveNotice records that somebody was told; see NoticeGiven.
type GiveNotice struct {
	About
	Cause     uuid.UUID
	Duty      string
	Policy    string
	Recipient domain.RecipientID
	Channel   Channel
	Document  domain.Reference
}

// Name is the command's name.
func (PlaceHold) Name() string { return "hold.place" }

// Name is the command's name.
func (ReleaseHold) Name() string { return "hold.release" }

// Name is the command's name.
func (EndRetention) Name() string { return "retention.end" }

// Name is the command's name.
func (Disclose) Name() string { return "disclose" }

// Name is the command's name.
func (Restrict) Name() string { return "restrict" }

// Name is the command's name.
func (LiftRestriction) Name() string { return "restriction.lift" }

// Name is the command's name.
func (Object) Name() string { return "object" }

// Name is the command's name.
func (WithdrawObjection) Name() string { return "objection.withdraw" }

// Name is the command's name.
func (GiveNotice) Name() string { return "notice.give" }
