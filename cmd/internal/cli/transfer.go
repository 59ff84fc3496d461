package cli

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/transfers"
)

func (p *program) transfer() *cobra.Command {
	return p.noun("transfer", "Transfers to third parties", p.transferRecord(), p.transferList(), p.transferExport())
}

// basisFlags are the particulars of the four bases (clauses 3.3.1-3.3.4).
type basisFlags struct {
	kind                                     string
	consent, order                           string
	authority, act, article, document, dated string
	approvers                                []string
	evidence, statement                      string
}

func (b *basisFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&b.kind, "basis", "", "consent (3.3.1), order (3.3.2), law (3.3.3) or defence (3.3.4)")
	flags.StringVar(&b.consent, "consent", "", "basis consent: its id")
	flags.StringVar(&b.order, "order", "", "basis order: its id")
	flags.StringVar(&b.authority, "authority", "", "basis law: code of the authority")
	flags.StringVar(&b.act, "act", "", "basis law: the act of law")
	flags.StringVar(&b.article, "article", "", "basis law: its article")
	flags.StringVar(&b.document, "document", "", "basis law: reference of the authority's paper")
	flags.StringVar(&b.dated, "dated", "", "basis law: date of the paper")
	flags.StringSliceVar(&b.approvers, "approver", nil, "basis law: two codes of persons; basis defence: one")
	flags.StringVar(&b.evidence, "evidence", "", "basis defence: reference of the evidence")
	flags.StringVar(&b.statement, "statement-from", "", "basis defence: file with the written grounds, or - for standard input; they are sealed")
}

// foreign lists flags that were given and do not belong to the basis.
func (b *basisFlags) foreign(cmd *cobra.Command) []string {
	own := map[string][]string{"consent": {"consent"}, "order": {"order"},
		"law":     {"authority", "act", "article", "document", "dated", "approver"},
		"defence": {"evidence", "approver", "statement-from"}}[b.kind]
	var out []string
	for _, name := range []string{"consent", "order", "authority", "act", "article", "document", "dated", "approver", "evidence", "statement-from"} {
		belongs := false
		for _, o := range own {
			belongs = belongs || o == name
		}
		if !belongs && cmd.Flags().Changed(name) {
			out = append(out, "--"+name)
		}
	}
	return out
}

func (p *program) basis(cmd *cobra.Command, b *basisFlags) (subject.Basis, error) {
	if wrong := b.foreign(cmd); len(wrong) > 0 && b.kind != "" {
		return nil, usage("leave them out", "the basis %q takes no %s", visible(shorten(b.kind)), strings.Join(wrong, ", "))
	}
	switch b.kind {
	case "consent":
		id, err := parseID("--consent", b.consent)
		return subject.ByConsent{Consent: domain.ConsentID{UUID: id}}, err
	case "order":
		id, err := parseID("--order", b.order)
		return subject.ByOrder{Order: domain.OrderID{UUID: id}}, err
	case "law":
		return b.law()
	case "defence":
		return p.defence(b)
	}
	return nil, usage("give --basis consent, order, law or defence", "on which basis?")
}

func (b *basisFlags) law() (subject.Basis, error) {
	if len(b.approvers) != 2 {
		return nil, usage("give --approver twice", "two persons approve a transfer on the basis of law (clause 3.3.3)")
	}
	dated, err := optionalTime("--dated", b.dated)
	return subject.ByLaw{Authority: domain.Reference(b.authority), Act: domain.Reference(b.act), Article: domain.Reference(b.article),
		Document: domain.Reference(b.document), Dated: dated,
		Approvers: [2]domain.Reference{domain.Reference(b.approvers[0]), domain.Reference(b.approvers[1])}}, err
}

func (p *program) defence(b *basisFlags) (subject.Basis, error) {
	if len(b.approvers) != 1 || b.statement == "" {
		return nil, usage("give --approver once, and --statement-from", "a transfer in defence of rights has one approver and written grounds (clause 3.3.4)")
	}
	text, err := p.readAll(b.statement, 1<<20)
	return subject.ByDefence{Evidence: domain.Reference(b.evidence), Approver: domain.Reference(b.approvers[0]),
		Statement: domain.Item{Value: domain.ClearValue(strings.TrimSpace(string(text)))}}, err
}

func (p *program) transferRecord() *cobra.Command {
	var w which
	var b basisFlags
	var to, abroad, exempt, request string
	var self *cobra.Command
	self = p.recording(recorder{
		use: "record SUBJECT", short: "Record that values go to a third party (clause 3.3)",
		long: "It is refused unless the basis holds: record it before the data leave. The person is told of it, unless an\n" +
			"exemption of the law is named.",
		example: "  litopys transfer record " + subjectExample + " --recipient 0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c02 --field email --basis consent --consent 0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c03 --actor system:crm --purpose advertising --grounds ua.11.1.1 --service letters",
		flags: func(cmd *cobra.Command) {
			w.addMonths(cmd)
			b.add(cmd)
			cmd.Flags().StringVar(&to, "recipient", "", "id of the recipient: see litopys recipient list")
			cmd.Flags().StringVar(&abroad, "abroad", "", "ground of a transfer to another country, a name of the policy")
			cmd.Flags().StringVar(&exempt, "exempt", "", "exemption of the law by which the person is not told: see litopys policy show")
			cmd.Flags().StringVar(&request, "request", "", "id of the request that it answers: see litopys request list")
		},
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			id, err := parseID("--recipient", to)
			if err != nil {
				return nil, nil, err
			}
			asked, err := optionalID("--request", request)
			if err != nil {
				return nil, nil, err
			}
			fields, err := w.need()
			if err != nil {
				return nil, nil, err
			}
			basis, err := p.basis(self, &b)
			return subject.Transfer{About: about, Recipient: domain.RecipientID{UUID: id}, Fields: fields,
				Months: named[domain.Month](w.months), Basis: basis, Abroad: abroad,
				Exempt: exempt, Request: domain.RequestID{UUID: asked}}, nil, err
		},
	})
	return self
}

func (p *program) recipient() *cobra.Command {
	return p.noun("recipient", "Third parties to whom data may go", p.recipientAdd(), p.recipientList())
}

func (p *program) recipientAdd() *cobra.Command {
	var a act
	var id, name, kind, country, contract string
	cmd := &cobra.Command{
		Use:   "add",
		Short: "Make a third party known",
		Long: "Make a third party known: a legal person, an authority, or an entrepreneur acting as such. Its card is\n" +
			"stored in clear and stands in exports.",
		Example: "  litopys recipient add --name 'Example Post' --kind delivery --country UA --contract c-13 --actor employee:e-17 --purpose orders --grounds ua.11.1.3 --service orders",
		Args:    cobra.NoArgs,
	}
	addAct(cmd, &a)
	flags := cmd.Flags()
	flags.StringVar(&id, "recipient", "", "id to give it (default: a random one, printed)")
	flags.StringVar(&name, "name", "", "name as in the contract or the register")
	flags.StringVar(&kind, "kind", "", "kind of recipient, a name of the policy")
	flags.StringVar(&country, "country", "", "country, two capital letters")
	flags.StringVar(&contract, "contract", "", "reference of the agreement or act on which data may go there")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		op, err := p.operation(a, p.cfg.Act)
		if err != nil {
			return err
		}
		given, err := p.idOr("--recipient", id)
		if err != nil {
			return err
		}
		command := recipient.Add{About: recipient.About{Recipient: domain.RecipientID{UUID: given}, Operation: op},
			Card: recipient.Card{Name: name, Kind: domain.RecipientKind(kind), Country: domain.Country(country), Contract: domain.Reference(contract)}}
		return p.with(cmd.Context(), func(a *app.App) error {
			return p.record(cmd.Context(), a, command, made{"recipient": given})
		})
	}
	return cmd
}

// recipientJSON is a card as --json gives it.
type recipientJSON struct {
	ID       uuid.UUID `json:"id"`
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Country  string    `json:"country"`
	Contract string    `json:"contract,omitempty"`
	Added    string    `json:"added"`
	Changed  string    `json:"changed,omitempty"`
}

func (p *program) recipientList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the third parties that are known",
		Example: "  litopys recipient list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(a *app.App) error { return p.recipients(cmd.Context(), a) })
		},
	}
}

func (p *program) recipients(ctx context.Context, a *app.App) error {
	var list []transfers.Recipient
	err := a.View(ctx, func(s projections.Snapshot) (err error) {
		list, err = transfers.Recipients(ctx, s)
		return err
	})
	if err != nil {
		return err
	}
	g := grid{head: []string{"id", "name", "kind", "country", "contract"}, wide: []int{36, 24, 12, 7, 16}}
	for _, r := range list {
		if p.json {
			if err := p.answer(recipientJSON{r.ID.UUID, r.Name, string(r.Kind), string(r.Country), string(r.Contract), when(r.Added), when(r.Changed)}); err != nil {
				return err
			}
			continue
		}
		g.add(r.ID.String(), r.Name, string(r.Kind), string(r.Country), string(r.Contract))
	}
	if !p.json {
		g.print(p.Out, "no recipient is known")
	}
	return nil
}
