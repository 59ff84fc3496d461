package recipient

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

// State is the card as it is now; nobody knows the recipient while Known is false.
type State struct {
	Known bool
	Card  Card
}

// Case is a command with the policy in force.
type Case struct {
	Command Command
	Policy  *policy.Policy
}

// Decider gives the aggregate's functions.
func Decider() domain.Decider[Case, State, Event] {
	return domain.Decider[Case, State, Event]{
		Initial: func() State { return State{} },
		Decide:  Decide,
		Evolve:  Evolve,
	}
}

// Evolve folds one event into the card. It is total.
func Evolve(s State, e Event) State {
	switch e := e.(type) {
	case Added:
		return State{Known: true, Card: e.Card}
	case Changed:
		return State{Known: true, Card: e.Card}
	}
	return s
}

// Decide gives the event that records the command, nothing when the card stays as it is, or a *domain.Refusal.
func Decide(c Case, s State) ([]Event, error) {
	if c.Command == nil || c.Policy == nil {
		return nil, input("operation.incomplete", "give a command and the policy in force", "the case has no command or no policy")
	}
	if err := c.Policy.Permit(c.Command.By()); err != nil {
		return nil, err
	}
	if c.Command.Target().IsZero() {
		return nil, input("recipient.missing", "give it a random id", "the command names no recipient")
	}
	switch cmd := c.Command.(type) {
	case Add:
		return add(c, cmd, s)
	case Change:
		return change(c, cmd, s)
	}
	return nil, input("command.unknown", "give one of the commands of this package, by value", "the command is of a type that nobody decides")
}

func add(c Case, cmd Add, s State) ([]Event, error) {
	if s.Known {
		return nil, domain.Refuse("recipient.exists", "3.3", "change its card, or give another id", "a recipient with this id is known").WithKind(domain.Conflict)
	}
	if err := check(c.Policy, cmd.Card); err != nil {
		return nil, err
	}
	return []Event{Added{Recipient: cmd.Recipient, Card: cmd.Card}}, nil
}

func change(c Case, cmd Change, s State) ([]Event, error) {
	if !s.Known {
		return nil, domain.Refuse("recipient.unknown", "3.3", "add it first", "the ledger does not know this recipient").WithKind(domain.Unknown)
	}
	if err := check(c.Policy, cmd.Card); err != nil {
		return nil, err
	}
	if cmd.Card == s.Card {
		return nil, nil
	}
	return []Event{Changed{Recipient: cmd.Recipient, Card: cmd.Card}}, nil
}

const maxName = 200

var countryPattern = regexp.MustCompile(`^[A-Z]{2}$`)

// check refuses a card that could not be shown, or whose words the policy does not know.
func check(p *policy.Policy, c Card) error {
	if !validName(c.Name) {
		return input("recipient.name", "give the name of the register or the contract, 1 to 200 bytes in one line", "the recipient's name is missing or malformed")
	}
	if _, ok := p.RecipientKind(c.Kind); !ok {
		return domain.Refuse("recipient.kind", "3.3", "use a kind of the policy", "the policy does not name this kind of recipient").WithKind(domain.Unknown)
	}
	if !countryPattern.MatchString(string(c.Country)) {
		return input("recipient.country", "give an ISO 3166-1 code of two capitals", "the recipient's country is malformed")
	}
	if c.Contract != "" && !c.Contract.Valid() {
		return input("recipient.contract", "give its number: letters, digits and /_.:#- (64 at most), no spaces", "the reference of the contract is malformed")
	}
	return nil
}

func validName(s string) bool {
	return s != "" && len(s) <= maxName && utf8.ValidString(s) && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar })
}

func input(code, remedy, message string) *domain.Refusal {
	return domain.Refuse(code, "3.3", remedy, "%s", message).WithKind(domain.Input)
}
