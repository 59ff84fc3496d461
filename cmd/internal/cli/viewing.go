package cli

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// A viewing is recorded before the first value is opened, and not between opening and showing. The program runs as
// whoever wants to look: once a value is open in its memory nothing keeps him from reading it there, whether it is
// shown or not, so a viewing that were recorded later could be missing from the log (clause 5.1; order 1/02-14).
// The price is a viewing on record of which nothing was seen when opening fails; who asked is then told so. What can
// be known before is known before: nothing is recorded of a viewing of which a part would be refused.
//
// Every look is a viewing of its own. A repeated command would record nothing and show the values all the same, even
// those that were edited meanwhile and of which the first viewing says nothing, so a key that was used is refused.

// opening are the flags of commands that can open personal values.
type opening struct {
	act
	open     bool
	fields   []string
	document string
}

const openHelp = `
Without --open nothing is opened: values show as [sealed] or [erased]. With --open the viewing is recorded
first (DataViewed), under --role, --purpose, --grounds and --actor; if that is refused, nothing is shown or
recorded. If opening fails after that, the viewing stays on record. Every look is a viewing of its own, so a
--key that was used is refused (exit code 4).`

func (o *opening) add(cmd *cobra.Command) {
	addAct(cmd, &o.act)
	flags := cmd.Flags()
	flags.BoolVar(&o.open, "open", false, "show personal values; the viewing is recorded first")
	flags.String("role", "", "role under which values are opened, a name of the policy")
	flags.StringSliceVar(&o.fields, "field", nil, "only these fields")
	flags.StringVar(&o.document, "document", "", "why values are opened: reference of a ticket or request")
	cmd.Long += "\n" + openHelp
}

func (o *opening) wants(f domain.Field) bool {
	return len(o.fields) == 0 || slices.Contains(o.fields, string(f))
}

// viewing tells whether the log has one of what is to be shown; it has none when there was nothing to open.
type viewing bool

// failed tells of what was to be seen that it could not be opened.
func (recorded viewing) failed(err error) error {
	if err == nil || !recorded {
		return err
	}
	return &unseenError{err}
}

// unseenError says that a viewing is on record and nothing was seen.
type unseenError struct{ cause error }

func (e *unseenError) Error() string { return e.told(e.cause.Error()) }

func (e *unseenError) told(cause string) string {
	return "nothing is shown, though the viewing is on record: " + cause
}

// Unwrap gives the cause.
func (e *unseenError) Unwrap() error { return e.cause }

// remedy joins what helps against the cause with how to see the values then.
func (e *unseenError) remedy(cause string) string {
	return join("; then ", cause, "give the command again without --key, or with a new one: it records a viewing of its own")
}

// recordViewing appends what is about to be seen.
func (p *program) recordViewing(ctx context.Context, a *app.App, o *opening, id domain.SubjectID, values []domain.FieldEpoch) (viewing, error) {
	op, err := p.operation(o.act, p.cfg.Act)
	if err != nil || len(values) == 0 {
		return false, err
	}
	state, err := a.State(ctx, id)
	if err != nil {
		return false, err
	}
	views, err := p.viewings(o, op, id, namesOf(a, state, values))
	if err != nil {
		return false, err
	}
	return p.recordViews(ctx, a, op, state, views)
}

// sight says how the ledger is told of values that are about to be seen.
type sight struct {
	months map[domain.Month][]domain.Field // current values by field, traces by month; the month of attributes is ""
	beside []domain.FieldEpoch             // values that are not the current ones of their fields
}

// namesOf sorts values by how a viewing names them: one that names a field means its current value, or that of one
// month.
func namesOf(a *app.App, state subject.State, values []domain.FieldEpoch) sight {
	s := sight{months: map[domain.Month][]domain.Field{}}
	for _, v := range values {
		if held, ok := state.Held(v.Field); ok && state.Lives(v) && held.At() != v {
			s.beside = append(s.beside, v)
			continue
		}
		month := domain.Month("")
		if a.Policy.IsTrace(v.Field) {
			text, _, _ := strings.Cut(string(v.Epoch), ".")
			month = domain.Month(text)
		}
		if !slices.Contains(s.months[month], v.Field) {
			s.months[month] = append(s.months[month], v.Field)
		}
	}
	return s
}

// viewings makes the viewings that the ledger takes, each under the key of the operation and a suffix.
func (p *program) viewings(o *opening, op domain.Operation, id domain.SubjectID, s sight) ([]subject.View, error) {
	var suffixes []string
	var views []subject.View
	if len(s.beside) > 0 {
		suffixes, views = append(suffixes, ":values"), append(views, subject.View{Values: s.beside})
	}
	for _, month := range slices.Sorted(maps.Keys(s.months)) {
		view, suffix := subject.View{Fields: s.months[month]}, ""
		if month != "" {
			view.Months, suffix = []domain.Month{month}, ":"+string(month)
		}
		suffixes, views = append(suffixes, suffix), append(views, view)
	}
	for i := range views {
		spec := op.Spec()
		spec.Key += suffixes[i]
		part, err := domain.NewOperation(spec)
		if err != nil {
			return nil, usage("give a shorter --key", "%s", err.Error())
		}
		views[i].About = subject.About{Subject: id, Operation: part}
		views[i].Role, views[i].Document = p.cfg.Act.Role, domain.Reference(o.document)
	}
	return views, nil
}

// recordViews appends the viewings of one command, if the ledger would take all of them.
func (p *program) recordViews(ctx context.Context, a *app.App, op domain.Operation, state subject.State, views []subject.View) (viewing, error) {
	if len(views) > 1 {
		for _, view := range views {
			if err := p.mayView(a, state, view); err != nil {
				return false, err
			}
		}
	}
	for i, view := range views {
		receipt, err := a.Ledger.Handle(ctx, view)
		if err == nil && receipt.Repeated {
			err = domain.Refuse("view.repeated", "5.1", "leave --key out, or give a new one",
				"a viewing is on record under this key, and another look is another viewing").WithKind(domain.Conflict)
		}
		if err != nil {
			return false, viewing(i > 0).failed(err)
		}
	}
	p.say("the viewing is recorded under key %s", op.Spec().Key)
	return true, nil
}

// mayView refuses what the ledger would refuse, and records nothing.
func (p *program) mayView(a *app.App, state subject.State, view subject.View) error {
	in, ok := a.Policies.At(view.Operation.Spec().At)
	if !ok {
		return nil // the ledger refuses
	}
	if err := in.Permit(view.Operation); err != nil {
		return err
	}
	_, err := subject.Decide(subject.Case{Command: view, Context: subject.Context{Policy: in, Now: p.now()}}, state)
	return err
}
