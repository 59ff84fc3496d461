package subject

import (
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
)

// Context is what a decision needs from outside the subject's file, as data.
type Context struct {
	// Policy is the version in force when the operation happened.
	Policy *policy.Policy
	// Recipient is the card of the third party that a Transfer names; nil when nobody knows it.
	Recipient *recipient.Card
	// Now is when the command is recorded. Closing reaches traces up to here; zero means the operation's time.
	Now time.Time
}

// Case is a command with its context.
type Case struct {
	Command Command
	Context
}

// Decider gives the aggregate's functions. For folding many facts, Fold is faster than Decider.Fold.
func Decider() domain.Decider[Case, State, Fact] {
	return domain.Decider[Case, State, Fact]{
		Initial: func() State { return State{} },
		Decide: func(c Case, s State) ([]Fact, error) {
			events, err := Decide(c, s)
			if len(events) == 0 {
				return nil, err
			}
			return Dated(c.Command.By().Spec().At, events...), nil
		},
		Evolve: Evolve,
	}
}

// Decide gives the event that records the command, nothing when nothing changes, or a *domain.Refusal. It
// is pure: the same case and state always give the same answer.
func Decide(c Case, s State) ([]Event, error) {
	d := decision{Context: c.Context, state: s}
	if err := d.open(c); err != nil {
		return nil, err
	}
	e, err := d.decide(c.Command)
	if err != nil || e == nil {
		return nil, err
	}
	return []Event{e}, nil
}

// decision is one case on its way to an answer.
type decision struct {
	Context
	state   State
	subject domain.SubjectID
	op      domain.OperationSpec
	// overruled says that the ground of a deletion stands above retention rules.
	overruled bool
	// relation says whether the operation ends the relation to the subject, or finds it ended.
	relation policy.Relation
}

// open checks what holds for every command: a complete operation that the policy permits, and a subject.
func (d *decision) open(c Case) error {
	if c.Command == nil || c.Policy == nil {
		return domain.Refuse("operation.incomplete", "3.4", "give a command and the policy in force",
			"the case has no command or no policy").WithKind(domain.Input)
	}
	by := c.Command.By()
	if err := c.Policy.Permit(by); err != nil {
		return err
	}
	d.subject, d.op = c.Command.Target(), by.Spec()
	if d.subject.IsZero() {
		return domain.Refuse("subject.missing", "", "name the subject; ledger.NewSubjectID makes an id",
			"the command names no subject").WithKind(domain.Input)
	}
	if _, ok := c.Command.(Register); ok {
		return nil
	}
	if !d.state.registered {
		return domain.Refuse("subject.unknown", "preamble", "register the subject first",
			"no file is open for this subject").WithKind(domain.Unknown)
	}
	if d.relation = policy.Relation(d.state.closed); d.state.closed && !d.outlives(c.Command) {
		return domain.Refuse("account.closed", "4.1", "register the person anew under another id",
			"the account of this subject is closed")
	}
	return nil
}

// outlives reports whether a command is for after the account is closed too: what is kept by law goes on being
// kept until an order ends that, and whoever must be told is told.
func (d *decision) outlives(c Command) bool {
	switch c := c.(type) {
	case PlaceHold, ReleaseHold, EndRetention, Disclose, GiveNotice:
		return true
	case Delete:
		ground, _ := d.Policy.Pack().DeletionGround(c.Ground)
		return ground.Overrule(law.ByTerm)
	case View:
		return len(c.Fields) == 0 && len(c.Retained) > 0
	default:
		return false
	}
}

func (d *decision) decide(c Command) (Event, error) {
	switch c := c.(type) {
	case Register:
		return d.register(c)
	case Collect:
		return d.collect(c)
	case AddText:
		return d.addText(c)
	case Dispute:
		return d.dispute(c)
	case Rectify:
		return d.rectify(c)
	case Identify:
		return d.identify(c)
	case Edit:
		return d.edit(c)
	case Delete:
		return d.delete(c)
	case Close:
		return d.close()
	case Publish:
		return d.publish(c)
	case WithdrawPublication:
		return d.withdrawPublication(c)
	case Use:
		return d.use(c)
	case View:
		return d.view(c)
	case Transfer:
		return d.transfer(c)
	case GrantConsent:
		return d.grant(c)
	case WithdrawConsent:
		return d.withdraw(c)
	case PlaceOrder:
		return d.place(c)
	case ExecuteOrder:
		return d.execute(c)
	case CancelOrder:
		return d.cancel(c)
	default:
		return d.decideDuty(c)
	}
}

// decideDuty decides what keeping, the subject's rights and the duties to tell ask for.
func (d *decision) decideDuty(c Command) (Event, error) {
	switch c := c.(type) {
	case PlaceHold:
		return d.placeHold(c)
	case ReleaseHold:
		return d.releaseHold(c)
	case EndRetention:
		return d.endRetention(c)
	case Disclose:
		return d.disclose(c)
	case Restrict:
		return d.restrict(c)
	case LiftRestriction:
		return d.lift(c)
	case Object:
		return d.object(c)
	case WithdrawObjection:
		return d.withdrawObjection(c)
	case GiveNotice:
		return d.giveNotice(c)
	default: // decide has taken the others
	}
	return nil, domain.Refuse("command.unknown", "", "give one of the commands of this package, by value",
		"the command is of a type that nobody decides").WithKind(domain.Input)
}
