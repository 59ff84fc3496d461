// Package retention ends the terms of retained values: it finds the keys that have come due and records, for
// each subject, the fact that ends their retention. The keys follow the facts, and the certificates the keys.
package retention

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
)

// DefaultPage is how many keys are listed at once and, with all of a subject together, end by one batch of
// commands.
const DefaultPage = 8192

// Parallel is how many subjects a ledger should write at a time for a run: each waits until his keys are gone,
// so many that wait share the commits of the log and of the key store.
const Parallel = 1024

// Config says what a run works on. All but Page and Report is required.
type Config struct {
	Journal *journal.Journal
	Ledger  *ledger.Ledger
	// Policy is the one in force, for terms that run from the collection.
	Policy *policy.Policy
	// Operation says who runs, why and at which moment. Its key is the beginning of those of the commands, so
	// that a run that was cut short can be repeated under the same key.
	Operation domain.OperationSpec
	// Page is how many keys are listed at once; 0 means DefaultPage.
	Page int
	// Report is told after each page; nil for nobody.
	Report func(Result)
}

// Result is what a run did, or a dry run would do.
type Result struct {
	// Subjects are those with something due.
	Subjects int
	// Destroyed counts keys by the rule whose term was over.
	Destroyed map[string]int
	// Held counts keys whose term is over and that a legal hold keeps, by the hold.
	Held map[domain.HoldID]int
	// Left counts keys that the ledger refused to end, by the code of the refusal.
	Left map[string]int
	// Certified says that the certificates of all that was destroyed are durable.
	Certified bool
}

// Total sums counts up.
func Total[K comparable](counts map[K]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// run is one run.
type run struct {
	Config
	dry    bool
	result Result
	seen   map[domain.SubjectID]bool // in a dry run: a subject can be listed more than once
}

// Run ends every term that is over. Facts come first, then keys, then certificates; it returns when all stand.
// After an error or a crash it may simply be repeated.
func Run(ctx context.Context, cfg Config) (Result, error) {
	r := newRun(cfg, false)
	if err := errors.Join(r.ended(ctx), r.collected(ctx), r.held(ctx)); err != nil {
		return r.result, fmt.Errorf("retention: %w", err)
	}
	if err := cfg.Journal.Certified(ctx); err != nil {
		return r.result, fmt.Errorf("retention: certificates: %w", err)
	}
	r.result.Certified = true
	return r.result, nil
}

// Plan tells what Run would do, and records nothing. What the ledger would refuse is not known to it.
func Plan(ctx context.Context, cfg Config) (Result, error) {
	r := newRun(cfg, true)
	if err := errors.Join(r.ended(ctx), r.collected(ctx), r.held(ctx)); err != nil {
		return r.result, fmt.Errorf("retention: %w", err)
	}
	return r.result, nil
}

func newRun(cfg Config, dry bool) *run {
	if cfg.Page == 0 {
		cfg.Page = DefaultPage
	}
	return &run{Config: cfg, dry: dry, seen: map[domain.SubjectID]bool{},
		result: Result{Destroyed: map[string]int{}, Held: map[domain.HoldID]int{}, Left: map[string]int{}}}
}

// list is one of the key store's lists.
type list func(ctx context.Context, after keys.Cursor) ([]keys.Key, keys.Cursor, error)

// each hands over the pages of a list.
func (r *run) each(ctx context.Context, next list, work func(ctx context.Context, page []keys.Key) error) error {
	page, after, err := next(ctx, keys.Cursor{})
	for err == nil && len(page) > 0 {
		if err = work(ctx, page); err != nil {
			break
		}
		if r.Report != nil {
			r.Report(r.result)
		}
		if err = ctx.Err(); err == nil {
			page, after, err = next(ctx, after)
		}
	}
	return err
}

// ended ends the retained values whose terms are over.
func (r *run) ended(ctx context.Context) error {
	return r.each(ctx, func(ctx context.Context, after keys.Cursor) ([]keys.Key, keys.Cursor, error) {
		return r.Journal.Keys().Due(ctx, r.Operation.At, after, r.Page)
	}, r.end)
}

// collected ends live traces whose terms run from their collection.
func (r *run) collected(ctx context.Context) error {
	for _, field := range r.Policy.Traces() {
		through, ok := r.lastDue(field)
		if !ok {
			continue
		}
		err := r.each(ctx, func(ctx context.Context, after keys.Cursor) ([]keys.Key, keys.Cursor, error) {
			page, end, err := r.Journal.Keys().LiveTraces(ctx, field, through, after, r.Page)
			for i := range page {
				page[i].Rule = "collection:" + string(field)
			}
			return page, end, err
		}, r.end)
		if err != nil {
			return err
		}
	}
	return nil
}

// longestTerm bounds the months that are looked at.
const longestTerm = 1200

// lastDue gives the last month whose traces of the field have come due.
func (r *run) lastDue(field domain.Field) (domain.Month, bool) {
	if !r.Policy.FromCollection(field) {
		return "", false
	}
	at := r.Operation.At.UTC()
	first := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	for n := range longestTerm {
		month := domain.MonthOf(first.AddDate(0, -n, 0))
		if k := r.Policy.Keeping(field, domain.TraceEpoch(month, 0), at, policy.Lasting); k.Rule == "" && k.Open == "" {
			return month, true
		}
	}
	return "", false
}

// end ends the keys of a page, subject by subject.
func (r *run) end(ctx context.Context, page []keys.Key) error {
	order, groups := bySubject(page)
	r.count(order)
	if r.dry {
		for _, k := range page {
			r.result.Destroyed[k.Rule]++
		}
		return nil
	}
	cmds := make([]ledger.Command, len(order))
	for i, who := range order {
		cmd, err := r.command(who, groups[who])
		if err != nil {
			return err
		}
		cmds[i] = cmd
	}
	for i, out := range r.Ledger.HandleAll(ctx, cmds) {
		if err := r.settle(ctx, order[i], groups[order[i]], out.Err); err != nil {
			return err
		}
	}
	return nil
}

func bySubject(page []keys.Key) (order []domain.SubjectID, groups map[domain.SubjectID][]keys.Key) {
	groups = make(map[domain.SubjectID][]keys.Key)
	for _, k := range page {
		if groups[k.Ref.Subject] == nil {
			order = append(order, k.Ref.Subject)
		}
		groups[k.Ref.Subject] = append(groups[k.Ref.Subject], k)
	}
	return order, groups
}

func (r *run) count(subjects []domain.SubjectID) {
	for _, who := range subjects {
		if !r.seen[who] {
			r.seen[who] = true
			r.result.Subjects++
		}
	}
}

// command names the values, so that nothing else ends. The key of the command comes from the keys that it
// ends: repeated after a crash it is the same command.
func (r *run) command(who domain.SubjectID, gone []keys.Key) (subject.EndRetention, error) {
	cmd := subject.EndRetention{Values: make([]domain.FieldEpoch, len(gone))}
	sum := sha256.New()
	for i, k := range gone {
		cmd.Values[i] = domain.FieldEpoch{Field: k.Ref.Field, Epoch: k.Ref.Epoch}
		sum.Write(k.ID[:])
	}
	spec := r.Operation
	spec.Key += ":" + hex.EncodeToString(sum.Sum(nil)[:16])
	op, err := domain.NewOperation(spec)
	cmd.About = subject.About{Subject: who, Operation: op}
	return cmd, err
}

// settle counts what came of a command. When one value is refused the others are tried alone.
func (r *run) settle(ctx context.Context, who domain.SubjectID, gone []keys.Key, err error) error {
	var refusal *domain.Refusal
	switch {
	case err == nil:
		for _, k := range gone {
			r.result.Destroyed[k.Rule]++
		}
		return nil
	case !errors.As(err, &refusal):
		return fmt.Errorf("subject %s: %w", who, err)
	case len(gone) == 1:
		r.result.Left[refusal.Code]++
		return nil
	}
	for i := range gone {
		cmd, err := r.command(who, gone[i:i+1])
		if err == nil {
			_, err = r.Ledger.Handle(ctx, cmd)
		}
		if err := r.settle(ctx, who, gone[i:i+1], err); err != nil {
			return err
		}
	}
	return nil
}

// held counts what is kept by holds alone.
func (r *run) held(ctx context.Context) error {
	return r.each(ctx, func(ctx context.Context, after keys.Cursor) ([]keys.Key, keys.Cursor, error) {
		return r.Journal.Keys().OpenEnded(ctx, subject.HoldRule, after, r.Page)
	}, func(ctx context.Context, page []keys.Key) error {
		order, groups := bySubject(page)
		for _, who := range order {
			if err := r.heldOf(ctx, who, groups[who]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *run) heldOf(ctx context.Context, who domain.SubjectID, kept []keys.Key) error {
	var state subject.State
	for rec, err := range r.Journal.Events(ctx, domain.SubjectStream(who), domain.NoStream) {
		if err != nil {
			return err
		}
		if e, ok := rec.Event.(subject.Event); ok {
			state = subject.Evolve(state, subject.Fact{Event: e, At: rec.Meta.OccurredAt})
		}
	}
	for _, k := range kept {
		value, retained := state.RetainedAt(domain.FieldEpoch{Field: k.Ref.Field, Epoch: k.Ref.Epoch})
		end, known := value.Ends()
		if hold, held := state.HeldBy(k.Ref.Field); held && retained && known && !end.After(r.Operation.At) {
			r.result.Held[hold]++
		}
	}
	return nil
}
