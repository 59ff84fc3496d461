package notices

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// Version is a published version.
type Version struct {
	Version       string
	TextHash      string
	EffectiveFrom time.Time
	Published     time.Time
	Event         uuid.UUID
}

// Versions lists what was published, in the order in which it takes effect.
func Versions(ctx context.Context, s projections.Snapshot) ([]Version, error) {
	var out []Version
	for row, err := range s.Select(ctx, projections.Select{Table: versions, By: []int{versionFrom, versionName}}) {
		if err != nil {
			return nil, fmt.Errorf("published versions: %w", err)
		}
		out = append(out, Version{Version: row[versionName].Text(), TextHash: row[versionHash].Text(), EffectiveFrom: row[versionFrom].Time(),
			Published: row[versionPublished].Time(), Event: row[versionEvent].UUID()})
	}
	return out, nil
}

// Given is one notice of a version.
type Given struct {
	Policy   string
	Channel  subject.Channel
	At       time.Time
	Document domain.Reference
	Event    uuid.UUID
}

// Of lists what a person was told, by version and channel.
func Of(ctx context.Context, s projections.Snapshot, id domain.SubjectID) ([]Given, error) {
	var out []Given
	q := projections.Select{Table: given, Where: []projections.Where{{Column: givenSubject, Value: projections.OfUUID(id.UUID)}},
		By: []int{givenPolicy, givenChannel}}
	for row, err := range s.Select(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("notices: %w", err)
		}
		out = append(out, Given{Policy: row[givenPolicy].Text(), Channel: subject.Channel(row[givenChannel].Text()),
			At: row[givenAt].Time(), Document: domain.Reference(row[givenDocument].Text()), Event: row[givenEvent].UUID()})
	}
	return out, nil
}

// Awaiting says of which version, and through which channel, people are still to be told.
type Awaiting struct {
	Version string
	// Channel: told otherwise does not count; empty: told in any way is told.
	Channel subject.Channel
	// After is where the list goes on; zero: from the beginning.
	After domain.SubjectID
}

// pageSize is how many people are compared with the notices at a time.
const pageSize = 2000

// Pending yields, in the order of their ids, the people with an open account who accepted another version and
// were not told of this one. However many there are, a page of them is in memory. An error comes once and last.
func Pending(ctx context.Context, s projections.Snapshot, a Awaiting) iter.Seq2[domain.SubjectID, error] {
	return func(yield func(domain.SubjectID, error) bool) {
		for {
			page, last, err := a.page(ctx, s)
			if err != nil {
				yield(domain.SubjectID{}, fmt.Errorf("pending notices: %w", err))
				return
			}
			for _, id := range page {
				if !yield(id, nil) {
					return
				}
			}
			if last.IsZero() {
				return
			}
			a.After = last
		}
	}
}

// page gives the pending of the next people, and the last person looked at; zero when there are no more.
func (a Awaiting) page(ctx context.Context, s projections.Snapshot) ([]domain.SubjectID, domain.SubjectID, error) {
	var list []domain.SubjectID
	var last domain.SubjectID
	q := projections.Select{Table: people, Columns: []int{personID}, Limit: pageSize, Where: []projections.Where{
		{Column: personState, Value: projections.OfText(stateOpen)},
		{Column: personPolicy, Op: projections.Ne, Value: projections.OfText(a.Version)},
		{Column: personID, Op: projections.Gt, Value: projections.OfUUID(a.After.UUID)},
	}}
	for row, err := range s.Select(ctx, q) {
		if err != nil {
			return nil, last, err
		}
		list = append(list, domain.SubjectID{UUID: row[0].UUID()})
	}
	if len(list) == 0 {
		return nil, last, nil
	}
	if len(list) == pageSize {
		last = list[pageSize-1]
	}
	told, err := a.told(ctx, s, list[0], list[len(list)-1])
	if err != nil {
		return nil, last, err
	}
	return slices.DeleteFunc(list, func(id domain.SubjectID) bool { return told[id] }), last, nil
}

func (a Awaiting) told(ctx context.Context, s projections.Snapshot, from, to domain.SubjectID) (map[domain.SubjectID]bool, error) {
	told := map[domain.SubjectID]bool{}
	q := projections.Select{Table: given, Columns: []int{givenSubject, givenChannel}, Where: []projections.Where{
		{Column: givenPolicy, Value: projections.OfText(a.Version)},
		{Column: givenSubject, Op: projections.Ge, Value: projections.OfUUID(from.UUID)},
		{Column: givenSubject, Op: projections.Le, Value: projections.OfUUID(to.UUID)},
	}}
	for row, err := range s.Select(ctx, q) {
		if err != nil {
			return nil, err
		}
		if a.Channel == "" || row[1].Text() == string(a.Channel) {
			told[domain.SubjectID{UUID: row[0].UUID()}] = true
		}
	}
	return told, nil
}
