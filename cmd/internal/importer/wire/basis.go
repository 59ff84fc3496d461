package wire

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
)

type scope struct {
	Purposes       []domain.Purpose       `json:"purposes"`
	Fields         []domain.Field         `json:"fields"`
	Recipients     []uuid.UUID            `json:"recipients"`
	RecipientKinds []domain.RecipientKind `json:"recipientKinds"`
}

func (s scope) domain() subject.Scope {
	out := subject.Scope{Purposes: s.Purposes, Fields: s.Fields, RecipientKinds: s.RecipientKinds}
	for _, id := range s.Recipients {
		out.Recipients = append(out.Recipients, domain.RecipientID{UUID: id})
	}
	return out
}

type grant struct {
	About
	Consent  uuid.UUID `json:"consent"`
	Scope    scope     `json:"scope"`
	TextHash string    `json:"textHash"`
	Until    time.Time `json:"until"`
}

func (g grant) command() (Command, error) {
	return g.with(func(a subject.About) (subject.Command, error) {
		return subject.GrantConsent{About: a, Consent: domain.ConsentID{UUID: g.Consent}, Scope: g.Scope.domain(),
			TextHash: g.TextHash, Until: g.Until}, required(g.Consent, "consent")
	})
}

type withdraw struct {
	About
	Consent uuid.UUID `json:"consent"`
}

func (w withdraw) command() (Command, error) {
	return w.with(func(a subject.About) (subject.Command, error) {
		return subject.WithdrawConsent{About: a, Consent: domain.ConsentID{UUID: w.Consent}}, required(w.Consent, "consent")
	})
}

type place struct {
	About
	Order    uuid.UUID        `json:"order"`
	Scope    scope            `json:"scope"`
	Document domain.Reference `json:"document"`
}

func (p place) command() (Command, error) {
	return p.with(func(a subject.About) (subject.Command, error) {
		return subject.PlaceOrder{About: a, Order: domain.OrderID{UUID: p.Order}, Scope: p.Scope.domain(),
			Document: p.Document}, required(p.Order, "order")
	})
}

type execute struct {
	About
	Order uuid.UUID `json:"order"`
}

func (e execute) command() (Command, error) {
	return e.with(func(a subject.About) (subject.Command, error) {
		return subject.ExecuteOrder{About: a, Order: domain.OrderID{UUID: e.Order}}, required(e.Order, "order")
	})
}

type cancel struct {
	About
	Order uuid.UUID `json:"order"`
}

func (c cancel) command() (Command, error) {
	return c.with(func(a subject.About) (subject.Command, error) {
		return subject.CancelOrder{About: a, Order: domain.OrderID{UUID: c.Order}}, required(c.Order, "order")
	})
}

type law struct {
	Authority domain.Reference    `json:"authority"`
	Act       domain.Reference    `json:"act"`
	Article   domain.Reference    `json:"article"`
	Document  domain.Reference    `json:"document"`
	Dated     time.Time           `json:"dated"`
	Approvers [2]domain.Reference `json:"approvers"`
}

type defence struct {
	Evidence  domain.Reference `json:"evidence"`
	Approver  domain.Reference `json:"approver"`
	Statement string           `json:"statement"`
}

type basis struct {
	Consent uuid.UUID `json:"consent"`
	Order   uuid.UUID `json:"order"`
	Law     *law      `json:"law"`
	Defence *defence  `json:"defence"`
}

// domain gives the one basis that is named.
func (b basis) domain() (subject.Basis, error) {
	var named []subject.Basis
	if b.Consent != uuid.Nil {
		named = append(named, subject.ByConsent{Consent: domain.ConsentID{UUID: b.Consent}})
	}
	if b.Order != uuid.Nil {
		named = append(named, subject.ByOrder{Order: domain.OrderID{UUID: b.Order}})
	}
	if b.Law != nil {
		named = append(named, subject.ByLaw(*b.Law))
	}
	if d := b.Defence; d != nil {
		named = append(named, subject.ByDefence{Evidence: d.Evidence, Approver: d.Approver,
			Statement: domain.Item{Value: domain.ClearValue(d.Statement)}})
	}
	if len(named) != 1 {
		return nil, errors.New("basis: want exactly one of consent, order, law, defence")
	}
	return named[0], nil
}

type transfer struct {
	About
	Recipient uuid.UUID      `json:"recipient"`
	Fields    []domain.Field `json:"fields"`
	Months    []domain.Month `json:"months"`
	Basis     basis          `json:"basis"`
	Abroad    string         `json:"abroad"`
	Exempt    string         `json:"exempt"`
	Request   uuid.UUID      `json:"request"`
}

func (t transfer) command() (Command, error) {
	return t.with(func(a subject.About) (subject.Command, error) {
		basis, err := t.Basis.domain()
		return subject.Transfer{About: a, Recipient: domain.RecipientID{UUID: t.Recipient}, Fields: t.Fields, Months: t.Months,
			Basis: basis, Abroad: t.Abroad, Exempt: t.Exempt, Request: domain.RequestID{UUID: t.Request}}, errors.Join(err, required(t.Recipient, "recipient"))
	})
}

// Third holds the members of the commands to a recipient's card.
type Third struct {
	Operation
	Recipient uuid.UUID `json:"recipient"`
	Card      struct {
		Name     string               `json:"name"`
		Kind     domain.RecipientKind `json:"kind"`
		Country  domain.Country       `json:"country"`
		Contract domain.Reference     `json:"contract"`
	} `json:"card"`
}

func (t Third) parts() (recipient.About, recipient.Card, error) {
	operation, err := t.Operation.build()
	about := recipient.About{Recipient: domain.RecipientID{UUID: t.Recipient}, Operation: operation}
	return about, recipient.Card(t.Card), errors.Join(err, required(t.Recipient, "recipient"))
}

type add struct{ Third }

func (c add) command() (Command, error) {
	about, card, err := c.parts()
	return recipient.Add{About: about, Card: card}, err
}

type change struct{ Third }

func (c change) command() (Command, error) {
	about, card, err := c.parts()
	return recipient.Change{About: about, Card: card}, err
}
