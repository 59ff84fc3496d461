package statistics

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// Counting says which month is counted and how.
type Counting struct {
	Period domain.Month
	Plan   *statistics.Plan
	Policy *policy.Policy
	// Barred are the persons and fields that must not be counted.
	Barred Barred
	// Opener opens the values that raw dimensions are made of; nil leaves out the tables that need one. Nothing but
	// the label of a value is kept.
	Opener projections.Opener
}

// Counter counts one month. It is used by one goroutine. Nothing in it is written anywhere.
type Counter struct {
	cfg      Counting
	from, to time.Time
	tables   map[statistics.Measure][]int // of the plan, by what they count
	people   map[uuid.UUID]*person
	waiting  []waiting
	opened   map[domain.Field]int64
	last     uint64
}

// person is what one person adds to the month.
type person struct {
	closed   bool
	adds     map[addition]struct{}
	erasures []erasure
}

// addition is one cell to which a person adds, and the value that it rests on, if any: it goes when the value does.
type addition struct {
	table  int
	labels [2]statistics.Label
	value  domain.FieldEpoch
}

// erasure is one deletion of the month.
type erasure struct {
	day  string
	kind statistics.Label
	at   time.Time
	now  bool      // it destroys keys, and not only keeps them away
	done time.Time // when the keys were destroyed; zero: no certificate says so
}

// waiting is a raw value that is to be opened.
type waiting struct {
	who    uuid.UUID
	day    string
	sealed projections.Sealed
}

// NewCounter begins to count a month.
func NewCounter(cfg Counting) (*Counter, error) {
	from, to, ok := statistics.Span(cfg.Period)
	if !ok {
		return nil, fmt.Errorf("count statistics: %q is no month", string(cfg.Period))
	}
	c := &Counter{cfg: cfg, from: from, to: to, tables: map[statistics.Measure][]int{},
		people: map[uuid.UUID]*person{}, opened: map[domain.Field]int64{}}
	for i, t := range cfg.Plan.Tables {
		if cfg.Opener != nil || !opens(t) {
			c.tables[t.Counts] = append(c.tables[t.Counts], i)
		}
	}
	return c, nil
}

// opens tells whether counting the table needs values to be opened.
func opens(t statistics.TablePlan) bool {
	return slices.ContainsFunc(t.By, func(d statistics.Dimension) bool { _, raw := d.Field(); return raw })
}

// Count counts a log, from any place before the month to its end.
func (c *Counter) Count(ctx context.Context, log iter.Seq2[domain.Recorded, error]) error {
	for r, err := range log {
		if err == nil {
			err = c.add(ctx, r)
		}
		if err != nil {
			return fmt.Errorf("count statistics of %s: %w", c.cfg.Period, err)
		}
	}
	if err := c.open(ctx); err != nil {
		return fmt.Errorf("count statistics of %s: %w", c.cfg.Period, err)
	}
	return nil
}

// Counted is the position of the last event that was counted.
func (c *Counter) Counted() uint64 { return c.last }

// Empty tells whether the month has nobody to count.
func (c *Counter) Empty() bool { return len(c.people) == 0 }

// Opened says how many values were opened, by field, in the order of the plan. The numbers are not for publishing.
func (c *Counter) Opened() []statistics.Opened {
	var out []statistics.Opened
	for _, f := range c.cfg.Plan.Opens() {
		if c.cfg.Opener != nil {
			out = append(out, statistics.Opened{Field: f, Values: c.opened[f]})
		}
	}
	return out
}

// add counts one event: what happened in the month, and erasures whenever they happened.
func (c *Counter) add(ctx context.Context, r domain.Recorded) error {
	if err := projections.Others(r.Event); err != nil {
		return err // it could be an erasure
	}
	c.last = r.Position
	if err := c.erase(ctx, r); err != nil {
		return err
	}
	if at := r.Meta.OccurredAt; at.Before(c.from) || !at.Before(c.to) {
		return nil
	}
	day := r.Meta.OccurredAt.UTC().Format(time.DateOnly)
	switch e := r.Event.(type) {
	case subject.Registered:
		c.put(e.Subject.UUID, statistics.Registrations, domain.FieldEpoch{}, pick{statistics.Day: day, statistics.Source: sourceOf(e)})
	case subject.Collected:
		return c.collected(ctx, r, e, day)
	case subject.ConsentGranted:
		for _, p := range e.Scope.Purposes {
			c.put(e.Subject.UUID, statistics.Consents, domain.FieldEpoch{}, pick{statistics.Day: day, statistics.Purpose: string(p)})
		}
	case subject.Transferred:
		for _, v := range e.Values {
			c.put(e.Subject.UUID, statistics.Transfers, v, pick{statistics.Day: day, statistics.RecipientKind: string(e.Recipient.Kind),
				statistics.Country: string(e.Recipient.Country), statistics.Basis: e.Basis.Kind()})
		}
	case request.Received:
		if e.Subject.IsZero() {
			return nil // nobody knows how many of these are one person, so nothing would bound what he adds
		}
		c.put(e.Subject.UUID, statistics.Requests, domain.FieldEpoch{}, pick{statistics.Day: day, statistics.Request: string(e.Kind), statistics.Channel: string(e.Channel)})
	}
	return nil
}

func sourceOf(e subject.Registered) string {
	if e.Reference.Field == "" {
		return "none"
	}
	return string(e.Reference.Field)
}

// pick is what an event says of the dimensions that its measure may be cut by.
type pick map[statistics.Dimension]string

// put adds a person to the cells of every table of the measure.
func (c *Counter) put(who uuid.UUID, m statistics.Measure, rests domain.FieldEpoch, values pick) {
	for _, i := range c.tables[m] {
		a := addition{table: i, value: rests}
		for n, d := range c.cfg.Plan.Tables[i].By {
			a.labels[n] = c.cfg.Plan.Label(d, values[d])
		}
		c.person(who).adds[a] = struct{}{}
	}
}

func (c *Counter) person(id uuid.UUID) *person {
	p := c.people[id]
	if p == nil {
		p = &person{adds: map[addition]struct{}{}}
		c.people[id] = p
	}
	return p
}

// collected counts what came in by category, and lets raw values wait to be opened.
func (c *Counter) collected(ctx context.Context, r domain.Recorded, e subject.Collected, day string) error {
	for _, item := range e.Items {
		category := ""
		if f, ok := c.cfg.Policy.Field(item.Field); ok {
			category = f.Category
		}
		if len(c.tables[statistics.Collections]) > 0 {
			c.put(item.Subject.UUID, statistics.Collections, domain.FieldEpoch{Field: item.Field, Epoch: item.Epoch},
				pick{statistics.Day: day, statistics.Source: string(e.Source), statistics.Category: category})
		}
		if c.raw(item.Field) && !c.isBarred(item.Subject, item.Field) {
			c.waiting = append(c.waiting, waiting{item.Subject.UUID, day, projections.Sealed{Stream: r.Stream, Event: r.ID, Item: item}})
		}
	}
	if len(c.waiting) < openAtOnce {
		return nil
	}
	return c.open(ctx)
}

// openAtOnce is how many raw values are opened together, and so how many are ever in memory.
const openAtOnce = 512

// raw tells whether a table is made of values of the field.
func (c *Counter) raw(f domain.Field) bool {
	for _, i := range c.tables[statistics.Visits] {
		for _, d := range c.cfg.Plan.Tables[i].By {
			if of, ok := d.Field(); ok && of == f {
				return true
			}
		}
	}
	return false
}

// isBarred tells whether values of a field must not be opened.
func (c *Counter) isBarred(id domain.SubjectID, f domain.Field) bool {
	return c.cfg.Barred.Persons[id] || slices.Contains(c.cfg.Barred.Fields[id], f)
}

// open opens the waiting values and keeps their labels. An erased one counts nowhere.
func (c *Counter) open(ctx context.Context) error {
	if len(c.waiting) == 0 {
		return nil
	}
	sealed := make([]projections.Sealed, len(c.waiting))
	for i, w := range c.waiting {
		sealed[i] = w.sealed
	}
	values, err := c.cfg.Opener.Open(ctx, sealed)
	if err != nil {
		return fmt.Errorf("open values: %w", err)
	}
	if len(values) != len(sealed) {
		return fmt.Errorf("open values: %d of %d", len(values), len(sealed))
	}
	for i, w := range c.waiting {
		if clear, ok := values[i].Reveal(); ok {
			c.visit(w, clear)
		}
	}
	c.waiting = c.waiting[:0]
	return nil
}

func (c *Counter) visit(w waiting, value string) {
	item := w.sealed.Item
	c.opened[item.Field]++
	rests := domain.FieldEpoch{Field: item.Field, Epoch: item.Epoch}
	for _, i := range c.tables[statistics.Visits] {
		by := c.cfg.Plan.Tables[i].By
		n := slices.IndexFunc(by, func(d statistics.Dimension) bool { f, raw := d.Field(); return raw && f == item.Field })
		if n < 0 {
			continue
		}
		a := addition{table: i, value: rests}
		for k, d := range by {
			if k == n {
				a.labels[k] = c.cfg.Plan.Label(d, coarse(d, value))
			} else {
				a.labels[k] = c.cfg.Plan.Label(d, w.day)
			}
		}
		c.person(w.who).adds[a] = struct{}{}
	}
}
