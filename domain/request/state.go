package request

import (
	"slices"
	"strings"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/subject"
)

// approvals is how many persons must approve a disclosure (clause 3.3.3).
const approvals = 2

// Fact is an event with who caused it and when: the file of a request decides by both (who took it in does
// not approve it; terms run from the receipt). Both stand beside the event in the log.
type Fact struct {
	Event Event
	By    domain.Actor
	At    time.Time // when it happened, UTC
}

// State is the request as it is now; nobody knows it while Known is false. A State that was handed out is
// never changed.
type State struct {
	Known      bool
	Kind       Kind
	Subject    domain.SubjectID
	Recipient  domain.RecipientID
	Fields     []domain.Field
	Warrant    subject.Warrant
	Receiver   domain.Actor
	ReceivedAt time.Time
	Approvers  []domain.Reference
	Extended   bool
	Answered   bool
}

func (s State) approvedBy(who domain.Reference) bool { return slices.Contains(s.Approvers, who) }

// Weight estimates the bytes that the state holds beyond its own struct, for caches.
func (s State) Weight() int { return 256 + 64*len(s.Approvers) + 16*len(s.Fields) }

// Evolve folds one fact into the state and gives the new one. It is total.
func Evolve(s State, f Fact) State {
	switch e := f.Event.(type) {
	case Received:
		return State{Known: true, Kind: e.Kind, Subject: e.Subject, Recipient: e.Recipient, Fields: e.Fields, Warrant: e.Warrant,
			Receiver: f.By, ReceivedAt: f.At}
	case Approved:
		s.Approvers = append(slices.Clone(s.Approvers), e.Approver)
	case Extended:
		s.Extended = true
	case Answered:
		s.Answered = true
	}
	return s
}

// Kinds lists what may be asked for.
func Kinds() []Kind {
	return []Kind{Access, Correction, Erasure, Objection, Restriction, Portability, Question, Complaint, ThirdParty, Disclosure}
}

func kinds() string {
	words := make([]string, 0, len(Kinds()))
	for _, k := range Kinds() {
		words = append(words, string(k))
	}
	return strings.Join(words, ", ")
}

// Known reports whether the kind is one of Kinds.
func (k Kind) Known() bool { return slices.Contains(Kinds(), k) }

// needsSubject: the request is the right of a person or speaks of his data. A question may come from anybody,
// and a third party may ask for what the controller first has to find.
func (k Kind) needsSubject() bool { return k != Question && k != Complaint && k != ThirdParty }

// Foreign reports whether somebody other than the subject asks.
func (k Kind) Foreign() bool { return k == ThirdParty || k == Disclosure }

// DeadlineOf names the deadline of a kind of request in the rule packs.
func DeadlineOf(k Kind) law.DeadlineID { return law.DeadlineID("request." + string(k)) }

func (o Outcome) known() bool {
	switch o {
	case Met, PartlyMet, Refused, Withdrawn:
		return true
	}
	return false
}
