package statistics

import (
	"context"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

// The kinds of deletions.
const (
	partDeleted    statistics.Label = "part"    // values, at the subject's or the law's demand
	accountDeleted statistics.Label = "account" // the whole file
	termDeleted    statistics.Label = "term"    // what was kept by law until its term ended
)

// keptByLaw is in place of a delay where a deletion only put values out of reach.
const keptByLaw statistics.Label = "kept-by-law"

// erase takes out what a deletion takes out, also one after the month, and notes deletions of the month.
func (c *Counter) erase(ctx context.Context, r domain.Recorded) error {
	switch e := r.Event.(type) {
	case subject.Deleted:
		if err := c.open(ctx); err != nil {
			return err
		}
		c.drop(e.Deleted)
		c.deleted(r, e.Subject.UUID, partDeleted, e.Deleted)
	case subject.Closed:
		if err := c.open(ctx); err != nil {
			return err
		}
		c.drop(e.Deleted)
		c.deleted(r, e.Subject.UUID, accountDeleted, e.Deleted)
		if p := c.people[e.Subject.UUID]; p != nil {
			p.closed = true
		}
	case subject.RetentionEnded:
		c.deleted(r, e.Subject.UUID, termDeleted, e.Ended)
	case subject.KeysDestroyed:
		c.certified(e)
	}
	return nil
}

// deleted notes a deletion of the month.
func (c *Counter) deleted(r domain.Recorded, who uuid.UUID, kind statistics.Label, fates []domain.Fate) {
	at := r.Meta.OccurredAt
	if at.Before(c.from) || !at.Before(c.to) {
		return
	}
	e := erasure{day: at.UTC().Format(time.DateOnly), kind: kind, at: at}
	for _, f := range fates {
		e.now = e.now || f.Action == domain.Destroy
	}
	p := c.person(who)
	p.erasures = append(p.erasures, e)
}

// certified notes when the keys of earlier deletions were destroyed.
func (c *Counter) certified(e subject.KeysDestroyed) {
	p := c.people[e.Subject.UUID]
	if p == nil {
		return
	}
	for i := range p.erasures {
		if x := &p.erasures[i]; x.now && x.done.IsZero() && !e.UnreadableAt.Before(x.at) {
			x.done = e.UnreadableAt
		}
	}
}

// drop takes out the cells that rest on values that are gone or kept by law only.
func (c *Counter) drop(fates []domain.Fate) {
	for _, f := range fates {
		p := c.people[f.Subject.UUID]
		if p == nil {
			continue
		}
		for a := range p.adds {
			if a.value.Field == f.Field && reaches(f, a.value.Epoch) {
				delete(p.adds, a)
			}
		}
	}
}

func reaches(f domain.Fate, e domain.Epoch) bool {
	if f.Through {
		return projections.EpochRank(e) <= projections.EpochRank(f.Epoch)
	}
	return e == f.Epoch
}

// delayOf is the label of the time that an erasure took.
func delayOf(e erasure) statistics.Label {
	switch {
	case !e.now:
		return keptByLaw
	case e.done.IsZero():
		return statistics.NotYet
	}
	return statistics.DelayLabel(e.done.Sub(e.at).Hours())
}
