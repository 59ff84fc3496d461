package wire

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// Operation holds the members that every line has.
type Operation struct {
	Command     string    `json:"command"`
	Key         string    `json:"key"`
	Actor       string    `json:"actor"`
	At          time.Time `json:"at"`
	Purpose     string    `json:"purpose"`
	Grounds     string    `json:"grounds"`
	Service     string    `json:"service"`
	Correlation uuid.UUID `json:"correlation"`
	Causation   uuid.UUID `json:"causation"`
}

func (o Operation) build() (domain.Operation, error) {
	actor, err := ParseActor(o.Actor)
	if err != nil {
		return domain.Operation{}, err
	}
	return domain.NewOperation(domain.OperationSpec{
		Key: o.Key, Actor: actor, At: o.At,
		Purpose: domain.Purpose(o.Purpose), Grounds: domain.Grounds(o.Grounds), Service: domain.Service(o.Service),
		Correlation: o.Correlation, Causation: o.Causation,
	})
}

// ParseActor reads kind:code, for example "employee:e-17".
func ParseActor(text string) (domain.Actor, error) {
	kind, id, _ := strings.Cut(text, ":")
	actor := domain.Actor{Kind: domain.ActorKind(kind), ID: domain.Reference(id)}
	if !actor.Valid() {
		return domain.Actor{}, errors.New("actor: want kind:code, the kind being subject, employee, system or authority and the code 1 to 64 letters, digits and /_.:#-")
	}
	return actor, nil
}

// About holds the members of every command to a subject's file.
type About struct {
	Operation
	Subject uuid.UUID `json:"subject"`
}

// with builds the command when the operation is whole and the subject named.
func (a About) with(complete func(subject.About) (subject.Command, error)) (Command, error) {
	operation, err := a.Operation.build()
	if a.Subject == uuid.Nil {
		err = errors.Join(err, errors.New("subject: missing"))
	}
	if err != nil {
		return nil, err
	}
	return complete(subject.About{Subject: domain.SubjectID{UUID: a.Subject}, Operation: operation})
}

type given struct {
	Field domain.Field `json:"field"`
	Value string       `json:"value"`
}

func (g *given) domain() subject.Given {
	if g == nil {
		return subject.Given{}
	}
	return subject.Given{Field: g.Field, Value: domain.ClearValue(g.Value)}
}

// values are listed by field, so that the same line always gives the same command.
func values(m map[domain.Field]string) []subject.Given {
	var out []subject.Given
	for _, field := range slices.Sorted(maps.Keys(m)) {
		out = append(out, subject.Given{Field: field, Value: domain.ClearValue(m[field])})
	}
	return out
}

type register struct {
	About
	Reference *given `json:"reference"`
}

func (r register) command() (Command, error) {
	return r.with(func(a subject.About) (subject.Command, error) {
		return subject.Register{About: a, Reference: r.Reference.domain()}, nil
	})
}

type collect struct {
	About
	Source subject.Source          `json:"source"`
	Values map[domain.Field]string `json:"values"`
}

func (c collect) command() (Command, error) {
	return c.with(func(a subject.About) (subject.Command, error) {
		return subject.Collect{About: a, Source: c.Source, Values: values(c.Values)}, nil
	})
}

type edit struct {
	About
	Values map[domain.Field]string `json:"values"`
}

func (e edit) command() (Command, error) {
	return e.with(func(a subject.About) (subject.Command, error) {
		return subject.Edit{About: a, Values: values(e.Values)}, nil
	})
}

type remove struct {
	About
	Fields   []domain.Field   `json:"fields"`
	All      bool             `json:"all"`
	Ground   string           `json:"ground"`
	Document domain.Reference `json:"document"`
}

func (r remove) command() (Command, error) {
	return r.with(func(a subject.About) (subject.Command, error) {
		return subject.Delete{About: a, Fields: r.Fields, All: r.All, Ground: r.Ground, Document: r.Document}, nil
	})
}

type closing struct{ About }

func (c closing) command() (Command, error) {
	return c.with(func(a subject.About) (subject.Command, error) { return subject.Close{About: a}, nil })
}

type dispute struct {
	About
	Field    domain.Field     `json:"field"`
	Document domain.Reference `json:"document"`
}

func (d dispute) command() (Command, error) {
	return d.with(func(a subject.About) (subject.Command, error) {
		return subject.Dispute{About: a, Field: d.Field, Document: d.Document}, nil
	})
}

type rectify struct {
	About
	Field    domain.Field     `json:"field"`
	Document domain.Reference `json:"document"`
	Value    *string          `json:"value"`
}

func (r rectify) command() (Command, error) {
	return r.with(func(a subject.About) (subject.Command, error) {
		c := subject.Rectify{About: a, Field: r.Field, Document: r.Document}
		if r.Value != nil {
			c.Value = domain.ClearValue(*r.Value)
		}
		return c, nil
	})
}

type identify struct {
	About
	Method   string           `json:"method"`
	Document domain.Reference `json:"document"`
	Fields   []domain.Field   `json:"fields"`
}

func (i identify) command() (Command, error) {
	return i.with(func(a subject.About) (subject.Command, error) {
		return subject.Identify{About: a, Method: i.Method, Document: i.Document, Fields: i.Fields}, nil
	})
}

type publish struct {
	About
	Fields []domain.Field   `json:"fields"`
	Place  domain.Reference `json:"place"`
}

func (p publish) command() (Command, error) {
	return p.with(func(a subject.About) (subject.Command, error) {
		return subject.Publish{About: a, Fields: p.Fields, Place: p.Place}, nil
	})
}

type conceal struct {
	About
	Fields []domain.Field `json:"fields"`
}

func (c conceal) command() (Command, error) {
	return c.with(func(a subject.About) (subject.Command, error) {
		return subject.WithdrawPublication{About: a, Fields: c.Fields}, nil
	})
}

type use struct {
	About
	Fields []domain.Field `json:"fields"`
	Months []domain.Month `json:"months"`
}

func (u use) command() (Command, error) {
	return u.with(func(a subject.About) (subject.Command, error) {
		return subject.Use{About: a, Fields: u.Fields, Months: u.Months}, nil
	})
}

type view struct {
	About
	Fields   []domain.Field   `json:"fields"`
	Months   []domain.Month   `json:"months"`
	Retained []value          `json:"retained"`
	Values   []value          `json:"values"`
	Role     string           `json:"role"`
	Document domain.Reference `json:"document"`
}

func (v view) command() (Command, error) {
	return v.with(func(a subject.About) (subject.Command, error) {
		return subject.View{About: a, Fields: v.Fields, Months: v.Months, Retained: epochs(v.Retained), Values: epochs(v.Values), Role: v.Role, Document: v.Document}, nil
	})
}

func required(id uuid.UUID, name string) error {
	if id == uuid.Nil {
		return fmt.Errorf("%s: missing", name)
	}
	return nil
}
