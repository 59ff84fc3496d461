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

// Moment is the day D of a question: everything up to and including At, by one of the clocks.
type Moment struct {
	At    time.Time
	Clock Clock
}

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
	Ended   time.Time // when it was deleted or replaced
	Until   time.Time // end of the term, while Retained
	Rule    string    // retention rule, while Retained
	settled bool      // verified, whatever disputes say
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
	Closed   time.Time // zero while the account was open
	// Holdings are all values that had come in by then, by field and epoch, erased ones included.
	Holdings []Holding
	// Agreements are consents and orders with all that had happened to them by then.
	Agreements []Entry
	// Viewed is who looked, Used for what values were used, Transferred to whom they went, by then.
	Viewed      []Entry
	Used        []Entry
	Transferred []Entry
}

// AsOf answers from the timeline: what was held of the subject at the moment, where it came from, on what
// ground and for what purpose, under which policy text, who looked, to whom it went.
func AsOf(ctx context.Context, s projections.Snapshot, id domain.SubjectID, m Moment) (Past, error) {
	filter := Filter{RecordedTo: m.At}
	if m.Clock == ByOccurred {
		filter = Filter{OccurredTo: m.At}
	}
	var entries []Entry
	for e, err := range Timeline(ctx, s, id, filter) {
		if err != nil {
			return Past{}, err
		}
		entries = append(entries, e)
	}
	if m.Clock == ByOccurred {
		slices.SortStableFunc(entries, func(a, b Entry) int { return a.Occurred.Compare(b.Occurred) })
	}
	return Replay(id, m, entries), nil
}

// Replay folds entries of one subject, in their order, to what they add up to. AsOf is Replay over the
// entries up to a moment.
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
	for _, f := range e.Fates {
		p.end(e, f)
	}
	for _, v := range e.Received {
		p.values[v] = &Holding{Field: v.Field, Epoch: v.Epoch, State: Held, Came: e, Status: "declared"}
	}
	switch e.Type {
	case Registered:
		p.Policy, p.TextHash = e.Detail("policy"), e.Detail("textHash")
	case Closed:
		p.Closed = e.Occurred
	case ConsentGranted, ConsentWithdrawn, OrderPlaced, OrderExecuted, OrderCancelled:
		p.Agreements = append(p.Agreements, e)
	case Viewed:
		p.Viewed = append(p.Viewed, e)
	case Used:
		p.Used = append(p.Used, e)
	case Transferred:
		p.Transferred = append(p.Transferred, e)
	case Disputed, Rectified, Identified, Published, PublicationWithdrawn:
		for _, v := range e.Referred {
			if h := p.values[v]; h != nil {
				h.mark(e.Type)
			}
		}
	case Collected, Edited, Deleted:
		// Said by Received and Fates.
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

// end brings a value to its fate. A key only moves forward, so what is erased stays erased, and a fate that
// reaches through earlier epochs touches what is still held.
func (p *replay) end(e Entry, f domain.Fate) {
	rank := projections.EpochRank(f.Epoch)
	for v, h := range p.values {
		exact := v.Field == f.Field && v.Epoch == f.Epoch
		earlier := f.Through && v.Field == f.Field && projections.EpochRank(v.Epoch) < rank
		if !exact && !earlier || h.State == Erased || (h.State == Retained && (earlier || f.Action != domain.Destroy)) {
			continue
		}
		h.Ended, h.Until, h.Rule = e.Occurred, f.Until, f.Rule
		h.State = Retained
		if f.Action == domain.Destroy {
			h.State = Erased
		}
	}
}
