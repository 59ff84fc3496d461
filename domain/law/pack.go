package law

import (
	"slices"
	"time"

	"imagine.ua/litopys/domain"
)

// Mark says how far the source of an entry was read.
type Mark string

// The marks.
const (
	Verified  Mark = "V" // read in a published source
	Secondary Mark = "S" // read in a secondary source
	Memory    Mark = "M" // from memory: a lawyer must confirm it
)

// Pack is one version of the rules of one jurisdiction. UA, EU and Load make it; treat it as read-only.
type Pack struct {
	ID      string `yaml:"pack"`    // "ua", "eu"
	Version string `yaml:"version"` // "2026-11"
	Title   string `yaml:"title"`
	// Country is an ISO 3166-1 code, or EU.
	Country domain.Country `yaml:"country"`
	// Zone is the IANA name of the zone in which days are counted.
	Zone            string      `yaml:"zone"`
	Counting        Counting    `yaml:"counting"`
	Calendar        Calendar    `yaml:"calendar"`
	Deadlines       []Deadline  `yaml:"deadlines"`
	Retention       []Rule      `yaml:"retention"`
	DeletionGrounds []Ground    `yaml:"deletion-grounds"`
	Exemptions      []Exemption `yaml:"exemptions"`
	Records         RecordsRule `yaml:"records"`

	zone *time.Location
}

// Counting says how terms end.
type Counting struct {
	// LastDayMoves: a term in calendar days, months or years whose last day is free ends with the next working
	// day. Without it the term ends a little earlier than law may allow, which is never too late.
	LastDayMoves bool   `yaml:"last-day-moves"`
	Article      string `yaml:"article"`
	Mark         Mark   `yaml:"mark"`
}

// DeadlineID names a duty with a term. The list is closed: code that opens duties knows all of them.
type DeadlineID string

// The deadlines. A pack may lack some of them.
const (
	NoticeCollection  DeadlineID = "notice.collection"         // tell the subject of a collection from elsewhere
	NoticeTransfer    DeadlineID = "notice.transfer"           // tell the subject of a transfer
	NoticeChange      DeadlineID = "notice.change"             // tell the subject of a change, deletion or restriction
	NoticeRecipient   DeadlineID = "notice.recipient"          // tell everyone the data were passed to of the same
	AccessRequest     DeadlineID = "request.access"            // answer: what is held, and a copy
	Correction        DeadlineID = "request.correction"        // answer: correct
	Erasure           DeadlineID = "request.erasure"           // answer: erase
	Objection         DeadlineID = "request.objection"         // answer: stop processing
	Restriction       DeadlineID = "request.restriction"       // answer: restrict processing
	Portability       DeadlineID = "request.portability"       // answer: a copy that another service can read
	Question          DeadlineID = "request.question"          // answer a question or suggestion (clause 7.1)
	Complaint         DeadlineID = "request.complaint"         // answer a complaint
	ThirdPartyStudy   DeadlineID = "request.third-party.study" // tell a third party whether its request will be met
	ThirdPartyRequest DeadlineID = "request.third-party"       // meet a third party's request
	Disclosure        DeadlineID = "request.disclosure"        // meet an authority's request
	PolicyNotice      DeadlineID = "policy.notice"             // tell everyone of a new version of the policy (clause 6.1)
	Breach            DeadlineID = "breach"                    // tell the authority of a breach
)

// DeadlineIDs lists all deadlines that a pack may set.
func DeadlineIDs() []DeadlineID {
	return []DeadlineID{
		NoticeCollection, NoticeTransfer, NoticeChange, NoticeRecipient,
		AccessRequest, Correction, Erasure, Objection, Restriction, Portability, Question, Complaint,
		ThirdPartyStudy, ThirdPartyRequest, Disclosure, PolicyNotice, Breach,
	}
}

// Addressee is who must be told or answered.
type Addressee string

// The addressees.
const (
	ToSubject    Addressee = "subject"
	ToRecipient  Addressee = "recipient"
	ToThirdParty Addressee = "third-party"
	ToAuthority  Addressee = "authority"
)

// Deadline is a duty and its term.
type Deadline struct {
	ID      DeadlineID `yaml:"id"`
	Article string     `yaml:"article"` // "ua.8.2.4", "eu.12.3"
	Title   string     `yaml:"title"`
	Mark    Mark       `yaml:"mark"`
	// Term runs from the moment that From describes. None means that the duty is due at that very moment.
	Term      Term      `yaml:"term"`
	From      string    `yaml:"from"`
	Addressee Addressee `yaml:"addressee"`
	// Extension says how the term may be extended; nil when it may not.
	Extension *Extension `yaml:"extension,omitempty"`
	// FixedBy is the article that forbids an extension, where one does; others simply provide for none.
	FixedBy string `yaml:"fixed-by,omitempty"`
	// Absolute: the law allows neither delay nor refusal, whatever the controller's interest.
	Absolute bool `yaml:"absolute,omitempty"`
	// AbsoluteFor limits that to some kinds of processing: "direct-marketing". Empty when Absolute covers all.
	AbsoluteFor []string `yaml:"absolute-for,omitempty"`
	// OnDestruction: of a duty to tell of deletions, it begins once more when a value is destroyed that was
	// deleted before and kept for a term or by a hold.
	OnDestruction bool `yaml:"on-destruction,omitempty"`
}

// Extension is how a term may be made longer.
type Extension struct {
	// Term comes on top of the deadline's own, in its unit; with InAll it replaces it, from the same start.
	Term    Term   `yaml:"term"`
	InAll   bool   `yaml:"in-all,omitempty"`
	Article string `yaml:"article"`
	// WithReasonBy is the term, from the same start, in which the addressee must be told of the extension and
	// its reason; nil when law sets none.
	WithReasonBy *Term `yaml:"with-reason-by,omitempty"`
}

// RuleStart is what the term of a retention rule runs from.
type RuleStart string

// The starts.
const (
	StartDeletion    RuleStart = "deletion"
	StartCollection  RuleStart = "collection"
	StartRelationEnd RuleStart = "relation-end"
)

// Rule is a retention rule: what an act says of values that are deleted or replaced.
type Rule struct {
	ID    string `yaml:"id"`
	Legal string `yaml:"legal"` // the act and article
	Mark  Mark   `yaml:"mark"`
	// Term is how long values are kept; none for rules that destroy at once.
	Term   Term              `yaml:"term"`
	Start  RuleStart         `yaml:"start"`
	Action domain.FateAction `yaml:"action"`
	// Categories of the policy's catalogue that the rule governs; empty when fields name the rule instead.
	Categories []string `yaml:"categories,omitempty"`
	// Readers are the policy's roles that may still read what is kept; nobody else may.
	Readers []string `yaml:"readers,omitempty"`
	// Grounds are the legal bases that keeping rests on.
	Grounds []domain.Grounds `yaml:"grounds,omitempty"`
}

// Ground is a ground on which data must be deleted.
type Ground struct {
	ID      string `yaml:"id"`
	Article string `yaml:"article"`
	Title   string `yaml:"title"`
	Mark    Mark   `yaml:"mark"`
	// Overrules lists what does not stop a deletion on this ground. A legal hold always does.
	Overrules []Obstacle `yaml:"overrules,omitempty"`
}

// Obstacle is what stands in the way of a deletion that the subject did not ask for.
type Obstacle string

// The obstacles.
const (
	ByTerm        Obstacle = "retention"   // a retention rule keeps values of the field for a term
	ByRestriction Obstacle = "restriction" // the field is restricted to storage
)

// Overrule reports whether the obstacle does not stop a deletion on this ground.
func (g Ground) Overrule(o Obstacle) bool { return slices.Contains(g.Overrules, o) }

// Exemption frees from a duty to tell.
type Exemption struct {
	ID      string `yaml:"id"`
	Article string `yaml:"article"`
	Title   string `yaml:"title"`
	Mark    Mark   `yaml:"mark"`
	// From lists the duties that it frees from.
	From []DeadlineID `yaml:"from"`
}

// Frees reports whether the exemption frees from the duty.
func (e Exemption) Frees(id DeadlineID) bool { return slices.Contains(e.From, id) }

// RecordsRule says how long records of operations are kept: until the end of the year that lies Years after
// the year of the operation.
type RecordsRule struct {
	Article string `yaml:"article"`
	Title   string `yaml:"title"`
	Mark    Mark   `yaml:"mark"`
	Years   int    `yaml:"years"`
}

// Location is the zone in which the pack counts days.
func (p *Pack) Location() *time.Location { return p.zone }

// Deadline gives a duty's term, and false when the pack sets none.
func (p *Pack) Deadline(id DeadlineID) (Deadline, bool) {
	return entry(p.Deadlines, func(d Deadline) bool { return d.ID == id })
}

// Rule gives a retention rule.
func (p *Pack) Rule(id string) (Rule, bool) {
	return entry(p.Retention, func(r Rule) bool { return r.ID == id })
}

// DeletionGround gives a ground of deletion.
func (p *Pack) DeletionGround(id string) (Ground, bool) {
	return entry(p.DeletionGrounds, func(g Ground) bool { return g.ID == id })
}

// Exemption gives an exemption.
func (p *Pack) Exemption(id string) (Exemption, bool) {
	return entry(p.Exemptions, func(e Exemption) bool { return e.ID == id })
}

// ExemptionsFrom lists the exemptions that free from a duty, in the order of the pack.
func (p *Pack) ExemptionsFrom(id DeadlineID) []Exemption {
	var list []Exemption
	for _, e := range p.Exemptions {
		if e.Frees(id) {
			list = append(list, e)
		}
	}
	return list
}

// WithCalendar gives the same pack with another calendar, for example one whose martial law is overruled.
func (p *Pack) WithCalendar(c Calendar) *Pack {
	other := *p
	other.Calendar = c
	return &other
}

func entry[T any](list []T, is func(T) bool) (T, bool) {
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], true
	}
	var none T
	return none, false
}
