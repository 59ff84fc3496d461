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
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/requests"
)

const requestExample = "0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c05"

func (p *program) request() *cobra.Command {
	return p.noun("request", "Requests of subjects, third parties and authorities",
		p.requestList(), p.requestShow(), p.requestOpen(), p.requestApprove(), p.requestExtend(), p.requestAnswer())
}

// warrantFlags are the particulars of an authority's paper (clauses 3.3.3, 4.3).
type warrantFlags struct{ authority, act, article, paper, dated string }

// add adds the flags; what says for which of several kinds of a command they are, or is empty.
func (w *warrantFlags) add(cmd *cobra.Command, what string) {
	flags := cmd.Flags()
	flags.StringVar(&w.authority, "authority", "", what+"code of the authority")
	flags.StringVar(&w.act, "act", "", what+"the act of law")
	flags.StringVar(&w.article, "article", "", what+"its article")
	flags.StringVar(&w.paper, "paper", "", what+"reference of the authority's paper")
	flags.StringVar(&w.dated, "dated", "", what+"date of the paper")
}

func (w *warrantFlags) warrant() (subject.Warrant, error) {
	dated, err := optionalTime("--dated", w.dated)
	return subject.Warrant{Authority: domain.Reference(w.authority), Act: domain.Reference(w.act), Article: domain.Reference(w.article),
		Document: domain.Reference(w.paper), Dated: dated}, err
}

func (p *program) requestOpen() *cobra.Command {
	var a act
	var w warrantFlags
	var text textFlags
	var id, kind, channel, whose, asker, document string
	var about []string
	cmd := &cobra.Command{
		Use:   "open",
		Short: "Record that a request came in; its deadline begins (clause 7.1)",
		Long: "Record that a request came in. From then on its deadline runs: see litopys request list.\n\n" +
			"What the person wrote goes with --text-from: it is sealed as a personal value of the --subject, shown by litopys\n" +
			"request show --open, and deleted and kept with his other data. What others wrote is named by its number with\n" +
			"--document. A right of a person needs --subject; a third party or an authority is a --recipient; a disclosure\n" +
			"also needs the authority's paper.",
		Example: "  litopys request open --kind access --channel email --subject " + subjectExample + " --document m-104 --actor employee:e-17 --purpose contact --grounds ua.11.1.5 --service support",
		Args:    cobra.NoArgs,
	}
	addAct(cmd, &a)
	w.add(cmd, "disclosure: ")
	text.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&id, "request", "", "id to give it (default: a random one, printed)")
	flags.StringVar(&kind, "kind", "", "what is asked for: "+words(request.Kinds()))
	flags.StringVar(&channel, "channel", "", "how it came: account, email, site or post")
	flags.StringVar(&whose, "subject", "", "id of the person whose data it concerns")
	flags.StringVar(&asker, "recipient", "", "id of the third party or authority that asks")
	flags.StringSliceVar(&about, "field", nil, "fields that it is about")
	flags.StringVar(&document, "document", "", "reference of the letter")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		op, err := p.operation(a, p.cfg.Act)
		if err != nil {
			return err
		}
		given, err := p.idOr("--request", id)
		if err != nil {
			return err
		}
		in := request.Receive{About: request.About{Request: domain.RequestID{UUID: given}, Operation: op}, Kind: request.Kind(kind),
			Channel: subject.Channel(channel), Fields: fields(about), Document: domain.Reference(document)}
		if in.Subject.UUID, err = optionalID("--subject", whose); err != nil {
			return err
		}
		if in.Recipient.UUID, err = optionalID("--recipient", asker); err != nil {
			return err
		}
		if in.Warrant, err = w.warrant(); err != nil {
			return err
		}
		wrote, err := text.read(p)
		if err != nil {
			return err
		}
		return p.with(cmd.Context(), func(a *app.App) error { return p.openRequest(cmd.Context(), a, in, wrote) })
	}
	return cmd
}

// requesting makes a command on one request, named as the first argument.
func (p *program) requesting(use, short, long, example string, flags func(*cobra.Command), build func(request.About) request.Command) *cobra.Command {
	var a act
	cmd := &cobra.Command{Use: use, Short: short, Long: longer(recorder{short: short, long: long}), Example: example, Args: cobra.ExactArgs(1)}
	addAct(cmd, &a)
	if flags != nil {
		flags(cmd)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseID("request", args[0])
		if err != nil {
			return err
		}
		op, err := p.operation(a, p.cfg.Act)
		if err != nil {
			return err
		}
		command := build(request.About{Request: domain.RequestID{UUID: id}, Operation: op})
		return p.with(cmd.Context(), func(a *app.App) error { return p.record(cmd.Context(), a, command, nil) })
	}
	return cmd
}

func (p *program) requestApprove() *cobra.Command {
	return p.requesting("approve REQUEST", "Approve a disclosure, as the employee who acts (clause 3.3.3)",
		"Two different persons approve a disclosure, and neither is the one who took the request in.",
		"  litopys request approve "+requestExample+" --actor employee:e-18 --purpose contact --grounds ua.11.1.5 --service support",
		nil, func(about request.About) request.Command { return request.Approve{About: about} })
}

func (p *program) requestExtend() *cobra.Command {
	var reason, document string
	return p.requesting("extend REQUEST", "Put the answer off, where law allows it",
		"The rule pack says which answers may be put off and how long: a person's access to his own data never may (ua art. 17).",
		"  litopys request extend "+requestExample+" --reason R-12 --document out-77 --actor employee:e-17 --purpose contact --grounds ua.11.1.5 --service support",
		func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&reason, "reason", "", "code or number of the reason")
			cmd.Flags().StringVar(&document, "document", "", "reference of the letter by which the asker was told")
		},
		func(about request.About) request.Command {
			return request.Extend{About: about, Reason: domain.Reference(reason), Document: domain.Reference(document)}
		})
}

func (p *program) requestAnswer() *cobra.Command {
	var outcome, reason, channel, document string
	return p.requesting("answer REQUEST", "Record the answer, which ends the deadline", "",
		"  litopys request answer "+requestExample+" --outcome met --channel email --document out-78 --actor employee:e-17 --purpose contact --grounds ua.11.1.5 --service support",
		func(cmd *cobra.Command) {
			flags := cmd.Flags()
			flags.StringVar(&outcome, "outcome", "", "met, partly, refused or withdrawn")
			flags.StringVar(&reason, "reason", "", "code or number of the reason, when it is not met in full")
			flags.StringVar(&channel, "channel", "", "how it is answered: account, email, site or post")
			flags.StringVar(&document, "document", "", "reference of the answer")
		},
		func(about request.About) request.Command {
			return request.Answer{About: about, Outcome: request.Outcome(outcome), Reason: domain.Reference(reason),
				Channel: subject.Channel(channel), Document: domain.Reference(document)}
		})
}

func (p *program) requestList() *cobra.Command {
	var whose, kind string
	var all bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List requests with their deadlines; open ones, or all",
		Example: "  litopys request list\n  litopys request list --all --subject " + subjectExample + " --json",
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.BoolVar(&all, "all", false, "answered ones too")
	flags.StringVar(&whose, "subject", "", "id of the person")
	flags.StringVar(&kind, "kind", "", "only this kind")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		id, err := optionalID("--subject", whose)
		if err != nil {
			return err
		}
		if kind != "" && !request.Kind(kind).Known() {
			return usage("give one of: "+words(request.Kinds()), "--kind: %q is no kind", visible(shorten(kind)))
		}
		f := requests.Filter{Subject: domain.SubjectID{UUID: id}, Kind: request.Kind(kind)}
		if !all {
			f.State = requests.Open
		}
		return p.with(cmd.Context(), func(a *app.App) error { return p.requests(cmd.Context(), a, f) })
	}
	return cmd
}

func (p *program) requests(ctx context.Context, a *app.App, f requests.Filter) error {
	var list []requests.Request
	err := a.View(ctx, func(s projections.Snapshot) (err error) {
		list, err = requests.List(ctx, s, f)
		return err
	})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		if err := onRecord(ctx, a, f.Subject, domain.RecipientID{}); err != nil {
			return err
		}
	}
	g := grid{head: []string{"request", "kind", "subject", "received", "last day", "state"}, wide: []int{36, 11, 8, 10, 10, 15}}
	pack := a.Policy.Pack()
	for _, r := range list {
		if p.json {
			if err := p.answer(requestJSON(r, pack, p.now())); err != nil {
				return err
			}
			continue
		}
		due, _ := r.Due(pack)
		whose := ""
		if !r.Subject.IsZero() {
			whose = r.Subject.String()[:8]
		}
		g.add(r.ID.String(), string(r.Kind), whose, dayOf(r.Received, pack), dueDay(due, pack), requestState(r, due, p.now()))
	}
	if !p.json {
		g.print(p.Out, "no such request is recorded")
	}
	return nil
}

// dayOf writes the civil date of a moment where the law counts days.
func dayOf(t time.Time, pack *law.Pack) string { return law.DateOf(t, pack.Location()).String() }

// dueDay writes the last day of a term, of which due is the first moment after; nothing for no term.
func dueDay(due time.Time, pack *law.Pack) string {
	if due.IsZero() {
		return ""
	}
	return dayOf(due.Add(-time.Microsecond), pack)
}

func requestState(r requests.Request, due, now time.Time) string {
	switch {
	case r.State == requests.Answered:
		return "answered: " + string(r.Outcome)
	case !due.IsZero() && !now.Before(due):
		return "OVERDUE"
	case r.Kind == request.Disclosure:
		return fmt.Sprintf("open, %d approved", len(r.Approvals))
	}
	return "open"
}

func requestJSON(r requests.Request, pack *law.Pack, now time.Time) map[string]any {
	due, article := r.Due(pack)
	out := map[string]any{"request": r.ID, "kind": r.Kind, "state": r.State, "channel": r.Channel, "fields": r.Fields, "document": r.Document,
		"received": when(r.Received), "receivedBy": r.Receiver, "due": when(due), "article": article, "law": pack.ID + " " + pack.Version,
		"overdue":  r.State == requests.Open && !due.IsZero() && !now.Before(due),
		"extended": when(r.Extended), "answered": when(r.Answered), "outcome": r.Outcome, "reason": r.Reason, "answerDocument": r.AnswerDocument}
	if !r.Subject.IsZero() {
		out["subject"] = r.Subject
	}
	if r.Recipient.UUID != uuid.Nil {
		out["recipient"] = r.Recipient
	}
	if r.Kind == request.Disclosure {
		w := r.Warrant
		out["warrant"] = map[string]string{"authority": string(w.Authority), "act": string(w.Act), "article": string(w.Article),
			"document": string(w.Document), "dated": when(w.Dated)}
		var who []string
		for _, x := range r.Approvals {
			who = append(who, string(x.Person))
		}
		out["approvedBy"] = strings.Join(who, " ")
	}
	return out
}
