package importer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/cmd/internal/importer/accesslog"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/keys"
)

// The fields of the policy's catalogue that a line of an access log fills.
const (
	fieldVisitor  domain.Field = "visitor"
	fieldAddress  domain.Field = "address"
	fieldTime     domain.Field = "access_time"
	fieldPage     domain.Field = "page"
	fieldReferrer domain.Field = "referrer"
	fieldBrowser  domain.Field = "browser"
)

// Ledger takes commands; *ledger.Ledger is one.
type Ledger interface {
	HandleAll(ctx context.Context, cmds []ledger.Command) []ledger.Outcome
	// Policies gives the versions by which it decides.
	Policies(ctx context.Context) (*policy.Set, error)
}

// Visitors finds a visitor again and makes ids that nobody can guess back.
type Visitors interface {
	// Find gives the subjects under whom the value is recorded.
	Find(ctx context.Context, field domain.Field, value domain.Value) ([]domain.SubjectID, error)
	// Token derives an id from content under the key of one value; ledger.ErrErased when that has gone.
	Token(ctx context.Context, ref keys.Ref, content []byte) (uuid.UUID, error)
}

// Act is who imports, and why. It goes with every operation.
type Act struct {
	Actor   domain.Actor
	Purpose domain.Purpose
	Grounds domain.Grounds
	Service domain.Service
}

// AccessLog imports the lines of an access log. It is used by one goroutine.
//
// Every line becomes one Collect command whose idempotency key is a token of the line's bytes under the
// visitor's own key, and the number of identical lines shortly before it. So a second run, or one after a
// crash at any moment, finds every line that is recorded; and nothing is left in the ledger from which a
// line could be guessed once the visitor's key is destroyed.
type AccessLog struct {
	Ledger   Ledger
	Visitors Visitors
	Act      Act
	Batch    int // lines at once
	Rejects  *Rejects
	NewID    func() (uuid.UUID, error)
	// Progress is told the report after every batch; optional.
	Progress func(Report)

	window *window
	known  map[string]domain.SubjectID
	report Report
}

// Bounds of memory. The window is far longer than any burst of identical lines within one second; the
// cache of visitors is refilled from the key store when it was emptied.
const (
	windowLines   = 1 << 13
	knownVisitors = 1 << 17
	batchBytes    = 8 << 20
)

// pending is a line that was parsed, on its way into the ledger.
type pending struct {
	line       Line
	visit      accesslog.Visit
	occurrence int
}

// Run imports the text. The report stands for what was acknowledged, also when an error ended the run.
func (a *AccessLog) Run(ctx context.Context, text *Input, limit int) (Report, error) {
	a.window, a.known, a.report = newWindow(windowLines), map[string]domain.SubjectID{}, Report{}
	var batch []pending
	size := 0
	for line, err := range Lines(text, limit) {
		if err != nil {
			flushed := a.flush(ctx, batch)
			return a.report, errors.Join(flushed, fmt.Errorf("line %d: %w", line.Number, err))
		}
		if parsed, why := a.parse(line, limit); why != nil {
			a.reject(line, why)
		} else {
			batch = append(batch, parsed)
			size += len(line.Text)
		}
		if len(batch)+len(a.Rejects.pending) >= a.Batch || size >= batchBytes {
			if err := a.flush(ctx, batch); err != nil {
				return a.report, err
			}
			batch, size = batch[:0], 0
		}
	}
	if err := a.flush(ctx, batch); err != nil {
		return a.report, err
	}
	return a.report, a.Rejects.Finish()
}

// parse gives a line as a visit, or the reason why it is none.
func (a *AccessLog) parse(line Line, limit int) (pending, error) {
	if line.Long {
		return pending{}, fmt.Errorf("the line is longer than %d bytes", limit)
	}
	visit, err := accesslog.Parse(line.Text)
	if err != nil {
		return pending{}, err
	}
	return pending{line, visit, a.window.occurrence(line.Text)}, nil
}

// reject notes a line that was not taken.
func (a *AccessLog) reject(line Line, why error) {
	a.report.reject()
	a.Rejects.Add(rejectOf(line, why))
}

func rejectOf(line Line, why error) Reject {
	r := Reject{Line: line.Number, Offset: line.Offset, Reason: why.Error()}
	var refusal *domain.Refusal
	if errors.As(why, &refusal) {
		r.Code, r.Clause, r.Reason, r.Remedy = refusal.Code, refusal.Clause, refusal.Message, refusal.Remedy
	}
	return r
}

// flush records a batch: visitors first, then what they did.
func (a *AccessLog) flush(ctx context.Context, batch []pending) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	refused, err := a.register(ctx, batch)
	if err != nil {
		return err
	}
	cmds, lines := make([]ledger.Command, 0, len(batch)), make([]Line, 0, len(batch))
	for i, p := range batch {
		why := refused[i]
		if why == nil {
			var cmd ledger.Command
			if cmd, why = a.collect(ctx, p); why == nil {
				cmds, lines = append(cmds, cmd), append(lines, p.line)
				continue
			}
		}
		if !isRefusal(why) {
			return fmt.Errorf("line %d: %w", p.line.Number, why)
		}
		a.reject(p.line, why)
	}
	return errors.Join(a.account(a.Ledger.HandleAll(ctx, cmds), lines), a.Rejects.Settle())
}

// account sorts the outcomes of a batch into recorded, recorded before and rejected.
func (a *AccessLog) account(outcomes []ledger.Outcome, lines []Line) error {
	var failed error
	for i, out := range outcomes {
		switch {
		case out.Err == nil && !out.Receipt.Repeated:
			a.report.Imported++
			a.report.Lines++
		case out.Err == nil || isReused(out.Err):
			// A reused key means the same line under another actor or purpose: the line is there.
			a.report.Already++
			a.report.Lines++
		case isRefusal(out.Err):
			a.reject(lines[i], out.Err)
		case failed == nil:
			failed = fmt.Errorf("line %d: %w", lines[i].Number, out.Err)
		}
	}
	if a.Progress != nil {
		a.Progress(a.report)
	}
	return failed
}

func isRefusal(err error) bool {
	var refusal *domain.Refusal
	return errors.As(err, &refusal)
}

func isReused(err error) bool { return errors.Is(err, &domain.Refusal{Code: "idempotency.reused"}) }

// collect is the command that records one line.
func (a *AccessLog) collect(ctx context.Context, p pending) (subject.Collect, error) {
	id := a.known[p.visit.Visitor()]
	ref := keys.Ref{Subject: id, Field: fieldVisitor, Epoch: domain.AttributeEpoch(1)}
	token, err := a.Visitors.Token(ctx, ref, p.line.Text)
	if errors.Is(err, ledger.ErrErased) {
		return subject.Collect{}, domain.Refuse("value.deleted", "4.1", "leave it out: what was deleted does not come back",
			"the mark of this visitor was deleted or changed")
	}
	if err != nil {
		return subject.Collect{}, fmt.Errorf("token: %w", err)
	}
	return a.collected(id, fmt.Sprintf("access-log:%s:%d", token, p.occurrence), p.visit)
}

func (a *AccessLog) collected(id domain.SubjectID, key string, v accesslog.Visit) (subject.Collect, error) {
	op, err := a.operation(key, v.At)
	return subject.Collect{About: subject.About{Subject: id, Operation: op}, Source: subject.Automatic, Values: valuesOf(v)}, err
}

func (a *AccessLog) operation(key string, at time.Time) (domain.Operation, error) {
	op, err := domain.NewOperation(domain.OperationSpec{Key: key, Actor: a.Act.Actor, At: at,
		Purpose: a.Act.Purpose, Grounds: a.Act.Grounds, Service: a.Act.Service})
	if err != nil {
		return op, domain.Refuse("operation.incomplete", "3.4", "correct the line or the flags", "%s", err).WithKind(domain.Input)
	}
	return op, nil
}

// valuesOf lists what the line says; what it does not say is absent.
func valuesOf(v accesslog.Visit) []subject.Given {
	var out []subject.Given
	for _, part := range []struct {
		field domain.Field
		text  string
	}{
		{fieldAddress, v.Address}, {fieldTime, v.At.Format(time.RFC3339)}, {fieldPage, v.Page},
		{fieldReferrer, v.Referrer}, {fieldBrowser, v.Browser},
	} {
		if part.text != "" {
			out = append(out, subject.Given{Field: part.field, Value: domain.ClearValue(part.text)})
		}
	}
	return out
}
