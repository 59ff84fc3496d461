package register

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
)

// Held is what a recipient holds of one field of one person.
type Held struct {
	Recipient domain.RecipientID
	Subject   domain.SubjectID
	Field     domain.Field
	Epoch     domain.Epoch
	Since     time.Time // when it was passed on, last
	Transfer  uuid.UUID
	Basis     string
	Purpose   domain.Purpose
	Grounds   domain.Grounds
	Abroad    string // ground of the transfer abroad; empty inside the country
	Country   domain.Country
	Retained  bool // it was passed on from retained records (clause 4.3)
	State     State
	Changed   time.Time // when it was edited or deleted here
	Told      time.Time // when the recipient was told of that; zero: not yet
}

// Now reports whether the recipient holds it still, as far as the controller knows: what was deleted he holds until
// he is told.
func (h Held) Now() bool { return h.State != Deleted || h.Told.IsZero() }

// Owed reports whether the recipient must still be told of an edit or a deletion.
func (h Held) Owed() bool { return h.State != Current && h.Told.IsZero() }

// key of a notice.
type notified struct{ recipient, subject, cause uuid.UUID }

// Of lists what a recipient has, by person and field, with what he had until he was told of its deletion.
func Of(ctx context.Context, s projections.Snapshot, id domain.RecipientID) ([]Held, error) {
	var out []Held
	err := each(ctx, s, []projections.Where{{Column: heldRecipient, Value: projections.OfUUID(id.UUID)}},
		[]projections.Where{{Column: toldRecipient, Value: projections.OfUUID(id.UUID)}}, func(h Held) { out = append(out, h) })
	return out, err
}

// each goes through rows of held, in the order of their keys, with the notices joined in.
func each(ctx context.Context, s projections.Snapshot, of, toldOf []projections.Where, do func(Held)) error {
	notices := map[notified]time.Time{}
	for row, err := range s.Select(ctx, projections.Select{Table: told, Where: toldOf}) {
		if err != nil {
			return fmt.Errorf("register: %w", err)
		}
		notices[notified{row[toldRecipient].UUID(), row[toldSubject].UUID(), row[toldCause].UUID()}] = row[toldAt].Time()
	}
	for row, err := range s.Select(ctx, projections.Select{Table: held, Where: of}) {
		if err != nil {
			return fmt.Errorf("register: %w", err)
		}
		h := heldOf(row)
		h.Told = notices[notified{h.Recipient.UUID, h.Subject.UUID, row[heldCause].UUID()}]
		do(h)
	}
	return nil
}

func heldOf(row projections.Row) Held {
	return Held{
		Recipient: domain.RecipientID{UUID: row[heldRecipient].UUID()},
		Subject:   domain.SubjectID{UUID: row[heldSubject].UUID()},
		Field:     domain.Field(row[heldField].Text()),
		Epoch:     domain.Epoch(row[heldEpoch].Text()),
		Since:     row[heldSince].Time(),
		Transfer:  row[heldTransfer].UUID(),
		Basis:     row[heldBasis].Text(),
		Purpose:   domain.Purpose(row[heldPurpose].Text()),
		Grounds:   domain.Grounds(row[heldGrounds].Text()),
		Abroad:    row[heldAbroad].Text(),
		Country:   domain.Country(row[heldCountry].Text()),
		Retained:  row[heldRetained].Bool(),
		State:     State(row[heldState].Text()),
		Changed:   row[heldChanged].Time(),
	}
}

// holding is what one recipient holds, summed up.
type holding struct {
	persons        int
	outdated, owed int
	fields         []domain.Field
}

// holdings sums up what all recipients hold now. Rows come by recipient and person, so that persons are counted
// without being remembered.
func holdings(ctx context.Context, s projections.Snapshot) (map[domain.RecipientID]*holding, error) {
	out := map[domain.RecipientID]*holding{}
	var last Held
	err := each(ctx, s, nil, nil, func(h Held) {
		if !h.Now() {
			return
		}
		sum := out[h.Recipient]
		if sum == nil {
			sum = &holding{}
			out[h.Recipient] = sum
		}
		if h.Recipient != last.Recipient || h.Subject != last.Subject {
			sum.persons++
		}
		last = h
		if h.State == Outdated {
			sum.outdated++
		}
		if h.Owed() {
			sum.owed++
		}
		if i, known := slices.BinarySearch(sum.fields, h.Field); !known {
			sum.fields = slices.Insert(sum.fields, i, h.Field)
		}
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
