package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections/history"
	"imagine.ua/litopys/projections/profile"
)

const rightsExample = " --actor employee:e-17 --purpose contact --grounds ua.11.1.5 --service support"

func (p *program) subjectRestrict() *cobra.Command {
	var w which
	var document string
	return p.recording(recorder{
		use: "restrict SUBJECT", short: "Leave fields stored and nothing else (ua art. 8, GDPR art. 18)",
		long: "Using, viewing or passing on such a field is refused until the restriction is lifted; what answers a\n" +
			"request may still be viewed. Whoever got the values must be told: see litopys obligation list.",
		example: "  litopys subject restrict " + subjectExample + " --field email,phone --document letter-9" + rightsExample,
		flags:   func(cmd *cobra.Command) { w.add(cmd); addDocument(cmd, &document) },
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			fields, err := w.need()
			return subject.Restrict{About: about, Fields: fields, Document: domain.Reference(document)}, nil, err
		},
	})
}

func (p *program) subjectLift() *cobra.Command {
	var w which
	var document string
	return p.recording(recorder{
		use: "lift SUBJECT", short: "Lift the restriction of fields, so that they may be processed again",
		example: "  litopys subject lift " + subjectExample + " --field email --document check-12" + rightsExample,
		flags:   func(cmd *cobra.Command) { w.add(cmd); addDocument(cmd, &document) },
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			fields, err := w.need()
			return subject.LiftRestriction{About: about, Fields: fields, Document: domain.Reference(document)}, nil, err
		},
	})
}

func (p *program) subjectObject() *cobra.Command {
	var purposes []string
	var document string
	return p.recording(recorder{
		use: "object SUBJECT", short: "Record that the person objects to processing for purposes (ua art. 8, GDPR art. 21)",
		long: "From then on nothing is processed for them, except what a law or the defence of rights demands; an\n" +
			"objection to direct marketing knows no exception.",
		example: "  litopys subject object " + subjectExample + " --for advertising --document letter-10" + rightsExample,
		flags:   func(cmd *cobra.Command) { addPurposes(cmd, &purposes); addDocument(cmd, &document) },
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			return subject.Object{About: about, Purposes: named[domain.Purpose](purposes), Document: domain.Reference(document)}, nil, needPurposes(purposes)
		},
	})
}

func (p *program) subjectReconsider() *cobra.Command {
	var purposes []string
	return p.recording(recorder{
		use: "reconsider SUBJECT", short: "Record that the person takes an objection back",
		example: "  litopys subject reconsider " + subjectExample + " --for advertising" + rightsExample,
		flags:   func(cmd *cobra.Command) { addPurposes(cmd, &purposes) },
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			return subject.WithdrawObjection{About: about, Purposes: named[domain.Purpose](purposes)}, nil, needPurposes(purposes)
		},
	})
}

func addDocument(cmd *cobra.Command, document *string) {
	cmd.Flags().StringVar(document, "document", "", "reference of the paper that it rests on")
}

func addPurposes(cmd *cobra.Command, purposes *[]string) {
	cmd.Flags().StringSliceVar(purposes, "for", nil, "purpose, repeatable or separated by commas")
}

func needPurposes(purposes []string) error {
	if len(purposes) == 0 {
		return usage("give --for, a name of the policy: see litopys policy show", "which purposes?")
	}
	return nil
}

// deletionGrounds lists, for the help, on what grounds data must be deleted unasked, by rule pack.
func deletionGrounds() string {
	var b strings.Builder
	b.WriteString("Without --ground it is the person who asks. Grounds on which data are deleted unasked, by the policy's law:")
	for _, name := range law.Names() {
		pack, err := law.Named(name)
		if err != nil {
			continue // not a name of law.Names
		}
		for _, g := range pack.DeletionGrounds {
			title := g.Title
			if g.Overrule(law.ByTerm) {
				title += " *"
			}
			fmt.Fprintf(&b, "\n  %s  %-17s  %s", name, g.ID, title)
		}
	}
	b.WriteString("\n\n* No retention rule stops it, and what was deleted before and is kept for a term goes, too. Only a legal hold\n" +
		"keeps values then, until it is released. The order is named with --document.")
	return b.String()
}

// limitsText tells what is restricted or objected to, and since which day.
func limitsText[T ~string](list []profile.Limit[T]) string {
	out := make([]string, len(list))
	for i, l := range list {
		out[i] = fmt.Sprintf("%s (since %s)", l.Of, l.Since.UTC().Format(time.DateOnly))
	}
	return strings.Join(out, ", ")
}

// limitsJSON is the same for scripts; what names the member.
func limitsJSON[T ~string](what string, list []profile.Limit[T]) []map[string]any {
	out := []map[string]any{}
	for _, l := range list {
		out = append(out, map[string]any{what: l.Of, "since": when(l.Since)})
	}
	return out
}

// limitedBy names the fields that an entry restricts or holds, and the purposes that it objects to.
func limitedBy(e history.Entry) (out []string) {
	switch e.Type {
	case history.Restricted, history.RestrictionLifted, history.Objected, history.ObjectionWithdrawn, history.HoldPlaced:
	default:
		return nil
	}
	for _, d := range e.Details {
		if d.Name == "field" || d.Name == "purpose" {
			out = append(out, d.Value)
		}
	}
	return out
}
