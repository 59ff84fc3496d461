package policy

import (
	"time"

	"imagine.ua/litopys/domain"
)

// Event is the closed sum of what can happen to a policy.
//
//sumtype:decl
type Event interface {
	domain.Event
	event()
}

// Published: a version of the policy was published (clause 6.1).
type Published struct {
	domain.NoPersonal
	domain.NoFates
	Policy   string // its name
	Version  string
	TextHash string // SHA-256 of the text that users read, hex
	// EffectiveFrom is the first moment at which it is in force.
	EffectiveFrom time.Time
	// Source is the whole version as Load reads it, so that what was decided under it can be understood
	// when no file of it is left.
	Source string
}

func (Published) event() {}

// Publish is the command that publishes a version.
type Publish struct {
	Operation domain.Operation
	// Source is the version as Load reads it.
	Source string
}

// By is the operation.
func (p Publish) By() domain.Operation { return p.Operation }

// Name is the command's name.
func (Publish) Name() string { return "policy.publish" }
