package obligations

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// State is how a duty stands.
type State string

// The states.
const (
	Open   State = "open"
	Closed State = "closed"
	Exempt State = "exempt" // by a rule that is named: nobody need be told
)

// Obligation is one duty to tell or to answer somebody.
type Obligation struct {
	// Matter is the event that opened it, or the request that is to be answered.
	Matter uuid.UUID
	Duty   law.DeadlineID
	State  State
	// Subject is whose data it is about; zero when nobody is identified, and for a new version of the policy,
	// which concerns everyone.
	Subject   domain.SubjectID
	Addressee law.Addressee
	// Recipient is who must be told, when not the subject.
	Recipient domain.RecipientID
	Article   string
	Law       string    // pack and version by which the time was reckoned: "ua 2026-11"
	Opened    time.Time // when what opened it happened
	Due       time.Time // the first moment that is too late, extension included
	Extended  time.Time // zero: never
	// Fields are what it is about: "email/2", or names of fields.
	Fields []string
	Policy string // version, of a notice of the policy
	// Exempt is the exemption of the pack, or OwnAct.
	Exempt   string
	Closed   time.Time
	ClosedBy uuid.UUID // event
	Channel  subject.Channel
	Cause    uuid.UUID // event that opened it
}

// Overdue reports whether the duty is open though its time is over.
func (o Obligation) Overdue(now time.Time) bool { return o.State == Open && !now.Before(o.Due) }

// Request gives the request that the duty answers, and false when it is a notice.
func (o Obligation) Request() (domain.RequestID, bool) {
	if o.Matter == o.Cause {
		return domain.RequestID{}, false
	}
	return domain.RequestID{UUID: o.Matter}, true
}

// Filter narrows a list; zero parts narrow nothing.
type Filter struct {
	State   State
	Subject domain.SubjectID
	// DueBefore keeps what is due before this time, extensions counted.
	DueBefore time.Time
	// Matter keeps what one event or request opened.
	Matter uuid.UUID
}

func (f Filter) where() []projections.Where {
	var out []projections.Where
	add := func(use bool, column int, op projections.Op, v projections.Value) {
		if use {
			out = append(out, projections.Where{Column: column, Op: op, Value: v})
		}
	}
	add(f.Matter != uuid.Nil, colMatter, projections.Eq, projections.OfUUID(f.Matter))
	add(f.State != "", colState, projections.Eq, projections.OfText(f.State))
	add(!f.Subject.IsZero(), colSubject, projections.Eq, projections.OfUUID(f.Subject.UUID))
	// An extension only makes a time later, so nothing is left out here that belongs to the answer.
	add(!f.DueBefore.IsZero(), colDue, projections.Lt, projections.OfTime(f.DueBefore))
	return out
}

// List yields duties, what is due first coming first, however many there are; those that are due together come in
// the order of their matters. An error comes once and last.
//
// Rows come in the order of the terms before any extension. One that was put off waits in memory until the others
// have come to its own term: an extension only makes a term later, so what has come by then is all before it.
func List(ctx context.Context, s projections.Snapshot, f Filter) iter.Seq2[Obligation, error] {
	return func(yield func(Obligation, error) bool) {
		var late putOff
		q := projections.Select{Table: table, Where: f.where(), By: []int{colDue, colMatter, colTask, colParty}}
		for row, err := range s.Select(ctx, q) {
			if err != nil {
				yield(Obligation{}, fmt.Errorf("obligations: %w", err))
				return
			}
			o := obligation(row)
			if !f.DueBefore.IsZero() && !o.Due.Before(f.DueBefore) {
				continue // it was put off
			}
			if o.Due.After(row[colDue].Time()) {
				late.add(o)
				continue
			}
			if !late.yield(yield, o) || !yield(o, nil) {
				return
			}
		}
		late.rest(yield)
	}
}

// putOff are duties that wait for their place, what is due first coming first.
type putOff []Obligation

func before(a, b Obligation) int {
	return cmp.Or(a.Due.Compare(b.Due), bytes.Compare(a.Matter[:], b.Matter[:]), cmp.Compare(a.Duty, b.Duty))
}

func (p *putOff) add(o Obligation) {
	i, _ := slices.BinarySearchFunc(*p, o, before)
	*p = slices.Insert(*p, i, o)
}

// yield gives those that come before the next duty.
func (p *putOff) yield(yield func(Obligation, error) bool, next Obligation) bool {
	n := 0
	for n < len(*p) && before((*p)[n], next) < 0 {
		n++
	}
	first := *p
	*p = first[n:]
	for _, o := range first[:n] {
		if !yield(o, nil) {
			return false
		}
	}
	return true
}

func (p *putOff) rest(yield func(Obligation, error) bool) {
	for _, o := range *p {
		if !yield(o, nil) {
			return
		}
	}
}

func obligation(row projections.Row) Obligation {
	o := Obligation{
		Matter:    row[colMatter].UUID(),
		Duty:      law.DeadlineID(row[colDuty].Text()),
		State:     State(row[colState].Text()),
		Subject:   domain.SubjectID{UUID: row[colSubject].UUID()},
		Addressee: law.Addressee(row[colAddressee].Text()),
		Recipient: domain.RecipientID{UUID: row[colParty].UUID()},
		Article:   row[colArticle].Text(),
		Law:       row[colLaw].Text(),
		Opened:    row[colOpened].Time(),
		Due:       row[colDue].Time(),
		Extended:  row[colExtended].Time(),
		Fields:    row[colFields].Texts(),
		Policy:    row[colPolicy].Text(),
		Exempt:    row[colExempt].Text(),
		Closed:    row[colClosed].Time(),
		ClosedBy:  row[colClosedBy].UUID(),
		Channel:   subject.Channel(row[colChannel].Text()),
		Cause:     row[colCause].UUID(),
	}
	if later := row[colDueExtended].Time(); !o.Extended.IsZero() && !later.IsZero() {
		o.Due = later
	}
	return o
}
