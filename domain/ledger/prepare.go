package ledger

import (
	"context"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
)

// task is one command on its way to its outcome.
type task struct {
	cmd    Command
	op     domain.OperationSpec
	policy *policy.Policy
	// stream is where its events go; file is the stream whose state decides. They differ for traces.
	stream domain.Stream
	file   domain.Stream
	out    *Outcome

	events int // how many of the facts on their way are its own
}

// trace reports whether the command goes to a stream of traces.
func (t *task) trace() bool { return t.stream != t.file }

// prepare checks what can be checked without reading the command's stream: the operation, its time, the policy
// of that time, and where the command belongs.
func (l *Ledger) prepare(ctx context.Context, t *task) error {
	if t.cmd == nil {
		return input("command.unknown", "give a command", "there is no command")
	}
	by := t.cmd.By()
	if by.IsZero() {
		return input("operation.incomplete", "build it with domain.NewOperation, which names what is missing, or with Template.Op",
			"the operation lacks key, actor, time, purpose, grounds or service")
	}
	t.op = by.Spec()
	if now := l.cfg.Clock(); t.op.At.After(now.Add(Skew)) {
		return input("operation.future", "give the time at which it happened", "the operation lies in the future")
	}
	known, err := l.inForce(ctx)
	if err != nil {
		return err
	}
	p, ok := known.At(t.op.At)
	if !ok {
		return domain.Refuse("operation.before-policy", "6.1", "give a time at which a policy was in force", "no policy was in force at the time of the operation")
	}
	t.policy = p
	if err := p.Permit(by); err != nil {
		return err
	}
	return t.route()
}

// route finds the streams of the command.
func (t *task) route() error {
	switch cmd := t.cmd.(type) {
	case subject.Command:
		t.file = domain.SubjectStream(cmd.Target())
		t.stream = t.file
		if leavesTraces(cmd, t.policy) {
			t.stream = domain.TraceStream(cmd.Target(), domain.MonthOf(t.op.At))
		}
		return nil
	case recipient.Command:
		t.file = domain.RecipientStream(cmd.Target())
	case request.Command:
		t.file = domain.RequestStream(cmd.Target())
	case policy.Publish:
		t.file = domain.PolicyStream(t.policy.Name)
	case statistics.Publish:
		if _, _, ok := statistics.Span(cmd.Period); !ok {
			return input("statistics.period", "write it as 2026-01", "the period is no calendar month")
		}
		t.file = domain.StatisticsStream(cmd.Period)
	default:
		return input("command.unknown", "give a command of domain/subject, domain/recipient or domain/request, policy.Publish or statistics.Publish, by value", "the ledger does not know this type of command")
	}
	t.stream = t.file
	return nil
}

// leavesTraces reports whether the command's events stand in the stream of traces: no decision depends on them.
func leavesTraces(cmd subject.Command, p *policy.Policy) bool {
	switch cmd := cmd.(type) {
	case subject.Use, subject.View, subject.GiveNotice:
		return true
	case subject.Collect:
		return len(cmd.Values) > 0 && p.IsTrace(cmd.Values[0].Field)
	default:
		return false
	}
}

func (t *task) digest(buffer []byte) (string, []byte) {
	switch cmd := t.cmd.(type) {
	case subject.Command:
		return subject.Digest(cmd, buffer)
	case recipient.Command:
		return recipient.Digest(cmd, buffer)
	case request.Command:
		return request.Digest(cmd, buffer)
	case policy.Publish:
		return policy.Digest(cmd, buffer)
	case statistics.Publish:
		return statistics.Digest(cmd, buffer)
	}
	return "", buffer
}

// values lists the personal values that the command brings.
func (t *task) values() []domain.Value {
	if cmd, ok := t.cmd.(subject.Command); ok {
		return subject.Values(cmd)
	}
	return nil
}

func (t *task) meta(content string, recorded time.Time) domain.Meta {
	return domain.Meta{
		Actor: t.op.Actor, OccurredAt: t.op.At, RecordedAt: recorded,
		Purpose: t.op.Purpose, Grounds: t.op.Grounds, Service: t.op.Service,
		Policy: t.policy.Version, Command: t.cmd.Name(), Content: content,
		Correlation: t.op.Correlation, Causation: t.op.Causation,
	}
}

func input(code, remedy, message string) *domain.Refusal {
	return domain.Refuse(code, "3.4", remedy, "%s", message).WithKind(domain.Input)
}
