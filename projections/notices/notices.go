// Package notices answers: which versions of the policy was this person told of, and who was not told yet
// (clause 6.1)? It holds who is registered and what he was told, and no address.
package notices

import (
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// Name is the projection's permanent identity.
const Name = "notices"

const version = 1

// Columns of notice_people.
const (
	personID = iota
	personState
	personRegistered
	personPolicy
)

var people = &projections.Table{
	Name: "notice_people", Key: 1,
	Columns: []projections.Column{
		{Name: "subject", Type: projections.UUID},
		{Name: "state", Type: projections.Text},
		{Name: "registered", Type: projections.Time},
		{Name: "policy", Type: projections.Text},
	},
}

const (
	stateOpen   = "open"
	stateClosed = "closed"
)

// Columns of notices_given.
const (
	givenPolicy = iota
	givenSubject
	givenChannel
	givenAt
	givenDocument
	givenEvent
)

var given = &projections.Table{
	Name: "notices_given", Key: 3,
	Columns: []projections.Column{
		{Name: "policy", Type: projections.Text},
		{Name: "subject", Type: projections.UUID},
		{Name: "channel", Type: projections.Text},
		{Name: "given", Type: projections.Time},
		{Name: "document", Type: projections.Text},
		{Name: "event", Type: projections.UUID},
	},
	Indexes: []projections.Index{{Name: "subject", Columns: []int{givenSubject}}},
}

// Columns of policy_versions.
const (
	versionName = iota
	versionHash
	versionFrom
	versionPublished
	versionEvent
)

var versions = &projections.Table{
	Name: "policy_versions", Key: 1,
	Columns: []projections.Column{
		{Name: "version", Type: projections.Text},
		{Name: "text_hash", Type: projections.Text},
		{Name: "effective_from", Type: projections.Time},
		{Name: "published", Type: projections.Time},
		{Name: "event", Type: projections.UUID},
	},
}

// New is the projection.
func New() *projections.Projection {
	return &projections.Projection{Name: Name, Version: version, Tables: []*projections.Table{people, given, versions}, Apply: apply}
}

func apply(r domain.Recorded, w *projections.Writer) error {
	switch e := r.Event.(type) {
	case subject.Registered:
		w.Upsert(people, projections.OfUUID(e.Subject.UUID), projections.OfText(stateOpen),
			projections.OfTime(r.Meta.OccurredAt), projections.OfText(e.Policy))
	case subject.Closed:
		w.Patch(people, projections.Edit{Key: []projections.Value{projections.OfUUID(e.Subject.UUID)},
			Set: []projections.Set{{Column: personState, Value: projections.OfText(stateClosed)}}})
	case subject.NoticeGiven:
		if e.Policy != "" {
			w.Upsert(given, projections.OfText(e.Policy), projections.OfUUID(e.Subject.UUID), projections.OfText(e.Channel),
				projections.OfTime(r.Meta.OccurredAt), projections.OptText(e.Document), projections.OfUUID(r.ID))
		}
	case policy.Published:
		w.Upsert(versions, projections.OfText(e.Version), projections.OptText(e.TextHash), projections.OfTime(e.EffectiveFrom),
			projections.OfTime(r.Meta.OccurredAt), projections.OfUUID(r.ID))
	default:
		// Nobody is told of a version, and nobody comes or goes.
		return projections.Others(r.Event)
	}
	return nil
}
