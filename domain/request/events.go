package request

import (
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// Event is the closed sum of what can happen to a request.
//
//sumtype:decl
type Event interface {
	domain.Event
	event()
}

// Kind says what is asked for.
type Kind string

// The kinds: the rights of the subject (ua art. 8, GDPR art. 15-21), what anybody may write (clause 7.1), and
// what third parties and authorities ask for (ua art. 16, clauses 3.3.3 and 4.3).
const (
	Access      Kind = "access"
	Correction  Kind = "correction"
	Erasure     Kind = "erasure"
	Objection   Kind = "objection"
	Restriction Kind = "restriction"
	Portability Kind = "portability"
	Question    Kind = "question"
	Complaint   Kind = "complaint"
	ThirdParty  Kind = "third-party"
	Disclosure  Kind = "disclosure"
)

// Received: a request came in. From then on its deadline runs.
type Received struct {
	domain.NoPersonal
	domain.NoFates
	Request domain.RequestID
	Kind    Kind
	Channel subject.Channel
	// Subject is whose data it concerns; zero while the person is not identified.
	Subject domain.SubjectID
	// Fields are what it is about; empty: everything, or nothing in particular.
	Fields []domain.Field
	// Recipient is the third party or authority that asks; zero when the subject does.
	Recipient domain.RecipientID
	Warrant   subject.Warrant // of a disclosure; zero otherwise
	Document  domain.Reference
}

// Approved: one of the persons who must approve a disclosure did.
type Approved struct {
	domain.NoPersonal
	domain.NoFates
	Request  domain.RequestID
	Approver domain.Reference
}

// Extended: the deadline was put off, by the rule that allows it.
type Extended struct {
	domain.NoPersonal
	domain.NoFates
	Request domain.RequestID
	// Reason is a code or number; the sentence stands in the letter.
	Reason   domain.Reference
	Document domain.Reference // the letter by which the asker was told
}

// Outcome is how a request ended.
type Outcome string

// The outcomes.
const (
	Met       Outcome = "met"
	PartlyMet Outcome = "partly"
	Refused   Outcome = "refused"
	Withdrawn Outcome = "withdrawn" // by who asked
)

// Answered: the request was answered, which ends its deadline.
type Answered struct {
	domain.NoPersonal
	domain.NoFates
	Request  domain.RequestID
	Outcome  Outcome
	Reason   domain.Reference // why it was refused or met in part
	Channel  subject.Channel
	Document domain.Reference // the answer
}

func (Received) event() {}
func (Approved) event() {}
func (Extended) event() {}
func (Answered) event() {}
