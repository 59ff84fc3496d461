package register

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections"
)

// State says how what a recipient holds compares with what the controller holds.
type State string

// The states.
const (
	Current  State = "current"  // as the controller has it, or had it when it was passed on
	Outdated State = "outdated" // changed since
	Deleted  State = "deleted"  // deleted or destroyed since; the recipient must be told, or was
)

// Held is what a recipient holds of one value of one person.
type Held struct {
	Recipient domain.RecipientID
	Subject   domain.SubjectID
	Field     domain.Field
	Epoch     domain.Epoch
	Since     time.Time // when it was passed on, last
	Transfer  uuid.UUID
	Basis     string
	Purpose   domain.Purpose
	Grounds   domain.Grounds
	Abroad    string // ground of the transfer abroad; empty inside the country
	Country   domain.Country
	Retained  bool // it was passed on from retained records (clause 4.3)
	State     State
	Changed   time.Time // when it was edited or deleted here
	Told      time.Time // when the recipient was told of that; zero: not yet

	position  int64
	owed      bool
	destroyed bool // nothing is left of it here that could be destroyed
}

// Now reports whether the recipient holds it still, as far as the controller knows: what was deleted he holds until
// he is told all that he must be told of it.
func (h Held) Now() bool { return h.State != Deleted || h.Told.IsZero() || h.owed }

// Owed reports whether a duty is open to tell the recipient of an edit, deletion, destruction or restriction of it.
// A value that is current may be owed a restriction, or a change of an earlier value of its field that the
// recipient never had: whoever had any is told.
func (h Held) Owed() bool { return h.owed }

// Kind is what happened to values that somebody else has, too.
type Kind string

// The kinds.
const (
	Edit        Kind = "edit"
	Deletion    Kind = "deletion"
	Destruction Kind = "destruction" // of what was deleted before and kept
	Restriction Kind = "restriction"
)

// Owed is one event of which a recipient is still to be told by law.
type Owed struct {
	Recipient domain.RecipientID
	Subject   domain.SubjectID
	Cause     uuid.UUID // the event
	Kind      Kind
	At        time.Time // when it happened
}

// change is one event of which a recipient is told.
type change struct {
	Owed
	position int64
	gone     []reach
	kept     []reach
	told     time.Time // zero: not yet
	owed     bool      // the law wants it, and it was not done
	met      bool      // it concerns a value that the recipient has
}

// reach is the values that met with one fate.
type reach struct {
	field   domain.Field
	epoch   domain.Epoch // empty: all of the field
	through bool         // earlier epochs, too
}

func reaches(list []string) []reach {
	out := make([]reach, len(list))
	for i, text := range list {
		v := projections.ParseField(text)
		out[i] = reach{field: v.Field, epoch: v.Epoch}
		if len(v.Epoch) > 0 && v.Epoch[:1] == through {
			out[i].epoch, out[i].through = v.Epoch[1:], true
		}
	}
	return out
}

// exactly reports whether the value itself met with the fate.
func (x reach) exactly(h *Held) bool {
	return x.field == h.Field && (x.epoch == "" || x.epoch == h.Epoch || x.through && x.upTo(h))
}

// upTo reports whether it was the value itself or a later one of its field.
func (x reach) upTo(h *Held) bool {
	return x.field == h.Field && projections.EpochRank(h.Epoch) <= projections.EpochRank(x.epoch)
}

// after reports whether the event came after the value was passed on: it happened later, or it was recorded later,
// so that what was passed on was already out of date without anybody's knowing.
func (c *change) after(h *Held) bool { return c.position > h.position || c.At.After(h.Since) }

// concerns reports whether the event changed what the recipient has, who had it from before.
//
// Who has an earlier value than the one that was edited or deleted is concerned like him who has that one. Not so
// what was passed on from retained records: it was deleted before, and only its own destruction ends it.
func (c *change) concerns(h *Held) bool {
	switch c.Kind {
	case Restriction:
		return h.State != Deleted && slices.ContainsFunc(c.kept, func(x reach) bool { return x.exactly(h) })
	case Edit, Deletion:
		ended := h.State == Deleted || c.Kind == Edit && h.State == Outdated
		lived := func(x reach) bool { return x.upTo(h) }
		if !h.Retained && !ended && (slices.ContainsFunc(c.gone, lived) || slices.ContainsFunc(c.kept, lived)) {
			return true
		}
	case Destruction:
	}
	return c.Kind != Edit && !h.destroyed && c.destroys(h)
}

func (c *change) destroys(h *Held) bool {
	return slices.ContainsFunc(c.gone, func(x reach) bool { return x.exactly(h) })
}

// meet makes of the value what the event made of it.
func (c *change) meet(h *Held) {
	c.met = true
	h.owed, h.destroyed = h.owed || c.owed, h.destroyed || c.destroys(h)
	state := map[Kind]State{Edit: Outdated, Deletion: Deleted, Destruction: Deleted, Restriction: h.State}[c.Kind]
	if state != h.State {
		h.State, h.Changed, h.Told = state, c.At, c.told
	}
}

// file is what one recipient has of one person, and what he is told about it.
type file struct {
	held    []Held
	changes []change
}

// settle says what became of the values, in the order of the log.
func (f *file) settle() {
	slices.SortFunc(f.changes, func(a, b change) int { return cmp.Compare(a.position, b.position) })
	for i := range f.held {
		for j := range f.changes {
			if c := &f.changes[j]; c.after(&f.held[i]) && c.concerns(&f.held[i]) {
				c.meet(&f.held[i])
			}
		}
	}
	for i := range f.changes {
		if c := &f.changes[i]; c.owed && !c.met {
			c.meetNearest(f.held)
		}
	}
}

// meetNearest lets a duty stand at the newest value of each field that it names, where it concerns none that the
// recipient has: which months of a trace went to whom is not remembered, and a value may be passed on once more.
func (c *change) meetNearest(list []Held) {
	for _, x := range slices.Concat(c.gone, c.kept) {
		newest := -1
		for i, h := range list {
			if h.Field == x.field && (newest < 0 || projections.EpochRank(h.Epoch) > projections.EpochRank(list[newest].Epoch)) {
				newest = i
			}
		}
		if newest >= 0 {
			list[newest].owed = true
		}
	}
}
