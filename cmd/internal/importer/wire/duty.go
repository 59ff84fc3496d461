package wire

import (
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// value is the address of one value that is kept.
type value struct {
	Field domain.Field `json:"field"`
	Epoch domain.Epoch `json:"epoch"`
}

func epochs(list []value) []domain.FieldEpoch {
	var out []domain.FieldEpoch
	for _, v := range list {
		out = append(out, domain.FieldEpoch(v))
	}
	return out
}

// warrant is the paper of an authority.
type warrant struct {
	Authority domain.Reference `json:"authority"`
	Act       domain.Reference `json:"act"`
	Article   domain.Reference `json:"article"`
	Document  domain.Reference `json:"document"`
	Dated     time.Time        `json:"dated"`
}

type hold struct {
	About
	Hold    uuid.UUID      `json:"hold"`
	Fields  []domain.Field `json:"fields"`
	All     bool           `json:"all"`
	Warrant warrant        `json:"warrant"`
}

func (h hold) command() (Command, error) {
	return h.with(func(a subject.About) (subject.Command, error) {
		return subject.PlaceHold{About: a, Hold: domain.HoldID{UUID: h.Hold}, Fields: h.Fields, All: h.All,
			Warrant: subject.Warrant(h.Warrant)}, required(h.Hold, "hold")
	})
}

type release struct {
	About
	Hold     uuid.UUID        `json:"hold"`
	Document domain.Reference `json:"document"`
}

func (r release) command() (Command, error) {
	return r.with(func(a subject.About) (subject.Command, error) {
		return subject.ReleaseHold{About: a, Hold: domain.HoldID{UUID: r.Hold}, Document: r.Document}, required(r.Hold, "hold")
	})
}

type endTerm struct {
	About
	Values []value `json:"values"`
}

func (e endTerm) command() (Command, error) {
	return e.with(func(a subject.About) (subject.Command, error) {
		return subject.EndRetention{About: a, Values: epochs(e.Values)}, nil
	})
}

type disclose struct {
	About
	Recipient uuid.UUID `json:"recipient"`
	Values    []value   `json:"values"`
	Law       law       `json:"law"`
	Abroad    string    `json:"abroad"`
	Exempt    string    `json:"exempt"`
	Request   uuid.UUID `json:"request"`
}

func (d disclose) command() (Command, error) {
	return d.with(func(a subject.About) (subject.Command, error) {
		return subject.Disclose{About: a, Recipient: domain.RecipientID{UUID: d.Recipient}, Values: epochs(d.Values),
			Basis: subject.ByLaw(d.Law), Abroad: d.Abroad, Exempt: d.Exempt, Request: domain.RequestID{UUID: d.Request},
		}, required(d.Recipient, "recipient")
	})
}

type restrict struct {
	About
	Fields   []domain.Field   `json:"fields"`
	Document domain.Reference `json:"document"`
}

func (r restrict) command() (Command, error) {
	return r.with(func(a subject.About) (subject.Command, error) {
		return subject.Restrict{About: a, Fields: r.Fields, Document: r.Document}, nil
	})
}

type lift restrict

func (l lift) command() (Command, error) {
	return l.with(func(a subject.About) (subject.Command, error) {
		return subject.LiftRestriction{About: a, Fields: l.Fields, Document: l.Document}, nil
	})
}

type object struct {
	About
	Purposes []domain.Purpose `json:"purposes"`
	Document domain.Reference `json:"document"`
}

func (o object) command() (Command, error) {
	return o.with(func(a subject.About) (subject.Command, error) {
		return subject.Object{About: a, Purposes: o.Purposes, Document: o.Document}, nil
	})
}

type unobject struct {
	About
	Purposes []domain.Purpose `json:"purposes"`
}

func (o unobject) command() (Command, error) {
	return o.with(func(a subject.About) (subject.Command, error) {
		return subject.WithdrawObjection{About: a, Purposes: o.Purposes}, nil
	})
}

type notice struct {
	About
	Cause     uuid.UUID        `json:"cause"`
	Duty      string           `json:"duty"`
	Policy    string           `json:"policy"`
	Recipient uuid.UUID        `json:"recipient"`
	Channel   subject.Channel  `json:"channel"`
	Document  domain.Reference `json:"document"`
}

func (n notice) command() (Command, error) {
	return n.with(func(a subject.About) (subject.Command, error) {
		return subject.GiveNotice{About: a, Cause: n.Cause, Duty: n.Duty, Policy: n.Policy,
			Recipient: domain.RecipientID{UUID: n.Recipient}, Channel: n.Channel, Document: n.Document}, nil
	})
}
