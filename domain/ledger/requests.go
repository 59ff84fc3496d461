package ledger

import (
	"context"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
)

// requestEvents lets a request's file decide. Opening one looks at two others: who asks must be known, and the
// person whose data it concerns must have a file. Neither ever becomes unknown again.
func (b *batch) requestEvents(ctx context.Context, t *task, cmd request.Command) ([]domain.Event, error) {
	c := request.Case{Command: cmd, Policy: t.policy, Law: t.policy.Pack()}
	if receive, ok := cmd.(request.Receive); ok {
		card, err := b.ledger.card(ctx, receive.Recipient)
		if err != nil {
			return nil, err
		}
		c.Recipient = card
		if c.SubjectKnown, err = b.ledger.registered(ctx, receive.Subject); err != nil {
			return nil, err
		}
	}
	state := or(b.asked)
	decided, err := request.Decide(c, state)
	if err != nil || len(decided) == 0 {
		return nil, err
	}
	events := make([]domain.Event, len(decided))
	for i, f := range decided {
		events[i] = f.Event
		state = request.Evolve(state, f)
	}
	b.asked = &state
	return events, nil
}

// answers checks a transfer or disclosure against the request that it names, and a text against the one whose words it is. It takes no lock: who opens a
// request looks at the subject's file meanwhile, and the two would wait for each other.
func (l *Ledger) answers(ctx context.Context, cmd subject.Command) error {
	var id domain.RequestID
	var h request.Handover
	switch cmd := cmd.(type) {
	case subject.AddText:
		e, err := l.peek(ctx, domain.RequestStream(cmd.Request))
		if err != nil {
			return err
		}
		return or(e.asked).PermitText(cmd.Subject)
	case subject.Transfer:
		id, h = cmd.Request, request.Handover{Subject: cmd.Subject, Recipient: cmd.Recipient, Fields: cmd.Fields, Basis: cmd.Basis}
	case subject.Disclose:
		id, h = cmd.Request, request.Handover{Subject: cmd.Subject, Recipient: cmd.Recipient, Basis: cmd.Basis}
		for _, v := range cmd.Values {
			h.Fields = append(h.Fields, v.Field)
		}
	default: // nothing leaves by the others
	}
	if id.IsZero() {
		return nil
	}
	e, err := l.peek(ctx, domain.RequestStream(id))
	if err != nil {
		return err
	}
	return or(e.asked).Permit(h)
}

// registered tells whether a file was ever opened for the subject. It takes no lock; see answers.
func (l *Ledger) registered(ctx context.Context, id domain.SubjectID) (bool, error) {
	if id.IsZero() {
		return false, nil
	}
	e, err := l.peek(ctx, domain.SubjectStream(id))
	if err != nil {
		return false, err
	}
	return e.file.Registered(), nil
}

// statisticsEvents lets a month decide on its publication.
func (b *batch) statisticsEvents(t *task, cmd statistics.Publish) ([]domain.Event, error) {
	decided, err := statistics.Decide(statistics.Case{Command: cmd, Policy: t.policy, Plan: b.ledger.cfg.Statistics}, b.month)
	if err != nil {
		return nil, err
	}
	events := make([]domain.Event, len(decided))
	for i, e := range decided {
		events[i] = e
		b.month = statistics.Evolve(b.month, e)
	}
	return events, nil
}

// policyEvents lets the policy decide on its next version.
func (b *batch) policyEvents(ctx context.Context, t *task, cmd policy.Publish) ([]domain.Event, error) {
	b.ledger.heard() // another process may have published: what is taken is read anew
	known, err := b.ledger.Policies(ctx)
	if err != nil {
		return nil, err
	}
	state := or(b.editions)
	decided, err := policy.Decide(policy.Case{Command: cmd, InForce: t.policy, Known: known.Versions()}, state)
	if err != nil || len(decided) == 0 {
		return nil, err
	}
	events := make([]domain.Event, len(decided))
	for i, e := range decided {
		events[i] = e
		state = policy.Evolve(state, e)
	}
	b.editions = &state
	return events, nil
}
