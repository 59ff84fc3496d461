package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/consents"
	"imagine.ua/litopys/projections/profile"
)

func unknownSubject() error {
	return domain.Refuse("subject.unknown", "preamble", "register the subject first, or find him: litopys subject find",
		"no file is open for this subject").WithKind(domain.Unknown)
}

func (p *program) subjectShow() *cobra.Command {
	var o opening
	cmd := &cobra.Command{
		Use:   "show SUBJECT",
		Short: "Show the profile of a person: what is held, on what ground, for how long",
		Long: "Show the profile of a person: what is held, on what ground, for how long.\n\n" +
			"Exit code 3 for a person, or a --field, that there is not.",
		Example: "  litopys subject show " + subjectExample + "\n  litopys subject show " + subjectExample +
			" --open --field email --role support --actor employee:e-17 --purpose contact --grounds ua.11.1.3 --service support --document ticket-10",
		Args: cobra.ExactArgs(1),
	}
	o.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseID("subject", args[0])
		if err != nil {
			return err
		}
		return p.with(cmd.Context(), func(a *app.App) error {
			return p.showProfile(cmd.Context(), a, &o, domain.SubjectID{UUID: id})
		})
	}
	return cmd
}

func (p *program) showProfile(ctx context.Context, a *app.App, o *opening, id domain.SubjectID) error {
	held, err := loadProfile(ctx, a, id)
	if err != nil {
		return err
	}
	err = knownFields(a, o.fields, func(name domain.Field) bool {
		return slices.ContainsFunc(held.Fields, func(f profile.Field) bool { return f.Field == name })
	})
	if err != nil {
		return err
	}
	held.Fields = slices.DeleteFunc(held.Fields, func(f profile.Field) bool { return !o.wants(f.Field) })
	if o.open {
		var values []domain.FieldEpoch
		for _, f := range held.Fields {
			if f.Condition == profile.Held {
				values = append(values, domain.FieldEpoch{Field: f.Field, Epoch: f.Epoch})
			}
		}
		seen, err := p.recordViewing(ctx, a, o, id, values)
		if err != nil {
			return err
		}
		if err := held.Open(ctx, app.Opener{Journal: a.Journal}); err != nil {
			return seen.failed(err)
		}
	}
	return p.printProfile(held)
}

// loadProfile gives the profile, or the refusal for a person of whom nothing is known.
func loadProfile(ctx context.Context, a *app.App, id domain.SubjectID) (held profile.Profile, err error) {
	found := false
	err = a.View(ctx, func(s projections.Snapshot) (err error) {
		held, found, err = profile.Get(ctx, s, id)
		return err
	})
	if err == nil && !found {
		err = unknownSubject()
	}
	return held, err
}

// fieldJSON is a field of a profile as --json gives it.
type fieldJSON struct {
	Field     string  `json:"field"`
	Epoch     string  `json:"epoch"`
	Condition string  `json:"condition"`
	Value     *string `json:"value,omitempty"`
	Status    string  `json:"status"`
	Public    bool    `json:"public"`
	Source    string  `json:"source,omitempty"`
	Since     string  `json:"since,omitempty"`
	Purpose   string  `json:"purpose,omitempty"`
	Grounds   string  `json:"grounds,omitempty"`
	Service   string  `json:"service,omitempty"`
	Policy    string  `json:"policy,omitempty"`
	Ended     string  `json:"ended,omitempty"`
	Until     string  `json:"until,omitempty"`
	Rule      string  `json:"rule,omitempty"`
}

func fieldToJSON(f profile.Field) fieldJSON {
	out := fieldJSON{Field: string(f.Field), Epoch: string(f.Epoch), Condition: string(f.Condition), Status: string(f.Status),
		Public: f.Public, Source: string(f.Source), Since: when(f.Since), Purpose: string(f.Purpose), Grounds: string(f.Grounds),
		Service: string(f.Service), Policy: f.Policy, Ended: when(f.Ended), Until: when(f.Until), Rule: f.Rule}
	if s, ok := f.Value.Reveal(); ok {
		out.Value = &s
	}
	return out
}

func (p *program) printProfile(held profile.Profile) error {
	if p.json {
		fields := []fieldJSON{}
		for _, f := range held.Fields {
			fields = append(fields, fieldToJSON(f))
		}
		return p.answer(map[string]any{"subject": held.Subject, "account": held.Account, "registered": when(held.Registered),
			"policy": held.Policy, "textHash": held.TextHash, "closed": when(held.Closed), "stopped": held.Stopped, "fields": fields,
			"restricted": limitsJSON("field", held.Restricted), "objected": limitsJSON("purpose", held.Objected)})
	}
	pairs(p.Out, [2]string{"subject", held.Subject.String()}, [2]string{"account", string(held.Account)},
		[2]string{"registered", when(held.Registered)}, [2]string{"accepted policy", held.Policy},
		[2]string{"closed", when(held.Closed)}, [2]string{"services stopped", words(held.Stopped)},
		[2]string{"restricted to storage", limitsText(held.Restricted)}, [2]string{"objects to", limitsText(held.Objected)})
	fmt.Fprintln(p.Out)
	g := grid{head: []string{"field", "value", "status", "since", "grounds", "purpose"}, wide: []int{17, 22, 11, 20, 9, 11}}
	for _, f := range held.Fields {
		g.add(string(f.Field), conditionText(f), statusText(f), when(f.Since), string(f.Grounds), string(f.Purpose))
	}
	g.print(p.Out, "nothing is held")
	return nil
}

func conditionText(f profile.Field) string {
	if f.Condition == profile.Retained && f.Until.IsZero() {
		return fmt.Sprintf("[kept by %s, no end is known]", f.Rule)
	}
	if f.Condition == profile.Retained {
		return fmt.Sprintf("[kept until %s by %s]", f.Until.UTC().Format(time.DateOnly), f.Rule)
	}
	return show(f.Value)
}

func statusText(f profile.Field) string {
	if f.Public {
		return string(f.Status) + ", public"
	}
	return string(f.Status)
}

func words[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}

func (p *program) consentList() *cobra.Command {
	return &cobra.Command{
		Use:     "list SUBJECT",
		Short:   "List the consents of a person and whether they hold",
		Example: "  litopys consent list " + subjectExample,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID("subject", args[0])
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), func(a *app.App) error {
				return p.consents(cmd.Context(), a, domain.SubjectID{UUID: id})
			})
		},
	}
}

func (p *program) consents(ctx context.Context, a *app.App, id domain.SubjectID) error {
	var list []consents.Consent
	err := a.View(ctx, func(s projections.Snapshot) error {
		_, found, err := profile.Get(ctx, s, id)
		if err == nil && !found {
			err = unknownSubject()
		}
		if err != nil {
			return err
		}
		list, err = consents.Of(ctx, s, id)
		return err
	})
	if err != nil {
		return err
	}
	g := grid{head: []string{"consent", "state", "purposes", "fields", "granted"}, wide: []int{36, 9, 14, 16, 20}}
	for _, c := range list {
		state := string(c.State(p.now()))
		if p.json {
			err = errors.Join(err, p.answer(map[string]any{"consent": c.ID, "state": state, "scope": scopeJSON(c.Scope), "textHash": c.TextHash,
				"granted": when(c.Granted), "until": when(c.Until), "withdrawn": when(c.Withdrawn), "policy": c.Policy, "grounds": c.Grounds, "service": c.Service}))
			continue
		}
		g.add(c.ID.String(), state, words(c.Scope.Purposes), words(c.Scope.Fields), when(c.Granted))
	}
	if !p.json {
		// The preamble's acceptance is no consent, and must not be taken for one.
		g.print(p.Out, "no valid consent is recorded")
	}
	return err
}

func scopeJSON(s subject.Scope) map[string]any {
	return map[string]any{"purposes": s.Purposes, "fields": s.Fields, "recipients": s.Recipients, "recipientKinds": s.RecipientKinds}
}
