package profile

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// Profile is what is held of one subject.
type Profile struct {
	Subject    domain.SubjectID
	Account    Account
	Registered time.Time
	Policy     string // version accepted at registration
	TextHash   string // SHA-256 of the text accepted, hex
	Closed     time.Time
	// Stopped lists the services that stopped when the account was closed (clause 4.2).
	Stopped []domain.Service
	Fields  []Field // by name
	// Restricted are the fields that are only stored, Objected the purposes that nothing is processed for.
	Restricted []Limit[domain.Field]
	Objected   []Limit[domain.Purpose]
}

// Limit is something that the subject has forbidden.
type Limit[T ~string] struct {
	Of    T
	Since time.Time
}

// Status tells how far a value is to be believed (clauses 1.3-1.5).
type Status string

// The statuses.
const (
	Declared   Status = "declared"   // as it was given
	Identified Status = "identified" // verified
	Disputed   Status = "disputed"   // the subject calls it untrue, insufficient or out of date
)

// Field is the last value of one field.
type Field struct {
	Field     domain.Field
	Epoch     domain.Epoch
	Condition Condition
	// Value is sealed while Held, and erased while Erased. While Retained it is sealed too, but only the
	// reader of retained records may open it.
	Value domain.Value
	// Stream and Event are the address that the value was sealed for.
	Stream   domain.Stream
	Event    uuid.UUID
	Status   Status
	Method   string // how it was verified
	Public   bool   // the subject himself made it public (clause 3.2)
	Place    domain.Reference
	Source   subject.Source
	Since    time.Time // when it came in
	Recorded time.Time // when the ledger took it
	Purpose  domain.Purpose
	Grounds  domain.Grounds
	Service  domain.Service
	Policy   string
	Ended    time.Time // when it was deleted
	Until    time.Time // end of the term, while Retained; zero when it is not known yet
	Rule     string    // retention rule, while Retained
}

// Get gives a subject's profile, and whether there is anything of him at all.
func Get(ctx context.Context, s projections.Snapshot, id domain.SubjectID) (Profile, bool, error) {
	p := Profile{Subject: id}
	where := []projections.Where{{Column: subjectID, Value: projections.OfUUID(id.UUID)}}
	found := false
	for row, err := range s.Select(ctx, projections.Select{Table: subjects, Where: where}) {
		if err != nil {
			return p, false, fmt.Errorf("profile: %w", err)
		}
		found = true
		p.account(row)
	}
	for row, err := range s.Select(ctx, projections.Select{Table: fields, Where: where}) {
		var f Field
		if err == nil {
			f, err = field(row)
		}
		if err != nil {
			return p, false, fmt.Errorf("profile: %w", err)
		}
		found = true
		p.Fields = append(p.Fields, f)
	}
	return p, found, p.limits(ctx, s, where)
}

func (p *Profile) limits(ctx context.Context, s projections.Snapshot, where []projections.Where) error {
	for row, err := range s.Select(ctx, projections.Select{Table: limits, Where: where}) {
		if err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		name, since := row[limitName].Text(), row[limitSince].Time()
		if row[limitKind].Text() == limitField {
			p.Restricted = append(p.Restricted, Limit[domain.Field]{domain.Field(name), since})
		} else {
			p.Objected = append(p.Objected, Limit[domain.Purpose]{domain.Purpose(name), since})
		}
	}
	return nil
}

// Open opens what the profile may show and puts the values in place: clear while held and the key lives,
// erased when it is gone. Retained values stay sealed.
func (p *Profile) Open(ctx context.Context, o projections.Opener) error {
	var sealed []projections.Sealed
	var places []int
	for i, f := range p.Fields {
		if f.Condition == Held {
			sealed = append(sealed, projections.Sealed{Stream: f.Stream, Event: f.Event, Item: p.item(f)})
			places = append(places, i)
		}
	}
	if len(sealed) == 0 {
		return nil
	}
	opened, err := o.Open(ctx, sealed)
	if err != nil {
		return fmt.Errorf("profile: open: %w", err)
	}
	if len(opened) != len(sealed) {
		return fmt.Errorf("profile: opened %d values of %d", len(opened), len(sealed))
	}
	for i, v := range opened {
		p.Fields[places[i]].Value = v
		if v.Condition() == domain.Erased {
			p.Fields[places[i]].Condition = Erased
		}
	}
	return nil
}

func (p *Profile) item(f Field) domain.Item {
	return domain.Item{Subject: p.Subject, Field: f.Field, Epoch: f.Epoch, Value: f.Value}
}

func (p *Profile) account(row projections.Row) {
	p.Account = Account(row[subjectState].Text())
	p.Registered = row[subjectRegistered].Time()
	p.Policy, p.TextHash = row[subjectPolicy].Text(), row[subjectTextHash].Text()
	p.Closed = row[subjectClosed].Time()
	p.Stopped = projections.Strings[domain.Service](row[subjectServices])
}

func field(row projections.Row) (Field, error) {
	f := Field{
		Field:     domain.Field(row[fieldName].Text()),
		Epoch:     domain.Epoch(row[fieldEpoch].Text()),
		Condition: Condition(row[fieldState].Text()),
		Value:     domain.ErasedValue(),
		Status:    Declared,
		Method:    row[fieldMethod].Text(),
		Public:    !row[fieldPublic].IsNull(),
		Place:     domain.Reference(row[fieldPlace].Text()),
		Since:     row[fieldSince].Time(),
		Recorded:  row[fieldRecorded].Time(),
		Ended:     row[fieldEnded].Time(),
		Until:     row[fieldUntil].Time(),
		Rule:      row[fieldRule].Text(),
	}
	if !row[fieldSealed].IsNull() {
		f.Value = domain.SealedValue(row[fieldSealed].Bytes())
	}
	switch {
	case !row[fieldDisputed].IsNull():
		f.Status = Disputed
	case !row[fieldIdentified].IsNull():
		f.Status = Identified
	}
	f.Event = row[fieldEvent].UUID()
	return f, f.came(domain.SubjectID{UUID: row[fieldSubject].UUID()}, row[fieldOrigin].Texts())
}

// came reads the origin.
func (f *Field) came(owner domain.SubjectID, parts []string) error {
	if len(parts) != originParts {
		return fmt.Errorf("an origin of %d parts", len(parts))
	}
	f.Stream, f.Source = projections.ParseStream(parts[originStream], owner), subject.Source(parts[originSource])
	f.Purpose, f.Grounds = domain.Purpose(parts[originPurpose]), domain.Grounds(parts[originGrounds])
	f.Service, f.Policy = domain.Service(parts[originService]), parts[originPolicy]
	return nil
}
