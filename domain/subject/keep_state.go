package subject

import (
	"slices"
	"time"

	"imagine.ua/litopys/domain"
)

// Retained is a value that was deleted or replaced and is kept for a term, or by a hold (clause 4.3).
type Retained struct {
	Field domain.Field
	Epoch domain.Epoch
	// Through: earlier months of the trace are kept by this entry too, back to After, the last epoch that was
	// deleted before; empty when none was.
	Through bool
	After   domain.Epoch
	// Until is the end of the term whose end is known, Rule its rule; both are zero when only Open or a hold
	// keeps the value.
	Until time.Time
	Rule  string
	// From is when it was deleted or replaced.
	From time.Time
	// Open is the rule whose term begins when the account is closed; empty when there is none, or no longer.
	Open string
}

// At points at the value.
func (r Retained) At() domain.FieldEpoch { return domain.FieldEpoch{Field: r.Field, Epoch: r.Epoch} }

// Ends gives the end of the value's own term, whatever holds there are, and false when nobody knows it yet.
func (r Retained) Ends() (time.Time, bool) { return r.Until, r.Open == "" }

// Reason is the rule by which the value is kept: the one whose term is the longest as far as is known, or the
// hold when nothing else keeps it. The rule's readers may read the value.
func (r Retained) Reason() string {
	switch {
	case r.Open != "":
		return r.Open
	case r.Rule != "":
		return r.Rule
	}
	return HoldRule
}

// fate is the fate by the value's own term, at a moment.
func (r Retained) fate(who domain.SubjectID, now time.Time) domain.Fate {
	f := domain.Fate{Subject: who, Field: r.Field, Epoch: r.Epoch, Through: r.Through}
	switch {
	case r.Open != "":
		f.Action, f.Rule = domain.Retain, r.Open
	case r.Until.After(now):
		f.Action, f.Until, f.Rule = domain.Retain, r.Until, r.Rule
	default:
		f.Action = domain.Destroy
	}
	return f
}

// Hold is a legal hold as decisions see it.
type Hold struct {
	ID       domain.HoldID
	Fields   []domain.Field // empty while it lasts: everything; emptied when it ends
	From     time.Time      // when it was placed
	Released bool
}

// Keeps reports whether the hold forbids destroying values of the field.
func (h Hold) Keeps(f domain.Field) bool {
	return !h.Released && (len(h.Fields) == 0 || slices.Contains(h.Fields, f))
}

// Passed says that a third party got values of a field. Field is empty when nothing is left to be told of: the
// values are destroyed and the recipient is told of that.
type Passed struct {
	Recipient domain.RecipientID
	Field     domain.Field
	// Kept is the epoch of a value that was deleted and is retained: its recipient is told once more when it is
	// destroyed. Empty for what lives.
	Kept domain.Epoch
}

// Retained lists what is kept beyond deletion, in the order in which it was decided. A hold may keep it beyond
// its own term: see HeldBy.
func (s State) Retained() []Retained { return slices.Clone(s.retained) }

// Holds lists the holds, released ones included, in the order of their placing.
func (s State) Holds() []Hold { return slices.Clone(s.holds) }

// HeldBy gives a hold that forbids destroying values of the field, and false when there is none.
func (s State) HeldBy(f domain.Field) (domain.HoldID, bool) {
	for _, h := range s.holds {
		if h.Keeps(f) {
			return h.ID, true
		}
	}
	return domain.HoldID{}, false
}

// Recipients lists the third parties that got values of any of the fields and have not been told of their
// deletion, in the order in which they first got something.
func (s State) Recipients(fields ...domain.Field) []domain.RecipientID {
	var list []domain.RecipientID
	for _, p := range s.passed {
		if p.Kept == "" && slices.Contains(fields, p.Field) && !slices.Contains(list, p.Recipient) {
			list = append(list, p.Recipient)
		}
	}
	return list
}

// Keepers lists the third parties that must be told when this retained value is destroyed: those who got values
// of its field before it was deleted, and those to whom it was disclosed since.
func (s State) Keepers(v domain.FieldEpoch) []domain.RecipientID {
	var list []domain.RecipientID
	for _, p := range s.passed {
		if p.Field == v.Field && p.Kept == v.Epoch {
			list = append(list, p.Recipient)
		}
	}
	return list
}

// GotData reports whether the third party ever got anything of the subject.
func (s State) GotData(id domain.RecipientID) bool {
	return slices.ContainsFunc(s.passed, func(p Passed) bool { return p.Recipient == id })
}

// Restricted lists the fields that are only stored.
func (s State) Restricted() []domain.Field { return limited(s.restricted) }

// Objected lists the purposes that the subject objects to.
func (s State) Objected() []domain.Purpose { return limited(s.objected) }

// RetainedAt gives the entry that keeps a value: its own, or for traces the one whose range it lies in.
func (s State) RetainedAt(v domain.FieldEpoch) (Retained, bool) {
	if i := s.retainedAt(v.Field, v.Epoch); i >= 0 {
		return s.retained[i], true
	}
	for _, r := range s.retained {
		if r.Field == v.Field && r.Through && earlier(v.Epoch, r.Epoch) && (r.After == "" || earlier(r.After, v.Epoch)) {
			return r, true
		}
	}
	return Retained{}, false
}

// earlier reports whether one epoch of a trace lies before another; no epoch of an attribute does.
func earlier(a, b domain.Epoch) bool {
	m, generation, ok := traceParts(a)
	n, other, trace := traceParts(b)
	return ok && trace && (m < n || m == n && generation < other)
}

func (s State) retainedAt(f domain.Field, e domain.Epoch) int {
	return slices.IndexFunc(s.retained, func(r Retained) bool { return r.Field == f && r.Epoch == e })
}

// keep folds what was decided about keeping, and what the subject's rights changed.
func (s *State) keep(e Event, at time.Time) {
	switch e := e.(type) {
	case HoldPlaced:
		s.holds = append(s.holds, Hold{ID: e.Hold, Fields: e.Fields, From: at})
		s.meet(e.Held, at)
	case HoldReleased:
		for i := range s.holds {
			if s.holds[i].ID == e.Hold {
				s.holds[i] = Hold{ID: e.Hold, From: s.holds[i].From, Released: true}
			}
		}
		s.meet(e.Freed, at)
	case RetentionEnded:
		s.meet(e.Ended, at)
	case Restricted:
		s.restricted = begin(s.restricted, e.Fields, at)
	case RestrictionLifted:
		s.restricted = slices.DeleteFunc(s.restricted, func(l limit[domain.Field]) bool { return slices.Contains(e.Fields, l.of) })
	case Objected:
		s.objected = begin(s.objected, e.Purposes, at)
	case ObjectionWithdrawn:
		s.objected = slices.DeleteFunc(s.objected, func(l limit[domain.Purpose]) bool { return slices.Contains(e.Purposes, l.of) })
	default: // apply folds the others
	}
}

// meet ends the lives that the fates name and remembers what is retained.
func (s *State) meet(fates []domain.Fate, at time.Time) {
	for _, f := range fates {
		after := s.lastCleared(f.Field)
		s.end(f)
		i := s.retainedAt(f.Field, f.Epoch)
		if f.Action == domain.Destroy {
			if i >= 0 {
				s.retained = slices.Delete(s.retained, i, i+1)
				s.forget(f.Field, f.Epoch)
			}
			continue
		}
		if i < 0 {
			i = len(s.retained)
			s.retained = append(s.retained, Retained{Field: f.Field, Epoch: f.Epoch, Through: f.Through, After: after, From: at})
			for _, to := range s.Recipients(f.Field) {
				s.passOn(Passed{to, f.Field, f.Epoch})
			}
		}
		switch r := &s.retained[i]; {
		case f.Rule == HoldRule: // the value's own term stays what it is
		case f.Until.IsZero():
			r.Open = f.Rule
		default:
			r.Until, r.Rule, r.Open = f.Until, f.Rule, ""
		}
	}
}

// lastCleared gives the last epoch of a trace that is deleted; empty for attributes, and when none is.
func (s State) lastCleared(f domain.Field) domain.Epoch {
	if i := s.traceAt(f); i >= 0 && s.traces[i].Generation > 0 {
		return domain.TraceEpoch(s.traces[i].Month, s.traces[i].Generation-1)
	}
	return ""
}

// end ends the life that the fate names.
func (s *State) end(f domain.Fate) {
	if month, generation, ok := traceParts(f.Epoch); ok {
		s.clear(f.Field, month, generation+1)
		return
	}
	if i := s.fieldAt(f.Field); i >= 0 && s.fields[i].Current == attributeNumber(f.Epoch) {
		s.fields[i] = Held{Field: f.Field, Current: s.fields[i].Current}
	}
}

// pass remembers who got which fields, and which retained values.
func (s *State) pass(e Transferred) {
	if len(e.Values) == 0 {
		s.passOn(Passed{Recipient: e.Recipient.ID})
		return
	}
	for _, v := range e.Values {
		p := Passed{Recipient: e.Recipient.ID, Field: v.Field}
		if r, retained := s.RetainedAt(v); e.Retained && retained {
			p.Kept = r.Epoch
		} else if e.Retained {
			p.Field = "" // it was destroyed meanwhile
		}
		s.passOn(p)
	}
}

func (s *State) passOn(p Passed) {
	if !slices.Contains(s.passed, p) {
		s.passed = append(s.passed, p)
	}
}

// forgetAll takes out who got fields that are deleted: by that deletion they are told.
func (s *State) forgetAll(fates []domain.Fate) {
	for _, f := range fates {
		s.forget(f.Field, "")
	}
}

// forget takes out who got a field, or the retained value of it that is destroyed. The recipients themselves stay
// known.
func (s *State) forget(f domain.Field, keptAt domain.Epoch) {
	kept := s.passed[:0]
	for _, p := range s.passed {
		if p.Field == f && p.Kept == keptAt {
			p.Field, p.Kept = "", ""
		}
		if !slices.Contains(kept, p) {
			kept = append(kept, p)
		}
	}
	s.passed = kept
}
