package policy

import (
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
)

// Policy is one version of the published policy. Imagine and Load make it; treat it as read-only.
type Policy struct {
	// Name is the controller's short name for it: "imagine".
	Name string `yaml:"policy"`
	// Version names this version; events carry it.
	Version string `yaml:"version"`
	// EffectiveFrom is the first moment at which it is in force (UTC).
	EffectiveFrom Date `yaml:"effective-from"`
	// TextHash is the SHA-256 of Text, hex. Who registers accepts the text with this hash.
	TextHash string `yaml:"text-sha256"`
	// Text is the policy as the user reads it.
	Text string `yaml:"text"`
	// Acceptance says how users accept it: "use" or "signature".
	Acceptance string `yaml:"acceptance"`
	// GoverningLaw is the country whose law applies (clause 6.2).
	GoverningLaw domain.Country `yaml:"governing-law"`
	// Law is the rule pack that the policy is joined with; empty: the one of the governing law.
	Law        string     `yaml:"law,omitempty"`
	Controller Controller `yaml:"controller"`
	Purposes   []Purpose  `yaml:"purposes"`
	Grounds    []Ground   `yaml:"grounds"`
	Services   []Service  `yaml:"services"`
	// RecipientKinds are the kinds of third parties that may receive data.
	RecipientKinds []RecipientKind `yaml:"recipient-kinds"`
	// Identification lists the methods by which declared values may be verified (clause 1.3).
	Identification []Method `yaml:"identification"`
	Roles          []Role   `yaml:"roles"`
	// Retention is the schedule that the fields refer to.
	Retention []Rule   `yaml:"retention"`
	Abroad    []Abroad `yaml:"abroad"`
	Fields    []Field  `yaml:"fields"`
	// Clauses is the table of the policy's clauses, each with what carries it.
	Clauses []Clause `yaml:"clauses"`

	index index
	pack  *law.Pack
	// apart are the rules of the policy's own law that the pack has nothing for; see Under.
	apart []*Rule
}

// Controller is who answers for the data.
type Controller struct {
	Name    string         `yaml:"name"`
	Site    string         `yaml:"site"`
	Contact string         `yaml:"contact"`
	Country domain.Country `yaml:"country"`
}

// Purpose is one entry of the closed list of purposes (clauses 2.2.1-2.2.8).
type Purpose struct {
	ID      domain.Purpose `yaml:"id"`
	Clauses []string       `yaml:"clauses"`
	Title   string         `yaml:"title"`
	// Depersonalised: the policy allows this purpose on depersonalised data only, so values may be used to
	// compute it but never leave for it, neither to a third party nor to the public.
	Depersonalised bool `yaml:"depersonalised,omitempty"`
	// Answers: requests of subjects and authorities are answered for this purpose, so restricted values may
	// still be viewed for it.
	Answers bool `yaml:"answers,omitempty"`
	// DirectMarketing: an objection to this purpose knows no exception (GDPR art. 21(3)).
	DirectMarketing bool `yaml:"direct-marketing,omitempty"`
}

// Ground is a legal basis of processing.
type Ground struct {
	ID    domain.Grounds `yaml:"id"`
	Title string         `yaml:"title"`
	GDPR  string         `yaml:"gdpr"`
	// NeedsConsent: an operation on this ground is refused unless a live consent covers it.
	NeedsConsent bool `yaml:"needs-consent,omitempty"`
	// Binding: what rests on this ground must be done whatever the subject objects.
	Binding bool `yaml:"binding,omitempty"`
}

// Service is one service of the controller, with its own conditions over the common ones (clause 3.1).
type Service struct {
	ID    domain.Service `yaml:"id"`
	Title string         `yaml:"title"`
	// Purposes and Grounds narrow the common lists; empty means all of them.
	Purposes []domain.Purpose `yaml:"purposes,omitempty"`
	Grounds  []domain.Grounds `yaml:"grounds,omitempty"`
	// MaxBytes lowers the catalogue's limit of single fields.
	MaxBytes map[domain.Field]int `yaml:"max-bytes,omitempty"`
	// Needs lists the fields without which the service stops working (clause 4.2).
	Needs []domain.Field `yaml:"needs,omitempty"`
}

// RecipientKind is a kind of third party.
type RecipientKind struct {
	ID    domain.RecipientKind `yaml:"id"`
	Title string               `yaml:"title"`
	// Public: a state body or court, to which retained values may be disclosed (clause 4.3).
	Public bool `yaml:"public,omitempty"`
}

// Method is a way to verify declared values (clause 1.3).
type Method struct {
	ID    string `yaml:"id"`
	Title string `yaml:"title"`
}

// Role is a role that may view personal values, for some purposes and some categories.
type Role struct {
	ID         string           `yaml:"id"`
	Title      string           `yaml:"title"`
	Purposes   []domain.Purpose `yaml:"purposes"`
	Categories []string         `yaml:"categories"`
}

// Abroad is a ground for a transfer to another country (art. 29 of Law 2297-VI).
type Abroad struct {
	ID    string `yaml:"id"`
	Title string `yaml:"title"`
	// Countries limits the ground to these countries; empty means any.
	Countries []domain.Country `yaml:"countries,omitempty"`
	// NeedsConsent: the ground holds only with a live consent that covers the transfer.
	NeedsConsent bool `yaml:"needs-consent,omitempty"`
}

// Kind tells the two natures of personal values apart.
type Kind string

// The kinds of fields.
const (
	// Attribute is a value that the subject has one of: name, e-mail. Each edit opens a new epoch.
	Attribute Kind = "attribute"
	// Trace is a value that use of the service leaves behind again and again: address, page. An epoch is a month.
	Trace Kind = "trace"
)

// Field is one entry of the catalogue (clause 2.1).
type Field struct {
	ID       domain.Field `yaml:"id"`
	Title    string       `yaml:"title"`
	Category string       `yaml:"category"`
	Kind     Kind         `yaml:"kind"`
	// Sources says where it may come from: "subject" (1.1.1), "automatic" (1.1.2). Empty: it is written by
	// the controller and can't be collected.
	Sources  []string         `yaml:"sources,omitempty"`
	Purposes []domain.Purpose `yaml:"purposes"`
	// Retention names the rules that govern its deletion, beside those of its category; the longest lawful term wins.
	Retention []string `yaml:"retention"`
	// Form says that a person is found again by this field, and how its values are normalised for that.
	Form     Form             `yaml:"findable,omitempty"`
	MaxBytes int              `yaml:"max-bytes"`
	Services []domain.Service `yaml:"services"`
}

// Findable reports whether a person is found again by this field, through the keyed blind index.
func (f *Field) Findable() bool { return f.Form != "" }

// IsTrace reports whether the field is a trace.
func (f *Field) IsTrace() bool { return f.Kind == Trace }

// Allows reports whether the field may be processed for the purpose.
func (f *Field) Allows(p domain.Purpose) bool { return has(f.Purposes, p) }

// Clause is one row of the policy, with what carries it in the ledger.
type Clause struct {
	ID     string   `yaml:"clause"`
	Says   string   `yaml:"says"`
	Events []string `yaml:"events,omitempty"` // stored event types
	Rules  []string `yaml:"rules,omitempty"`  // refusal codes, retention rules and mechanisms
	// Pending says what of the clause no part of this ledger carries yet; empty when all is carried.
	Pending string `yaml:"pending,omitempty"`
	// ForeignLaw: the clause points to the law of another country beside the applicable one.
	ForeignLaw bool `yaml:"foreign-law,omitempty"`
}

// InForce tells which policy was in force at a time. A single Policy and a Set of versions both do.
type InForce interface {
	// At gives the policy in force at t, and false when none was.
	At(t time.Time) (*Policy, bool)
}

// At gives the policy itself from its effective date on.
func (p *Policy) At(t time.Time) (*Policy, bool) {
	if t.Before(p.EffectiveFrom.Time) {
		return nil, false
	}
	return p, true
}
