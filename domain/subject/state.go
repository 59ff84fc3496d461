package subject

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
)

// State is what decisions need to know of a subject's file. It holds no values. It is small, because the
// ledger caches it, and a State that was handed out is never changed: Evolve and Fold give new ones.
type State struct {
	registered bool
	closed     bool
	began      instant // when he was registered
	fields     []Held
	traces     []Cleared
	consents   []Consent
	orders     []Order
	retained   []Retained
	holds      []Hold
	passed     []Passed
	restricted []limit[domain.Field]
	objected   []limit[domain.Purpose]
}

// limit is what the subject does not want any more, and since when.
type limit[T comparable] struct {
	of   T
	from instant
}

// begin adds limits that hold from a time on.
func begin[T comparable](list []limit[T], on []T, at time.Time) []limit[T] {
	for _, of := range on {
		list = append(list, limit[T]{of, instantOf(at)})
	}
	return list
}

// limits gives the limit on one thing.
func limits[T comparable](list []limit[T], of T) (limit[T], bool) {
	for _, l := range list {
		if l.of == of {
			return l, true
		}
	}
	return limit[T]{}, false
}

// limited lists what the limits are on.
func limited[T comparable](list []limit[T]) []T {
	out := make([]T, len(list))
	for i, l := range list {
		out[i] = l.of
	}
	return out
}

// Status says how far a value is to be trusted (clause 1.3).
type Status string

// The statuses.
const (
	Declared Status = "declared" // as the subject gave it
	Verified Status = "identified"
)

// Held is an attribute of the subject: its current epoch and condition.
type Held struct {
	Field domain.Field
	// Current is the number of the last epoch, Since that of the first one that still lives. They differ
	// only where each value stands on its own (written grounds of transfers).
	Current int
	Since   int
	// Live is false after a deletion; Current then tells where the next life begins.
	Live     bool
	Status   Status
	Disputed bool
	Public   bool

	since    instant   // since when the field is held without a break
	from     instant   // when the current value came
	earlier  []instant // when the values before it came, the last ones at most
	disputed instant   // when the dispute began
	public   instant   // when the value was made public
}

// At points at the current value.
func (h Held) At() domain.FieldEpoch { return h.value(h.Current) }

func (h Held) value(n int) domain.FieldEpoch {
	return domain.FieldEpoch{Field: h.Field, Epoch: domain.AttributeEpoch(n)}
}

// remembered is of how many earlier values of a field the file knows when they came. Who edits a field often would
// else make his file grow with every edit.
const remembered = 32

// came is when the value with this number came; of one that is not remembered, when it came at the earliest.
func (h Held) came(n int) instant {
	switch i := len(h.earlier) - (h.Current - n); {
	case i < 0:
		return h.since
	case i < len(h.earlier):
		return h.earlier[i]
	}
	return h.from
}

// then points at the value that was held at a time, and false when it is not remembered. What is recorded late
// speaks of the value of its own time, not of the one by which an edit has replaced it since.
func (h Held) then(at instant) (domain.FieldEpoch, bool) {
	for n := h.Current; n >= h.Current-len(h.earlier); n-- {
		if h.came(n) <= at {
			return h.value(n), true
		}
	}
	return domain.FieldEpoch{}, false
}

// next gives the attribute with a value more, which came at a time.
func (h Held) next(n int, at instant) Held {
	next := Held{Field: h.Field, Current: n, Since: n, Live: true, Status: Declared, since: at, from: at}
	if h.Live {
		earlier := append(slices.Clip(h.earlier), h.from) // a copy: others read the old state
		next.earlier = earlier[max(0, len(earlier)-remembered):]
		next.since = min(h.since, at)
	}
	return next
}

// Cleared says up to where the traces of a field are deleted.
type Cleared struct {
	Field      domain.Field
	Month      domain.Month // every earlier month is deleted
	Generation int          // traces of Month live in this generation; the ones before are deleted
}

// Consent is a consent as decisions see it.
type Consent struct {
	ID        domain.ConsentID
	Scope     Scope     // emptied when it ends
	From      time.Time // when it was given
	Until     time.Time
	Withdrawn bool
}

// Live reports whether the consent holds at t: from the instant in which it was given to the one before its end.
// One that was withdrawn holds at no time: nothing more may rest on it, however early it is dated.
func (c Consent) Live(t time.Time) bool {
	return !c.Withdrawn && !t.Before(c.From) && (c.Until.IsZero() || t.Before(c.Until))
}

// Order is a standing order as decisions see it.
type Order struct {
	ID        domain.OrderID
	Scope     Scope     // emptied when it ends
	From      time.Time // when it was placed
	Ended     bool      // carried out or cancelled
	Cancelled bool
}

// Registered reports whether the file was opened.
func (s State) Registered() bool { return s.registered }

// Closed reports whether the account was closed.
func (s State) Closed() bool { return s.closed }

// Held gives an attribute; false when the subject has no live value of it.
func (s State) Held(f domain.Field) (Held, bool) {
	if i := s.fieldAt(f); i >= 0 && s.fields[i].Live {
		return s.fields[i], true
	}
	return Held{}, false
}

// Lives reports whether a value of an attribute is held: the current one of its field, or an earlier one beside
// which that stands.
func (s State) Lives(v domain.FieldEpoch) bool {
	h, live := s.Held(v.Field)
	n := attributeNumber(v.Epoch)
	return live && n >= h.Since && n <= h.Current
}

// Attributes lists the attributes that have a live value, in the order in which they first came.
func (s State) Attributes() []Held {
	live := make([]Held, 0, len(s.fields))
	for _, h := range s.fields {
		if h.Live {
			live = append(live, h)
		}
	}
	return live
}

// Consents lists the consents, ended ones included, in the order of their granting.
func (s State) Consents() []Consent { return slices.Clone(s.consents) }

// Orders lists the orders, ended ones included, in the order of their placing.
func (s State) Orders() []Order { return slices.Clone(s.orders) }

// Consent gives one consent.
func (s State) Consent(id domain.ConsentID) (Consent, bool) {
	if i := s.consentAt(id.UUID); i >= 0 {
		return s.consents[i], true
	}
	return Consent{}, false
}

// Order gives one order.
func (s State) Order(id domain.OrderID) (Order, bool) {
	if i := s.orderAt(id.UUID); i >= 0 {
		return s.orders[i], true
	}
	return Order{}, false
}

// TraceEpoch gives the epoch in which a trace of this month lives, and false when the subject has deleted
// that month since.
func (s State) TraceEpoch(f domain.Field, m domain.Month) (domain.Epoch, bool) {
	i := s.traceAt(f)
	switch {
	case i < 0 || m > s.traces[i].Month:
		return domain.TraceEpoch(m, 0), true
	case m < s.traces[i].Month:
		return "", false
	}
	return domain.TraceEpoch(m, s.traces[i].Generation), true
}

// Weight estimates the bytes that the state holds, for caches.
func (s State) Weight() int {
	n := 256 + 128*len(s.fields) + 48*len(s.traces) + 184*len(s.consents) + 152*len(s.orders) +
		144*len(s.retained) + 72*len(s.holds) + 48*len(s.passed) + 24*(len(s.restricted)+len(s.objected))
	for _, h := range s.fields {
		n += 8 * len(h.earlier)
	}
	for _, h := range s.holds {
		n += 16 * len(h.Fields)
	}
	for _, c := range s.consents {
		n += c.Scope.weight()
	}
	for _, o := range s.orders {
		n += o.Scope.weight()
	}
	return n
}

func (s Scope) weight() int {
	return 16 * (len(s.Purposes) + len(s.Fields) + len(s.Recipients) + len(s.RecipientKinds))
}

func (s State) fieldAt(f domain.Field) int {
	for i := range s.fields {
		if s.fields[i].Field == f {
			return i
		}
	}
	return -1
}

func (s State) traceAt(f domain.Field) int {
	for i := range s.traces {
		if s.traces[i].Field == f {
			return i
		}
	}
	return -1
}

func (s State) consentAt(id uuid.UUID) int {
	for i := range s.consents {
		if s.consents[i].ID.UUID == id {
			return i
		}
	}
	return -1
}

func (s State) orderAt(id uuid.UUID) int {
	for i := range s.orders {
		if s.orders[i].ID.UUID == id {
			return i
		}
	}
	return -1
}

// attributeNumber reads the number of an attribute's epoch; 0 when it is none.
func attributeNumber(e domain.Epoch) int {
	n, err := strconv.Atoi(string(e))
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// traceParts reads month and generation of a trace's epoch.
func traceParts(e domain.Epoch) (domain.Month, int, bool) {
	month, generation, dotted := strings.Cut(string(e), ".")
	if len(month) != len("2006-01") || month[4] != '-' {
		return "", 0, false
	}
	if !dotted {
		return domain.Month(month), 0, true
	}
	n, err := strconv.Atoi(generation)
	return domain.Month(month), n, err == nil && n > 0
}
