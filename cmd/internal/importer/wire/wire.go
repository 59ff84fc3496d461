// Package wire reads commands to the ledger from JSON, one object a line. It is the format of
// "litopys import events".
//
// Format tells the members of every command.
//
// A member that the command does not know, a name given twice, a value of the wrong type and text that is
// not UTF-8 are refused. No error repeats a value of the line.
package wire

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	json "github.com/go-json-experiment/json"

	"imagine.ua/litopys/domain"
)

// Format is the format of a line, as the command line's help shows it.
const Format = `Every line has the members of an operation:

  command      the command's name (below)
  key          idempotency key: the same key with the same content is taken once, for ever
  subject      id of the data subject (recipient.*: "recipient" instead; request.*: "request"; policy.*: none)
  actor        kind:code, kind being subject, employee, system or authority
  at           when it happened, RFC 3339
  purpose, grounds, service   names from the policy
  correlation, causation      ids of what it belongs to; optional

and the members of its command:

  register           reference {field, value}; optional
  collect            source (subject, automatic), values {field: value, ...}
  edit               values
  delete             fields [...], or all true; ground, document (optional: why, when the person did not ask)
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
  view               fields, months, or retained, or values [...]; role, document
  transfer           recipient (id), fields, months, basis; abroad, exempt, request (optional)
  restrict           fields, document
  restriction.lift   fields, document
  object             purposes, document
  objection.withdraw purposes
  hold.place         hold (id), fields or all true, warrant
  hold.release       hold, document
  retention.end      values [...]; without them all whose terms are over
  disclose           recipient (id), values [...], law; abroad, exempt, request (optional)
  notice.give        duty, cause (event id) or policy (version), channel, document; recipient (if not the subject)
  recipient.add      card {name, kind, country, contract}
  recipient.change   card
  request.receive    kind, channel; subject, fields, recipient, warrant, document (each as the kind needs)
  request.text       request, text (what the person wrote); it belongs to a request that is open
  request.approve    -
  request.extend     reason, document
  request.answer     outcome (met, partly, refused, withdrawn), reason, channel, document
  policy.publish     source (the text of the file)

months ("2026-01") are those of the traces among the fields; without them the month of the operation is
meant. scope is {purposes, fields, recipients, recipientKinds}, each a list. values and retained are lists of
{field, epoch}, as "litopys retained list --json" tells them. warrant is {authority, act, article, document,
dated}, and law is the same with approvers [two]. basis is one of

  {"consent": id}
  {"order": id}
  {"law": law}
  {"defence": {evidence, approver, statement}}`

// Command is what a line asks for: a command that the ledger handles.
type Command interface {
	Name() string
	By() domain.Operation
}

// Decode reads one line.
func Decode(line []byte) (Command, error) {
	if !utf8.Valid(line) {
		return nil, errors.New("the line is not valid UTF-8")
	}
	var head struct {
		Command string `json:"command"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, describe(err)
	}
	form, ok := forms()[head.Command]
	if !ok {
		return nil, fmt.Errorf("command: missing or unknown; known are %s", strings.Join(Names(), ", "))
	}
	body := form()
	if err := json.Unmarshal(line, body, json.RejectUnknownMembers(true)); err != nil {
		return nil, describe(err)
	}
	c, err := body.command()
	if err != nil {
		return nil, err // not half a command
	}
	return c, nil
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

		"hold.place":         func() decoded { return new(hold) },
		"hold.release":       func() decoded { return new(release) },
		"retention.end":      func() decoded { return new(endTerm) },
		"disclose":           func() decoded { return new(disclose) },
		"restrict":           func() decoded { return new(restrict) },
		"restriction.lift":   func() decoded { return new(lift) },
		"object":             func() decoded { return new(object) },
		"objection.withdraw": func() decoded { return new(unobject) },
		"notice.give":        func() decoded { return new(notice) },
		"request.receive":    func() decoded { return new(receive) },
		"request.text":       func() decoded { return new(text) },
		"request.approve":    func() decoded { return new(approve) },
		"request.extend":     func() decoded { return new(extend) },
		"request.answer":     func() decoded { return new(answer) },
		"policy.publish":     func() decoded { return new(edition) },
	}
}
