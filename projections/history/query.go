package history

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
)

// Entry is one line of a subject's timeline.
type Entry struct {
	Position uint64
	Ordinal  int // 0 for the subject of the event; others are persons whose values it brings or ends
	Subject  domain.SubjectID
	Event    uuid.UUID
	Stream   domain.Stream
	Revision domain.Revision
	Type     Type
	Occurred time.Time // when it happened
	Recorded time.Time // when the ledger took it
	Actor    domain.Actor
	Purpose  domain.Purpose
	Grounds  domain.Grounds
	Service  domain.Service
	Policy   string // version of the policy in force when it happened
	Command  string
	// Received are the values that came in by it, Referred those that it speaks of.
	Received []domain.FieldEpoch
	Referred []domain.FieldEpoch
	Fates    []domain.Fate // values that it ended
	// Recipient of a transfer; the zero id otherwise.
	Recipient domain.RecipientID
	// Details by name, in a fixed order; a name may repeat. Among them: source, policy, textHash, document,
	// outcome, method, place, role, service, consent, order, until, purpose, field, recipient,
	// recipientKind, kind, country, abroad, clause, authority, act, article, dated, approver1, approver2,
	// evidence, approver.
	Details []Detail
}

// Detail is one named particular of an entry.
type Detail struct{ Name, Value string }

// Detail gives the first particular of this name, or "".
func (e Entry) Detail(name string) string {
	for _, d := range e.Details {
		if d.Name == name {
			return d.Value
		}
	}
	return ""
}

// Filter narrows a timeline; zero parts narrow nothing.
type Filter struct {
	After        uint64 // positions after this one; to go on where a page ended
	Type         Type
	Purpose      domain.Purpose
	Actor        domain.Reference
	ActorKind    domain.ActorKind // tells actors with the same code apart
	Recipient    domain.RecipientID
	OccurredFrom time.Time
	OccurredTo   time.Time // inclusive
	RecordedFrom time.Time
	RecordedTo   time.Time // inclusive
	Limit        int
}

func (f Filter) where() []projections.Where {
	var out []projections.Where
	add := func(use bool, column int, op projections.Op, v projections.Value) {
		if use {
			out = append(out, projections.Where{Column: column, Op: op, Value: v})
		}
	}
	add(f.After > 0, colPosition, projections.Gt, projections.OfPosition(f.After))
	add(f.Type != "", colType, projections.Eq, projections.OfText(f.Type))
	add(f.Purpose != "", colPurpose, projections.Eq, projections.OfText(f.Purpose))
	add(f.Actor != "", colActor, projections.Eq, projections.OfText(f.Actor))
	add(!f.Recipient.IsZero(), colRecipient, projections.Eq, projections.OfUUID(f.Recipient.UUID))
	add(!f.OccurredFrom.IsZero(), colOccurred, projections.Ge, projections.OfTime(f.OccurredFrom))
	add(!f.OccurredTo.IsZero(), colOccurred, projections.Le, projections.OfTime(f.OccurredTo))
	add(!f.RecordedFrom.IsZero(), colRecorded, projections.Ge, projections.OfTime(f.RecordedFrom))
	add(!f.RecordedTo.IsZero(), colRecorded, projections.Le, projections.OfTime(f.RecordedTo))
	return out
}

// Lets tells whether the filter lets an entry through; the limit is not its business.
func (f Filter) Lets(e Entry) bool {
	within := func(at, from, to time.Time) bool {
		return (from.IsZero() || !at.Before(from)) && (to.IsZero() || !at.After(to))
	}
	return e.Position > f.After && (f.Type == "" || e.Type == f.Type) && (f.Purpose == "" || e.Purpose == f.Purpose) &&
		(f.Actor == "" || e.Actor.ID == f.Actor) && (f.ActorKind == "" || e.Actor.Kind == f.ActorKind) && (f.Recipient.IsZero() || e.Recipient == f.Recipient) &&
		within(e.Occurred, f.OccurredFrom, f.OccurredTo) && within(e.Recorded, f.RecordedFrom, f.RecordedTo)
}

// Timeline yields the entries of a subject that the filter lets through, in the order of the log, without
// collecting them. An error comes once and last.
func Timeline(ctx context.Context, s projections.Snapshot, id domain.SubjectID, f Filter) iter.Seq2[Entry, error] {
	q := projections.Select{Table: table, Where: append([]projections.Where{{Column: colSubject, Value: projections.OfUUID(id.UUID)}}, f.where()...)}
	if f.ActorKind == "" {
		q.Limit = f.Limit // else some of the rows do not count
	}
	return func(yield func(Entry, error) bool) {
		given := 0
		for row, err := range s.Select(ctx, q) {
			var e Entry
			if err == nil {
				e, err = entry(row)
			}
			if err != nil {
				yield(Entry{}, fmt.Errorf("history: %w", err))
				return
			}
			if f.ActorKind != "" && e.Actor.Kind != f.ActorKind {
				continue
			}
			if !yield(e, nil) {
				return
			}
			if given++; given == f.Limit {
				return
			}
		}
	}
}

func entry(row projections.Row) (Entry, error) {
	e := Entry{
		Position:  row[colPosition].Position(),
		Ordinal:   int(row[colOrdinal].Int()),
		Subject:   domain.SubjectID{UUID: row[colSubject].UUID()},
		Event:     row[colEvent].UUID(),
		Type:      Type(row[colType].Text()),
		Occurred:  row[colOccurred].Time(),
		Recorded:  row[colRecorded].Time(),
		Actor:     domain.Actor{ID: domain.Reference(row[colActor].Text())},
		Purpose:   domain.Purpose(row[colPurpose].Text()),
		Recipient: domain.RecipientID{UUID: row[colRecipient].UUID()},
	}
	if err := e.operation(row[colOperation].Texts()); err != nil {
		return Entry{}, err
	}
	for _, said := range row[colSaid].Texts() {
		if err := e.say(said); err != nil {
			return Entry{}, err
		}
	}
	return e, nil
}

func (e *Entry) operation(parts []string) (err error) {
	if len(parts) != operationParts {
		return fmt.Errorf("an operation of %d parts", len(parts))
	}
	e.Stream, e.Actor.Kind = projections.ParseStream(parts[operationStream], e.Subject), domain.ActorKind(parts[operationActorKind])
	e.Grounds, e.Service = domain.Grounds(parts[operationGrounds]), domain.Service(parts[operationService])
	e.Policy, e.Command = parts[operationPolicy], parts[operationCommand]
	e.Revision, err = strconv.ParseInt(parts[operationRevision], 10, 64)
	return err
}

func (e *Entry) say(said string) error {
	if said == "" {
		return errors.New("an empty particular")
	}
	switch rest := said[1:]; said[:1] {
	case saidReceived:
		e.Received = append(e.Received, heard(rest, e.Received))
	case saidReferred:
		e.Referred = append(e.Referred, projections.ParseField(rest))
	case saidFate:
		f, err := parseFate(e.Subject, rest)
		e.Fates = append(e.Fates, f)
		return err
	case saidDetail:
		name, value, _ := strings.Cut(rest, "=")
		e.Details = append(e.Details, Detail{name, value})
	default:
		return fmt.Errorf("a particular that begins with %q", said[:1])
	}
	return nil
}

// heard reads a value that came in, after those before it.
func heard(text string, before []domain.FieldEpoch) domain.FieldEpoch {
	v := projections.ParseField(text)
	if n := len(before); v.Epoch == "" && n > 0 {
		v.Epoch = before[n-1].Epoch
	}
	return v
}

func parseFate(who domain.SubjectID, text string) (domain.Fate, error) {
	parts := strings.SplitN(text, "|", 5)
	if len(parts) != 5 {
		return domain.Fate{}, fmt.Errorf("a fate of %d parts", len(parts))
	}
	v := projections.ParseField(parts[0])
	f := domain.Fate{Subject: who, Field: v.Field, Epoch: v.Epoch, Action: domain.FateAction(parts[1]), Through: parts[2] != "", Rule: parts[4]}
	var err error
	f.Until, err = projections.ParseTime(parts[3])
	return f, err
}
