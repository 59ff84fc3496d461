package subject

import (
	"time"

	"imagine.ua/litopys/domain"
)

// Event is the closed sum of what can happen to a subject's data. Names and fields of the stored form
// are fixed in eventstore/schema; renaming a Go name here changes nothing that is stored.
//
//sumtype:decl
type Event interface {
	domain.Event
	event()
}

// Registered: the person began to use the service and thereby accepted the policy (preamble). Acceptance
// is not consent: nothing that needs consent may rest on it.
type Registered struct {
	domain.NoFates
	Subject  domain.SubjectID
	Policy   string // version accepted
	TextHash string // SHA-256 of the policy text accepted, hex
	// Reference is how the app finds the person again: an account or a visitor's mark, always findable.
	Reference domain.Item
}

// Source is where collected data came from (clauses 1.1.1 and 1.1.2).
type Source string

// The sources.
const (
	BySubject Source = "subject"   // the user gave it himself
	Automatic Source = "automatic" // the user's software sent it
)

// Collected: data came in (clauses 1.1.1, 1.1.2). Fields collected from traces stand in the trace stream.
type Collected struct {
	domain.NoFates
	Subject domain.SubjectID
	Source  Source
	Items   []domain.Item
	// Request is the request whose words these are (clause 7.1); zero for other data. Such values stand beside
	// the earlier ones of their field instead of replacing them.
	Request domain.RequestID
}

// Disputed: the subject says that a value is untrue, insufficient or out of date (clauses 1.4-1.5).
type Disputed struct {
	domain.NoPersonal
	domain.NoFates
	Subject  domain.SubjectID
	Value    domain.FieldEpoch
	Document domain.Reference // the subject's statement
}

// Outcome is how a dispute ended.
type Outcome string

// The outcomes.
const (
	Corrected Outcome = "corrected" // the value was wrong; a new one replaces it
	Confirmed Outcome = "confirmed" // the value was right and stays
)

// Rectified: a dispute ended (clauses 1.4-1.5). Items and Superseded are empty when the value was confirmed.
type Rectified struct {
	Subject    domain.SubjectID
	Value      domain.FieldEpoch // the disputed value
	Outcome    Outcome
	Document   domain.Reference
	Items      []domain.Item
	Superseded []domain.Fate
	Tell       []domain.RecipientID // who got the value and must be told (ua art. 21)
}

// Identified: declared values were verified (clause 1.3).
type Identified struct {
	domain.NoPersonal
	domain.NoFates
	Subject  domain.SubjectID
	Method   string // from the policy's identification methods
	Document domain.Reference
	Values   []domain.FieldEpoch
}

// Edited: the subject changed what he gave (clause 4.1). Every new value opens a new epoch; the old one
// goes to its fate.
type Edited struct {
	Subject    domain.SubjectID
	Items      []domain.Item
	Superseded []domain.Fate
	Tell       []domain.RecipientID // who got the old values and must be told (ua art. 21)
}

// Deleted: values were deleted (clauses 4.1-4.3), each to its fate.
type Deleted struct {
	domain.NoPersonal
	Subject  domain.SubjectID
	Deleted  []domain.Fate
	Services []domain.Service // services that stop working without them (clause 4.2)
	// Ground is why, when not the subject asked for it: a ground of deletion of the rule pack (ua art. 15). One
	// that overrules retention reaches values, too, that were deleted before and kept for a term.
	Ground   string
	Document domain.Reference     // the order, or the finding; always there when the ground overrules retention
	Tell     []domain.RecipientID // who got the values and must be told (ua art. 21)
}

// Closed: the account was closed and all values deleted, each to its fate (clause 4.1).
type Closed struct {
	domain.NoPersonal
	Subject  domain.SubjectID
	Deleted  []domain.Fate
	Services []domain.Service
	Tell     []domain.RecipientID
}

// ConsentGranted: the subject agreed that these fields go to these recipients, or are used, for these
// purposes (clause 3.3.1; ua.11.1.1).
type ConsentGranted struct {
	domain.NoPersonal
	domain.NoFates
	Subject  domain.SubjectID
	Consent  domain.ConsentID
	Scope    Scope
	TextHash string    // SHA-256 of the text that was agreed to, hex
	Until    time.Time // zero: until withdrawn
}

// Scope is what a consent or an order reaches.
type Scope struct {
	Purposes       []domain.Purpose
	Fields         []domain.Field
	Recipients     []domain.RecipientID
	RecipientKinds []domain.RecipientKind
}

// ConsentWithdrawn: a consent ended by the subject's will. It reaches only what rests on it.
type ConsentWithdrawn struct {
	domain.NoPersonal
	domain.NoFates
	Subject domain.SubjectID
	Consent domain.ConsentID
}

// OrderPlaced: the subject ordered something that needs his data to go to a third party (2.2.6, 3.3.2).
type OrderPlaced struct {
	domain.NoPersonal
	domain.NoFates
	Subject  domain.SubjectID
	Order    domain.OrderID
	Scope    Scope
	Document domain.Reference
}

// OrderExecuted: the order was carried out; it is no basis for a transfer any more.
type OrderExecuted struct {
	domain.NoPersonal
	domain.NoFates
	Subject domain.SubjectID
	Order   domain.OrderID
}

// OrderCancelled: the order was cancelled; it is no basis for a transfer any more.
type OrderCancelled struct {
	domain.NoPersonal
	domain.NoFates
	Subject domain.SubjectID
	Order   domain.OrderID
}

// Published: the subject himself made values public (clause 3.2).
type Published struct {
	domain.NoPersonal
	domain.NoFates
	Subject domain.SubjectID
	Values  []domain.FieldEpoch
	Place   domain.Reference // where: "profile", "guestbook"
}

// PublicationWithdrawn: the values are confidential again (clause 3.2).
type PublicationWithdrawn struct {
	domain.NoPersonal
	domain.NoFates
	Subject domain.SubjectID
	Values  []domain.FieldEpoch
}

// Used: values were used for the operation's purpose (clause 2.2). Stands in the trace stream.
type Used struct {
	domain.NoPersonal
	domain.NoFates
	Subject domain.SubjectID
	Values  []domain.FieldEpoch
}

// Viewed: a person looked at values (order 1/02-14; DESIGN: reading is processing). Stands in the trace stream.
type Viewed struct {
	domain.NoPersonal
	domain.NoFates
	Subject  domain.SubjectID
	Values   []domain.FieldEpoch
	Role     string           // the role under which he looked
	Document domain.Reference // why: ticket, request; optional
}

// Transferred: values went to a third party (clauses 3.3.1-3.3.4).
type Transferred struct {
	domain.NoFates
	Subject   domain.SubjectID
	Recipient Recipient
	Values    []domain.FieldEpoch
	Basis     Basis
	// Abroad names the ground of a transfer to another country (art. 29); empty inside the country.
	Abroad string
	// Retained: the values were deleted or edited before and are kept for their terms only (clause 4.3).
	Retained bool
	// Exempt names the exemption of the rule pack by which the subject need not be told; empty: he is told.
	Exempt string
	// Request is the request that the transfer answers; zero when there is none.
	Request domain.RequestID
}

// Recipient is what a transfer says of the third party: its card as it was at that time.
type Recipient struct {
	ID      domain.RecipientID
	Kind    domain.RecipientKind
	Country domain.Country
}

// Basis is the closed sum of grounds for a transfer (clause 3.3).
//
//sumtype:decl
type Basis interface {
	basis()
	// Clause gives the clause of the policy: "3.3.1" … "3.3.4".
	Clause() string
	// Kind names the basis in one word, as read models and figures show it.
	Kind() string
}

// ByConsent: the subject's live consent covers recipient, purpose and every field (3.3.1).
type ByConsent struct{ Consent domain.ConsentID }

// ByOrder: the subject's open order names the recipient or its kind, and the fields (3.3.2).
type ByOrder struct{ Order domain.OrderID }

// ByLaw: a law provides for it by its procedure; two persons approved (3.3.3).
type ByLaw struct {
	Authority domain.Reference // the authority's code
	Act       domain.Reference // the act of law
	Article   domain.Reference
	Document  domain.Reference // the authority's paper
	Dated     time.Time        // its date
	Approvers [2]domain.Reference
}

// ByDefence: rights must be protected and there are sufficient grounds to believe that the user breaks
// the agreement or the law (3.3.4). The written grounds speak of the person and are sealed.
type ByDefence struct {
	Evidence  domain.Reference
	Approver  domain.Reference
	Statement domain.Item
}

func (ByConsent) basis() {}
func (ByOrder) basis()   {}
func (ByLaw) basis()     {}
func (ByDefence) basis() {}

// Clause gives the clause of the policy.
func (ByConsent) Clause() string { return "3.3.1" }

// Clause gives the clause of the policy.
func (ByOrder) Clause() string { return "3.3.2" }

// Clause gives the clause of the policy.
func (ByLaw) Clause() string { return "3.3.3" }

// Clause gives the clause of the policy.
func (ByDefence) Clause() string { return "3.3.4" }

// Kind names the basis.
func (ByConsent) Kind() string { return "consent" }

// Kind names the basis.
func (ByOrder) Kind() string { return "order" }

// Kind names the basis.
func (ByLaw) Kind() string { return "law" }

// Kind names the basis.
func (ByDefence) Kind() string { return "defence" }

func (Registered) event()           {}
func (Collected) event()            {}
func (Disputed) event()             {}
func (Rectified) event()            {}
func (Identified) event()           {}
func (Edited) event()               {}
func (Deleted) event()              {}
func (Closed) event()               {}
func (ConsentGranted) event()       {}
func (ConsentWithdrawn) event()     {}
func (OrderPlaced) event()          {}
func (OrderExecuted) event()        {}
func (OrderCancelled) event()       {}
func (Published) event()            {}
func (PublicationWithdrawn) event() {}
func (Used) event()                 {}
func (Viewed) event()               {}
func (Transferred) event()          {}
