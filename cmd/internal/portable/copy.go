// Package portable makes the copy of a person's data that is given to him: what is held with its source,
// purposes, grounds and term, to whom it went, what he agreed to, what the law keeps and why (ua art. 8(2),
// GDPR art. 15 and 20). One copy, two forms: JSON for another service, HTML for the person.
package portable

import "time"

// Form is the version of the JSON form. It changes when a member changes its meaning; new ones may be added.
const Form = "litopys-portable-copy/1"

// Copy is a person's data as they are given to him. Times are UTC.
type Copy struct {
	Form       string     `json:"form"`
	Made       time.Time  `json:"made"`
	Subject    string     `json:"subject"`
	Account    string     `json:"account"`
	Registered time.Time  `json:"registered,omitzero"`
	Closed     time.Time  `json:"closed,omitzero"`
	Accepted   Text       `json:"accepted"` // the policy accepted at registration
	Policy     Text       `json:"policy"`   // the policy in force when the copy was made
	Controller Controller `json:"controller"`
	Values     []Value    `json:"values"`
	Kept       []Kept     `json:"kept"`
	Transfers  []Transfer `json:"transfers"`
	Consents   []Consent  `json:"consents"`
	Requests   []Request  `json:"requests"`
	Notices    []Notice   `json:"notices"`
}

// Text is a version of the policy with the hash of its text.
type Text struct {
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// Controller is who answers for the data.
type Controller struct {
	Name    string `json:"name"`
	Site    string `json:"site"`
	Contact string `json:"contact"`
	Country string `json:"country"`
}

// Value is one value that is held.
type Value struct {
	Field    string    `json:"field"`
	Title    string    `json:"title"`
	Category string    `json:"category,omitzero"`
	Month    string    `json:"month,omitzero"` // of a trace
	Value    string    `json:"value"`
	Source   string    `json:"source"`
	Since    time.Time `json:"since"`
	Status   string    `json:"status,omitzero"` // of an attribute
	Public   bool      `json:"public,omitzero"`
	// Purpose and Grounds are those of the collection, Purposes what the policy allows the field for.
	Purpose       string   `json:"purpose"`
	Purposes      []string `json:"purposes"`
	Grounds       string   `json:"grounds"`
	GroundsTitle  string   `json:"groundsTitle,omitzero"`
	Service       string   `json:"service"`
	AfterDeletion []string `json:"afterDeletion"` // what the law says of it when it is deleted
	// Withheld says why the value itself is not given; empty when it is.
	Withheld string `json:"withheld,omitzero"`
}

// Kept is a value that was deleted or replaced and that the law keeps.
type Kept struct {
	Field   string    `json:"field"`
	Title   string    `json:"title"`
	Epoch   string    `json:"epoch"`
	Earlier bool      `json:"earlier,omitzero"` // and everything of the field before it
	Ended   time.Time `json:"ended"`
	Until   time.Time `json:"until,omitzero"` // absent: the end is not known yet
	Rule    string    `json:"rule"`
	Legal   string    `json:"legal,omitzero"`
}

// Transfer is what went to a third party.
type Transfer struct {
	When      time.Time `json:"when"`
	Recipient string    `json:"recipient"`
	Kind      string    `json:"kind"`
	Country   string    `json:"country"`
	Fields    []string  `json:"fields"`
	Basis     string    `json:"basis"`
	Clause    string    `json:"clause"`
	Purpose   string    `json:"purpose"`
}

// Consent is what the person agreed to.
type Consent struct {
	ID        string    `json:"id"`
	State     string    `json:"state"`
	Granted   time.Time `json:"granted"`
	Until     time.Time `json:"until,omitzero"`
	Withdrawn time.Time `json:"withdrawn,omitzero"`
	Purposes  []string  `json:"purposes"`
	Fields    []string  `json:"fields"`
	Policy    string    `json:"policy"`
	TextHash  string    `json:"textSha256"`
}

// Request is what was asked of the controller about the person.
type Request struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Received time.Time `json:"received"`
	Answered time.Time `json:"answered,omitzero"`
	Outcome  string    `json:"outcome,omitzero"`
}

// Notice is a version of the policy that the person was told of.
type Notice struct {
	Policy  string    `json:"policy"`
	Channel string    `json:"channel"`
	When    time.Time `json:"when"`
}
