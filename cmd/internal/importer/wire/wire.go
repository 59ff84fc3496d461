// Package wire reads commands to the ledger from JSON, one object a line. It is the format of
// "litopys import events".
//
// Format tells the members of every command.
//
// A member that the command does not know, a name given twice, a value of the wrong type and text that is
// not UTF-8 are refused. No error repeats a value of the line.
package wire

import (
	"fmt"
	"slices"
	"strings"

	json "github.com/go-json-experiment/json"

	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
)

// Format is the format of a line, as the command line's help shows it.
const Format = `Every line has the members of an operation:

  command      the command's name (below)
  key          idempotency key: the same key with the same content is taken once, for ever
  subject      id of the data subject (recipient.add and recipient.change: "recipient" instead)
  actor        kind:code, kind being subject, employee, system or authority
  at           when it happened, RFC 3339
  purpose, grounds, service   names from the policy
  correlation, causation      ids of what it belongs to; optional

and the members of its command:

  register           reference {field, value}; optional
  collect            source (subject, automatic), values {field: value, ...}
  edit               values
  delete             fields [...], or all true
  close              -
  dispute            field, document
  rectify            field, document, value; without value the old one is confirmed
  identify           method, document, fields
  consent.grant      consent (id), scope, textHash, until (optional)
  consent.withdraw   consent
  order.place        order (id), scope, document
  order.execute      order
  order.cancel       order
  publish            fields, place
  publish.withdraw   fields
  use                fields, months
  view               fields, months, role, document
  transfer           recipient (id), fields, months, basis, abroad (optional)
  recipient.add      card {name, kind, country, contract}
  recipient.change   card

months ("2026-01") are those of the traces among the fields; without them the month of the operation is
meant. scope is {purposes, fields, recipients, recipientKinds}, each a list. basis is one of

  {"consent": id}
  {"order": id}
  {"law": {authority, act, article, document, dated, approvers [two]}}
  {"defence": {evidence, approver, statement}}`

// Command is what a line asks for: exactly one of the two.
type Command struct {
	Subject   subject.Command
	Recipient recipient.Command
}

// Decode reads one line.
func Decode(line []byte) (Command, error) {
	var head struct {
		Command string `json:"command"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return Command{}, describe(err)
	}
	form, ok := forms()[head.Command]
	if !ok {
		return Command{}, fmt.Errorf("command: missing or unknown; known are %s", strings.Join(Names(), ", "))
	}
	body := form()
	if err := json.Unmarshal(line, body, json.RejectUnknownMembers(true)); err != nil {
		return Command{}, describe(err)
	}
	return body.command()
}

// Names lists the commands.
func Names() []string {
	var names []string
	for name := range forms() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

type decoded interface{ command() (Command, error) }

func forms() map[string]func() decoded {
	return map[string]func() decoded{
		"register":         func() decoded { return new(register) },
		"collect":          func() decoded { return new(collect) },
		"edit":             func() decoded { return new(edit) },
		"delete":           func() decoded { return new(remove) },
		"close":            func() decoded { return new(closing) },
		"dispute":          func() decoded { return new(dispute) },
		"rectify":          func() decoded { return new(rectify) },
		"identify":         func() decoded { return new(identify) },
		"consent.grant":    func() decoded { return new(grant) },
		"consent.withdraw": func() decoded { return new(withdraw) },
		"order.place":      func() decoded { return new(place) },
		"order.execute":    func() decoded { return new(execute) },
		"order.cancel":     func() decoded { return new(cancel) },
		"publish":          func() decoded { return new(publish) },
		"publish.withdraw": func() decoded { return new(conceal) },
		"use":              func() decoded { return new(use) },
		"view":             func() decoded { return new(view) },
		"transfer":         func() decoded { return new(transfer) },
		"recipient.add":    func() decoded { return new(add) },
		"recipient.change": func() decoded { return new(change) },
	}
}
