package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// scopeFlags say what a consent or an order reaches.
type scopeFlags struct{ purposes, fields, recipients, kinds []string }

func (s *scopeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&s.purposes, "for", nil, "purposes that it reaches, repeatable")
	flags.StringSliceVar(&s.fields, "field", nil, "fields that it reaches, repeatable")
	flags.StringSliceVar(&s.recipients, "recipient", nil, "ids of recipients that it reaches, repeatable")
	flags.StringSliceVar(&s.kinds, "recipient-kind", nil, "kinds of recipients that it reaches, repeatable")
}

func (s *scopeFlags) scope() (subject.Scope, error) {
	recipients, err := ids("--recipient", s.recipients, func(id uuid.UUID) domain.RecipientID { return domain.RecipientID{UUID: id} })
	return subject.Scope{Purposes: named[domain.Purpose](s.purposes), Fields: fields(s.fields),
		Recipients: recipients, RecipientKinds: named[domain.RecipientKind](s.kinds)}, err
}

func (p *program) consent() *cobra.Command {
	return p.noun("consent", "Consents of a person", p.consentGrant(), p.consentWithdraw(), p.consentList())
}

func (p *program) consentGrant() *cobra.Command {
	var scope scopeFlags
	var id, until, text, hash string
	return p.recording(recorder{
		use: "grant SUBJECT", short: "Record a consent with the text that was agreed to (clause 3.3.1)",
		long:    "The ledger keeps the SHA-256 of the text: --text FILE computes it, --text-hash gives it.",
		example: "  litopys consent grant " + subjectExample + " --for advertising --field email --recipient-kind partner --text consent.txt --actor subject:web --purpose advertising --grounds ua.11.1.1 --service account",
		flags: func(cmd *cobra.Command) {
			scope.add(cmd)
			cmd.Flags().StringVar(&id, "consent", "", "id of the consent (default: a random one, printed)")
			cmd.Flags().StringVar(&until, "until", "", "when it ends by itself (default: when withdrawn)")
			cmd.Flags().StringVar(&text, "text", "", "file with the text that was agreed to")
			cmd.Flags().StringVar(&hash, "text-hash", "", "SHA-256 of the text that was agreed to, hex")
		},
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			c := subject.GrantConsent{About: about}
			consent, err := p.idOr("--consent", id)
			if err != nil {
				return nil, nil, err
			}
			c.Consent = domain.ConsentID{UUID: consent}
			if c.Scope, err = scope.scope(); err != nil {
				return nil, nil, err
			}
			if c.TextHash, err = p.textHash(text, hash); err != nil {
				return nil, nil, err
			}
			c.Until, err = optionalTime("--until", until)
			return c, made{"consent": consent}, err
		},
	})
}

func optionalTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return parseTime(flag, text)
}

func (p *program) textHash(path, hash string) (string, error) {
	if (path == "") == (hash == "") {
		return "", usage("give --text FILE or --text-hash", "which text was agreed to?")
	}
	if hash != "" {
		return hash, nil
	}
	text, err := p.readAll(path, 16<<20)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

func (p *program) consentWithdraw() *cobra.Command {
	return p.recording(recorder{
		use: "withdraw SUBJECT CONSENT", short: "Record that the person withdrew a consent", args: 1,
		example: "  litopys consent withdraw " + subjectExample + " 0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c03 --actor subject:web --purpose service --grounds ua.11.1.3 --service account",
		build: func(about subject.About, args []string) (subject.Command, made, error) {
			id, err := parseID("consent", args[0])
			return subject.WithdrawConsent{About: about, Consent: domain.ConsentID{UUID: id}}, nil, err
		},
	})
}

func (p *program) order() *cobra.Command {
	return p.noun("order", "Standing orders of a person", p.orderPlace(), p.orderExecute(), p.orderCancel())
}

func (p *program) orderPlace() *cobra.Command {
	var scope scopeFlags
	var id, document string
	return p.recording(recorder{
		use: "place SUBJECT", short: "Record an order that needs data to go to a third party (clauses 2.2.6, 3.3.2)",
		example: "  litopys order place " + subjectExample + " --field name,phone --recipient-kind delivery --for orders --document order-9 --actor subject:web --purpose orders --grounds ua.11.1.3 --service orders",
		flags: func(cmd *cobra.Command) {
			scope.add(cmd)
			cmd.Flags().StringVar(&id, "order", "", "id of the order (default: a random one, printed)")
			cmd.Flags().StringVar(&document, "document", "", "reference of the order in the app")
		},
		build: func(about subject.About, _ []string) (subject.Command, made, error) {
			order, err := p.idOr("--order", id)
			if err != nil {
				return nil, nil, err
			}
			reach, err := scope.scope()
			return subject.PlaceOrder{About: about, Order: domain.OrderID{UUID: order}, Scope: reach,
				Document: domain.Reference(document)}, made{"order": order}, err
		},
	})
}

func (p *program) orderExecute() *cobra.Command {
	return p.recording(recorder{
		use: "execute SUBJECT ORDER", short: "Record that an order was carried out", args: 1,
		example: "  litopys order execute " + subjectExample + " 0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c04 --actor system:shop --purpose orders --grounds ua.11.1.3 --service orders",
		build: func(about subject.About, args []string) (subject.Command, made, error) {
			id, err := parseID("order", args[0])
			return subject.ExecuteOrder{About: about, Order: domain.OrderID{UUID: id}}, nil, err
		},
	})
}

func (p *program) orderCancel() *cobra.Command {
	return p.recording(recorder{
		use: "cancel SUBJECT ORDER", short: "Record that an order was cancelled", args: 1,
		example: "  litopys order cancel " + subjectExample + " 0b8e6a52-4a3f-4c3c-9d2a-0f4b7a1d9c04 --actor subject:web --purpose orders --grounds ua.11.1.3 --service orders",
		build: func(about subject.About, args []string) (subject.Command, made, error) {
			id, err := parseID("order", args[0])
			return subject.CancelOrder{About: about, Order: domain.OrderID{UUID: id}}, nil, err
		},
	})
}
