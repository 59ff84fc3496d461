package subject

import (
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
)

// HoldRule is the rule of a fate that a legal hold decides.
const HoldRule = "hold"

// Warrant is the paper by which an authority or a court asks for something (clauses 3.3.3, 4.3).
type Warrant struct {
	Authority domain.Reference // the authority's code
	Act       domain.Reference // the act of law
	Article   domain.Reference
	Document  domain.Reference // the authority's paper
	Dated     time.Time        // its date
}

// HoldPlaced: nothing of these fields may be destroyed before the hold is released (clause 4.3).
type HoldPlaced struct {
	domain.NoPersonal
	Subject domain.SubjectID
	Hold    domain.HoldID
	Fields  []domain.Field // empty: all that the subject has
	Warrant Warrant
	// Held are the retained values whose terms the hold suspends.
	Held []domain.Fate
	// Late are values that the hold names but that were destroyed before it came.
	Late []domain.FieldEpoch
}

// HoldReleased: the hold ended. What it alone kept is destroyed, the rest goes back to its term.
type HoldReleased struct {
	domain.NoPersonal
	Subject  domain.SubjectID
	Hold     domain.HoldID
	Document domain.Reference
	Freed    []domain.Fate
	Tell     []domain.RecipientID // who got what is destroyed and must be told (ua art. 21)
}

// RetentionEnded: the terms of these values are over and no hold keeps them (clause 4.3).
type RetentionEnded struct {
	domain.NoPersonal
	Subject domain.SubjectID
	Ended   []domain.Fate
	Tell    []domain.RecipientID // who got the values and must be told (ua art. 21)
}

// Restricted: these fields are only stored until the restriction is lifted (ua art. 8, GDPR art. 18).
type Restricted struct {
	domain.NoPersonal
	domain.NoFates
	Subject  domain.SubjectID
	Fields   []domain.Field
	Document domain.Reference
	Tell     []domain.RecipientID // who got the values and must be told
}

// RestrictionLifted: these fields may be processed again.
type RestrictionLifted struct {
	domain.NoPersonal
	domain.NoFates
	Subject  domain.SubjectID
	Fields   []domain.Field
	Document domain.Reference
}

// Objected: the subject's data are not processed for these purposes any more (ua art. 8, GDPR art. 21).
type Objected struct {
	domain.NoPersonal
	domain.NoFates
	Subject  domain.SubjectID
	Purposes []domain.Purpose
	Document domain.Reference
}

// ObjectionWithdrawn: the subject gave up his objection to these purposes.
type ObjectionWithdrawn struct {
	domain.NoPersonal
	domain.NoFates
	Subject  domain.SubjectID
	Purposes []domain.Purpose
}

// NoticeGiven: somebody was told what the law or the policy says he must be told. It stands in the trace
// stream, since no decision depends on it.
type NoticeGiven struct {
	domain.NoPersonal
	domain.NoFates
	Subject domain.SubjectID
	// Cause is the event that had to be told; nil for a new version of the policy.
	Cause uuid.UUID
	// Duty is the id of the deadline in the rule pack: "notice.transfer", "notice.recipient", "policy.notice".
	Duty string
	// Policy is the version that the notice is about; empty unless Duty is policy.notice.
	Policy string
	// Recipient is who was told; zero: the subject himself.
	Recipient domain.RecipientID
	Channel   Channel
	Document  domain.Reference // the letter's number or mark
}

// Channel is a way by which people are told (clause 6.1) and write to the controller (clause 7.1).
type Channel string

// The channels.
const (
	ByAccount Channel = "account" // the personal account
	ByEmail   Channel = "email"
	BySite    Channel = "site" // a notice on the site
	ByPost    Channel = "post" // paper
)

// KeysDestroyed is the certificate of erasure: these keys are gone from the key store. The key store's
// follower writes it into the stream of certificates after the fact that decided it was carried out.
type KeysDestroyed struct {
	domain.NoPersonal
	domain.NoFates
	Subject domain.SubjectID
	Keys    []DestroyedKey
	// UnreadableAt is when the keys were gone from the live key store.
	UnreadableAt time.Time
	// UnrecoverableAfter is when the newest backup that could hold one of them has lapsed.
	UnrecoverableAfter time.Time
}

// DestroyedKey is one key of a certificate. Epoch and field say what it governed.
type DestroyedKey struct {
	Key   uuid.UUID
	Field domain.Field
	Epoch domain.Epoch
	// Master names the master key (a month) that wrapped it.
	Master string
}

func (HoldPlaced) event()         {}
func (HoldReleased) event()       {}
func (RetentionEnded) event()     {}
func (Restricted) event()         {}
func (RestrictionLifted) event()  {}
func (Objected) event()           {}
func (ObjectionWithdrawn) event() {}
func (NoticeGiven) event()        {}
func (KeysDestroyed) event()      {}

// Fates gives the retained values that the hold keeps beyond their terms.
func (e HoldPlaced) Fates() []domain.Fate { return e.Held }

// Fates gives what the end of the hold decides.
func (e HoldReleased) Fates() []domain.Fate { return e.Freed }

// Fates gives the values that are destroyed.
func (e RetentionEnded) Fates() []domain.Fate { return e.Ended }
