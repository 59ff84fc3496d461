package subject

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
)

var wordPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,47}$`)

// shown gives a word that came from outside for a message, unless it does not look like a name of the
// policy: then it could be anything, a personal value included.
func shown[T ~string](w T) string {
	if len(w) <= 48 && wordPattern.MatchString(string(w)) {
		return string(w)
	}
	return "what was given"
}

// called names a thing for a message: "the field email".
func called[T ~string](thing string, w T) string {
	if s := shown(w); s == string(w) {
		return "the " + thing + " " + s
	}
	return "the " + thing + " that was given"
}

func input(code, clause, remedy, format string, args ...any) *domain.Refusal {
	return domain.Refuse(code, clause, remedy, format, args...).WithKind(domain.Input)
}

// field gives the catalogue's entry (clause 2.1).
func (d *decision) field(f domain.Field) (*policy.Field, error) {
	entry, ok := d.Policy.Field(f)
	if !ok {
		return nil, domain.Refuse("field.unknown", "2.1", "use a field of the catalogue, or publish a policy that names this one",
			"the catalogue does not know %s", called("field", f)).WithKind(domain.Unknown)
	}
	return entry, nil
}

// forPurpose checks that the field may be processed for the operation's purpose (clause 2.2).
func (d *decision) forPurpose(f *policy.Field) error {
	if !f.Allows(d.op.Purpose) {
		return domain.Refuse("field.purpose", "2.2", "name a purpose that the catalogue allows for this field",
			"the field %s may not be processed for the purpose %s", f.ID, d.op.Purpose)
	}
	return nil
}

// byService checks that the service uses the field at all (clauses 1.2, 3.1).
func (d *decision) byService(f *policy.Field) error {
	if !slices.Contains(f.Services, d.op.Service) {
		return domain.Refuse("field.service", "1.2", "collect it through a service that the catalogue names for this field",
			"the service %s does not use the field %s", d.op.Service, f.ID)
	}
	return nil
}

// value checks the form of a new value.
func (d *decision) value(f *policy.Field, v domain.Value) error {
	s, clear := v.Reveal()
	if !clear {
		return input("value.missing", "", "give the value in clear; the ledger seals it", "the field %s comes without a value in clear", f.ID)
	}
	limit := d.Policy.MaxBytes(f, d.op.Service)
	switch {
	case s == "":
		return input("value.empty", "", "leave the field out, or delete it", "the value of the field %s is empty", f.ID)
	case len(s) > limit:
		return input("value.too-long", "2.1", "shorten it", "the value of the field %s has %d bytes and may have %d", f.ID, len(s), limit)
	case !utf8.ValidString(s):
		return input("value.not-utf8", "", "encode it as UTF-8", "the value of the field %s is not valid UTF-8", f.ID)
	}
	return nil
}

// distinct checks that a list of fields is there and names none twice.
func distinct(fields []domain.Field) error {
	if len(fields) == 0 {
		return input("fields.none", "", "name at least one field", "the command names no field")
	}
	for i, f := range fields {
		if slices.Contains(fields[:i], f) {
			return input("fields.repeated", "", "name it once", "%s is named twice", called("field", f))
		}
	}
	return nil
}

func fieldsOf(values []Given) []domain.Field {
	fields := make([]domain.Field, len(values))
	for i, v := range values {
		fields[i] = v.Field
	}
	return fields
}

// attribute gives an attribute that the subject has now. The operation's word opens the code of the refusal.
func (d *decision) attribute(word string, f domain.Field) (*policy.Field, Held, error) {
	entry, err := d.field(f)
	if err != nil {
		return nil, Held{}, err
	}
	if entry.IsTrace() {
		return nil, Held{}, domain.Refuse(word+".trace", "1.1.2", "name attributes only; traces can be used, viewed, transferred and deleted",
			"the field %s is a trace", f)
	}
	h, ok := d.state.Held(f)
	if !ok {
		return nil, Held{}, domain.Refuse(word+".not-held", "4.1", missing(word), "the ledger holds no live value of the field %s", f).WithKind(domain.Unknown)
	}
	if d.precedes(h.since) {
		return nil, Held{}, d.cameLater(word, "the field %s", h, h.since)
	}
	return entry, h, nil
}

// missing says what to do about a field that is not held.
func missing(word string) string {
	if word == "delete" {
		return "leave it out: nothing of it is left to delete"
	}
	return "collect it first"
}

// cameLater refuses an operation on what was not there when it happened.
func (d *decision) cameLater(word, what string, h Held, came instant) error {
	return domain.Refuse(word+".not-held", "4.1", "give a time at which it was held, or leave it out",
		what+" came later: on %s", h.Field, came.on()).WithKind(domain.Unknown)
}

// current gives an attribute for an operation that changes or shows the value which is held now: it can't have
// happened before that value came.
func (d *decision) current(word string, f domain.Field) (*policy.Field, Held, error) {
	entry, h, err := d.attribute(word, f)
	if err == nil && d.precedes(h.from) {
		err = d.cameLater(word, "the value of the field %s that is held now", h, h.from)
	}
	return entry, h, err
}

// attributes gives several attributes, each held now and named once.
func (d *decision) attributes(word string, fields []domain.Field) ([]Held, error) {
	if err := distinct(fields); err != nil {
		return nil, err
	}
	held := make([]Held, 0, len(fields))
	for _, f := range fields {
		_, h, err := d.current(word, f)
		if err != nil {
			return nil, err
		}
		held = append(held, h)
	}
	return held, nil
}

// written refuses fields that only the controller writes, and the words of requests: a request brings them, and
// what a person wrote is never changed.
func written(f *policy.Field) error {
	if f.ID == RequestTextField {
		return domain.Refuse("field.of-request", "7.1", "record it as the text of a request", "the field %s holds what people wrote in requests", f.ID)
	}
	if len(f.Sources) == 0 {
		return domain.Refuse("field.not-collected", "2.1", "leave it out; the operation that needs it writes it",
			"the field %s is written by the controller and never collected", f.ID)
	}
	return nil
}

// pointers gives the values that an operation speaks of: those epochs of attributes that were current when it
// happened, and the months of traces.
func (d *decision) pointers(word string, fields []domain.Field, months []domain.Month) ([]domain.FieldEpoch, error) {
	if err := distinct(fields); err != nil {
		return nil, err
	}
	months, err := d.months(months)
	if err != nil {
		return nil, err
	}
	values := make([]domain.FieldEpoch, 0, len(fields))
	for _, f := range fields {
		if d.Policy.IsTrace(f) {
			if values, err = d.traces(values, word, f, months); err != nil {
				return nil, err
			}
			continue
		}
		_, h, err := d.attribute(word, f)
		if err != nil {
			return nil, err
		}
		then, ok := h.then(instantOf(d.op.At))
		if !ok {
			return nil, d.cameLater(word, "the values of the field %s that are remembered", h, h.came(h.Current-len(h.earlier)))
		}
		values = append(values, then)
	}
	return values, nil
}

// traces adds the months of a trace. Which of them hold anything is not in the file, but nobody had any before he was
// registered.
func (d *decision) traces(values []domain.FieldEpoch, word string, f domain.Field, months []domain.Month) ([]domain.FieldEpoch, error) {
	if d.precedes(d.state.began) {
		return nil, tooEarly(word, "preamble", "the person was registered", d.state.began.on())
	}
	for _, m := range months {
		epoch, live := d.state.TraceEpoch(f, m)
		if !live {
			return nil, deleted(f)
		}
		values = append(values, domain.FieldEpoch{Field: f, Epoch: epoch})
	}
	return values, nil
}

func deleted(f domain.Field) error {
	return domain.Refuse("value.deleted", "4.1", "leave it out: what was deleted does not come back",
		"the subject has deleted the field %s of that time", f)
}

// months checks the months of traces; none given means the month of the operation.
func (d *decision) months(given []domain.Month) ([]domain.Month, error) {
	last := domain.MonthOf(d.op.At)
	if len(given) == 0 {
		return []domain.Month{last}, nil
	}
	for i, m := range given {
		if _, err := time.Parse("2006-01", string(m)); err != nil || m > last || slices.Contains(given[:i], m) {
			return nil, input("months.invalid", "", "write 2006-01, each month once, none after the operation",
				"the list of months is malformed")
		}
	}
	return given, nil
}

// spelling is the remedy for references that are malformed.
const spelling = "give its code or number: letters, digits and /_.:#- (64 at most), no spaces"

// unnamed says which parts of an authority's paper are missing or malformed, and what to do; nothing when all are
// well named.
func (w Warrant) unnamed() (what, remedy string) {
	var faults []string
	remedy = "name authority, act, article and document by their codes and numbers"
	for _, part := range []struct {
		name string
		ref  domain.Reference
	}{{"authority", w.Authority}, {"act", w.Act}, {"article", w.Article}, {"document", w.Document}} {
		switch {
		case part.ref == "":
			faults = append(faults, "the "+part.name+" is missing")
		case !part.ref.Valid():
			faults = append(faults, "the "+part.name+" is malformed")
			remedy = spelling
		}
	}
	return strings.Join(faults, ", "), remedy
}

// document checks an optional reference to a paper.
func document(r domain.Reference) error {
	if r != "" && !r.Valid() {
		return input("document.invalid", "", spelling,
			"the reference to the document is malformed")
	}
	return nil
}

// consented checks that an operation which rests on consent has one: using the service is acceptance of
// the policy, never a consent (preamble; ua.11.1.1).
func (d *decision) consented(fields []domain.Field) error {
	ground, ok := d.Policy.Ground(d.op.Grounds)
	if !ok || !ground.NeedsConsent {
		return nil
	}
	later := ""
	for _, c := range d.state.consents {
		if !c.Scope.reaches(d.op.Purpose, fields) {
			continue
		}
		if c.Live(d.op.At) {
			return nil
		}
		if d.before(c.From) {
			later = "; one was given later: on " + on(c.From)
		}
	}
	return domain.Refuse("consent.none-recorded", "preamble", "record a consent that covers the purpose and every field, or name other grounds",
		"no valid consent recorded for the purpose %s and these fields%s", d.op.Purpose, later)
}

// permitted checks each field's purpose, and the consent when the grounds need one.
func (d *decision) permitted(fields []domain.Field) error {
	for _, f := range fields {
		entry, err := d.field(f)
		if err != nil {
			return err
		}
		if err := d.forPurpose(entry); err != nil {
			return err
		}
	}
	return d.consented(fields)
}
