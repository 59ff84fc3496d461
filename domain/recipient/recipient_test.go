package recipient_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/domaintest"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
)

var (
	id   = domain.RecipientID{UUID: uuid.MustParse("b0000000-0000-4000-8000-000000000001")}
	card = recipient.Card{Name: "Nova Courier LLC", Kind: "delivery", Country: "UA", Contract: "17/2024"}
)

func about() recipient.About {
	op, err := domain.NewOperation(domain.OperationSpec{
		Key: "k", Actor: domain.Actor{Kind: domain.ActorEmployee, ID: "e-1"}, At: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC),
		Purpose: "service", Grounds: "ua.11.1.6", Service: "account",
	})
	if err != nil {
		panic(err)
	}
	return recipient.About{Recipient: id, Operation: op}
}

func ask(t *testing.T, c recipient.Command, past ...recipient.Event) *domaintest.Answer[recipient.Event] {
	t.Helper()
	return domaintest.Given(t, recipient.Decider(), past...).When(recipient.Case{Command: c, Policy: policy.Imagine()})
}

func with(change func(*recipient.Card)) recipient.Card {
	c := card
	change(&c)
	return c
}

func TestAddAndChange(t *testing.T) {
	t.Parallel()
	added := recipient.Added{Recipient: id, Card: card}
	moved := with(func(c *recipient.Card) { c.Country = "PL" })
	ask(t, recipient.Add{About: about(), Card: card}).Then(added)
	ask(t, recipient.Add{About: about(), Card: card}, added).Refused("recipient.exists", "3.3")
	ask(t, recipient.Change{About: about(), Card: card}, added).ThenNothing()
	ask(t, recipient.Change{About: about(), Card: card}).Refused("recipient.unknown", "3.3")
	changed := recipient.Changed{Recipient: id, Card: moved}
	ask(t, recipient.Change{About: about(), Card: moved}, added).Then(changed)
	ask(t, recipient.Change{About: about(), Card: moved}, added, changed).ThenNothing()
}

func TestCardRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		card recipient.Card
		code string
	}{
		"no name":           {with(func(c *recipient.Card) { c.Name = "" }), "recipient.name"},
		"long name":         {with(func(c *recipient.Card) { c.Name = strings.Repeat("n", 201) }), "recipient.name"},
		"two lines":         {with(func(c *recipient.Card) { c.Name = "a\nb" }), "recipient.name"},
		"not UTF-8":         {with(func(c *recipient.Card) { c.Name = "a\xff" }), "recipient.name"},
		"outer space":       {with(func(c *recipient.Card) { c.Name = " a" }), "recipient.name"},
		"unknown kind":      {with(func(c *recipient.Card) { c.Kind = "spy" }), "recipient.kind"},
		"small country":     {with(func(c *recipient.Card) { c.Country = "ua" }), "recipient.country"},
		"contract in words": {with(func(c *recipient.Card) { c.Contract = "by word of mouth" }), "recipient.contract"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask(t, recipient.Add{About: about(), Card: tc.card}).Refused(tc.code, "3.3")
			ask(t, recipient.Change{About: about(), Card: tc.card}, recipient.Added{Recipient: id, Card: card}).Refused(tc.code, "3.3")
		})
	}
	ask(t, recipient.Add{About: recipient.About{Operation: about().Operation}, Card: card}).Refused("recipient.missing", "3.3")
	ask(t, recipient.Add{About: recipient.About{Recipient: id}, Card: card}).Refused("operation.incomplete", "3.4")
}
