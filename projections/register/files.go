package register

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/obligations"
)

// pageRows is how many values are compared with what became of them at a time, so that a recipient of any size is
// read in bounded memory.
const pageRows = 4000

// duty is one that obliges to tell a recipient of an event.
type duty struct {
	cause uuid.UUID
	to    domain.RecipientID
}

// reader goes through what recipients have.
type reader struct {
	s    projections.Snapshot
	open map[duty]struct{}
	do   func(file)
}

// each gives what a recipient has, or all of them when none is named, person by person.
func each(ctx context.Context, s projections.Snapshot, of domain.RecipientID, do func(file)) error {
	r := reader{s: s, open: map[duty]struct{}{}, do: do}
	for o, err := range obligations.List(ctx, s, obligations.Filter{State: obligations.Open}) {
		if err != nil {
			return fmt.Errorf("register: %w", err)
		}
		if o.Duty == law.NoticeRecipient && (of.IsZero() || o.Recipient == of) {
			r.open[duty{o.Cause, o.Recipient}] = struct{}{}
		}
	}
	err := r.read(ctx, of)
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	return nil
}

func (r *reader) read(ctx context.Context, of domain.RecipientID) error {
	if !of.IsZero() {
		return r.recipient(ctx, of)
	}
	for {
		next, err := r.after(ctx, of)
		if err != nil || next.IsZero() {
			return err
		}
		if err := r.recipient(ctx, next); err != nil {
			return err
		}
		of = next
	}
}

// after gives the next recipient who has anything or is told of anything; zero when there is none.
func (r *reader) after(ctx context.Context, id domain.RecipientID) (next domain.RecipientID, err error) {
	for _, q := range []projections.Select{{Table: held, Columns: []int{heldRecipient}}, {Table: changes, Columns: []int{changeRecipient}}} {
		q.Where, q.Limit = []projections.Where{{Column: q.Columns[0], Op: projections.Gt, Value: projections.OfUUID(id.UUID)}}, 1
		for row, err := range r.s.Select(ctx, q) {
			if err != nil {
				return next, err
			}
			if found := row[0].UUID(); next.IsZero() || found.String() < next.String() {
				next = domain.RecipientID{UUID: found}
			}
		}
	}
	return next, nil
}

// recipient goes through what one has, in pages of whole persons.
func (r *reader) recipient(ctx context.Context, id domain.RecipientID) error {
	var after uuid.UUID
	for size := pageRows; ; {
		list, err := r.held(ctx, id, after, size)
		if err != nil {
			return err
		}
		last := len(list) < size
		var to uuid.UUID
		if !last {
			list = whole(list)
			if len(list) == 0 {
				size *= 2 // one person fills the page
				continue
			}
			to = list[len(list)-1].Subject.UUID
		}
		news, err := r.changes(ctx, id, after, to)
		if err != nil {
			return err
		}
		r.files(list, news)
		if last {
			return nil
		}
		after, size = to, pageRows
	}
}

// whole leaves out the last person, of whom there may be more.
func whole(list []Held) []Held {
	n := len(list)
	for n > 0 && list[n-1].Subject == list[len(list)-1].Subject {
		n--
	}
	return list[:n]
}

func (r *reader) held(ctx context.Context, id domain.RecipientID, after uuid.UUID, limit int) ([]Held, error) {
	var out []Held
	q := projections.Select{Table: held, Limit: limit, Where: []projections.Where{
		{Column: heldRecipient, Value: projections.OfUUID(id.UUID)},
		{Column: heldSubject, Op: projections.Gt, Value: projections.OfUUID(after)},
	}}
	for row, err := range r.s.Select(ctx, q) {
		if err != nil {
			return nil, err
		}
		out = append(out, heldOf(row))
	}
	return out, nil
}

// changes gives what a recipient is told about the persons after one up to another, or up to the last for none.
func (r *reader) changes(ctx context.Context, id domain.RecipientID, after, to uuid.UUID) ([]change, error) {
	var out []change
	q := projections.Select{Table: changes, Where: []projections.Where{
		{Column: changeRecipient, Value: projections.OfUUID(id.UUID)},
		{Column: changeSubject, Op: projections.Gt, Value: projections.OfUUID(after)},
	}}
	if to != uuid.Nil {
		q.Where = append(q.Where, projections.Where{Column: changeSubject, Op: projections.Le, Value: projections.OfUUID(to)})
	}
	for row, err := range r.s.Select(ctx, q) {
		if err != nil {
			return nil, err
		}
		out = append(out, r.changeOf(row))
	}
	return out, nil
}

// files brings together what a recipient has of each person and what he is told about him; both are in the order
// of persons.
func (r *reader) files(list []Held, news []change) {
	for len(list) > 0 || len(news) > 0 {
		id := first(list, news)
		n, m := 0, 0
		for n < len(list) && list[n].Subject == id {
			n++
		}
		for m < len(news) && news[m].Subject == id {
			m++
		}
		f := file{held: list[:n:n], changes: news[:m:m]}
		f.settle()
		r.do(f)
		list, news = list[n:], news[m:]
	}
}

func first(list []Held, news []change) domain.SubjectID {
	if len(list) == 0 || len(news) > 0 && news[0].Subject.String() < list[0].Subject.String() {
		return news[0].Subject
	}
	return list[0].Subject
}

func (f file) recipient() domain.RecipientID {
	if len(f.held) > 0 {
		return f.held[0].Recipient
	}
	return f.changes[0].Recipient
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
		State:     Current,
		position:  row[heldPosition].Int(),
	}
}

// changeOf reads a row, and whether the law still wants the recipient to be told.
func (r *reader) changeOf(row projections.Row) change {
	c := change{
		Owed: Owed{
			Recipient: domain.RecipientID{UUID: row[changeRecipient].UUID()},
			Subject:   domain.SubjectID{UUID: row[changeSubject].UUID()},
			Cause:     row[changeCause].UUID(),
			Kind:      Kind(row[changeKind].Text()),
			At:        row[changeAt].Time(),
		},
		position: row[changePosition].Int(),
		gone:     reaches(row[changeGone].Texts()),
		kept:     reaches(row[changeKept].Texts()),
		told:     row[changeTold].Time(),
	}
	_, c.owed = r.open[duty{c.Cause, c.Recipient}]
	return c
}
