package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/requests"
)

// textFlags are how the words of a request come in.
type textFlags struct{ text, from string }

// maxText bounds what is read for a text, in bytes; the policy's own bound is lower.
const maxText = 1 << 20

func (f *textFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.text, "text", "", "what the person wrote (visible to other users of this machine: prefer --text-from)")
	flags.StringVar(&f.from, "text-from", "", "file with what the person wrote, or - for standard input; it is sealed")
	cmd.MarkFlagsMutuallyExclusive("text", "text-from")
}

// read gives the text without the line break at its end; an absent value when there is none.
func (f *textFlags) read(p *program) (domain.Value, error) {
	text := f.text
	if f.from != "" {
		b, err := p.readAll(f.from, maxText)
		if err != nil {
			return domain.Value{}, err
		}
		if text = strings.TrimRight(string(b), "\r\n"); text == "" {
			return domain.Value{}, usage("leave --text-from out", "the text is empty")
		}
	}
	if text == "" {
		return domain.Value{}, nil
	}
	return domain.ClearValue(text), nil
}

// words makes the command that records a text, and checks that the ledger would take it: a request whose words are
// refused is not opened either. Its key comes from that of the request, so that repeating one repeats the other.
func (p *program) words(ctx context.Context, a *app.App, in request.Receive, text domain.Value) (subject.AddText, error) {
	spec := in.Operation.Spec()
	spec.Key += ":text"
	op, err := domain.NewOperation(spec)
	if err != nil {
		return subject.AddText{}, usage("give a shorter --key", "%s", err.Error())
	}
	cmd := subject.AddText{About: subject.About{Subject: in.Subject, Operation: op}, Request: in.Request, Text: text}
	if in.Subject.IsZero() || in.Kind.Foreign() {
		return cmd, usage("name the letter with --document, or the person with --subject",
			"a text is recorded as the words of a person, and of the person's own request")
	}
	pol, ok := a.Policies.At(spec.At)
	if !ok {
		return cmd, nil // the ledger says that none was in force
	}
	return cmd, p.takes(ctx, a, pol, cmd)
}

func (p *program) takes(ctx context.Context, a *app.App, pol *policy.Policy, cmd subject.AddText) error {
	state, err := a.State(ctx, cmd.Subject)
	if err == nil {
		_, err = subject.Decide(subject.Case{Command: cmd, Context: subject.Context{Policy: pol, Now: p.now()}}, state)
	}
	return err
}

// openRequest records the request and then its words, and prints one receipt.
func (p *program) openRequest(ctx context.Context, a *app.App, in request.Receive, text domain.Value) error {
	if text.Condition() == domain.Absent {
		return p.record(ctx, a, in, made{"request": in.Request.UUID})
	}
	words, err := p.words(ctx, a, in, text)
	if err != nil {
		return err
	}
	if err := p.record(ctx, a, in, made{"request": in.Request.UUID}); err != nil {
		return err
	}
	if _, err := a.Ledger.Handle(ctx, words); err != nil {
		p.say("the request is recorded and its text is not: repeat the command with --request %s --key %s", in.Request, in.Operation.Spec().Key)
		return p.withKey(err, words)
	}
	p.say("the text is recorded as a sealed value of the person: litopys request show %s --open", in.Request)
	return nil
}

func (p *program) requestShow() *cobra.Command {
	var a act
	var open bool
	var document string
	cmd := &cobra.Command{
		Use:   "show REQUEST",
		Short: "Show one request, and with --open what the person wrote",
		Long:  "Show one request: who asks what, by when it is answered, and how it went on.\n" + openHelp,
		Example: "  litopys request show " + requestExample + "\n  litopys request show " + requestExample +
			" --open --role support --document m-104 --actor employee:e-17 --purpose contact --grounds ua.11.1.5 --service support",
		Args: cobra.ExactArgs(1),
	}
	addAct(cmd, &a)
	flags := cmd.Flags()
	flags.BoolVar(&open, "open", false, "show what the person wrote; the viewing is recorded first")
	flags.String("role", "", "role under which it is opened, a name of the policy")
	flags.StringVar(&document, "document", "", "why it is opened: reference of a ticket")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseID("request", args[0])
		if err != nil {
			return err
		}
		return p.with(cmd.Context(), func(on *app.App) error {
			r, texts, err := p.loadRequest(cmd.Context(), on, id)
			if err == nil && open {
				err = p.openTexts(cmd.Context(), on, a, r, domain.Reference(document), texts)
			}
			if err != nil {
				return err
			}
			return p.showRequest(on, r, texts)
		})
	}
	return cmd
}

// requestText is one text of a request.
type requestText struct {
	sealed projections.Sealed
	came   time.Time
	live   bool
	said   string // what is shown instead of the value
	value  domain.Value
}

func (t requestText) at() domain.FieldEpoch {
	return domain.FieldEpoch{Field: t.sealed.Item.Field, Epoch: t.sealed.Item.Epoch}
}

// loadRequest finds the request, and its texts in the file of the person.
func (p *program) loadRequest(ctx context.Context, a *app.App, id uuid.UUID) (r requests.Request, texts []requestText, err error) {
	found := false
	err = a.View(ctx, func(s projections.Snapshot) (err error) {
		r, found, err = requests.Get(ctx, s, domain.RequestID{UUID: id})
		return err
	})
	if err == nil && !found {
		err = domain.Refuse("request.unknown", "7.1", "see: litopys request list --all", "the ledger does not know this request").WithKind(domain.Unknown)
	}
	if err != nil || r.Subject.IsZero() {
		return r, nil, err
	}
	state, err := a.State(ctx, r.Subject)
	if err != nil {
		return r, nil, err
	}
	for rec, err := range a.Journal.Events(ctx, domain.SubjectStream(r.Subject), domain.NoStream) {
		if err != nil {
			return r, nil, err
		}
		e, ok := rec.Event.(subject.Collected)
		if !ok || e.Request != r.ID {
			continue
		}
		for _, item := range e.Items {
			t := requestText{sealed: projections.Sealed{Stream: rec.Stream, Event: rec.ID, Item: item}, came: rec.Meta.OccurredAt}
			t.live = state.Lives(t.at())
			t.said = textCondition(a, state, t.at())
			texts = append(texts, t)
		}
	}
	return r, texts, nil
}

// textCondition says what became of a text.
func textCondition(a *app.App, state subject.State, at domain.FieldEpoch) string {
	if state.Lives(at) {
		return domain.SealedValue(nil).String()
	}
	r, kept := state.RetainedAt(at)
	if !kept {
		return domain.ErasedValue().String()
	}
	if end, known := r.Ends(); known && !end.IsZero() {
		return fmt.Sprintf("[kept until %s by %s]", lastDayOf(a.Policy, end), r.Reason())
	}
	return fmt.Sprintf("[kept by %s, no end is known]", r.Reason())
}

// openTexts records the viewing of the texts that live and opens them. What is kept by law is for litopys retained
// list, under a role that the rule names.
func (p *program) openTexts(ctx context.Context, a *app.App, flags act, r requests.Request, document domain.Reference, texts []requestText) error {
	var values []domain.FieldEpoch
	var sealed []projections.Sealed
	for _, t := range texts {
		if t.live {
			values, sealed = append(values, t.at()), append(sealed, t.sealed)
		}
	}
	if len(values) == 0 {
		return nil
	}
	op, err := p.operation(flags, p.cfg.Act)
	if err != nil {
		return err
	}
	view := subject.View{About: subject.About{Subject: r.Subject, Operation: op}, Values: values, Role: p.cfg.Act.Role, Document: document}
	seen, err := p.recordViews(ctx, a, op, subject.State{}, []subject.View{view})
	if err != nil {
		return err
	}
	opened, err := app.Opener{Journal: a.Journal}.Open(ctx, sealed)
	if err != nil {
		return seen.failed(err)
	}
	for i := range texts {
		if texts[i].live {
			texts[i].value, opened = opened[0], opened[1:]
		}
	}
	return nil
}

func (p *program) showRequest(a *app.App, r requests.Request, texts []requestText) error {
	pack := a.Policy.Pack()
	if p.json {
		out := requestJSON(r, pack, p.now())
		list := []map[string]any{}
		for _, t := range texts {
			row := map[string]any{"field": t.at().Field, "epoch": t.at().Epoch, "came": when(t.came), "condition": t.said}
			if s, ok := t.value.Reveal(); ok {
				row["condition"], row["value"] = t.value.Condition().String(), s
			}
			list = append(list, row)
		}
		out["texts"] = list
		return p.answer(out)
	}
	due, article := r.Due(pack)
	var who []string
	for _, x := range r.Approvals {
		who = append(who, string(x.Person))
	}
	subjectID, recipient := "", ""
	if !r.Subject.IsZero() {
		subjectID = r.Subject.String()
	}
	if !r.Recipient.IsZero() {
		recipient = r.Recipient.String()
	}
	w := r.Warrant
	pairs(p.Out, [2]string{"request", r.ID.String()}, [2]string{"kind", string(r.Kind)}, [2]string{"state", requestState(r, due, p.now())},
		[2]string{"subject", subjectID}, [2]string{"asked by", recipient}, [2]string{"about", words(r.Fields)},
		[2]string{"paper", join(" ", w.Authority, w.Act, w.Article, w.Document, domain.Reference(when(w.Dated)))},
		[2]string{"approved by", strings.Join(who, " ")},
		[2]string{"received", join(" ", when(r.Received), "by "+string(r.Channel), string(r.Document))},
		[2]string{"last day", join(" ", dueDay(due, pack), article)},
		[2]string{"put off", join(" ", when(r.Extended), string(r.ExtendReason), string(r.ExtendDocument))},
		[2]string{"answered", join(" ", when(r.Answered), string(r.AnswerChannel), string(r.AnswerDocument), string(r.Reason))})
	for _, t := range texts {
		p.heading("the person wrote, " + when(t.came))
		said := t.said
		if s, ok := t.value.Reveal(); ok {
			said = s
		}
		for line := range strings.Lines(said) {
			fmt.Fprintln(p.Out, "  "+visible(strings.TrimRight(line, "\r\n")))
		}
	}
	return nil
}

// join puts the words together that are there.
func join[T ~string](between string, list ...T) string {
	var out []string
	for _, w := range list {
		if w != "" {
			out = append(out, string(w))
		}
	}
	return strings.Join(out, between)
}
