package projtest

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
)

// Dice gives a number from 0 to n-1.
type Dice func(n int) int

// Crowd makes plausible events of a number of people: registrations, visits, edits, consents, transfers,
// viewings, deletions, and what the law asks for: holds, restrictions, requests, notices. What it makes depends on the dice alone.
type Crowd struct {
	dice       Dice
	now        time.Time
	people     []*person
	recipients []domain.RecipientID
	requests   []*asked
	versions   int // of the policy, published
	months     int // of which statistics are published
	ids        uint64
	// Visits is how many of a hundred events are page views; the rest are of all other types.
	Visits int
	// Newcomers is how many of a hundred events are registrations.
	Newcomers int
}

type person struct {
	id       domain.SubjectID
	fields   map[domain.Field]int // current epoch of each attribute
	consents []domain.ConsentID
	orders   []domain.OrderID
	closed   bool
	deleted  int // deletions of traces in this month, the generation of its epochs
	month    domain.Month
	duties
}

// NewCrowd begins with two recipients and nobody else.
func NewCrowd(dice Dice) *Crowd {
	c := &Crowd{dice: dice, now: time.Date(2015, 5, 17, 10, 5, 0, 0, time.UTC), Visits: 30, Newcomers: 15}
	for range 2 {
		c.recipients = append(c.recipients, domain.RecipientID{UUID: c.id()})
	}
	return c
}

// id spreads like a random one, so that neighbours in time are none in key order.
func (c *Crowd) id() uuid.UUID {
	c.ids++
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], c.ids*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[8:], c.ids*0xbf58476d1ce4e5b9)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// Recipients gives the events that make the recipients known.
func (c *Crowd) Recipients() []domain.Recorded {
	var out []domain.Recorded
	for i, id := range c.recipients {
		card := recipient.Card{Name: fmt.Sprintf("Third party %d", i), Kind: "partner", Country: "UA", Contract: "C-1"}
		out = append(out, c.at(domain.RecipientStream(id), recipient.Added{Recipient: id, Card: card}))
	}
	out = append(out, c.at(domain.RecipientStream(c.recipients[0]), recipient.Changed{
		Recipient: c.recipients[0], Card: recipient.Card{Name: "=Third, renamed", Kind: "partner", Country: "PL", Contract: "C-2"}}))
	return out
}

// Next gives one more event.
func (c *Crowd) Next() domain.Recorded {
	roll := c.dice(100)
	if len(c.people) == 0 || roll < c.Newcomers {
		return c.register()
	}
	p := c.people[c.dice(len(c.people))]
	if roll < c.Newcomers+c.Visits {
		return c.visit(p)
	}
	return c.other(p)
}

// Some gives n more events.
func (c *Crowd) Some(n int) []domain.Recorded {
	out := make([]domain.Recorded, n)
	for i := range out {
		out[i] = c.Next()
	}
	return out
}

// Subjects gives everybody who has registered.
func (c *Crowd) Subjects() []domain.SubjectID {
	out := make([]domain.SubjectID, len(c.people))
	for i, p := range c.people {
		out[i] = p.id
	}
	return out
}

func (c *Crowd) at(stream domain.Stream, e domain.Event) domain.Recorded {
	c.now = c.now.Add(time.Duration(1+c.dice(5_000_000)) * time.Millisecond / 10)
	late := time.Duration(c.dice(4)/3*c.dice(100)) * time.Hour
	actor := domain.Actor{Kind: domain.ActorEmployee, ID: domain.Reference(fmt.Sprintf("E-%d", c.dice(5)))}
	if actor.ID == "E-4" {
		actor = domain.Actor{Kind: domain.ActorSubject, ID: "web"}
	}
	return domain.Recorded{ID: c.id(), Stream: stream, Event: e, Meta: domain.Meta{
		Actor:      actor,
		OccurredAt: c.now.Add(-late), RecordedAt: c.now, Purpose: []domain.Purpose{"service", "contact"}[c.dice(2)],
		Grounds: "ua.11.1.3", Service: "site", Policy: "2024-1", Command: "command", Content: "0123456789abcdef0123456789abcdef",
	}}
}

func (c *Crowd) file(p *person, e domain.Event) domain.Recorded {
	return c.at(domain.SubjectStream(p.id), e)
}

func (c *Crowd) trace(p *person, e domain.Event) domain.Recorded {
	return c.at(domain.TraceStream(p.id, domain.MonthOf(c.now)), e)
}

// sealed is what a sealed value of a short text looks like.
func (c *Crowd) sealed() domain.Value {
	b := make([]byte, 77)
	b[0] = 1
	for i := 1; i < len(b); i += 8 {
		var x [8]byte
		binary.BigEndian.PutUint64(x[:], (c.ids+uint64(i))*0x94d049bb133111eb)
		copy(b[i:], x[:])
	}
	c.ids++
	return domain.SealedValue(b)
}

func (c *Crowd) item(p *person, f domain.Field, e domain.Epoch) domain.Item {
	return domain.Item{Subject: p.id, Field: f, Epoch: e, Value: c.sealed()}
}

func (c *Crowd) register() domain.Recorded {
	p := &person{id: domain.SubjectID{UUID: c.id()}, fields: map[domain.Field]int{"account": 1}}
	c.people = append(c.people, p)
	return c.file(p, subject.Registered{Subject: p.id, Policy: "2024-1", TextHash: "ab12", Reference: c.item(p, "account", "1")})
}

func (c *Crowd) traceEpoch(p *person) domain.Epoch {
	if m := domain.MonthOf(c.now); m != p.month {
		p.month, p.deleted = m, 0
	}
	return domain.TraceEpoch(p.month, p.deleted)
}

var traces = []domain.Field{"address", "access-time", "page", "referrer", "browser"}

func (c *Crowd) visit(p *person) domain.Recorded {
	e := c.traceEpoch(p)
	var items []domain.Item
	for _, f := range traces {
		items = append(items, c.item(p, f, e))
	}
	return c.trace(p, subject.Collected{Subject: p.id, Source: subject.Automatic, Items: items})
}

var attributes = []domain.Field{"name", "email", "phone"}

// have gives an attribute that the person has, with its epoch.
func (c *Crowd) have(p *person) (domain.FieldEpoch, bool) {
	for i := range attributes {
		f := attributes[(i+c.dice(len(attributes)))%len(attributes)]
		v := domain.FieldEpoch{Field: f, Epoch: domain.AttributeEpoch(p.fields[f])}
		if p.fields[f] > 0 && !slices.Contains(p.gone, v) {
			return v, true
		}
	}
	return domain.FieldEpoch{}, false
}

func (c *Crowd) collect(p *person) domain.Recorded {
	f := attributes[c.dice(len(attributes))]
	p.fields[f] = max(p.fields[f], 0) + 1
	return c.file(p, subject.Collected{Subject: p.id, Source: subject.BySubject, Items: []domain.Item{c.item(p, f, domain.AttributeEpoch(p.fields[f]))}})
}

// other gives an event of a type that needs, where it needs anything, a value that the person has.
func (c *Crowd) other(p *person) domain.Recorded {
	v, ok := c.have(p)
	if !ok {
		return c.collect(p)
	}
	one := []domain.FieldEpoch{v}
	switch c.dice(28) {
	case 0, 1:
		return c.collect(p)
	case 2, 3:
		return c.edit(p, v)
	case 4:
		return c.file(p, subject.Disputed{Subject: p.id, Value: v, Document: "D-1"})
	case 5:
		return c.file(p, subject.Rectified{Subject: p.id, Value: v, Outcome: subject.Confirmed, Document: "D-2"})
	case 6:
		return c.file(p, subject.Identified{Subject: p.id, Method: "bank-id", Document: "D-3", Values: one})
	case 7:
		return c.file(p, subject.Published{Subject: p.id, Values: one, Place: "guestbook"})
	case 8:
		return c.file(p, subject.PublicationWithdrawn{Subject: p.id, Values: one})
	case 9:
		return c.delete(p, v)
	case 10, 11, 12:
		return c.transfer(p, one)
	case 13:
		return c.trace(p, subject.Viewed{Subject: p.id, Values: one, Role: "support", Document: "T-77"})
	case 14:
		return c.trace(p, subject.Used{Subject: p.id, Values: one})
	case 15, 16:
		return c.grant(p)
	case 17, 18, 19:
		return c.agreement(p)
	}
	return c.duty(p)
}

func (c *Crowd) edit(p *person, v domain.FieldEpoch) domain.Recorded {
	p.fields[v.Field]++
	item := c.item(p, v.Field, domain.AttributeEpoch(p.fields[v.Field]))
	fates := c.fates(p, v)
	if c.dice(3) == 0 {
		return c.telling(p, subject.Rectified{Subject: p.id, Value: v, Outcome: subject.Corrected, Items: []domain.Item{item}, Superseded: fates, Tell: p.got})
	}
	return c.telling(p, subject.Edited{Subject: p.id, Items: []domain.Item{item}, Superseded: fates, Tell: p.got})
}

func (c *Crowd) delete(p *person, v domain.FieldEpoch) domain.Recorded {
	fates := c.fates(p, v)
	if c.dice(2) == 0 {
		return c.telling(p, subject.Deleted{Subject: p.id, Deleted: fates, Services: []domain.Service{"letters"}, Tell: p.got})
	}
	for _, f := range traces {
		fates = append(fates, domain.Fate{Subject: p.id, Field: f, Epoch: c.traceEpoch(p), Through: true, Action: domain.Destroy})
	}
	p.deleted++
	if c.dice(3) > 0 || p.closed {
		return c.telling(p, subject.Deleted{Subject: p.id, Deleted: fates, Ground: "court", Tell: p.got})
	}
	p.closed = true
	return c.telling(p, subject.Closed{Subject: p.id, Deleted: fates, Services: []domain.Service{"account", "letters"}, Tell: p.got})
}

func (c *Crowd) transfer(p *person, values []domain.FieldEpoch) domain.Recorded {
	e := subject.Transferred{Subject: p.id, Values: values,
		Recipient: subject.Recipient{ID: c.recipients[c.dice(len(c.recipients))], Kind: "partner", Country: "UA"}}
	if !slices.Contains(p.got, e.Recipient.ID) {
		p.got = append(p.got[:len(p.got):len(p.got)], e.Recipient.ID)
	}
	switch c.dice(4) {
	case 0:
		e.Basis = subject.ByConsent{Consent: domain.ConsentID{UUID: c.id()}}
	case 1:
		e.Basis = subject.ByOrder{Order: domain.OrderID{UUID: c.id()}}
	case 2:
		e.Basis = subject.ByLaw{Authority: "A-1", Act: "2297-VI", Article: "16", Document: "L-9", Dated: c.now, Approvers: [2]domain.Reference{"E-1", "E-2"}}
	default:
		e.Basis, e.Abroad = subject.ByDefence{Evidence: "EV-1", Approver: "E-3", Statement: c.item(p, "defence-statement", "1")}, "ua.29.3"
	}
	r := c.file(p, e)
	p.causes = append(p.causes, cause{event: r.ID, duty: law.NoticeTransfer})
	return r
}

func (c *Crowd) grant(p *person) domain.Recorded {
	id := domain.ConsentID{UUID: c.id()}
	p.consents = append(p.consents, id)
	e := subject.ConsentGranted{Subject: p.id, Consent: id, TextHash: "cd34", Scope: subject.Scope{
		Purposes: []domain.Purpose{"contact"}, Fields: attributes, Recipients: c.recipients[:1], RecipientKinds: []domain.RecipientKind{"partner"}}}
	if c.dice(2) == 0 {
		e.Until = c.now.AddDate(1, 0, 0)
	}
	return c.file(p, e)
}

func (c *Crowd) agreement(p *person) domain.Recorded {
	if n := len(p.consents); n > 0 && c.dice(2) == 0 {
		return c.file(p, subject.ConsentWithdrawn{Subject: p.id, Consent: p.consents[c.dice(n)]})
	}
	if n := len(p.orders); n > 0 && c.dice(2) == 0 {
		if c.dice(2) == 0 {
			return c.file(p, subject.OrderExecuted{Subject: p.id, Order: p.orders[c.dice(n)]})
		}
		return c.file(p, subject.OrderCancelled{Subject: p.id, Order: p.orders[c.dice(n)]})
	}
	id := domain.OrderID{UUID: c.id()}
	p.orders = append(p.orders, id)
	return c.file(p, subject.OrderPlaced{Subject: p.id, Order: id, Document: "O-5", Scope: subject.Scope{Fields: attributes}})
}
