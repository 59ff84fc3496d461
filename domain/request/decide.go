package request

import (
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
)

// Case is a command with what its decision needs from outside the request's file, as data.
type Case struct {
	Command Command
	// Policy is the version in force when the operation happened.
	Policy *policy.Policy
	// Law is the rule pack whose terms hold.
	Law *law.Pack
	// Recipient is the card of the third party or authority that a Receive names; nil when nobody knows it.
	Recipient *recipient.Card
	// SubjectKnown: a file was opened for the subject that a Receive names. It may be closed since.
	SubjectKnown bool
}

// Decider gives the aggregate's functions.
func Decider() domain.Decider[Case, State, Fact] {
	return domain.Decider[Case, State, Fact]{
		Initial: func() State { return State{} },
		Decide:  Decide,
		Evolve:  Evolve,
	}
}

// Decide gives the fact that records the command, nothing when nothing changes, or a *domain.Refusal. It is
// pure: the same case and state always give the same answer.
func Decide(c Case, s State) ([]Fact, error) {
	if c.Command == nil || c.Policy == nil || c.Law == nil {
		return nil, input("operation.incomplete", "3.4", "give a command, the policy in force and the rule pack", "the case has no command, no policy or no law")
	}
	by := c.Command.By()
	if err := c.Policy.Permit(by); err != nil {
		return nil, err
	}
	if c.Command.Target().IsZero() {
		return nil, input("request.missing", "7.1", "give it a random id", "the command names no request")
	}
	e, err := decide(c, s)
	if err != nil || e == nil {
		return nil, err
	}
	return []Fact{{Event: e, By: by.Spec().Actor, At: by.Spec().At}}, nil
}

func decide(c Case, s State) (Event, error) {
	if cmd, ok := c.Command.(Receive); ok {
		return receive(c, cmd, s)
	}
	if !s.Known {
		return nil, domain.Refuse("request.unknown", "7.1", "open it first", "the ledger does not know this request").WithKind(domain.Unknown)
	}
	if s.Answered {
		return nil, domain.Refuse("request.answered", "7.1", "open a new request", "the request was answered").WithKind(domain.Conflict)
	}
	switch cmd := c.Command.(type) {
	case Approve:
		return approve(cmd, s)
	case Extend:
		return extend(c, cmd, s)
	case Answer:
		return answer(cmd, s)
	default: // Receive is decided above
		return nil, input("command.unknown", "7.1", "give one of the commands of this package, by value", "the command is of a type that nobody decides")
	}
}

// approve records that a person agrees to a disclosure. Whoever took the request in does not approve it, and
// nobody counts twice (clause 3.3.3: two persons).
func approve(c Approve, s State) (Event, error) {
	if s.Kind != Disclosure {
		return nil, domain.Refuse("request.approve-kind", "3.3.3", "answer it; only disclosures are approved", "a request of the kind %s needs no approval", s.Kind)
	}
	actor := c.Operation.Spec().Actor
	if actor.Kind != domain.ActorEmployee {
		return nil, domain.Refuse("request.approver", "3.3.3", "let an employee approve", "an approval is given by a person who works for the controller")
	}
	if actor.ID == s.Receiver.ID {
		return nil, domain.Refuse("request.two-approvers", "3.3.3", "let somebody else approve", "who took the request in does not approve it")
	}
	if s.approvedBy(actor.ID) {
		return nil, domain.Refuse("request.two-approvers", "3.3.3", "let somebody else approve", "this person has approved it already")
	}
	if len(s.Approvers) >= approvals {
		return nil, nil
	}
	return Approved{Request: c.Request, Approver: actor.ID}, nil
}

// extend puts the deadline off where law lets it be (ua art. 17, GDPR art. 12(3)), once, and only while the
// asker can still be told in time.
func extend(c Case, cmd Extend, s State) (Event, error) {
	id := DeadlineOf(s.Kind)
	d, ok := c.Law.Deadline(id)
	if !ok {
		return nil, domain.Refuse("request.no-deadline", "7.1", "answer it", "the rule pack %s sets no deadline for requests of the kind %s", c.Law.ID, s.Kind)
	}
	if d.Absolute || d.Extension == nil {
		return nil, domain.Refuse("request.extension", d.Article, "answer within "+d.Term.String(), "%s does not let the answer be put off", d.Article)
	}
	if s.Extended {
		return nil, domain.Refuse("request.extended", d.Extension.Article, "answer in the term that runs", "the deadline was put off already")
	}
	if !cmd.Reason.Valid() {
		return nil, input("request.reason", d.Extension.Article, "give a code or number: letters, digits and /_.:#- (64 at most), no spaces", "the reason for putting the answer off is missing or malformed")
	}
	if err := document(cmd.Document); err != nil {
		return nil, err
	}
	limit := c.Law.Due(d.Term, s.ReceivedAt)
	if told := d.Extension.WithReasonBy; told != nil {
		if cmd.Document == "" {
			return nil, input("request.extension-untold", d.Extension.Article, "tell the asker and give the letter's number", "an answer is put off by telling the asker why")
		}
		limit = c.Law.Due(*told, s.ReceivedAt)
	}
	if !cmd.Operation.Spec().At.Before(limit) {
		return nil, domain.Refuse("request.extension-late", d.Extension.Article, "answer at once", "the time in which the asker can be told of a delay is over")
	}
	return Extended{Request: cmd.Request, Reason: cmd.Reason, Document: cmd.Document}, nil
}

// answer ends the request. A disclosure is met by two approvals or not at all.
func answer(c Answer, s State) (Event, error) {
	if !c.Outcome.known() {
		return nil, input("request.outcome", "7.1", "say met, partly, refused or withdrawn", "the outcome is not known")
	}
	if (c.Outcome == Refused || c.Outcome == PartlyMet) && c.Reason == "" {
		return nil, input("request.reason", "7.1", "give a code or number of the reason", "a request that is not met in full is answered with a reason")
	}
	if c.Reason != "" && !c.Reason.Valid() {
		return nil, input("request.reason", "7.1", "give a code or number: letters, digits and /_.:#- (64 at most), no spaces", "the reason is malformed")
	}
	if c.Channel == "" && c.Outcome != Withdrawn {
		return nil, input("request.channel", "7.1", "say account, email, site or post", "the answer names no channel")
	}
	if err := channel(c.Channel); err != nil {
		return nil, err
	}
	if err := document(c.Document); err != nil {
		return nil, err
	}
	gives := c.Outcome == Met || c.Outcome == PartlyMet
	if s.Kind == Disclosure && gives && len(s.Approvers) < approvals {
		return nil, domain.Refuse("request.two-approvers", "3.3.3", "let two persons approve it, or refuse the request", "%d of %d approvals are recorded", len(s.Approvers), approvals)
	}
	return Answered{Request: c.Request, Outcome: c.Outcome, Reason: c.Reason, Channel: c.Channel, Document: c.Document}, nil
}

func channel(c subject.Channel) error {
	switch c {
	case "", subject.ByAccount, subject.ByEmail, subject.BySite, subject.ByPost:
		return nil
	}
	return input("request.channel", "7.1", "say account, email, site or post", "the channel is not known")
}

func document(r domain.Reference) error {
	if r != "" && !r.Valid() {
		return input("document.invalid", "7.1", "give its number: letters, digits and /_.:#- (64 at most), no spaces", "the reference to the document is malformed")
	}
	return nil
}

func input(code, clause, remedy, message string) *domain.Refusal {
	return domain.Refuse(code, clause, remedy, "%s", message).WithKind(domain.Input)
}
