package obligations

import (
	"sync"
	"time"

	"imagine.ua/litopys/domain/law"
)

// terms reckons when duties are due. Millions of events fall on few days, so what was reckoned is kept by day.
// It is safe for concurrent use.
type terms struct {
	pack *law.Pack
	days sync.Map // of day to time.Time
}

// day is a duty that begins on a civil date.
type day struct {
	id   law.DeadlineID
	date law.Date
}

// due gives the deadline and the moment at which a duty that begins at t is due; false when the pack sets none.
func (x *terms) due(id law.DeadlineID, t time.Time) (law.Deadline, time.Time, bool) {
	d, ok := x.pack.Deadline(id)
	if !ok {
		return d, time.Time{}, false
	}
	if d.Term.IsZero() || d.Term.Unit == law.UnitHours {
		return d, x.pack.Due(d.Term, t), true // not by days
	}
	key := day{id, law.DateOf(t, x.pack.Location())}
	if known, ok := x.days.Load(key); ok {
		return d, known.(time.Time), true
	}
	due := x.pack.Due(d.Term, t)
	x.days.Store(key, due)
	return d, due, true
}

// extended gives the moment at which the duty would be due if it were put off; zero when law allows no delay.
func (x *terms) extended(d law.Deadline, from, due time.Time) time.Time {
	if d.Absolute || d.Extension == nil {
		return time.Time{}
	}
	later, err := x.pack.Extended(d.ID, from, due)
	if err != nil {
		return time.Time{} // used up already
	}
	return later
}
