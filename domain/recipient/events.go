package recipient

import "imagine.ua/litopys/domain"

// Event is the closed sum of what can happen to a recipient's card.
//
//sumtype:decl
type Event interface {
	domain.Event
	event()
}

// Added: a third party is known from now on.
type Added struct {
	domain.NoPersonal
	domain.NoFates
	Recipient domain.RecipientID
	Card      Card
}

// Changed: the card holds this from now on.
type Changed struct {
	domain.NoPersonal
	domain.NoFates
	Recipient domain.RecipientID
	Card      Card
}

// Card is what is known of a third party. It is a legal person, an authority or an entrepreneur acting as
// such; nothing here is personal data of a data subject.
type Card struct {
	Name    string // as in the contract or the register; shown in exports
	Kind    domain.RecipientKind
	Country domain.Country
	// Contract is the reference of the agreement or act on which data may go there.
	Contract domain.Reference
}

func (Added) event()   {}
func (Changed) event() {}
