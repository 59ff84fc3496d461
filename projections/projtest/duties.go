package projtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
)

// duties is what the law asks to remember of a person.
type duties struct {
	gone       []domain.FieldEpoch // deleted or replaced, so that none is deleted twice
	kept       []kept              // of these, what is retained
	destroyed  []domain.FieldEpoch // of these, what waits for its certificate
	hold       domain.HoldID       // in force; zero: none
	held       []domain.Field      // that it names; empty: all
	restricted []domain.Field
	objected   []domain.Purpose
	got        []domain.RecipientID // who has got values
	causes     []cause              // what must be told
}

// kept is one retained value. Without a rule only a hold keeps it.
type kept struct {
	value domain.FieldEpoch
	until time.Time
	rule  string
}

type cause struct {
	event     uuid.UUID
	duty      law.DeadlineID
	recipient domain.RecipientID
}

// asked is a request that waits for its answer.
type asked struct {
	id        domain.RequestID
	approvers int
	extended  bool
}

func (d *duties) holds(f domain.Field) bool {
	return !d.hold.IsZero() && (len(d.held) == 0 || slices.Contains(d.held, f))
}

// gets remembers who has got values. Lists that stand in events stay as they are.
func (d *duties) gets(to domain.RecipientID) {
	if !slices.Contains(d.got, to) {
		d.got = append(d.got[:len(d.got):len(d.got)], to)
	}
}

// fates ends a value: each reason to keep it is a fate, and the hold comes last, as the domain decides it.
func (c *Crowd) fates(p *person, v domain.FieldEpoch) []domain.Fate {
	p.gone = append(p.gone, v)
	k := kept{value: v}
	var out []domain.Fate
	if c.dice(2) == 0 {
		k.rule, k.until = "limitation", c.now.Add([]time.Duration{time.Hour, 3 * 365 * 24 * time.Hour}[c.dice(2)])
		out = append(out, k.fate(p))
	}
	if p.holds(v.Field) {
		out = append(out, heldFate(p, v))
	}
	if len(out) == 0 {
		return append(out, p.destroy(v))
	}
	p.kept = append(p.kept, k)
	return out
}

func (p *person) destroy(v domain.FieldEpoch) domain.Fate {
	p.destroyed = append(p.destroyed, v)
	return domain.Fate{Subject: p.id, Field: v.Field, Epoch: v.Epoch, Action: domain.Destroy}
}

func (k kept) fate(p *person) domain.Fate {
	return domain.Fate{Subject: p.id, Field: k.value.Field, Epoch: k.value.Epoch, Action: domain.Retain, Rule: k.rule, Until: k.until}
}

func heldFate(p *person, v domain.FieldEpoch) domain.Fate {
	return domain.Fate{Subject: p.id, Field: v.Field, Epoch: v.Epoch, Action: domain.Retain, Rule: subject.HoldRule}
}

// telling files an event of which the subject must be told, and everybody who got the values.
func (c *Crowd) telling(p *person, e domain.Event) domain.Recorded {
	r := c.file(p, e)
	p.causes = append(p.causes, cause{event: r.ID, duty: law.NoticeChange})
	for _, to := range p.got {
		p.causes = append(p.causes, cause{r.ID, law.NoticeRecipient, to})
	}
	return r
}

// duty gives an event that the law asks for; where it needs something that there is not, a new request.
func (c *Crowd) duty(p *person) domain.Recorded {
	switch c.dice(14) {
	case 0, 1:
		return c.holding(p)
	case 2:
		if over := c.over(p); len(over) > 0 {
			return c.telling(p, subject.RetentionEnded{Subject: p.id, Ended: over, Tell: p.got})
		}
	case 3:
		if len(p.destroyed) > 0 {
			return c.certificate(p)
		}
	case 4, 5:
		return c.restriction(p)
	case 6, 7:
		return c.objection(p)
	case 8, 9:
		if len(p.causes) > 0 {
			return c.notice(p)
		}
	case 10:
		if len(p.kept) > 0 {
			return c.disclosure(p)
		}
	case 11:
		return c.publication()
	default:
		if len(c.requests) > 0 {
			return c.handled(c.dice(len(c.requests)))
		}
	}
	return c.ask(p)
}

var warrant = subject.Warrant{Authority: "A-1", Act: "CPC", Article: "170", Document: "W-7", Dated: time.Date(2015, 5, 1, 0, 0, 0, 0, time.UTC)}

// holding places a hold, or releases the one in force.
func (c *Crowd) holding(p *person) domain.Recorded {
	if !p.hold.IsZero() {
		return c.release(p)
	}
	p.hold, p.held = domain.HoldID{UUID: c.id()}, nil
	if c.dice(2) == 0 {
		p.held = attributes[:1+c.dice(2)]
	}
	e := subject.HoldPlaced{Subject: p.id, Hold: p.hold, Fields: p.held, Warrant: warrant}
	for _, k := range p.kept {
		if p.holds(k.value.Field) {
			e.Held = append(e.Held, heldFate(p, k.value))
		}
	}
	for _, v := range p.gone {
		if p.holds(v.Field) && !slices.ContainsFunc(p.kept, func(k kept) bool { return k.value == v }) {
			e.Late = append(e.Late, v)
		}
	}
	return c.file(p, e)
}

// release gives what the hold kept back to its terms; what it alone kept is destroyed.
func (c *Crowd) release(p *person) domain.Recorded {
	e := subject.HoldReleased{Subject: p.id, Hold: p.hold, Document: "W-9"}
	p.kept = slices.DeleteFunc(p.kept, func(k kept) bool {
		if !p.holds(k.value.Field) {
			return false
		}
		if k.rule != "" && k.until.After(c.now) {
			e.Freed = append(e.Freed, k.fate(p))
			return false
		}
		e.Freed = append(e.Freed, p.destroy(k.value))
		return true
	})
	p.hold = domain.HoldID{}
	if !slices.ContainsFunc(e.Freed, func(f domain.Fate) bool { return f.Action == domain.Destroy }) {
		return c.file(p, e)
	}
	e.Tell = p.got
	return c.telling(p, e)
}

// over ends the values whose terms are over and that no hold keeps.
func (c *Crowd) over(p *person) (ended []domain.Fate) {
	p.kept = slices.DeleteFunc(p.kept, func(k kept) bool {
		if p.holds(k.value.Field) || k.until.After(c.now) {
			return false
		}
		ended = append(ended, p.destroy(k.value))
		return true
	})
	return ended
}

func (c *Crowd) certificate(p *person) domain.Recorded {
	e := subject.KeysDestroyed{Subject: p.id, UnreadableAt: c.now, UnrecoverableAfter: c.now.AddDate(0, 1, 0)}
	for _, v := range p.destroyed {
		e.Keys = append(e.Keys, subject.DestroyedKey{Key: c.id(), Field: v.Field, Epoch: v.Epoch, Master: "2015-05"})
	}
	p.destroyed = nil
	return c.at(domain.CertificateStream(p.id), e)
}

// restriction restricts fields, or lifts what is restricted.
func (c *Crowd) restriction(p *person) domain.Recorded {
	if fields := p.restricted; len(fields) > 0 {
		p.restricted = nil
		return c.file(p, subject.RestrictionLifted{Subject: p.id, Fields: fields, Document: "R-2"})
	}
	p.restricted = attributes[:1+c.dice(len(attributes))]
	return c.telling(p, subject.Restricted{Subject: p.id, Fields: p.restricted, Document: "R-1", Tell: p.got})
}

// objection objects to a purpose, or withdraws what was objected to.
func (c *Crowd) objection(p *person) domain.Recorded {
	if purposes := p.objected; len(purposes) > 0 {
		p.objected = nil
		return c.file(p, subject.ObjectionWithdrawn{Subject: p.id, Purposes: purposes})
	}
	p.objected = []domain.Purpose{"advertising", "contact"}[:1+c.dice(2)]
	return c.file(p, subject.Objected{Subject: p.id, Purposes: p.objected, Document: "R-3"})
}

var channels = []subject.Channel{subject.ByAccount, subject.ByEmail, subject.BySite, subject.ByPost}

// notice tells of something that waits, or of the newest version of the policy.
func (c *Crowd) notice(p *person) domain.Recorded {
	e := subject.NoticeGiven{Subject: p.id, Channel: channels[c.dice(len(channels))], Document: "N-1"}
	if c.versions > 0 && c.dice(2) == 0 {
		e.Duty, e.Policy = string(law.PolicyNotice), c.version()
		return c.trace(p, e)
	}
	i := c.dice(len(p.causes))
	one := p.causes[i]
	p.causes = slices.Delete(p.causes, i, i+1)
	e.Cause, e.Duty, e.Recipient = one.event, string(one.duty), one.recipient
	return c.trace(p, e)
}

// disclosure hands a retained value to an authority, or records that somebody read it.
func (c *Crowd) disclosure(p *person) domain.Recorded {
	values := []domain.FieldEpoch{p.kept[c.dice(len(p.kept))].value}
	if c.dice(2) == 0 {
		return c.trace(p, subject.Viewed{Subject: p.id, Values: values, Role: "officer", Document: "T-78"})
	}
	p.gets(c.recipients[0])
	return c.file(p, subject.Transferred{Subject: p.id, Values: values, Retained: true, Exempt: "authority-task",
		Recipient: subject.Recipient{ID: c.recipients[0], Kind: "authority", Country: "UA"},
		Basis:     subject.ByLaw{Authority: "A-1", Act: "2297-VI", Article: "16", Document: "L-9", Dated: warrant.Dated, Approvers: [2]domain.Reference{"E-1", "E-2"}}})
}

func (c *Crowd) version() string { return fmt.Sprintf("2024-%d", c.versions) }

// publication publishes a version of the policy or the figures of a month.
func (c *Crowd) publication() domain.Recorded {
	if c.dice(2) == 0 {
		c.versions++
		return c.at(domain.PolicyStream("imagine"), policy.Published{Policy: "imagine", Version: c.version(), TextHash: "ef56",
			EffectiveFrom: c.now.AddDate(0, 0, 14), Source: "policy: imagine"})
	}
	month := domain.MonthOf(time.Date(2010, time.Month(1+c.months), 1, 0, 0, 0, 0, time.UTC))
	c.months++
	return c.at(domain.StatisticsStream(month), statistics.Published{Period: month, Plan: "plan 1", Counted: stride, Tables: figures,
		Opened: []statistics.Opened{{Field: "page", Values: int64(c.dice(1000))}}, Budget: statistics.BillionthsOf(0.5)})
}

var figures = []statistics.Table{
	{ID: "visits", Title: "Visits", By: []statistics.Dimension{"page"}, Total: 42, Method: statistics.Suppression, MaxCells: 1, Threshold: 10, Rounding: 1,
		Cells: []statistics.Cell{{Labels: []statistics.Label{"shop"}, Persons: 42}, {Labels: []statistics.Label{statistics.Other}, Suppressed: true}},
		Class: statistics.Anonymous, Tests: []statistics.Test{statistics.Threshold}},
	{ID: "sources", Title: "Sources", Withheld: true, Method: statistics.Noise, MaxCells: 2, Threshold: 10, Rounding: 1,
		Epsilon: statistics.BillionthsOf(0.5), Delta: 1, Class: statistics.Anonymous},
}

var kinds = []request.Kind{request.Access, request.Correction, request.Erasure, request.ThirdParty, request.Disclosure, request.Question}

func (c *Crowd) ask(p *person) domain.Recorded {
	e := request.Received{Request: domain.RequestID{UUID: c.id()}, Kind: kinds[c.dice(len(kinds))], Channel: channels[c.dice(len(channels))],
		Subject: p.id, Fields: attributes[:c.dice(len(attributes))], Document: "Q-1"}
	if e.Kind == request.ThirdParty || e.Kind == request.Disclosure {
		e.Recipient = c.recipients[0]
	}
	if e.Kind == request.Disclosure {
		e.Warrant = warrant
	}
	c.requests = append(c.requests, &asked{id: e.Request})
	return c.at(domain.RequestStream(e.Request), e)
}

// handled carries one request on: approved by one more, put off once, answered.
func (c *Crowd) handled(i int) domain.Recorded {
	q := c.requests[i]
	stream := domain.RequestStream(q.id)
	if q.approvers < 2 && c.dice(3) == 0 {
		q.approvers++
		return c.at(stream, request.Approved{Request: q.id, Approver: domain.Reference(fmt.Sprintf("E-%d", q.approvers))})
	}
	if !q.extended && c.dice(3) == 0 {
		q.extended = true
		return c.at(stream, request.Extended{Request: q.id, Reason: "R-1", Document: "Q-2"})
	}
	c.requests = slices.Delete(c.requests, i, i+1)
	e := request.Answered{Request: q.id, Outcome: request.Met, Channel: subject.ByPost, Document: "Q-3"}
	if c.dice(3) == 0 {
		e.Outcome, e.Reason = request.Refused, "R-2"
	}
	return c.at(stream, e)
}
