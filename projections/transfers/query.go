package transfers

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
)

// BasisKind is one of the four grounds for a transfer (clause 3.3).
type BasisKind string

// The bases.
const (
	Consent BasisKind = "consent" // 3.3.1
	Order   BasisKind = "order"   // 3.3.2
	Law     BasisKind = "law"     // 3.3.3
	Defence BasisKind = "defence" // 3.3.4
)

var errUnknownBasis = errors.New("transfer on an unknown basis")

// Clause gives the clause of the policy; "" for what is no basis.
func (k BasisKind) Clause() string {
	switch k {
	case Consent:
		return "3.3.1"
	case Order:
		return "3.3.2"
	case Law:
		return "3.3.3"
	case Defence:
		return "3.3.4"
	}
	return ""
}

// Basis is why a transfer was allowed.
type Basis struct {
	Kind BasisKind
	ID   uuid.UUID // the consent or the order; nil otherwise
	// Details of law (authority, act, article, document, dated, approver1, approver2) and defence
	// (evidence, approver1, statement = where the sealed written grounds stand), in this order.
	Details []Detail
}

// Detail is one named particular.
type Detail struct{ Name, Value string }

func (b Basis) pairs() []string {
	out := make([]string, len(b.Details))
	for i, d := range b.Details {
		out[i] = d.Name + "=" + d.Value
	}
	return out
}

// Transfer is one value that went to one recipient.
type Transfer struct {
	Position  uint64
	Ordinal   int       // of the field within the transfer
	ID        uuid.UUID // of the transfer: its event
	Subject   domain.SubjectID
	Field     domain.Field
	Epoch     domain.Epoch
	Occurred  time.Time
	Recorded  time.Time
	Recipient domain.RecipientID
	Kind      domain.RecipientKind // of the recipient, as it was then
	Country   domain.Country       // of the recipient, as it was then
	Basis     Basis
	Abroad    string // ground of a transfer to another country (art. 29); "" inside the country
	Purpose   domain.Purpose
	Grounds   domain.Grounds
	Service   domain.Service
	Policy    string
	Actor     domain.Actor
}

// Filter narrows a list of transfers; zero parts narrow nothing.
type Filter struct {
	From      time.Time // occurred at or after
	To        time.Time // occurred before
	Subject   domain.SubjectID
	Recipient domain.RecipientID
	Basis     BasisKind
}

func (f Filter) where() []projections.Where {
	var out []projections.Where
	add := func(use bool, column int, op projections.Op, v projections.Value) {
		if use {
			out = append(out, projections.Where{Column: column, Op: op, Value: v})
		}
	}
	add(!f.Subject.IsZero(), colSubject, projections.Eq, projections.OfUUID(f.Subject.UUID))
	add(!f.Recipient.IsZero(), colRecipient, projections.Eq, projections.OfUUID(f.Recipient.UUID))
	add(f.Basis != "", colBasis, projections.Eq, projections.OfText(f.Basis))
	add(!f.From.IsZero(), colOccurred, projections.Ge, projections.OfTime(f.From))
	add(!f.To.IsZero(), colOccurred, projections.Lt, projections.OfTime(f.To))
	return out
}

// List yields the transfers that the filter lets through, in the order of the log, however many there are:
// nothing is collected in memory. An error comes once and last.
func List(ctx context.Context, s projections.Snapshot, f Filter) iter.Seq2[Transfer, error] {
	return func(yield func(Transfer, error) bool) {
		for row, err := range s.Select(ctx, projections.Select{Table: table, Where: f.where()}) {
			if err != nil {
				yield(Transfer{}, fmt.Errorf("transfers: %w", err))
				return
			}
			if !yield(transfer(row), nil) {
				return
			}
		}
	}
}

func transfer(row projections.Row) Transfer {
	t := Transfer{
		Position:  row[colPosition].Position(),
		Ordinal:   int(row[colOrdinal].Int()),
		ID:        row[colTransfer].UUID(),
		Subject:   domain.SubjectID{UUID: row[colSubject].UUID()},
		Field:     domain.Field(row[colField].Text()),
		Epoch:     domain.Epoch(row[colEpoch].Text()),
		Occurred:  row[colOccurred].Time(),
		Recorded:  row[colRecorded].Time(),
		Recipient: domain.RecipientID{UUID: row[colRecipient].UUID()},
		Kind:      domain.RecipientKind(row[colKind].Text()),
		Country:   domain.Country(row[colCountry].Text()),
		Basis:     Basis{Kind: BasisKind(row[colBasis].Text()), ID: row[colBasisID].UUID()},
		Abroad:    row[colAbroad].Text(),
		Purpose:   domain.Purpose(row[colPurpose].Text()),
		Grounds:   domain.Grounds(row[colGrounds].Text()),
		Service:   domain.Service(row[colService].Text()),
		Policy:    row[colPolicy].Text(),
		Actor:     domain.Actor{Kind: domain.ActorKind(row[colActorKind].Text()), ID: domain.Reference(row[colActor].Text())},
	}
	for _, pair := range row[colDetails].Texts() {
		name, value, _ := strings.Cut(pair, "=")
		t.Basis.Details = append(t.Basis.Details, Detail{name, value})
	}
	return t
}

// Recipient is the card of a third party as it is now.
type Recipient struct {
	ID       domain.RecipientID
	Name     string
	Kind     domain.RecipientKind
	Country  domain.Country
	Contract domain.Reference
	Added    time.Time
	Changed  time.Time // zero: never
}

// Recipients lists all third parties, by name.
func Recipients(ctx context.Context, s projections.Snapshot) ([]Recipient, error) {
	var out []Recipient
	for row, err := range s.Select(ctx, projections.Select{Table: cards, By: []int{cardName, cardID}}) {
		if err != nil {
			return nil, fmt.Errorf("recipients: %w", err)
		}
		out = append(out, Recipient{
			ID:       domain.RecipientID{UUID: row[cardID].UUID()},
			Name:     row[cardName].Text(),
			Kind:     domain.RecipientKind(row[cardKind].Text()),
			Country:  domain.Country(row[cardCountry].Text()),
			Contract: domain.Reference(row[cardContract].Text()),
			Added:    row[cardAdded].Time(),
			Changed:  row[cardChanged].Time(),
		})
	}
	return out, nil
}
