package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore/journal"
)

// agreed is the SHA-256 of the text that the person agreed to.
const agreed = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// record opens a ledger, registers a person, collects an e-mail address, records a consent and a transfer
// that rests on it. Every value is sealed before it is written.
func record(ctx context.Context, dir string) error {
	j, err := journal.Open(ctx, journal.Config{Dir: dir})
	if err != nil {
		return err
	}
	l := ledger.New(j, ledger.Config{}) // the policy of Imagine
	app := ledger.Template{
		Actor:   domain.Actor{Kind: domain.ActorSystem, ID: "shop"},
		Service: "account", Purpose: "service", Grounds: "ua.11.1.3",
	}
	anna, courier, consent, now := ledger.NewSubjectID(), ledger.NewRecipientID(), ledger.NewConsentID(), time.Now()
	scope := subject.Scope{Purposes: []domain.Purpose{"service"}, Fields: []domain.Field{"email"}, Recipients: []domain.RecipientID{courier}}
	outcomes := l.HandleAll(ctx, []ledger.Command{
		recipient.Add{About: app.Recipient(courier, "add-1", now), Card: recipient.Card{Name: "Courier LLC", Kind: "delivery", Country: "UA"}},
		subject.Register{About: app.Subject(anna, "reg-1", now), Reference: subject.Give("account", "anna-17")},
		subject.Collect{About: app.Subject(anna, "col-1", now), Source: subject.BySubject, Values: []subject.Given{subject.Give("email", "anna@example.com")}},
		subject.GrantConsent{About: app.Subject(anna, "con-1", now), Consent: consent, Scope: scope, TextHash: agreed},
		subject.Transfer{About: app.Subject(anna, "tra-1", now), Recipient: courier, Fields: scope.Fields, Basis: subject.ByConsent{Consent: consent}},
	})
	if err := ledger.Errors(outcomes); err == nil {
		fmt.Println("transferred, revision", outcomes[4].Receipt.Revision)
	}
	return errors.Join(ledger.Errors(outcomes), j.Close())
}

func Example() {
	dir, err := os.MkdirTemp("", "litopys")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := record(context.Background(), dir); err != nil {
		fmt.Println(err)
	}
	// Output: transferred, revision 3
}
