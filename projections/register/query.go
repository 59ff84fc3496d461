package register

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
)

// Of lists what a recipient has, by person, field and epoch, with what he had until he was told of its deletion. It
// reads the projection obligations, too: what is owed is what stands open there.
func Of(ctx context.Context, s projections.Snapshot, id domain.RecipientID) ([]Held, error) {
	var out []Held
	err := each(ctx, s, id, func(f file) { out = append(out, f.held...) })
	return out, err
}

// Owing lists of what a recipient is still to be told, by person and in the order of the log. These are the open
// duties notice.recipient of the projection obligations.
func Owing(ctx context.Context, s projections.Snapshot, id domain.RecipientID) ([]Owed, error) {
	var out []Owed
	err := each(ctx, s, id, func(f file) {
		for _, c := range f.changes {
			if c.owed {
				out = append(out, c.Owed)
			}
		}
	})
	return out, err
}

// holding is what one recipient holds, summed up.
type holding struct {
	persons        int
	outdated, owed int
	fields         []domain.Field
}

func (sum *holding) add(f file) {
	persons := sum.persons + 1
	for _, h := range f.held {
		if !h.Now() {
			continue
		}
		sum.persons = persons
		if h.State == Outdated {
			sum.outdated++
		}
		if i, known := slices.BinarySearch(sum.fields, h.Field); !known {
			sum.fields = slices.Insert(sum.fields, i, h.Field)
		}
	}
	for _, c := range f.changes {
		if c.owed {
			sum.owed++
		}
	}
}

// holdings sums up what all recipients hold now.
func holdings(ctx context.Context, s projections.Snapshot) (map[domain.RecipientID]*holding, error) {
	out := map[domain.RecipientID]*holding{}
	err := each(ctx, s, domain.RecipientID{}, func(f file) {
		id := f.recipient()
		if out[id] == nil {
			out[id] = &holding{}
		}
		out[id].add(f)
	})
	return out, err
}

// flow is how many values of a field ever went to a recipient, on one basis and for one purpose.
type flow struct {
	recipient domain.RecipientID
	field     domain.Field
	country   domain.Country
	basis     string
	abroad    string
	purpose   domain.Purpose
	values    int64
}

func allFlows(ctx context.Context, s projections.Snapshot) ([]flow, error) {
	var out []flow
	for row, err := range s.Select(ctx, projections.Select{Table: flows}) {
		if err != nil {
			return nil, fmt.Errorf("register: %w", err)
		}
		out = append(out, flow{
			recipient: domain.RecipientID{UUID: row[flowRecipient].UUID()},
			field:     domain.Field(row[flowField].Text()),
			country:   domain.Country(row[flowCountry].Text()),
			basis:     row[flowBasis].Text(),
			abroad:    row[flowAbroad].Text(),
			purpose:   domain.Purpose(row[flowPurpose].Text()),
			values:    row[flowValues].Int(),
		})
	}
	return out, nil
}

// Activity is how often an operation of one kind was recorded.
type Activity struct {
	Purpose domain.Purpose `json:"purpose"`
	Service domain.Service `json:"service"`
	Grounds domain.Grounds `json:"grounds"`
	Kind    string         `json:"operation"`
	Times   int64          `json:"times"`
}

func allActivities(ctx context.Context, s projections.Snapshot) ([]Activity, error) {
	var out []Activity
	for row, err := range s.Select(ctx, projections.Select{Table: activities}) {
		if err != nil {
			return nil, fmt.Errorf("register: %w", err)
		}
		out = append(out, Activity{
			Purpose: domain.Purpose(row[activityPurpose].Text()),
			Service: domain.Service(row[activityService].Text()),
			Grounds: domain.Grounds(row[activityGrounds].Text()),
			Kind:    row[activityKind].Text(),
			Times:   row[activityTimes].Int(),
		})
	}
	return out, nil
}

// Persons is how many files were opened under one kind of reference.
type Persons struct {
	// Kind is the field of the reference ("account", "visitor"), empty for files opened without one.
	Kind    domain.Field `json:"kind"`
	Title   string       `json:"title"`
	Persons int64        `json:"persons"`
}

func allSubjects(ctx context.Context, s projections.Snapshot) (list []Persons, closed int64, err error) {
	for row, err := range s.Select(ctx, projections.Select{Table: subjects}) {
		if err != nil {
			return nil, 0, fmt.Errorf("register: %w", err)
		}
		kind, n := row[subjectsKind].Text(), row[subjectsPersons].Int()
		if kind == closedFiles {
			closed = n
			continue
		}
		list = append(list, Persons{Kind: domain.Field(kind), Persons: n})
	}
	slices.SortFunc(list, func(a, b Persons) int { return cmp.Compare(a.Kind, b.Kind) })
	return list, closed, nil
}
