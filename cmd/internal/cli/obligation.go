package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/notices"
	"imagine.ua/litopys/projections/obligations"
)

func (p *program) obligation() *cobra.Command {
	return p.noun("obligation", "Duties to tell and to answer, with their deadlines", p.obligationList(), p.obligationClose())
}

func (p *program) obligationList() *cobra.Command {
	var dueIn, whose string
	var overdue, all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what must still be told or answered, what is due first coming first",
		Long: "List what must still be told or answered, what is due first coming first. Transfers, changes, deletions,\n" +
			"restrictions, requests and new versions of the policy open duties; notices and answers close them. Days are\n" +
			"counted by the rule pack of the policy; --json gives the first moment that is too late.",
		Example: "  litopys obligation list --due-in 3d\n  litopys obligation list --overdue --json",
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVar(&dueIn, "due-in", "", "only what is due within this time: 3d, 12h")
	flags.BoolVar(&overdue, "overdue", false, "only what is late")
	flags.StringVar(&whose, "subject", "", "id of the person")
	flags.BoolVar(&all, "all", false, "closed ones too, and those that a rule exempts")
	cmd.MarkFlagsMutuallyExclusive("due-in", "overdue")
	cmd.MarkFlagsMutuallyExclusive("all", "overdue")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f := obligations.Filter{State: obligations.Open}
		if all {
			f.State = ""
		}
		var err error
		if f.Subject.UUID, err = optionalID("--subject", whose); err != nil {
			return err
		}
		if overdue {
			f.DueBefore = p.now().Add(time.Microsecond)
		}
		if dueIn != "" {
			within, err := parseSpan("--due-in", dueIn)
			if err != nil {
				return err
			}
			f.DueBefore = p.now().Add(within)
		}
		return p.with(cmd.Context(), func(a *app.App) error { return p.obligations(cmd.Context(), a, f) })
	}
	return cmd
}

// parseSpan reads a number of days (3d) or what Go writes for a duration (12h).
func parseSpan(flag, text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days+";", "%d;", &n); err == nil && n >= 0 && n <= 36500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return d, nil
	}
	return 0, usage("write it as 3d or 12h", "%s: %q is no span of time", flag, visible(shorten(text)))
}

func (p *program) obligations(ctx context.Context, a *app.App, f obligations.Filter) error {
	return a.View(ctx, func(s projections.Snapshot) error {
		var list []obligations.Obligation
		for o, err := range obligations.List(ctx, s, f) {
			if err != nil {
				return err
			}
			list = append(list, o)
		}
		published, err := notices.Versions(ctx, s)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			if err := onRecord(ctx, a, f.Subject, domain.RecipientID{}); err != nil {
				return err
			}
		}
		g := grid{head: []string{"matter", "duty", "to", "last day", "state"}, wide: []int{36, 18, 18, 10, 10}}
		for _, o := range list {
			waiting, err := untold(ctx, s, o, published, p.now())
			if err != nil {
				return err
			}
			if o.Duty == law.PolicyNotice && waiting == 0 {
				o.State = obligations.Closed
				if f.State == obligations.Open {
					continue // everybody was told
				}
			}
			if p.json {
				if err := p.answer(obligationJSON(o, waiting, p.now())); err != nil {
					return err
				}
				continue
			}
			g.add(o.Matter.String(), string(o.Duty)+" "+o.Article, addressee(o, waiting), dueDay(o.Due, a.Policy.Pack()), obligationState(o, p.now()))
		}
		if !p.json {
			g.print(p.Out, "nothing must be told or answered that the filter lets through")
		}
		return nil
	})
}

// untold counts who was not told yet of a version of the policy: that duty is owed to everyone at once. Nobody
// need be told of a version in whose place another one holds.
func untold(ctx context.Context, s projections.Snapshot, o obligations.Obligation, published []notices.Version, now time.Time) (int, error) {
	i := slices.IndexFunc(published, func(v notices.Version) bool { return v.Version == o.Policy })
	if o.Duty != law.PolicyNotice || i >= 0 && i+1 < len(published) && !published[i+1].EffectiveFrom.After(now) {
		return 0, nil
	}
	n := 0
	for _, err := range notices.Pending(ctx, s, notices.Awaiting{Version: o.Policy}) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func addressee(o obligations.Obligation, waiting int) string {
	switch {
	case o.Duty == law.PolicyNotice:
		return fmt.Sprintf("%d subjects (%s)", waiting, o.Policy)
	case !o.Recipient.IsZero():
		return string(o.Addressee) + " " + o.Recipient.String()[:8]
	case !o.Subject.IsZero():
		return string(o.Addressee) + " " + o.Subject.String()[:8]
	}
	return string(o.Addressee)
}

func obligationState(o obligations.Obligation, now time.Time) string {
	if o.Overdue(now) {
		return "OVERDUE"
	}
	if o.State == obligations.Exempt {
		return "exempt: " + o.Exempt
	}
	return string(o.State)
}

func obligationJSON(o obligations.Obligation, waiting int, now time.Time) map[string]any {
	out := map[string]any{"matter": o.Matter, "duty": o.Duty, "state": o.State, "addressee": o.Addressee, "article": o.Article, "law": o.Law,
		"opened": when(o.Opened), "due": when(o.Due), "overdue": o.Overdue(now), "extended": when(o.Extended), "fields": o.Fields,
		"exempt": o.Exempt, "closed": when(o.Closed), "channel": o.Channel, "cause": o.Cause}
	if !o.Subject.IsZero() {
		out["subject"] = o.Subject
	}
	if !o.Recipient.IsZero() {
		out["recipient"] = o.Recipient
	}
	if o.Duty == law.PolicyNotice {
		out["policy"], out["untold"] = o.Policy, waiting
	}
	return out
}

func (p *program) obligationClose() *cobra.Command {
	var a act
	var duty, recipient, channel, document string
	cmd := &cobra.Command{
		Use:   "close MATTER",
		Short: "Record that somebody was told, which ends the duty",
		Long: "Record that somebody was told (NoticeGiven), which ends the duty. MATTER and the duty are as litopys obligation\n" +
			"list gives them; --duty is needed when one event obliged to several. A request is closed by litopys request\n" +
			"answer, a new version of the policy by litopys policy notice.",
		Example: "  litopys obligation close " + requestExample + " --channel email --document out-79 --actor employee:e-17 --purpose contact --grounds ua.11.1.5 --service support",
		Args:    cobra.ExactArgs(1),
	}
	addAct(cmd, &a)
	flags := cmd.Flags()
	flags.StringVar(&duty, "duty", "", "the duty, for example notice.recipient")
	flags.StringVar(&recipient, "recipient", "", "id of the third party that was told, when the subject was not")
	flags.StringVar(&channel, "channel", "", "how: account, email, site or post")
	flags.StringVar(&document, "document", "", "reference of the letter")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		matter, err := parseID("matter", args[0])
		if err != nil {
			return err
		}
		to, err := optionalID("--recipient", recipient)
		if err != nil {
			return err
		}
		op, err := p.operation(a, p.cfg.Act)
		if err != nil {
			return err
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			o, err := theDuty(cmd.Context(), a, matter, law.DeadlineID(duty), to)
			if err != nil {
				return err
			}
			return p.record(cmd.Context(), a, subject.GiveNotice{About: subject.About{Subject: o.Subject, Operation: op}, Cause: o.Cause,
				Duty: string(o.Duty), Recipient: o.Recipient, Channel: subject.Channel(channel), Document: domain.Reference(document)}, nil)
		})
	}
	return cmd
}

// theDuty finds the one duty that is meant. One that was closed is found too: repeating is no harm.
func theDuty(ctx context.Context, a *app.App, matter uuid.UUID, duty law.DeadlineID, to uuid.UUID) (obligations.Obligation, error) {
	var fit []obligations.Obligation
	err := a.View(ctx, func(s projections.Snapshot) error {
		for o, err := range obligations.List(ctx, s, obligations.Filter{Matter: matter}) {
			if err != nil {
				return err
			}
			if (duty == "" || o.Duty == duty) && (to == uuid.Nil && (duty != "" || o.Recipient.IsZero()) || o.Recipient.UUID == to) {
				fit = append(fit, o)
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return obligations.Obligation{}, err
	case len(fit) == 0:
		return obligations.Obligation{}, domain.Refuse("obligation.unknown", "3.4", "see: litopys obligation list --all", "nothing is owed in this matter to that addressee").WithKind(domain.Unknown)
	case len(fit) > 1:
		return obligations.Obligation{}, usage("give --duty, and --recipient when it is one of several", "%d duties fit", len(fit))
	}
	if _, asked := fit[0].Request(); asked || fit[0].Duty == law.PolicyNotice {
		return obligations.Obligation{}, usage("use litopys request answer or litopys policy notice", "this duty is not ended by a notice to one person")
	}
	return fit[0], nil
}
