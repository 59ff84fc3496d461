package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

const subjectExample = "0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c01"

func (p *program) subject() *cobra.Command {
	return p.noun("subject", "The file of one person: register, collect, change, delete, show",
		p.subjectRegister(), p.subjectCollect(), p.subjectEdit(), p.subjectDelete(), p.subjectClose(),
		p.subjectDispute(), p.subjectRectify(), p.subjectIdentify(), p.subjectRestrict(), p.subjectLift(),
		p.subjectObject(), p.subjectReconsider(), p.subjectPublish(), p.subjectUse(), p.subjectView(),
		p.subjectFind(), p.subjectShow(), p.subjectHistory(), p.subjectPlan())
}

func (p *program) subjectRegister() *cobra.Command {
	var a act
	var v valueFlags
	var id string
	cmd := &cobra.Command{
		Use:   "register",
		Short: "Open the file of a person who begins to use the service",
		Long: "Open the file of a person who begins to use the service and thereby accepts the policy. The answer is\n" +
			"his id, which is random. One findable value (--set account=...) is how the app finds him again.",
		Example: "  echo account=a-4711 | litopys subject register --set-from - --actor system:app --purpose service --grounds ua.11.1.3 --service account",
		Args:    cobra.NoArgs,
	}
	addAct(cmd, &a)
	addValues(cmd, &v)
	cmd.Flags().StringVar(&id, "subject", "", "id to give the person (default: a random one)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		op, err := p.operation(a, p.cfg.Act)
		if err != nil {
			return err
		}
		reference, err := p.one(v)
		if err != nil {
			return err
		}
		given, err := p.idOr("--subject", id)
		if err != nil {
			return err
		}
		command := subject.Register{About: subject.About{Subject: domain.SubjectID{UUID: given}, Operation: op}, Reference: reference}
		return p.with(cmd.Context(), func(a *app.App) error {
			return p.record(cmd.Context(), a, command, made{"subject": given})
		})
	}
	return cmd
}

func (p *program) subjectCollect() *cobra.Command {
	var v valueFlags
	var source string
	return p.recording(recorder{
		use: "collect SUBJECT", short: "Record data that came in (clauses 1.1.1, 1.1.2)",
		example: "  litopys subject collect " + subjectExample + " --set-from values.txt --actor subject:web --purpose service --grounds ua.11.1.3 --service account",
		flags: func(cmd *cobra.Command) {
			addValues(cmd, &v)
			cmd.Flags().StringVar(&source, "source", string(subject.BySubject), "where they came from: subject (he gave them) or automatic (his software sent them)")
		},
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			given, err := p.needValues(v)
			return subject.Collect{About: about, Source: subject.Source(source), Values: given}, nil, err
		},
	})
}

func (p *program) needValues(v valueFlags) ([]subject.Given, error) {
	given, err := p.values(v)
	if err == nil && len(given) == 0 {
		err = usage("give --set-from FILE or --set field=value", "no value is given")
	}
	return given, err
}

func (p *program) subjectEdit() *cobra.Command {
	var v valueFlags
	return p.recording(recorder{
		use: "edit SUBJECT", short: "Replace values that the person gave (clause 4.1)",
		example: "  echo email=new@example.org | litopys subject edit " + subjectExample + " --set-from - --actor subject:web --purpose service --grounds ua.11.1.3 --service account",
		flags:   func(cmd *cobra.Command) { addValues(cmd, &v) },
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			given, err := p.needValues(v)
			return subject.Edit{About: about, Values: given}, nil, err
		},
	})
}

// which are the flags of commands that speak of fields.
type which struct {
	fields []string
	months []string
	all    bool
}

func (w *which) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&w.fields, "field", nil, "field, repeatable or separated by commas")
}

func (w *which) addMonths(cmd *cobra.Command) {
	w.add(cmd)
	cmd.Flags().StringSliceVar(&w.months, "month", nil, "months of the traces among the fields, as 2026-01 (default: the month of the operation)")
}

func (w *which) addAll(cmd *cobra.Command) {
	w.add(cmd)
	cmd.Flags().BoolVar(&w.all, "all", false, "all fields")
}

func (w *which) check() error {
	if w.all == (len(w.fields) > 0) {
		return usage("give --field, or --all", "which fields?")
	}
	return nil
}

func (w *which) need() ([]domain.Field, error) {
	if len(w.fields) == 0 {
		return nil, usage("give --field", "which fields?")
	}
	return fields(w.fields), nil
}

func (p *program) subjectDelete() *cobra.Command {
	var w which
	var ground, document string
	return p.deciding(deciding{
		use: "delete SUBJECT", short: "Delete fields, or all of them (clauses 4.1-4.3)",
		long:    "Keys of deleted values are destroyed at once, except what a law tells to keep for a term: that leaves the\nprofile and can't be opened from here. \"subject plan\" tells beforehand what would happen.\n\n" + deletionGrounds(),
		example: "  litopys subject delete " + subjectExample + " --field email,phone --actor subject:web --purpose service --grounds ua.11.1.3 --service account",
		flags: func(cmd *cobra.Command) {
			w.addAll(cmd)
			cmd.Flags().StringVar(&ground, "ground", "", "why, when not the person asks for it: a ground of deletion of the law")
			cmd.Flags().StringVar(&document, "document", "", "reference of the order, or of the paper that finds the ground")
		},
		build: func(about subject.About) (subject.Command, made, error) {
			return subject.Delete{About: about, Fields: fields(w.fields), All: w.all, Ground: ground, Document: domain.Reference(document)}, nil, w.check()
		},
		tell: p.tellDeletion,
	})
}

// tellDeletion says what stays of what was deleted, by which rule and until when.
func (p *program) tellDeletion(a *app.App, e subject.Event) error {
	deleted, ok := e.(subject.Deleted)
	if !ok || p.json { // for scripts the history tells the fates
		return nil
	}
	f := forecast{policy: a.Policy, would: deleted}
	var list [][2]string
	for _, reasons := range f.values() {
		last := reasons[len(reasons)-1]
		if last.Action == domain.Retain {
			list = append(list, [2]string{"kept", string(last.Field) + ", " + epochText(last) + ": " + fateText(a.Policy, last) + " (" + last.Rule + ")"})
		}
	}
	pairs(p.Out, append(list, [2]string{"services stopped", words(deleted.Services)})...)
	return nil
}

func (p *program) subjectClose() *cobra.Command {
	return p.recording(recorder{
		use: "close SUBJECT", short: "Close the account and delete everything (clause 4.1)",
		example: "  litopys subject close " + subjectExample + " --actor subject:web --purpose service --grounds ua.11.1.3 --service account",
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			return subject.Close{About: about}, nil, nil
		},
	})
}

func (p *program) subjectDispute() *cobra.Command {
	var field, document string
	return p.recording(recorder{
		use: "dispute SUBJECT", short: "Record that the person calls a value untrue, insufficient or out of date (clauses 1.4-1.5)",
		example: "  litopys subject dispute " + subjectExample + " --field name --document letter-7 --actor employee:e-17 --purpose contact --grounds ua.11.1.3 --service support",
		flags: func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&field, "field", "", "the field in dispute")
			cmd.Flags().StringVar(&document, "document", "", "reference of the person's statement")
		},
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			return subject.Dispute{About: about, Field: domain.Field(field), Document: domain.Reference(document)}, nil, nil
		},
	})
}

func (p *program) subjectRectify() *cobra.Command {
	var v valueFlags
	var field, document string
	return p.recording(recorder{
		use: "rectify SUBJECT", short: "End a dispute: with a new value it corrects, without one it confirms (clauses 1.4-1.5)",
		example: "  echo 'name=Olena Q.' | litopys subject rectify " + subjectExample + " --field name --document check-8 --set-from - --actor employee:e-17 --purpose contact --grounds ua.11.1.3 --service support",
		flags: func(cmd *cobra.Command) {
			addValues(cmd, &v)
			cmd.Flags().StringVar(&field, "field", "", "the field in dispute")
			cmd.Flags().StringVar(&document, "document", "", "reference of the check")
		},
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			given, err := p.one(v)
			if err == nil && given.Field != "" && string(given.Field) != field {
				err = usage("name the same field twice", "--field names %s, the value is of %s", fieldName(field), fieldName(given.Field))
			}
			return subject.Rectify{About: about, Field: domain.Field(field), Document: domain.Reference(document), Value: given.Value}, nil, err
		},
	})
}

func (p *program) subjectIdentify() *cobra.Command {
	var w which
	var method, document string
	return p.recording(recorder{
		use: "identify SUBJECT", short: "Record that declared values were verified (clause 1.3)",
		example: "  litopys subject identify " + subjectExample + " --field name --method document --document check-8 --actor employee:e-17 --purpose identification --grounds ua.11.1.3 --service account",
		flags: func(cmd *cobra.Command) {
			w.add(cmd)
			cmd.Flags().StringVar(&method, "method", "", "identification method, a name of the policy")
			cmd.Flags().StringVar(&document, "document", "", "reference of the check")
		},
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			fields, err := w.need()
			return subject.Identify{About: about, Method: method, Document: domain.Reference(document), Fields: fields}, nil, err
		},
	})
}

func (p *program) subjectPublish() *cobra.Command {
	var w which
	var place string
	var withdraw bool
	return p.recording(recorder{
		use: "publish SUBJECT", short: "Record that the person made values public himself, or withdrew them (clause 3.2)",
		example: "  litopys subject publish " + subjectExample + " --field name --place guestbook --actor subject:web --purpose service --grounds ua.11.1.3 --service account",
		flags: func(cmd *cobra.Command) {
			w.add(cmd)
			cmd.Flags().StringVar(&place, "place", "", "reference of the place")
			cmd.Flags().BoolVar(&withdraw, "withdraw", false, "the values are confidential again")
		},
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			fields, err := w.need()
			if withdraw {
				if place != "" {
					err = usage("leave --place out", "--withdraw takes no --place")
				}
				return subject.WithdrawPublication{About: about, Fields: fields}, nil, err
			}
			return subject.Publish{About: about, Fields: fields, Place: domain.Reference(place)}, nil, err
		},
	})
}

func (p *program) subjectUse() *cobra.Command {
	var w which
	return p.recording(recorder{
		use: "use SUBJECT", short: "Record that values were used for the operation's purpose (clause 2.2)",
		example: "  litopys subject use " + subjectExample + " --field email --actor system:mailer --purpose contact --grounds ua.11.1.3 --service letters",
		flags:   w.addMonths,
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			fields, err := w.need()
			return subject.Use{About: about, Fields: fields, Months: named[domain.Month](w.months)}, nil, err
		},
	})
}

func (p *program) subjectView() *cobra.Command {
	var w which
	var document string
	return p.recording(recorder{
		use: "view SUBJECT", short: "Record that somebody looked at values elsewhere, for example in the app (clause 5.1)",
		long:    "Values that \"subject show --open\" shows are recorded by that command itself.",
		example: "  litopys subject view " + subjectExample + " --field email --role support --document ticket-10 --actor employee:e-17 --purpose contact --grounds ua.11.1.3 --service support",
		flags: func(cmd *cobra.Command) {
			w.addMonths(cmd)
			cmd.Flags().String("role", "", "role under which he looked, a name of the policy")
			cmd.Flags().StringVar(&document, "document", "", "why: reference of a ticket or request")
		},
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			fields, err := w.need()
			return subject.View{About: about, Fields: fields, Months: named[domain.Month](w.months),
				Role: p.cfg.Act.Role, Document: domain.Reference(document)}, nil, err
		},
	})
}

func (p *program) subjectFind() *cobra.Command {
	var v valueFlags
	cmd := &cobra.Command{
		Use:   "find",
		Short: "Find people by a findable value: account, e-mail, telephone",
		Long: "Find people by a value that the policy marks findable, through the keyed blind index. The answer is their\n" +
			"ids, one a line. Nothing is opened.",
		Example: "  echo email=olena@example.org | litopys subject find --set-from -",
		Args:    cobra.NoArgs,
	}
	addValues(cmd, &v)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		given, err := p.needValues(v)
		if err != nil {
			return err
		}
		if len(given) > 1 {
			return usage("give one", "%d values are given where one belongs", len(given))
		}
		return p.with(cmd.Context(), func(a *app.App) error { return p.find(cmd.Context(), a, given[0]) })
	}
	return cmd
}

func (p *program) find(ctx context.Context, a *app.App, g subject.Given) error {
	if !a.Policy.Findable(g.Field) {
		return domain.Refuse("find.field", "", "use a field that the catalogue marks findable: see litopys policy show",
			"nobody is found by %s", fieldName(g.Field)).WithKind(domain.Unknown)
	}
	found, err := a.Find(ctx, g.Field, g.Value)
	if err != nil {
		return err
	}
	if p.json {
		return p.answer(map[string]any{"subjects": found})
	}
	for _, id := range found {
		fmt.Fprintln(p.Out, id)
	}
	if len(found) == 0 {
		p.say("nobody is found under this value")
	}
	return nil
}
