package law

import (
	"cmp"
	"time"

	"imagine.ua/litopys/domain"
)

// Due gives the first moment after the last day of a term that an event at from starts, in UTC; the duty is
// done in time when it is done before it. Days are counted in the pack's zone and the day of the event is not
// one of them. Hours are counted from the moment itself. A term of none is due at from.
func (p *Pack) Due(t Term, from time.Time) time.Time {
	start := DateOf(from, p.zone)
	var last Date
	switch t.Unit {
	case UnitHours:
		return from.Add(time.Duration(t.N) * time.Hour).UTC()
	case UnitWorkingDays:
		last = p.Calendar.AddWorkingDays(start, WorkingDays(t.N))
	case UnitCalendarDays:
		last = p.moved(start.AddDays(CalendarDays(t.N)))
	case UnitMonths:
		last = p.moved(start.AddMonths(t.N))
	case UnitYears:
		last = p.moved(start.AddMonths(12 * t.N))
	default:
		return from.UTC()
	}
	return last.AddDays(1).Begins(p.zone)
}

// moved gives the day with which a term ends whose last day by the calendar is d.
func (p *Pack) moved(d Date) Date {
	if p.Counting.LastDayMoves {
		return p.Calendar.AddWorkingDays(d, 0)
	}
	return d
}

// Extended gives the moment at which a duty is due after its extension. received is what started the term, due
// the moment at which it is due now. It refuses, naming the article, when the term may not be extended or was
// extended in full already; an unknown id is refused as input.
func (p *Pack) Extended(id DeadlineID, received, due time.Time) (time.Time, error) {
	d, ok := p.Deadline(id)
	if !ok {
		return time.Time{}, domain.Refuse("deadline.unknown", "", "look at the pack's deadlines",
			"the pack %s sets no deadline %q", p.ID, id).WithKind(domain.Input)
	}
	if d.Extension == nil {
		article := cmp.Or(d.FixedBy, d.Article)
		return time.Time{}, domain.Refuse("deadline.extension", article, "answer in the term of "+d.Term.String(),
			"%s does not let the term of %s be extended", article, d.Term)
	}
	longer := d.Extension.Term
	if !d.Extension.InAll {
		longer.N += d.Term.N
	}
	extended := p.Due(longer, received)
	if !extended.After(due) {
		return time.Time{}, domain.Refuse("deadline.extension", d.Extension.Article, "answer in the term that runs",
			"%s allows %s in all, and that is used up", d.Extension.Article, longer)
	}
	return extended, nil
}

// KeepRecordUntil gives the first moment at which the record of an operation need not be kept any longer, in
// UTC: the beginning of the year after the last one, in the pack's zone.
func (p *Pack) KeepRecordUntil(operation time.Time) time.Time {
	return Date{DateOf(operation, p.zone).Year + p.Records.Years + 1, time.January, 1}.Begins(p.zone)
}
