// Package profile answers: what do we hold of this person now, in which condition, and where did it come
// from? One row a field: the value that came in last. A value that was deleted stays as a row without
// bytes, so that "erased" and "retained until D by rule R" are answers and not gaps.
package profile

import "imagine.ua/litopys/projections"

// Name is the projection's permanent identity.
const Name = "profile"

const version = 3

// Columns of profile_subjects.
const (
	subjectID = iota
	subjectState
	subjectRegistered
	subjectPolicy
	subjectTextHash
	subjectClosed
	subjectServices
)

var subjects = &projections.Table{
	Name: "profile_subjects", Key: 1,
	Columns: []projections.Column{
		{Name: "subject", Type: projections.UUID},
		{Name: "state", Type: projections.Text},
		{Name: "registered", Type: projections.Time},
		{Name: "policy", Type: projections.Text},
		{Name: "text_hash", Type: projections.Text},
		{Name: "closed", Type: projections.Time},
		{Name: "stopped_services", Type: projections.Texts},
	},
}

// Columns of profile_fields.
const (
	fieldSubject = iota
	fieldName
	fieldEpoch
	fieldRank
	fieldState
	fieldSealed
	fieldSince
	fieldRecorded
	fieldEvent
	fieldOrigin
	fieldIdentified
	fieldMethod
	fieldDisputed
	fieldPublic
	fieldPlace
	fieldEnded
	fieldUntil
	fieldRule
	fieldThrough // epoch of the fate through the field that has kept the value
)

var fields = &projections.Table{
	Name: "profile_fields", Key: 2,
	Columns: []projections.Column{
		{Name: "subject", Type: projections.UUID},
		{Name: "field", Type: projections.Text},
		{Name: "epoch", Type: projections.Text},
		{Name: "epoch_rank", Type: projections.Int},
		{Name: "state", Type: projections.Text},
		{Name: "sealed", Type: projections.Bytes},
		{Name: "since", Type: projections.Time},
		{Name: "recorded", Type: projections.Time},
		{Name: "event", Type: projections.UUID},
		{Name: "origin", Type: projections.Texts},
		{Name: "identified", Type: projections.Time},
		{Name: "method", Type: projections.Text},
		{Name: "disputed", Type: projections.Time},
		{Name: "public", Type: projections.Time},
		{Name: "place", Type: projections.Text},
		{Name: "ended", Type: projections.Time},
		{Name: "until", Type: projections.Time},
		{Name: "rule", Type: projections.Text},
		{Name: "through", Type: projections.Text},
	},
}

// Columns of profile_limits: the restricted fields and the purposes that the subject objects to.
const (
	limitSubject = iota
	limitKind
	limitName
	limitSince
)

// The kinds of limits.
const (
	limitField   = "field"
	limitPurpose = "purpose"
)

var limits = &projections.Table{
	Name: "profile_limits", Key: 3,
	Columns: []projections.Column{
		{Name: "subject", Type: projections.UUID},
		{Name: "kind", Type: projections.Text},
		{Name: "name", Type: projections.Text},
		{Name: "since", Type: projections.Time},
	},
}

// Parts of the origin: what is said of the event that brought a value. They are read together or not at
// all, so they share one column: a page view brings five values of one origin.
const (
	originStream = iota // as projections.StreamText writes it
	originSource
	originPurpose
	originGrounds
	originService
	originPolicy
	originParts
)
