// Package recipient is the card of a third party: who may receive personal data, of what kind it is, in
// which country, under which agreement. A transfer names a recipient that the ledger knows.
package recipient

import "imagine.ua/litopys/domain"

// Command is the closed sum of what may be asked of a recipient's card.
//
//sumtype:decl
type Command interface {
	command()
	Target() domain.RecipientID
	By() domain.Operation
	Name() string
}

// About is embedded by every command: the recipient and the operation.
type About struct {
	Recipient domain.RecipientID
	Operation domain.Operation
}

func (About) command() {}

// Target is the recipient whose card it concerns.
func (a About) Target() domain.RecipientID { return a.Recipient }

// By is the operation.
func (a About) By() domain.Operation { return a.Operation }

// Add makes a third party known.
type Add struct {
	About
	Card Card
}

// Change replaces the card.
type Change struct {
	About
	Card Card
}

// Name is the command's name.
func (Add) Name() string { return "recipient.add" }

// Name is the command's name.
func (Change) Name() string { return "recipient.change" }
