package history

import (
	"cmp"
	"context"
	"slices"
	"time"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
)

// Clock says which of the two times an as-of question means.
type Clock uint8

// The two clocks.
const (
	// ByRecorded asks what the ledger knew then: entries recorded later do not count, even of earlier days.
	ByRecorded Clock = iota
	// ByOccurred asks what was so then, as it is known today: late entries count on the day they happened.
	ByOccurred
)

// Moment is the day D of a question: everything up to and including At, by one of the clocks. Both times can
// be asked at once: what had happened by At, as far as the ledger knew it at Known.
type Moment struct {
	At    time.Time // zero: without a bound
	Clock Clock     // of At
	// Known leaves out what was recorded after it; zero: nothing.
	Known time.Time
}

// Lets tells whether an entry counts at the moment.
func (m Moment) Lets(e Entry) bool {
	at := e.Recorded
	if m.Clock == ByOccurred {
		at = e.Occurred
	}
	return (m.At.IsZero() || !at.After(m.At)) && (m.Known.IsZero() || !e.Recorded.After(m.Known))
}

// Late tells whether an entry counts that the ledger did not know at the moment itself: it had happened by
// then and was recorded afterwards.
func (m Moment) Late(e Entry) bool { return m.Lets(e) && !m.At.IsZero() && e.Recorded.After(m.At) }

// bounds is the moment as a filter.
func (m Moment) bounds() Filter {
	f := Filter{RecordedTo: m.Known}
	switch {
	case m.Clock == ByOccurred:
		f.OccurredTo = m.At
	case !m.At.IsZero() && (m.Known.IsZero() || m.At.Before(m.Known)):
		f.RecordedTo = m.At
	}
	return f
}

// seen is the latest time by which an entry of this moment is recorded; zero: no bound.
func (m Moment) seen() time.Time { return m.bounds().RecordedTo }

// State is what a value is at a moment.
type State string

// The states of a value.
const (
	Held     State = "held"
	Retained State = "retained" // kept until a day by a rule
	Erased   State = "erased"
)

// Holding is one value at a moment, with where it came from and on what ground it was held.
type Holding struct {
	Field   domain.Field
	Epoch   domain.Epoch
	State   State
	Came    Entry  // by which it came in last; its Received names it
	Status  string // "declared", "identified" or "disputed"
	Public  bool
	Ended   time.Time    // when it was deleted or replaced
	Until   time.Time    // end of the term, while Retained
	Rule    string       // retention rule, while Retained
	settled bool         // verified, whatever disputes say
	through domain.Epoch // of the fate through the field that ended it; "" when its own did
}

// Past is the answer for one subject and one moment.
type Past struct {
	Subject domain.SubjectID
	Moment  Moment
	// Known says whether there was any entry by then.
	Known bool
	// Policy and TextHash name the text that the subject had accepted by then.
	Policy   string
	TextHash string
	// Texts are the policy texts whose publication the ledger knew, in the order of the log.
	Texts  []PolicyText
	Closed time.Time // zero while the account was open
	// Holdings are all values that had come in by then, by field and epoch, erased ones included.
	Holdings []Holding
	// Agreements are consents and orders with all that had happened to them by then.
	Agreements []Entry
	// Viewed is who looked, Used for what values were used, Transferred to whom they went, by then.
	Viewed      []Entry
	Used        []Entry
	Transferred []Entry
	// Other are the rest: disputes and corrections, identifications, publications, holds, restrictions,
	// objections, notices, requests, certificates of destroyed keys.
	Other []Entry
	// LeftOut is how many records a Keeping has left out, because their term has passed.
	LeftOut int
}

// AsOf answers from the timeline: what was held of the subject at the moment, where it came from, on what
// ground and for what purpose, under which policy text, who looked, to whom it went.
func AsOf(ctx context.Context, s projections.Snapshot, id domain.SubjectID, m Moment) (Past, error) {
	var entries []Entry
	for e, err := range Timeline(ctx, s, id, m.bounds()) {
		if err != nil {
			return Past{}, err
		}
		entries = append(entries, e)
	}
	past := Replay(id, m, entries)
	var err error
	past.Texts, err = texts(ctx, s, m.seen())
	return past, err
}

// Replay folds entries of one subject, in the order of the log, to what they add up to. AsOf is Replay over
// the entries of a moment.
//
// The order of the log is that in which the decisions were made, also where something was recorded late: a
// late entry speaks of epochs that follow those known then, and what it ends stays ended.
func Replay(id domain.SubjectID, m Moment, entries []Entry) Past {
	p := replay{Past{Subject: id, Moment: m, Known: len(entries) > 0}, map[domain.FieldEpoch]*Holding{}}
	for _, e := range entries {
		p.take(e)
	}
	for _, h := range p.values {
		p.Holdings = append(p.Holdings, *h)
	}
	slices.SortFunc(p.Holdings, func(a, b Holding) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field),
			cmp.Compare(projections.EpochRank(a.Epoch), projections.EpochRank(b.Epoch)), cmp.Compare(a.Epoch, b.Epoch))
	})
	return p.Past
}

type replay struct {
	Past
	values map[domain.FieldEpoch]*Holding
}

func (p *replay) take(e Entry) {
	p.hold(e)
	p.list(e)
	for _, v := range e.Referred {
		if h := p.values[v]; h != nil {
			h.mark(e.Type)
		}
	}
}

// hold carries out what the entry does to values.
func (p *replay) hold(e Entry) {
	for _, f := range e.Fates {
		p.end(e, f)
	}
	for _, v := range e.Received {
		p.values[v] = &Holding{Field: v.Field, Epoch: v.Epoch, State: Held, Came: e, Status: "declared"}
	}
}

// list puts the entry where it is asked for.
func (p *replay) list(e Entry) {
	switch e.Type {
	case Registered:
		p.Policy, p.TextHash = e.Detail("policy"), e.Detail("textHash")
	case Closed:
		p.Closed = e.Occurred
	case Collected, Edited, Deleted:
		// Said by Received and Fates.
	case ConsentGranted, ConsentWithdrawn, OrderPlaced, OrderExecuted, OrderCancelled:
		p.Agreements = append(p.Agreements, e)
	case Viewed:
		p.Viewed = append(p.Viewed, e)
	case Used:
		p.Used = append(p.Used, e)
	case Transferred:
		p.Transferred = append(p.Transferred, e)
	default:
		p.Other = append(p.Other, e)
	}
}

func (h *Holding) mark(t Type) {
	switch t {
	case Disputed:
		h.Status = "disputed"
	case Identified:
		h.settled = true
		if h.Status != "disputed" {
			h.Status = "identified"
		}
	case Rectified:
		h.Status = "declared"
		if h.settled {
			h.Status = "identified"
		}
	case Published:
		h.Public = true
	case PublicationWithdrawn:
		h.Public = false
	}
}

// end brings values to their fate. A key only moves forward: what is erased stays so, and what is kept leaves
// it by a later word about the same value, or about the fate through the field that has kept it.
func (p *replay) end(e Entry, f domain.Fate) {
	rank := projections.EpochRank(f.Epoch)
	for v, h := range p.values {
		if v.Field != f.Field {
			continue
		}
		this, again := v.Epoch == f.Epoch, v.Epoch == f.Epoch
		if f.Through {
			this, again = projections.EpochRank(v.Epoch) <= rank, h.through == f.Epoch
		}
		switch {
		case h.State == Held && this:
			h.Ended = e.Occurred
			if f.Through {
				h.through = f.Epoch
			}
		case h.State == Retained && again:
			// A hold, its release, the end of the term.
		default:
			continue
		}
		h.Until, h.Rule, h.State = f.Until, f.Rule, Retained
		if f.Action == domain.Destroy {
			h.State = Erased
		}
	}
}
