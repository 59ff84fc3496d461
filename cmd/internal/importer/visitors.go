package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"imagine.ua/litopys/cmd/internal/importer/accesslog"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
)

// registerKey is the idempotency key of a visitor's registration. Keys are told apart within a stream, and
// the stream's name is random, so one key serves all.
const registerKey = "access-log:register"

// tryKey is the key of a visit that is decided and not recorded.
const tryKey = "access-log:try"

// newcomer is a visitor whom this run meets for the first time.
type newcomer struct {
	mark  string
	id    domain.SubjectID
	found bool  // the ledger knows him
	lines []int // places in the batch of what he did, the next one to open his file first
}

// register opens the files of visitors that this run meets for the first time, and gives for every line of the
// batch why it is refused, nil where it is not. A file is opened with the first line that the policy takes,
// so that no person is left in the ledger of whom it holds nothing else (clause 2.1), and a bad line does not
// stand in the way of the good ones after it.
func (a *AccessLog) register(ctx context.Context, batch []pending) ([]error, error) {
	refused := make([]error, len(batch))
	waiting, err := a.newcomers(ctx, batch)
	if err != nil || len(waiting) == 0 {
		return refused, err
	}
	policies, err := a.Ledger.Policies(ctx)
	if err != nil {
		return nil, err
	}
	for len(waiting) > 0 {
		var cmds []ledger.Command
		var asked []*newcomer
		for _, n := range waiting {
			cmd, ok, err := a.opening(policies, n, batch, refused)
			if err != nil {
				return nil, err
			}
			if ok {
				cmds, asked = append(cmds, cmd), append(asked, n)
			}
		}
		waiting = waiting[:0]
		for i, out := range a.Ledger.HandleAll(ctx, cmds) {
			n := asked[i]
			switch {
			case out.Err == nil, isReused(out.Err), errors.Is(out.Err, &domain.Refusal{Code: "subject.registered"}):
				a.known[n.mark] = n.id
			case isRefusal(out.Err):
				// Nothing of this line is recorded: the next line asks anew.
				refused[n.lines[0]] = out.Err
				n.lines = n.lines[1:]
				waiting = append(waiting, n)
			default:
				return nil, fmt.Errorf("register a visitor: %w", out.Err)
			}
		}
	}
	return refused, nil
}

// newcomers lists the visitors of the batch whom this run has not met, in the order of their first lines. One
// who is found keeps his id.
func (a *AccessLog) newcomers(ctx context.Context, batch []pending) ([]*newcomer, error) {
	if len(a.known) > knownVisitors {
		clear(a.known)
	}
	var list []*newcomer
	place := map[string]*newcomer{}
	for i, p := range batch {
		mark := p.visit.Visitor()
		if _, known := a.known[mark]; known {
			continue
		}
		n, met := place[mark]
		if !met {
			n = &newcomer{mark: mark}
			if err := a.identify(ctx, n); err != nil {
				return nil, fmt.Errorf("line %d: %w", p.line.Number, err)
			}
			place[mark] = n
			list = append(list, n)
		}
		n.lines = append(n.lines, i)
	}
	return list, nil
}

func (a *AccessLog) identify(ctx context.Context, n *newcomer) error {
	found, err := a.Visitors.Find(ctx, fieldVisitor, domain.ClearValue(n.mark))
	if err != nil {
		return fmt.Errorf("find a visitor: %w", err)
	}
	if n.found = len(found) > 0; n.found {
		n.id = slices.MinFunc(found, func(a, b domain.SubjectID) int { return slices.Compare(a.UUID[:], b.UUID[:]) })
	} else if n.id.UUID, err = a.NewID(); err != nil {
		return fmt.Errorf("new id: %w", err)
	}
	return nil
}

// opening is the command that opens a visitor's file with the first of his lines that is not refused; false
// when all are. The file of one who is found is open, and the command will be answered as a repetition.
func (a *AccessLog) opening(policies *policy.Set, n *newcomer, batch []pending, refused []error) (subject.Register, bool, error) {
	for ; len(n.lines) > 0; n.lines = n.lines[1:] {
		p := batch[n.lines[0]]
		cmd, err := a.registration(n, p.visit)
		if err == nil && !n.found {
			err = a.try(policies, cmd, p.visit)
		}
		if err == nil {
			return cmd, true, nil
		}
		if !isRefusal(err) {
			return cmd, false, fmt.Errorf("line %d: %w", p.line.Number, err)
		}
		refused[n.lines[0]] = err
	}
	return subject.Register{}, false, nil
}

func (a *AccessLog) registration(n *newcomer, v accesslog.Visit) (subject.Register, error) {
	op, err := a.operation(registerKey, v.At)
	return subject.Register{About: subject.About{Subject: n.id, Operation: op},
		Reference: subject.Given{Field: fieldVisitor, Value: domain.ClearValue(n.mark)}}, err
}

// try decides, as the ledger will, whether a person whose file the command opens may do what the line says.
func (a *AccessLog) try(policies *policy.Set, open subject.Register, v accesslog.Visit) error {
	p, ok := policies.At(v.At)
	if !ok {
		return nil // the ledger refuses to open the file
	}
	d, in := subject.Decider(), subject.Context{Policy: p}
	opened, err := d.Decide(subject.Case{Command: open, Context: in}, d.Initial())
	if err != nil {
		return err
	}
	visit, err := a.collected(open.Subject, tryKey, v)
	if err != nil {
		return err
	}
	_, err = d.Decide(subject.Case{Command: visit, Context: in}, d.Fold(d.Initial(), opened...))
	return err
}
